//! The facts that policies are judged on, cut down from the API's objects.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use k8s_openapi::api::core::v1::{Namespace, Pod};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use kube::ResourceExt as _;

pub(super) type Labels = BTreeMap<String, String>;

/// All facts at one moment.
#[derive(Debug, Default)]
pub(super) struct World {
    pub(super) policies: Vec<Arc<NetworkPolicy>>,
    pub(super) pods: Vec<PodFacts>,
    /// Labels by namespace.
    pub(super) namespaces: BTreeMap<String, Labels>,
}

/// A pod that has an address of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PodFacts {
    pub(super) namespace: String,
    pub(super) labels: Labels,
    pub(super) address: Ipv4Addr,
    pub(super) ports: Vec<NamedPort>,
}

/// A port of a container that has a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NamedPort {
    pub(super) name: String,
    pub(super) protocol: String,
    pub(super) port: u16,
}

impl World {
    pub(super) fn new(
        policies: &[Arc<NetworkPolicy>],
        pods: &[Arc<Pod>],
        namespaces: &[Arc<Namespace>],
    ) -> Self {
        Self {
            policies: policies.to_vec(),
            pods: pods.iter().filter_map(|pod| PodFacts::of(pod)).collect(),
            namespaces: namespaces
                .iter()
                .map(|namespace| (namespace.name_any(), namespace.labels().clone()))
                .collect(),
        }
    }
}

impl PodFacts {
    /// Nothing for pods that have no address, share the node's, or have ended: theirs may
    /// belong to another pod by now.
    fn of(pod: &Pod) -> Option<Self> {
        let spec = pod.spec.as_ref()?;
        let status = pod.status.as_ref()?;
        let ended = matches!(status.phase.as_deref(), Some("Succeeded" | "Failed"));
        if ended || spec.host_network == Some(true) {
            return None;
        }
        let address = status.pod_ip.as_deref()?.parse().ok()?;
        let sidecars = spec.init_containers.iter().flatten();
        let ports = spec
            .containers
            .iter()
            .chain(sidecars)
            .flat_map(|container| container.ports.iter().flatten())
            .filter_map(|port| {
                Some(NamedPort {
                    name: port.name.clone()?,
                    protocol: port.protocol.clone().unwrap_or_else(|| "TCP".to_owned()),
                    port: u16::try_from(port.container_port).ok()?,
                })
            })
            .collect();
        Some(Self {
            namespace: pod.namespace()?,
            labels: pod.labels().clone(),
            address,
            ports,
        })
    }
}
