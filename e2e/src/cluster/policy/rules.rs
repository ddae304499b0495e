//! From policies and pods to packet rules: the pure heart of the enforcer.
//!
//! A pod that some policy selects for a direction gets a chain for it, which names every peer
//! and port that any of those policies allows and drops the rest. A connection passes if the
//! sender's chain and the receiver's chain both let it; packets of connections that were let
//! through once pass without being asked again.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::networking::v1::{
    NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort, NetworkPolicySpec,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::ResourceExt as _;
use kube::core::{Selector, SelectorExt as _};

use super::cidr::Cidr;
use super::world::{Labels, PodFacts, World};

/// Every chain of ours begins so.
pub(super) const PREFIX: &str = "E2E-";
/// Asked for packets between pods.
pub(super) const FORWARD: &str = "E2E-FORWARD";
/// Asked for packets from pods to the node.
pub(super) const INPUT: &str = "E2E-INPUT";

/// Chains by name, with their rules in order.
pub(super) type Chains = BTreeMap<String, Vec<String>>;

/// The two directions, named as in a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Ingress,
    Egress,
}

impl Direction {
    fn chain(self, pod: &PodFacts) -> String {
        let letter = if self == Self::Ingress { 'I' } else { 'E' };
        format!("{PREFIX}{letter}-{}", pod.address)
    }

    /// The option that matches the pod's own address, and the peer's.
    fn options(self) -> (&'static str, &'static str) {
        if self == Self::Ingress {
            ("-d", "-s")
        } else {
            ("-s", "-d")
        }
    }
}

/// Computes all chains.
pub(super) fn compute(world: &World) -> Chains {
    let established = "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT".to_owned();
    let mut forward = vec![established.clone()];
    let mut input = vec![established];
    let mut chains = Chains::new();
    for direction in [Direction::Egress, Direction::Ingress] {
        for pod in &world.pods {
            let Some(rules) = chain(world, pod, direction) else {
                continue;
            };
            let name = direction.chain(pod);
            let jump = format!("{} {}/32 -j {name}", direction.options().0, pod.address);
            if direction == Direction::Egress {
                input.push(jump.clone());
            }
            forward.push(jump);
            chains.insert(name, rules);
        }
    }
    chains.insert(FORWARD.to_owned(), forward);
    chains.insert(INPUT.to_owned(), input);
    chains
}

/// The rules of one pod in one direction; nothing if no policy selects it.
fn chain(world: &World, pod: &PodFacts, direction: Direction) -> Option<Vec<String>> {
    let mut selected = false;
    // A pod may always talk to itself.
    let mut allowed = BTreeSet::from([format!(
        "{} {}/32 -j RETURN",
        direction.options().1,
        pod.address
    )]);
    for policy in &world.policies {
        let Some(spec) = policy.spec.as_ref() else {
            continue;
        };
        if !selects(policy, spec, pod) || !concerns(spec, direction) {
            continue;
        }
        selected = true;
        for (peers, ports) in rules_of(spec, direction) {
            allow(world, policy, pod, direction, (peers, ports), &mut allowed);
        }
    }
    selected.then(|| allowed.into_iter().chain(["-j DROP".to_owned()]).collect())
}

fn selects(policy: &NetworkPolicy, spec: &NetworkPolicySpec, pod: &PodFacts) -> bool {
    policy.namespace().as_deref() == Some(pod.namespace.as_str())
        && matches(spec.pod_selector.as_ref(), &pod.labels)
}

/// Without `policyTypes`, a policy is about ingress, and about egress if it has such rules.
fn concerns(spec: &NetworkPolicySpec, direction: Direction) -> bool {
    match (&spec.policy_types, direction) {
        (Some(types), _) if !types.is_empty() => {
            types.iter().any(|kind| *kind == format!("{direction:?}"))
        }
        (_, Direction::Ingress) => true,
        (_, Direction::Egress) => spec.egress.is_some(),
    }
}

type RuleParts<'a> = (&'a [NetworkPolicyPeer], &'a [NetworkPolicyPort]);

fn rules_of(spec: &NetworkPolicySpec, direction: Direction) -> Vec<RuleParts<'_>> {
    match direction {
        Direction::Ingress => spec
            .ingress
            .iter()
            .flatten()
            .map(|rule| {
                (
                    rule.from.as_deref().unwrap_or_default(),
                    rule.ports.as_deref().unwrap_or_default(),
                )
            })
            .collect(),
        Direction::Egress => spec
            .egress
            .iter()
            .flatten()
            .map(|rule| {
                (
                    rule.to.as_deref().unwrap_or_default(),
                    rule.ports.as_deref().unwrap_or_default(),
                )
            })
            .collect(),
    }
}

