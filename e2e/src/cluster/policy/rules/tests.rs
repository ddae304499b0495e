//! What a set of policies and pods turns into, rule by rule.

use std::sync::Arc;

use k8s_openapi::api::core::v1::{Namespace, Pod};
use serde_json::{Value, json};

use super::*;

fn pod(namespace: &str, app: &str, address: &str) -> Arc<Pod> {
    let pod = json!({
        "metadata": {"namespace": namespace, "name": app, "labels": {"app": app}},
        "spec": {"containers": [{"name": "c", "ports": [
            {"name": "http", "containerPort": 8080, "protocol": "TCP"},
            {"name": "dns", "containerPort": 53, "protocol": "UDP"},
        ]}]},
        "status": {"phase": "Running", "podIP": address},
    });
    Arc::new(serde_json::from_value(pod).unwrap())
}

fn namespace(name: &str) -> Arc<Namespace> {
    let labels = json!({"kubernetes.io/metadata.name": name});
    Arc::new(serde_json::from_value(json!({"metadata": {"name": name, "labels": labels}})).unwrap())
}

/// web 10.0.0.1 and db 10.0.0.2 in `a`, probe 10.0.0.3 in `b`.
fn world(policies: &[Value]) -> World {
    let policies: Vec<_> = policies
        .iter()
        .map(|spec| {
            let policy = json!({"metadata": {"namespace": "a", "name": "p"}, "spec": spec});
            Arc::new(serde_json::from_value(policy).unwrap())
        })
        .collect();
    let pods = [
        pod("a", "web", "10.0.0.1"),
        pod("a", "db", "10.0.0.2"),
        pod("b", "probe", "10.0.0.3"),
    ];
    World::new(&policies, &pods, &[namespace("a"), namespace("b")])
}

fn chain_of(policies: &[Value], name: &str) -> Vec<String> {
    compute(&world(policies)).remove(name).unwrap_or_default()
}

fn app(name: &str) -> Value {
    json!({"matchLabels": {"app": name}})
}

#[test]
fn without_policies_nothing_is_filtered() {
    let chains = compute(&world(&[]));
    assert_eq!(chains.len(), 2);
    assert_eq!(
        chains[FORWARD],
        ["-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"]
    );
}

#[test]
fn an_empty_policy_drops_ingress_of_every_pod_of_its_namespace_only() {
    let chains = compute(&world(&[json!({"podSelector": {}})]));
    assert_eq!(
        chains["E2E-I-10.0.0.1"],
        ["-s 10.0.0.1/32 -j RETURN", "-j DROP"]
    );
    assert!(chains.contains_key("E2E-I-10.0.0.2"));
    assert!(!chains.contains_key("E2E-I-10.0.0.3"));
    assert!(!chains.contains_key("E2E-E-10.0.0.1"));
    assert_eq!(chains[FORWARD][1], "-d 10.0.0.1/32 -j E2E-I-10.0.0.1");
    assert_eq!(chains[INPUT].len(), 1);
}

#[test]
fn egress_is_asked_for_other_pods_and_for_the_node() {
    let chains = compute(&world(&[
        json!({"podSelector": app("web"), "policyTypes": ["Egress"]}),
    ]));
    assert_eq!(
        chains["E2E-E-10.0.0.1"],
        ["-d 10.0.0.1/32 -j RETURN", "-j DROP"]
    );
    for hook in [FORWARD, INPUT] {
        assert_eq!(chains[hook][1], "-s 10.0.0.1/32 -j E2E-E-10.0.0.1");
    }
    assert!(!chains.contains_key("E2E-I-10.0.0.1"));
}

#[test]
fn a_pod_selector_means_pods_of_the_policys_own_namespace() {
    let spec = json!({"podSelector": app("db"), "ingress": [{
        "from": [{"podSelector": {}}],
        "ports": [{"port": 5432}],
    }]});
    assert_eq!(
        chain_of(&[spec], "E2E-I-10.0.0.2"),
        [
            "-s 10.0.0.1/32 -p tcp -m tcp --dport 5432 -j RETURN",
            "-s 10.0.0.2/32 -j RETURN",
            "-s 10.0.0.2/32 -p tcp -m tcp --dport 5432 -j RETURN",
            "-j DROP",
        ]
    );
}

