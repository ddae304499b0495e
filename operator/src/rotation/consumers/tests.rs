//! When consumers are through with an old version.

use std::sync::Arc;

use k8s_openapi::api::core::v1::Pod;
use serde_json::{Value as Json, json};

use super::super::ledger::{SecretText, Value};
use super::*;

fn key() -> SecretBytes {
    SecretBytes::new("a key")
}

fn files(password: &str) -> BTreeMap<String, SecretBytes> {
    BTreeMap::from([("password".to_owned(), SecretBytes::new(password))])
}

fn version(password: &str) -> String {
    naming::versioned_secret("shop", "erp", &key(), &files(password))
}

fn spec(secret: &str) -> Json {
    json!({
        "containers": [],
        "volumes": [{ "name": "erp", "secret": { "secretName": secret } }],
    })
}

/// A Deployment of two pods whose template mounts `secret`.
fn deployment(secret: &str, ready: i32) -> Deployment {
    let object = json!({
        "metadata": { "name": "shop-api", "generation": 3,
            "labels": { "app.kubernetes.io/component": "api" } },
        "spec": { "replicas": 2, "selector": {}, "template": { "spec": spec(secret) } },
        "status": { "observedGeneration": 3, "replicas": 2, "updatedReplicas": 2,
            "availableReplicas": ready },
    });
    serde_json::from_value(object).unwrap()
}

fn pod(secret: &str, status: Json) -> Pod {
    let object = json!({
        "metadata": { "name": "shop-api-1", "labels": { "app.kubernetes.io/component": "api" } },
        "spec": spec(secret),
        "status": status,
    });
    serde_json::from_value(object).unwrap()
}

fn look(deployment: Deployment, pods: Vec<Pod>) -> Rollout {
    let live = Live {
        deployments: BTreeMap::from([("shop-api".to_owned(), Arc::new(deployment))]),
        pods: pods.into_iter().map(Arc::new).collect(),
        ..Live::default()
    };
    rollout(&live, "shop", "erp", &key(), &files("new"))
}

fn running() -> Json {
    json!({ "phase": "Running" })
}

#[test]
fn only_pods_of_the_published_version_are_complete() {
    let (old, new) = (version("old"), version("new"));
    let other = naming::versioned_secret("shop", "cache", &key(), &files("old"));
    let ended = json!({ "phase": "Succeeded" });
    let table = [
        (&new, 2, vec![], Some(0)),
        (&new, 2, vec![(&new, running())], Some(0)),
        (&new, 2, vec![(&old, ended)], Some(0)),
        // The Secret of another credential is none of its versions.
        (&other, 1, vec![(&other, running())], Some(0)),
        (&old, 2, vec![], None),
        (&new, 1, vec![], None),
        (&new, 2, vec![(&old, running())], None),
    ];
    for (template, ready, pods, complete) in table {
        let old_pods = pods.iter().filter(|(secret, _)| *secret == &old).count();
        let pods = pods.into_iter().map(|(secret, status)| pod(secret, status));
        let found = look(deployment(template, ready), pods.collect());
        match (found, complete) {
            (Rollout::Complete, Some(_)) => {}
            (Rollout::Moving { old_pods: left, .. }, None) => {
                assert_eq!(left, u32::try_from(old_pods).unwrap());
            }
            (found, _) => panic!("{found:?} of {template} with {ready} ready"),
        }
    }
}

#[test]
fn the_workloads_of_a_credential_are_those_that_mount_any_version_of_it() {
    let live = Live {
        deployments: BTreeMap::from([(
            "shop-api".to_owned(),
            Arc::new(deployment(&version("x"), 2)),
        )]),
        ..Live::default()
    };
    let of = |credential| workloads(&live, "shop", credential, &key());
    assert_eq!(of("erp"), ["shop-api"]);
    assert_eq!(of("cache"), [""; 0]);
}

#[test]
fn a_terminating_pod_still_holds_the_old_version() {
    let mut pod = pod(&version("old"), running());
    pod.metadata.deletion_timestamp =
        Some(serde_json::from_value(json!("2026-01-01T00:00:00Z")).unwrap());
    let Rollout::Moving { old_pods, message } = look(deployment(&version("new"), 2), vec![pod])
    else {
        panic!("it is not complete");
    };
    assert_eq!(old_pods, 1);
    assert_eq!(message, "waiting for shop-api-1 to end");
}

#[test]
fn a_pod_that_does_not_start_is_named() {
    let waiting = json!({
        "phase": "Pending",
        "containerStatuses": [{
            "name": "api", "image": "", "imageID": "", "ready": false, "restartCount": 5,
            "state": { "waiting": { "reason": "CrashLoopBackOff" } },
        }],
    });
    let found = look(
        deployment(&version("new"), 1),
        vec![pod(&version("new"), waiting)],
    );
    let Rollout::Unhealthy { old_pods, message } = found else {
        panic!("{found:?}");
    };
    assert_eq!(old_pods, 0);
    assert!(message.starts_with("pod shop-api-1"), "{message}");
}

#[test]
fn a_publication_speaks_for_the_rotation_of_the_value_it_introduces() {
    let value = |rotation: &str| {
        Some(Value {
            rotation: rotation.to_owned(),
            username: None,
            secret: SecretText::new(""),
            created: k8s_openapi::jiff::Timestamp::UNIX_EPOCH,
        })
    };
    let entry = |undoing| Entry {
        pending: value("new"),
        current: value("old"),
        undoing,
        ..Entry::default()
    };
    assert_eq!(rotation_of(&entry(false), Round::Announced), "new");
    assert_eq!(rotation_of(&entry(false), Round::Switched), "old");
    assert_eq!(rotation_of(&entry(true), Round::Announced), "old");
    assert_eq!(rotation_of(&Entry::default(), Round::Switched), ADOPTED);
}
