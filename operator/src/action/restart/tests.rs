//! Which workload comes next, and when an old pod counts.

use kube::api::{ApiResource, GroupVersionKind};
use reportapp_crds::report_app::credential::WorkloadKind;

use super::*;

const UID: &str = "the-action";

fn workload(name: &str) -> Workload {
    Workload {
        kind: WorkloadKind::Deployment,
        name: name.to_owned(),
    }
}

fn seen(name: &str, marked: bool, settled: bool, old_pods: &[&str]) -> Seen {
    Seen {
        workload: workload(name),
        marked,
        settled,
        old_pods: old_pods.iter().map(|&pod| pod.to_owned()).collect(),
        obstacle: None,
    }
}

fn object(mark: Option<&str>, updated: u32) -> DynamicObject {
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("apps", "v1", "Deployment"));
    let annotations = mark.map_or(json!({}), |mark| json!({ MARK: mark }));
    let mut object = DynamicObject::new("api", &resource).data(json!({
        "spec": { "replicas": 2, "template": { "metadata": { "annotations": annotations } } },
        "status": {
            "observedGeneration": 1, "replicas": 2, "updatedReplicas": updated, "availableReplicas": 2,
        },
    }));
    object.metadata.generation = Some(1);
    object
}

fn pod(name: &str, mark: Option<&str>, state: Json) -> Pod {
    let mut pod = json!({
        "metadata": {
            "name": name,
            "labels": { "pod-template-hash": "abc" },
            "ownerReferences": [{
                "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "api-abc", "uid": "r",
                "controller": true,
            }],
        },
        "status": {
            "containerStatuses": [{
                "name": "api", "image": "", "imageID": "", "ready": false, "restartCount": 0,
                "state": state,
            }],
        },
    });
    if let Some(mark) = mark {
        pod["metadata"]["annotations"] = json!({ MARK: mark });
    }
    serde_json::from_value(pod).unwrap()
}

fn look(object: &DynamicObject, pods: &[Pod]) -> Seen {
    Seen::of(&workload("api"), UID, object, pods)
}

#[test]
fn a_workload_is_marked_only_when_those_before_it_are_done() {
    let first = seen("tunnel", true, true, &[]);
    assert_eq!(next(std::slice::from_ref(&first)), Next::Done);
    let second = seen("api", false, true, &["api-1"]);
    let mark = Next::Mark(workload("api"));
    assert_eq!(next(&[first, second.clone()]), mark);
    for busy in [
        seen("tunnel", true, false, &[]),
        seen("tunnel", true, true, &["tunnel-1"]),
    ] {
        let next = next(&[busy.clone(), second.clone()]);
        assert!(matches!(next, Next::Wait(_)), "{busy:?}: {next:?}");
    }
}

#[test]
fn a_pod_without_the_mark_of_this_action_is_an_old_one() {
    let marked = object(Some(UID), 2);
    let running = || json!({ "running": {} });
    let mut ending = pod("ending", None, running());
    ending.metadata.deletion_timestamp = serde_json::from_value(json!("2026-01-01T00:00:00Z")).ok();
    let pods = [
        pod("new", Some(UID), running()),
        pod("unmarked", None, running()),
        pod("of-another", Some("another"), running()),
        ending,
    ];
    let found = look(&marked, &pods);
    assert_eq!(found.old_pods, ["unmarked", "of-another", "ending"]);
    assert!(!found.is_done());
    assert!(look(&marked, &pods[..1]).is_done());
    let mut foreign = pods[1].clone();
    foreign.metadata.owner_references = None;
    assert!(look(&marked, &[foreign]).is_done(), "not its pod");
}

#[test]
fn a_workload_that_looks_done_without_the_mark_is_not() {
    for mark in [None, Some("another")] {
        let found = look(&object(mark, 2), &[]);
        assert!(!found.marked && !found.is_done(), "{mark:?}");
    }
    assert!(!look(&object(Some(UID), 1), &[]).is_done(), "not settled");
}

#[test]
fn new_pods_that_do_not_start_stall_and_old_ones_do_not() {
    let crashing = || json!({ "waiting": { "reason": "CrashLoopBackOff", "message": "back-off" } });
    let old = [pod("old", None, crashing())];
    assert!(matches!(
        next(&[look(&object(Some(UID), 1), &old)]),
        Next::Wait(_)
    ));
    let new = [pod("new", Some(UID), crashing())];
    let Next::Stall(trouble) = next(&[look(&object(Some(UID), 1), &new)]) else {
        panic!("a pod that crashes is no obstacle");
    };
    assert_eq!(trouble.reason, Reason::PodsUnhealthy);
    for word in ["pod new: back-off", "kubectl rollout undo deployment/api"] {
        assert!(trouble.message.contains(word), "{trouble}");
    }
}

#[test]
fn the_figures_say_how_many_of_how_many() {
    let workloads = [workload("tunnel"), workload("api"), workload("bot")];
    let seen = [
        seen("tunnel", true, true, &[]),
        seen("api", true, false, &["api-1", "api-2"]),
    ];
    let figures = figures(&workloads, &seen);
    let figures: Vec<_> = figures
        .iter()
        .map(|figure| (figure.name.as_str(), figure.measured, figure.expected))
        .collect();
    assert_eq!(figures, [("workloadsRestarted", 1, 3), ("oldPods", 2, 0)]);
    let done: Vec<_> = progress(&workloads, &seen)
        .into_iter()
        .map(|found| (found.name, found.old_pods, found.done))
        .collect();
    let row = |name: &str, old_pods, done| (name.to_owned(), old_pods, done);
    assert_eq!(
        done,
        [
            row("tunnel", Some(0), true),
            row("api", Some(2), false),
            row("bot", None, false)
        ]
    );
}

#[test]
fn a_late_one_says_what_goes_on_and_what_was_not_touched() {
    let workloads = [workload("tunnel"), workload("api"), workload("bot")];
    let seen = [
        seen("tunnel", true, true, &[]),
        seen("api", true, false, &["api-1"]),
    ];
    assert_eq!(
        too_late(&workloads, &seen),
        "the deadline has passed; waiting for 1 pod (api-1) of Deployment api to end, which goes on by \
         itself; not restarted: Deployment bot"
    );
}

#[test]
fn the_mark_is_one_annotation_of_exactly_this_workload() {
    let mut found = object(None, 2);
    found.metadata.uid = Some("w".to_owned());
    let mark = mark(&workload("api"), UID, &found);
    assert_eq!(
        mark["spec"],
        json!({ "template": { "metadata": { "annotations": { MARK: UID } } } })
    );
    assert_eq!(mark["metadata"], json!({ "name": "api", "uid": "w" }));
}

#[test]
fn a_plan_names_pods_and_order() {
    let many: Vec<_> = (0..12).map(|number| format!("bot-{number}")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    let plan = plan(&[
        seen("api", false, true, &["api-1", "api-2"]),
        seen("bot", false, true, &many),
    ]);
    assert!(
        plan[0].starts_with("1. Deployment api: replace 2 pods (api-1, api-2) and"),
        "{plan:?}"
    );
    assert!(
        plan[1].contains("12 pods (bot-0, ") && plan[1].contains("bot-9, …)"),
        "{plan:?}"
    );
}
