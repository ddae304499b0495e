//! Workloads of others: which marks they are given, and when nothing of an old value is left.

use kube::api::{ApiResource, GroupVersionKind};
use reportapp_crds::report_app::credential::Credential;

use super::*;

fn workload(kind: WorkloadKind, name: &str) -> Workload {
    Workload {
        kind,
        name: name.to_owned(),
    }
}

fn credential(name: &str, restart: &[Workload]) -> Credential {
    let spec = json!({ "name": name, "generic": {}, "restart": restart });
    serde_json::from_value(spec).unwrap()
}

fn object(data: Json) -> DynamicObject {
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("apps", "v1", "Deployment"));
    let mut object = DynamicObject::new("shop", &resource).data(data);
    object.metadata.generation = Some(3);
    object
}

fn look(kind: WorkloadKind, data: Json, pods: &[Pod]) -> Rollout {
    state(&workload(kind, "shop"), &object(data), pods)
}

fn deployment(replicas: u32, updated: u32) -> Json {
    json!({
        "spec": { "replicas": 2 },
        "status": {
            "observedGeneration": 3, "replicas": replicas, "updatedReplicas": updated,
            "availableReplicas": 2,
        },
    })
}

fn pod(status: Json) -> Pod {
    serde_json::from_value(json!({ "metadata": { "name": "shop-1" }, "status": status })).unwrap()
}

fn moving(old_pods: u32, message: &str) -> Rollout {
    Rollout::Moving {
        old_pods,
        message: message.to_owned(),
    }
}

#[test]
fn a_workload_that_reads_several_values_is_changed_once() {
    let (shop, cron) = (
        workload(WorkloadKind::Deployment, "shop"),
        workload(WorkloadKind::StatefulSet, "cron"),
    );
    let first = credential("frontend", &[shop.clone(), cron.clone()]);
    let second = credential("backend", std::slice::from_ref(&shop));
    let change = |credential, version: &str| Change {
        credential,
        version: version.to_owned(),
    };
    let all = by_workload(&[change(&first, "1a"), change(&second, "2b")]);
    let mark = |name: &str, version: &str| {
        (
            format!("reportapp.dev/credential-{name}"),
            version.to_owned(),
        )
    };
    let both = Marks::from([mark("frontend", "1a"), mark("backend", "2b")]);
    let one = Marks::from([mark("frontend", "1a")]);
    assert_eq!(all, [(&shop, both), (&cron, one)]);
}

#[test]
fn a_mark_that_is_there_is_not_set_again() {
    let marks = || {
        Marks::from([
            ("x/a".to_owned(), "1".to_owned()),
            ("x/b".to_owned(), "2".to_owned()),
        ])
    };
    let bearing = |annotations: Json| json!({ "spec": { "template": { "metadata": { "annotations": annotations } } } });
    assert_eq!(missing(&json!({}), marks()), marks());
    let left = missing(&bearing(json!({ "x/a": "1", "x/b": "0" })), marks());
    assert_eq!(left, Marks::from([("x/b".to_owned(), "2".to_owned())]));
    assert!(
        missing(
            &bearing(json!({ "x/a": "1", "x/b": "2", "y": "" })),
            marks()
        )
        .is_empty()
    );
}

#[test]
fn a_deployment_is_done_when_every_pod_is_new_and_available() {
    let kind = WorkloadKind::Deployment;
    assert_eq!(look(kind, deployment(2, 2), &[]), Rollout::Complete);
    let waiting = "waiting for the pods of Deployment shop";
    assert_eq!(look(kind, deployment(3, 2), &[]), moving(1, waiting));
    let mut unseen = deployment(2, 2);
    unseen["status"]["observedGeneration"] = json!(2);
    assert_eq!(look(kind, unseen, &[]), moving(0, waiting));
    let mut ending = pod(json!({}));
    ending.metadata.deletion_timestamp = serde_json::from_value(json!("2026-01-01T00:00:00Z")).ok();
    assert_eq!(look(kind, deployment(2, 2), &[ending]), moving(1, waiting));
}

#[test]
fn a_daemon_set_is_done_when_every_node_has_a_new_pod() {
    let daemons = |updated: u32| {
        json!({
            "status": {
                "observedGeneration": 3, "desiredNumberScheduled": 2, "currentNumberScheduled": 2,
                "updatedNumberScheduled": updated, "numberAvailable": 2,
            },
        })
    };
    let kind = WorkloadKind::DaemonSet;
    assert_eq!(look(kind, daemons(2), &[]), Rollout::Complete);
    let waiting = "waiting for the pods of DaemonSet shop";
    assert_eq!(look(kind, daemons(1), &[]), moving(1, waiting));
}

#[test]
fn a_workload_that_its_owner_holds_says_what_to_do() {
    let mut data = deployment(2, 0);
    data["spec"]["paused"] = json!(true);
    let held = "Deployment shop replaces no pod by itself: it is paused; kubectl rollout resume it";
    assert_eq!(look(WorkloadKind::Deployment, data, &[]), moving(2, held));
}

#[test]
fn a_pod_that_does_not_start_is_named() {
    let waiting = json!({ "waiting": { "reason": "CrashLoopBackOff", "message": "back-off" } });
    let crashing = json!({
        "containerStatuses": [{
            "name": "shop", "image": "", "imageID": "", "ready": false, "restartCount": 5, "state": waiting,
        }],
    });
    let found = look(WorkloadKind::Deployment, deployment(3, 1), &[pod(crashing)]);
    let Rollout::Unhealthy { old_pods, message } = found else {
        panic!("{found:?}");
    };
    assert_eq!(old_pods, 2);
    assert!(
        message.starts_with("Deployment shop: pod shop-1: back-off"),
        "{message}"
    );
    let mut refused = deployment(2, 0);
    refused["status"]["conditions"] =
        json!([{ "type": "ReplicaFailure", "status": "True", "message": "exceeded quota" }]);
    let found = look(WorkloadKind::Deployment, refused, &[]);
    assert!(
        matches!(found, Rollout::Unhealthy { message, .. } if message.contains("exceeded quota"))
    );
}
