//! The operator is killed before and after every change it makes to an object of Kubernetes in the course
//! of a rotation, and every change, and every answer, is lost once: status, finalizer, ledger, the Secret
//! pods are given, a place of others, the restart of a workload of others, the note for the schedule. The
//! whole reconcile runs, over a real PostgreSQL and an API server in memory; the other files of this folder
//! play all of that by one effect, `publish`. The real API server, with conflicts and faults at every
//! second change, is in the scenarios of tier `api`.

mod api_server;
mod approval;
mod scene;
mod way;

use reportapp_crds::secret_rotation::StepName;
use serde_json::json;

use crate::crashing::{Mishap, Plan};
use scene::{Scene, WORKLOADS, has_ended};

/// Nothing lies between two changes of one object.
const MISHAPS: [Mishap; 4] = [
    Mishap::DiesBefore,
    Mishap::DiesAfter,
    Mishap::Refused,
    Mishap::AnswerLost,
];

/// What a rotation changes in any case.
const CHANGES: [&str; 11] = [
    "patch secretrotations/demo-store-now/status",
    "patch secretrotations/demo-store-now",
    "post secrets",
    "patch secrets/demo-ledger-store",
    "patch secrets/bisman-db-credentials",
    "patch deployments/bisman-backend",
    "patch statefulsets/bisman-backend",
    "patch daemonsets/bisman-backend",
    "post secrets",
    "patch secrets/demo-published",
    "patch secretrotations/demo-store-now",
];

#[expect(
    clippy::print_stdout,
    reason = "a reader wants to see how many there are"
)]
async fn enumerate(mode: &str) {
    let is_emergency = mode == "Emergency";
    let scene = Scene::new(mode).await;
    let changes = scene.run(Plan::default()).await;
    scene.assert_done(is_emergency, "undisturbed").await;
    let mut left = changes.iter();
    for change in CHANGES {
        assert!(
            left.any(|found| found == change),
            "{change} is not in {changes:?}"
        );
    }
    for (number, change) in changes.iter().enumerate() {
        for mishap in MISHAPS {
            let what = format!("{mode}: {mishap:?} at {change} ({number})");
            let at = Some((number, mishap));
            let scene = Scene::new(mode).await;
            scene.run(Plan { at }).await;
            scene.assert_done(is_emergency, &what).await;
        }
    }
    println!(
        "{mode}: {} plans over {}",
        changes.len() * MISHAPS.len() + 1,
        changes.join(", ")
    );
}

#[tokio::test]
async fn a_rotation_survives_every_crash_around_changes_of_kubernetes() {
    enumerate("Manual").await;
}

#[tokio::test]
async fn an_emergency_survives_every_crash_around_changes_of_kubernetes() {
    enumerate("Emergency").await;
}

/// A workload of any kind is through when its controller has seen the change, every pod is of it and
/// available, and no other is left.
#[tokio::test]
async fn each_kind_of_workload_is_waited_for_until_every_pod_is_new_and_available() {
    let replicas = [
        json!({ "observedGeneration": 1 }),
        json!({ "updatedReplicas": 1 }),
        json!({ "availableReplicas": 1 }),
        json!({ "replicas": 3 }),
    ];
    let daemons = [
        json!({ "observedGeneration": 1 }),
        json!({ "updatedNumberScheduled": 1 }),
        json!({ "numberAvailable": 1 }),
    ];
    for (kind, plural) in WORKLOADS {
        let lags = match kind {
            "DaemonSet" => &daemons[..],
            _ => &replicas[..],
        };
        for lag in lags {
            let what = format!("{kind} with {lag}");
            let scene = Scene::new("Manual").await;
            scene.lag(plural, Some(lag.clone()));
            let waits = format!("{kind} bisman-backend");
            scene
                .until(|rotation| {
                    let status = rotation.status.clone().unwrap_or_default();
                    let message = status.message.unwrap_or_default();
                    status.step == Some(StepName::RollOut) && message.contains(&waits)
                })
                .await;
            assert!(scene.accepts(scene.adopted()).await, "{what}");
            scene.lag(plural, None);
            scene.until(has_ended).await;
            scene.assert_done(false, &what).await;
        }
    }
}

/// The right to list covers values; what is asked for does not.
#[tokio::test]
async fn of_secrets_that_are_listed_or_watched_only_the_metadata_of_our_own_is_asked_for() {
    let lists = Scene::new("Manual").await.lists_of_secrets().await;
    assert!(lists.len() >= 2, "{lists:?}");
    for list in &lists {
        assert!(list.accept.contains("as=PartialObjectMetadata"), "{list:?}");
        assert!(
            list.query.contains("labelSelector=reportapp.dev%2Fapp"),
            "{list:?}"
        );
    }
}