#[test]
fn namespace_and_pod_selector_in_one_peer_must_both_match() {
    let from = |app_name: &str| {
        json!({"podSelector": app("db"), "ingress": [{"from": [{
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "b"}},
            "podSelector": app(app_name),
        }]}]})
    };
    let own = "-s 10.0.0.2/32 -j RETURN";
    assert_eq!(
        chain_of(&[from("probe")], "E2E-I-10.0.0.2"),
        [own, "-s 10.0.0.3/32 -j RETURN", "-j DROP"]
    );
    assert_eq!(chain_of(&[from("web")], "E2E-I-10.0.0.2"), [own, "-j DROP"]);
}

#[test]
fn a_block_loses_its_exceptions() {
    let spec = json!({"podSelector": app("db"), "policyTypes": ["Egress"], "egress": [{
        "to": [{"ipBlock": {"cidr": "192.0.2.0/30", "except": ["192.0.2.2/31"]}}],
        "ports": [{"port": 22, "protocol": "TCP"}],
    }]});
    assert_eq!(
        chain_of(&[spec], "E2E-E-10.0.0.2"),
        [
            "-d 10.0.0.2/32 -j RETURN",
            "-d 192.0.2.0/31 -p tcp -m tcp --dport 22 -j RETURN",
            "-j DROP"
        ]
    );
}

#[test]
fn a_named_port_is_the_receivers_and_of_the_named_protocol() {
    let ingress = json!({"podSelector": app("web"), "ingress": [{"ports": [{"port": "http"}]}]});
    assert!(
        chain_of(&[ingress], "E2E-I-10.0.0.1")
            .contains(&"-s 0.0.0.0/0 -p tcp -m tcp --dport 8080 -j RETURN".to_owned())
    );

    let egress = json!({"podSelector": app("web"), "egress": [{
        "to": [{"podSelector": app("db")}],
        "ports": [{"port": "dns", "protocol": "UDP"}, {"port": "dns", "protocol": "TCP"}],
    }]});
    assert_eq!(
        chain_of(&[egress], "E2E-E-10.0.0.1"),
        [
            "-d 10.0.0.1/32 -j RETURN",
            "-d 10.0.0.2/32 -p udp -m udp --dport 53 -j RETURN",
            "-j DROP"
        ]
    );
}

#[test]
fn a_range_and_a_whole_protocol_are_understood() {
    let spec = json!({"podSelector": app("web"), "ingress": [{
        "from": [{"podSelector": app("db")}],
        "ports": [{"port": 8000, "endPort": 8010}, {"protocol": "UDP"}],
    }]});
    assert_eq!(
        chain_of(&[spec], "E2E-I-10.0.0.1")[1..3],
        [
            "-s 10.0.0.2/32 -p tcp -m tcp --dport 8000:8010 -j RETURN",
            "-s 10.0.0.2/32 -p udp -j RETURN"
        ]
    );
}

#[test]
fn several_policies_add_up() {
    let deny = json!({"podSelector": {}, "policyTypes": ["Ingress"]});
    let open = json!({"podSelector": app("web"), "ingress": [{}]});
    assert!(
        chain_of(&[deny, open], "E2E-I-10.0.0.1").contains(&"-s 0.0.0.0/0 -j RETURN".to_owned())
    );
}

#[test]
fn ended_pods_and_pods_on_the_nodes_network_are_nobody() {
    let ended: Pod = serde_json::from_value(json!({
        "metadata": {"namespace": "a", "name": "old"}, "spec": {"containers": []},
        "status": {"phase": "Succeeded", "podIP": "10.0.0.9"},
    }))
    .unwrap();
    let on_host: Pod = serde_json::from_value(json!({
        "metadata": {"namespace": "a", "name": "host"}, "spec": {"containers": [], "hostNetwork": true},
        "status": {"phase": "Running", "podIP": "10.0.0.8"},
    }))
    .unwrap();
    assert!(
        World::new(&[], &[Arc::new(ended), Arc::new(on_host)], &[])
            .pods
            .is_empty()
    );
}