/// One side of a rule: addresses, and the pod behind them if it is one.
struct Peer<'a> {
    addresses: Cidr,
    pod: Option<&'a PodFacts>,
}

fn allow(
    world: &World,
    policy: &NetworkPolicy,
    pod: &PodFacts,
    direction: Direction,
    (peers, ports): RuleParts<'_>,
    allowed: &mut BTreeSet<String>,
) {
    let option = direction.options().1;
    for peer in resolve(world, policy, peers) {
        // Named ports are the receiver's.
        let receiver = if direction == Direction::Ingress {
            Some(pod)
        } else {
            peer.pod
        };
        for port in port_matches(ports, receiver) {
            allowed.insert(format!("{option} {}{port} -j RETURN", peer.addresses));
        }
    }
}

/// The peers of a rule; no list means everybody.
fn resolve<'a>(
    world: &'a World,
    policy: &NetworkPolicy,
    peers: &[NetworkPolicyPeer],
) -> Vec<Peer<'a>> {
    let everybody: Cidr = "0.0.0.0/0".parse().expect("a constant that parses");
    let all_pods = || {
        world.pods.iter().map(|pod| Peer {
            addresses: pod.address.into(),
            pod: Some(pod),
        })
    };
    if peers.is_empty() {
        // Named ports of an egress rule to everybody are those of each pod.
        return all_pods()
            .chain([Peer {
                addresses: everybody,
                pod: None,
            }])
            .collect();
    }
    let mut found = Vec::new();
    for peer in peers {
        if let Some(block) = &peer.ip_block {
            let holes: Vec<Cidr> = block
                .except
                .iter()
                .flatten()
                .filter_map(|hole| hole.parse().ok())
                .collect();
            // Blocks of the other family concern nobody here.
            let blocks = block
                .cidr
                .parse::<Cidr>()
                .map(|block| block.without(&holes))
                .unwrap_or_default();
            found.extend(blocks.into_iter().map(|addresses| Peer {
                addresses,
                pod: None,
            }));
            continue;
        }
        let empty = Labels::new();
        found.extend(all_pods().filter(|candidate| {
            let Some(pod) = candidate.pod else {
                return false;
            };
            let in_namespace = match &peer.namespace_selector {
                Some(selector) => matches(
                    Some(selector),
                    world.namespaces.get(&pod.namespace).unwrap_or(&empty),
                ),
                None => policy.namespace().as_deref() == Some(pod.namespace.as_str()),
            };
            in_namespace && matches(peer.pod_selector.as_ref(), &pod.labels)
        }));
    }
    found
}

/// The port part of a rule, once for each port; no list means all traffic.
fn port_matches(ports: &[NetworkPolicyPort], receiver: Option<&PodFacts>) -> Vec<String> {
    if ports.is_empty() {
        return vec![String::new()];
    }
    let mut found = Vec::new();
    for port in ports {
        let protocol = port.protocol.as_deref().unwrap_or("TCP");
        let name = protocol.to_ascii_lowercase();
        match &port.port {
            None => found.push(format!(" -p {name}")),
            Some(IntOrString::Int(first)) => {
                let last = port.end_port.filter(|last| last > first);
                let range =
                    last.map_or_else(|| first.to_string(), |last| format!("{first}:{last}"));
                found.push(format!(" -p {name} -m {name} --dport {range}"));
            }
            Some(IntOrString::String(wanted)) => {
                let named = receiver.into_iter().flat_map(|pod| &pod.ports);
                let fitting =
                    named.filter(|named| named.name == *wanted && named.protocol == protocol);
                found.extend(
                    fitting.map(|named| format!(" -p {name} -m {name} --dport {}", named.port)),
                );
            }
        }
    }
    found
}

/// A selector that is absent or empty matches everything; one that cannot be read, nothing.
fn matches(selector: Option<&LabelSelector>, labels: &Labels) -> bool {
    let Some(selector) = selector else {
        return true;
    };
    Selector::try_from(selector.clone()).is_ok_and(|selector| selector.matches(labels))
}

#[cfg(test)]
mod tests;
