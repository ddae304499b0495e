//! NetworkPolicies: deny everything, then open the paths each component needs.
//!
//! Hosts in the spec are names and policies need addresses: ports come from the spec, addresses from
//! `spec.networkPolicy`. Many network plugins compare the port of the *pod* a Service leads to.

use std::collections::BTreeSet;

use k8s_openapi::api::networking::v1::{
    IPBlock, NetworkPolicy, NetworkPolicyEgressRule, NetworkPolicyIngressRule, NetworkPolicyPeer,
    NetworkPolicyPort, NetworkPolicySpec,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use reportapp_config::{API_PORT, HEALTH_PORT, INTERNAL_PORT, TUNNEL_PORT};

use crate::reportapp::build::{metadata, migrator, tunnels};
use crate::reportapp::naming::{self, Component};
use crate::reportapp::validate::{ValidatedApp, ValidatedStore};

/// Label every namespace carries with its own name.
const NAMESPACE_LABEL: &str = "kubernetes.io/metadata.name";
/// Address of node-local DNS caches.
const NODE_LOCAL_DNS: &str = "169.254.20.10/32";
/// Port of DNS.
const DNS_PORT: u16 = 53;
/// Port of Telegram's Bot API.
const TELEGRAM_PORT: u16 = 443;

/// Default deny, and one policy per component.
pub fn build_network_policies(app: &ValidatedApp, components: &[Component]) -> Vec<NetworkPolicy> {
    let everything = LabelSelector {
        match_labels: Some([(naming::APP_LABEL.to_owned(), app.name.clone())].into()),
        match_expressions: None,
    };
    let deny = NetworkPolicy {
        metadata: metadata(app, naming::default_deny_policy(&app.name), None),
        spec: Some(policy(everything, Vec::new(), Vec::new())),
    };
    let open = components.iter().map(|component| NetworkPolicy {
        metadata: metadata(app, naming::workload(&app.name, component), Some(component)),
        spec: Some(policy(
            naming::component_selector(&app.name, component),
            ingress(app, component),
            egress(app, component),
        )),
    });
    [deny].into_iter().chain(open).collect()
}

fn policy(
    pods: LabelSelector,
    ingress: Vec<NetworkPolicyIngressRule>,
    egress: Vec<NetworkPolicyEgressRule>,
) -> NetworkPolicySpec {
    NetworkPolicySpec {
        pod_selector: Some(pods),
        policy_types: Some(vec!["Ingress".to_owned(), "Egress".to_owned()]),
        // Also when empty: a list that is left out belongs to whoever writes a rule into it.
        ingress: Some(ingress),
        egress: Some(egress),
    }
}

fn ingress(app: &ValidatedApp, component: &Component) -> Vec<NetworkPolicyIngressRule> {
    let rule = |from: Option<Vec<NetworkPolicyPeer>>, port: u16| NetworkPolicyIngressRule {
        from,
        ports: Some(vec![tcp(port)]),
    };
    let operator = namespace(&app.operator.namespace);
    let health = rule(Some(vec![operator]), HEALTH_PORT);
    let mut rules: Vec<_> = component.serves().then_some(health).into_iter().collect();
    match component {
        Component::Api => {
            let callers = &app.spec().network_policy.ingress_namespaces;
            let callers: Vec<_> = callers.iter().map(|name| namespace(name)).collect();
            rules.push(rule((!callers.is_empty()).then_some(callers), API_PORT));
            if app.internal_token.is_some() {
                rules.push(rule(Some(vec![pods(app, &Component::Bot)]), INTERNAL_PORT));
            }
        }
        Component::Bot | Component::Migrator => {}
        Component::Tunnel(_) => {
            // The operator rotates the database's credential on the path the API uses.
            let operator = namespace(&app.operator.namespace);
            let callers = vec![pods(app, &Component::Api), operator];
            rules.push(rule(Some(callers), TUNNEL_PORT));
        }
    }
    rules
}

fn egress(app: &ValidatedApp, component: &Component) -> Vec<NetworkPolicyEgressRule> {
    let mut rules = vec![dns()];
    let mut outside = BTreeSet::new();
    match component {
        Component::Api => {
            for server in app.servers.iter().filter(|server| server.tunnel.is_none()) {
                outside.insert(server.port);
            }
            if let ValidatedStore::Postgres(postgres) = &app.store {
                outside.insert(postgres.port);
            }
            outside.extend(app.redis.as_ref().map(|redis| redis.port));
            let tunnels: Vec<_> = tunnels(app)
                .map(|(server, _)| pods(app, &Component::Tunnel(server.name.clone())))
                .collect();
            if !tunnels.is_empty() {
                rules.push(NetworkPolicyEgressRule {
                    to: Some(tunnels),
                    ports: Some(vec![tcp(TUNNEL_PORT)]),
                });
            }
        }
        Component::Bot => {
            outside.insert(telegram_port(app));
            rules.push(NetworkPolicyEgressRule {
                to: Some(vec![pods(app, &Component::Api)]),
                ports: Some(vec![tcp(INTERNAL_PORT)]),
            });
        }
        Component::Migrator => {
            outside.extend(migrator(app).map(|(store, _)| store.port));
        }
        Component::Tunnel(name) => {
            let own = tunnels(app).filter(|(server, _)| server.name == *name);
            outside.extend(own.map(|(_, tunnel)| tunnel.port));
        }
    }
    if !outside.is_empty() {
        rules.push(NetworkPolicyEgressRule {
            to: outside_peers(app),
            ports: Some(outside.into_iter().map(tcp).collect()),
        });
    }
    rules
}

/// `None`, every address, when the spec lists none.
fn outside_peers(app: &ValidatedApp) -> Option<Vec<NetworkPolicyPeer>> {
    let listed = &app.spec().network_policy;
    let networks = listed.egress_cidrs.iter().map(|cidr| network(cidr));
    let namespaces = listed.egress_namespaces.iter().map(|name| namespace(name));
    let peers: Vec<_> = networks.chain(namespaces).collect();
    (!peers.is_empty()).then_some(peers)
}

fn dns() -> NetworkPolicyEgressRule {
    let port = |protocol: &str| NetworkPolicyPort {
        protocol: Some(protocol.to_owned()),
        ..tcp(DNS_PORT)
    };
    NetworkPolicyEgressRule {
        to: Some(vec![namespace("kube-system"), network(NODE_LOCAL_DNS)]),
        ports: Some(vec![port("UDP"), port("TCP")]),
    }
}

fn telegram_port(app: &ValidatedApp) -> u16 {
    let bot = app.spec().bot.as_ref();
    bot.and_then(|bot| bot.api_url.as_deref())
        .and_then(|address| url::Url::parse(address).ok())
        .and_then(|address| address.port_or_known_default())
        .unwrap_or(TELEGRAM_PORT)
}

fn tcp(port: u16) -> NetworkPolicyPort {
    NetworkPolicyPort {
        port: Some(IntOrString::Int(port.into())),
        protocol: Some("TCP".to_owned()),
        end_port: None,
    }
}

fn network(cidr: &str) -> NetworkPolicyPeer {
    NetworkPolicyPeer {
        ip_block: Some(IPBlock {
            cidr: cidr.to_owned(),
            except: None,
        }),
        ..NetworkPolicyPeer::default()
    }
}

fn namespace(name: &str) -> NetworkPolicyPeer {
    NetworkPolicyPeer {
        namespace_selector: Some(LabelSelector {
            match_labels: Some([(NAMESPACE_LABEL.to_owned(), name.to_owned())].into()),
            match_expressions: None,
        }),
        ..NetworkPolicyPeer::default()
    }
}

/// Pods of a component in the namespace of the application.
fn pods(app: &ValidatedApp, component: &Component) -> NetworkPolicyPeer {
    NetworkPolicyPeer {
        pod_selector: Some(naming::component_selector(&app.name, component)),
        ..NetworkPolicyPeer::default()
    }
}
