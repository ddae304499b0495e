//! Actions that may not go on: late at every point, with pods that do not start, with a rotation that
//! somebody deletes. Each ends, and says what is left.

use k8s_openapi::jiff::SignedDuration;
use reportapp_crds::one_shot::Phase;
use reportapp_operator::action::runner::{Order, State, pass};
use reportapp_operator::action::trouble::Reason;
use serde_json::json;

use crate::cluster::Cluster;
use crate::crash_points::{restart_everything, rotate};
use crate::crashing::{ended, run, run_until};

/// The same order, as if its deadline had passed.
fn late(cluster: &Cluster, order: &Order) -> Order {
    Order {
        end: Some(cluster.now() - SignedDuration::from_secs(1)),
        ..order.clone()
    }
}

#[tokio::test]
async fn a_late_action_ends_at_every_point_and_begins_nothing_more() {
    for spec in [restart_everything(), rotate("Manual")] {
        for number in 0.. {
            let cluster = Cluster::new();
            let order = cluster.create("late", spec.clone());
            if !run_until(&cluster, "late", &order, number).await {
                break;
            }
            let (before, made) = (cluster.restarts(), cluster.rotations().1);
            let order = late(&cluster, &order);
            let (found, effects) = run(&cluster, "late", &order, None).await;
            let what = format!("{spec} late after effect {number}: {found:?}");
            assert!(ended(&found).is_some(), "{what}");
            assert_eq!(cluster.restarts(), before, "{what}");
            assert_eq!(cluster.rotations().1, made, "{what}");
            let only_noted = effects.iter().all(|effect| effect == "note");
            assert!(only_noted, "{what}: {effects:?}");
        }
    }
}

#[tokio::test]
async fn an_action_that_is_late_before_it_begins_changes_nothing() {
    for spec in [restart_everything(), rotate("Emergency")] {
        let cluster = Cluster::new();
        let order = cluster.create("late", spec);
        let order = late(&cluster, &order);
        let (found, effects) = run(&cluster, "late", &order, None).await;
        assert_eq!(ended(&found), Some(Phase::Expired));
        assert_eq!(effects, Vec::<String>::new());
        assert!(!cluster.is_begun("late"));
    }
}

#[tokio::test]
async fn pods_that_do_not_start_stall_it_and_the_rest_is_not_touched() {
    let cluster = Cluster::new();
    let order = cluster.create("sick", restart_everything());
    cluster.sicken("demo-api", true);
    let hand = cluster.hand("sick");
    let trouble = loop {
        let found = pass(&hand, &order, cluster.now()).await;
        if let State::Stalled(trouble) = found.state {
            break trouble;
        }
        cluster.tick();
    };
    assert_eq!(trouble.reason, Reason::PodsUnhealthy);
    assert!(trouble.message.contains("Deployment demo-api"), "{trouble}");
    assert_eq!(cluster.restarts()["demo-bot"], 0);

    let late = late(&cluster, &order);
    let expired = pass(&hand, &late, cluster.now()).await;
    assert_eq!(ended(&expired), Some(Phase::Expired));
    let State::Stands(verdict) = expired.state else {
        panic!("it has ended");
    };
    for word in ["Deployment demo-api", "not restarted: Deployment demo-bot"] {
        assert!(verdict.message.contains(word), "{verdict:?}");
    }

    cluster.sicken("demo-api", false);
    let (found, _) = run(&cluster, "sick", &order, None).await;
    assert_eq!(ended(&found), Some(Phase::Succeeded), "once it is mended");
}

#[tokio::test]
async fn a_rotation_that_somebody_deletes_is_not_made_again() {
    let cluster = Cluster::new();
    let order = cluster.create("stopped", rotate("Manual"));
    // Until the note is written.
    assert!(run_until(&cluster, "stopped", &order, 2).await);
    cluster.delete_rotations();
    let (found, effects) = run(&cluster, "stopped", &order, None).await;
    assert_eq!(ended(&found), Some(Phase::Failed), "{found:?}");
    assert_eq!(effects, Vec::<String>::new());
    assert_eq!(cluster.rotations(), (0, 1));
}

#[tokio::test]
async fn a_workload_that_is_missing_is_found_out_before_anything_is_changed() {
    let cluster = Cluster::new();
    let missing = json!([{ "kind": "Deployment", "name": "absent" }]);
    let spec = json!({
        "app": "demo", "reason": "test", "rollingRestart": { "workloads": missing },
    });
    let order = cluster.create("blind", spec);
    let found = pass(&cluster.hand("blind"), &order, cluster.now()).await;
    let State::Stalled(trouble) = found.state else {
        panic!("{found:?}");
    };
    assert_eq!(trouble.reason, Reason::WorkloadMissing);
    assert!(!cluster.is_begun("blind"));
    assert!(cluster.restarts().values().all(|restarts| *restarts == 0));
}
