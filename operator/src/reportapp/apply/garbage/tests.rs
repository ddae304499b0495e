//! What garbage collection selects, without an API server.

use k8s_openapi::api::apps::v1::ReplicaSet;
use k8s_openapi::api::core::v1::{ConfigMap, Pod, Service};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use serde_json::json;

use super::*;

fn meta(name: &str, owner: Option<&str>, component: Option<&str>) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.to_owned()),
        owner_references: owner.map(|uid| {
            vec![OwnerReference {
                uid: uid.to_owned(),
                ..OwnerReference::default()
            }]
        }),
        labels: component
            .map(|component| [(COMPONENT_LABEL.to_owned(), component.to_owned())].into()),
        ..ObjectMeta::default()
    }
}

fn config_map(name: &str, owner: Option<&str>) -> Arc<ConfigMap> {
    Arc::new(ConfigMap {
        metadata: meta(name, owner, None),
        ..ConfigMap::default()
    })
}

fn kept(names: &[&str]) -> Names {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn selected<K: Resource>(left: &[Arc<K>]) -> Vec<String> {
    left.iter().map(|object| object.name_any()).collect()
}

#[test]
fn only_what_we_own_and_nobody_names_is_removed() {
    let live = vec![
        config_map("named", Some("me")),
        config_map("old", Some("me")),
        config_map("other", Some("you")),
        config_map("ownerless", None),
    ];
    assert_eq!(
        selected(&leftover(live, "me", &kept(&["named"]), false)),
        ["old"]
    );
}

#[test]
fn a_tunnel_stays_until_the_others_have_rolled_out() {
    let service = |name: &str, component: &str| {
        Arc::new(Service {
            metadata: meta(name, Some("me"), Some(component)),
            ..Service::default()
        })
    };
    let live = || vec![service("a", "tunnel-main"), service("b", "bot")];
    assert_eq!(selected(&leftover(live(), "me", &kept(&[]), true)), ["b"]);
    assert_eq!(
        selected(&leftover(live(), "me", &kept(&[]), false)),
        ["a", "b"]
    );
}

#[test]
fn versions_that_pods_or_replica_sets_with_pods_name_stay() {
    let template = |secret: &str| {
        json!({ "volumes": [
            { "name": "s", "secret": { "secretName": secret } },
            { "name": "c", "configMap": { "name": format!("{secret}-config") } },
            { "name": "p", "projected": { "sources": [{ "secret": { "name": format!("{secret}-projected") } }] } },
        ], "containers": [] })
    };
    let set = |secret: &str, replicas: i32, running: i32| {
        let value = json!({
            "spec": { "replicas": replicas, "selector": {}, "template": { "spec": template(secret) } },
            "status": { "replicas": running },
        });
        Arc::new(serde_json::from_value::<ReplicaSet>(value).unwrap())
    };
    let pod = |secret: &str, phase: &str| {
        let value = json!({ "spec": template(secret), "status": { "phase": phase } });
        Arc::new(serde_json::from_value::<Pod>(value).unwrap())
    };
    let live = Live {
        replica_sets: vec![
            set("wanted", 1, 0),
            set("running", 0, 1),
            set("history", 0, 0),
        ],
        pods: vec![pod("ending", "Running"), pod("ended", "Succeeded")],
        ..Live::default()
    };
    let mut used = Used::default();
    used.add_live(&live);
    for version in ["wanted", "running", "ending"] {
        assert!(used.secrets.contains(version), "{version}");
        assert!(
            used.secrets.contains(&format!("{version}-projected")),
            "{version}"
        );
        assert!(
            used.config_maps.contains(&format!("{version}-config")),
            "{version}"
        );
    }
    for version in ["history", "ended"] {
        assert!(!used.secrets.contains(version), "{version}");
    }
}

#[test]
fn a_rollout_is_over_when_no_old_pod_is_left() {
    let deployment = |generation: i64, updated: i32, total: i32| {
        let value = json!({
            "metadata": { "generation": 3 },
            "spec": { "replicas": 2, "selector": {}, "template": {} },
            "status": { "observedGeneration": generation, "updatedReplicas": updated, "replicas": total },
        });
        serde_json::from_value::<Deployment>(value).unwrap()
    };
    assert!(is_rolled_out(&deployment(3, 2, 2)));
    assert!(!is_rolled_out(&deployment(2, 2, 2)));
    assert!(!is_rolled_out(&deployment(3, 1, 2)));
    assert!(!is_rolled_out(&deployment(3, 2, 3)));
}
