//! Which addresses the pods may reach and be reached from.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// NetworkPolicies deny everything that is not listed here or needed inside the application. Pods
/// reach only the ports the spec names (bastion, database, Redis, Telegram) and DNS.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct NetworkPolicy {
    /// CIDRs of bastions, databases, Redis and Telegram. Hosts are names and policies need
    /// addresses, so they are repeated here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 49)))]
    #[x_kube(validation = Rule::new("self.all(c, isCIDR(c))").message("spec.networkPolicy.egressCidrs must be CIDRs such as 192.0.2.10/32"))]
    pub egress_cidrs: Vec<String>,

    /// Names of namespaces of this cluster in which bastions, databases or Redis run. When both
    /// lists are empty the ports are open to every address.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(min = 1, max = 63)))]
    pub egress_namespaces: Vec<String>,

    /// Names of namespaces whose pods may call the API, for example the one of the ingress
    /// controller. Empty: everybody may, also from outside the cluster.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(min = 1, max = 63)))]
    pub ingress_namespaces: Vec<String>,
}
