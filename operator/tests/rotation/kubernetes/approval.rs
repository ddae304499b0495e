//! Rotations where the application wants those of people approved: whatever somebody writes into one, nothing
//! of backend, ledger or pods changes before a second person consents.

use std::sync::Arc;

use kube::ResourceExt as _;
use reportapp_crds::SecretRotation;
use reportapp_crds::secret_rotation::{Phase, StepName};
use serde_json::json;

use super::scene::{Scene, WORKLOADS, has_ended};

const MODES: [&str; 3] = ["Manual", "Emergency", "Scheduled"];

async fn needing_approval(mode: &str) -> Arc<Scene> {
    let scene = Scene::new(mode).await;
    scene.require_approval();
    scene.write(json!({ "spec": { "requestedBy": "ana" } }));
    scene
}

fn phase(rotation: &SecretRotation) -> Option<Phase> {
    rotation.status.as_ref().and_then(|status| status.phase)
}

#[tokio::test]
async fn without_an_approval_nothing_begins_however_begun_it_looks() {
    for mode in MODES {
        for begun in [false, true] {
            let what = format!("{mode}, {begun}");
            let scene = needing_approval(mode).await;
            if begun {
                scene.pretend_to_have_begun();
            }
            let waits =
                |rotation: &SecretRotation| phase(rotation) == Some(Phase::AwaitingApproval);
            scene.until(waits).await;
            let plan = scene.rotation().status.unwrap().plan;
            assert!(
                plan.iter().any(|line| line.contains("make it the current")),
                "{plan:?}"
            );
            scene.assert_untouched(&what).await;

            scene.write(json!({ "spec": { "approval": { "approvedBy": "eve" } } }));
            scene.until(has_ended).await;
            scene.assert_done(mode == "Emergency", &what).await;
        }
    }
}

#[tokio::test]
async fn what_nobody_approves_of_ends_at_its_deadline_and_changes_nothing() {
    for mode in MODES {
        for begun in [false, true] {
            let what = format!("{mode}, {begun}");
            let scene = needing_approval(mode).await;
            scene.write(json!({ "spec": { "activeDeadlineSeconds": 0 } }));
            if begun {
                scene.pretend_to_have_begun();
            }
            scene.until(has_ended).await;
            let rotation = scene.rotation();
            assert_eq!(phase(&rotation), Some(Phase::Expired), "{what}");
            assert!(
                rotation.finalizers().is_empty(),
                "{what}: it can be deleted"
            );
            scene.assert_untouched(&what).await;
        }
    }
}

#[tokio::test]
async fn one_that_does_not_say_who_asks_fails_at_once() {
    let scene = Scene::new("Manual").await;
    scene.require_approval();
    scene.until(has_ended).await;
    let status = scene.rotation().status.unwrap();
    assert_eq!(status.phase, Some(Phase::Failed));
    assert_eq!(status.conditions[0].reason, "RequesterMissing");
    scene.assert_untouched("nobody asks").await;
}

#[tokio::test]
async fn what_has_begun_goes_on_when_the_list_changes() {
    for mode in ["Manual", "Emergency"] {
        let scene = Scene::new(mode).await;
        let (_, plural) = WORKLOADS[0];
        scene.lag(plural, Some(json!({ "updatedReplicas": 1 })));
        let rolls_out = |rotation: &SecretRotation| {
            let status = rotation.status.as_ref();
            status.is_some_and(|status| status.step == Some(StepName::RollOut))
        };
        scene.until(rolls_out).await;
        scene.require_approval();
        scene.lag(plural, None);
        scene.until(has_ended).await;
        scene.assert_done(mode == "Emergency", mode).await;
    }
}
