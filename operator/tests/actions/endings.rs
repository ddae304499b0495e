//! Actions that may not go on: late at every point, with pods that do not start, with a rotation that
//! somebody deletes. Each ends, and says what is left.

use k8s_openapi::jiff::SignedDuration;
use reportapp_crds::one_shot::Phase;
use reportapp_operator::action::runner::{Order, State, pass};
use reportapp_operator::action::trouble::Reason;
use serde_json::json;

use crate::cluster::Cluster;
use crate::crash_points::{invalidate, restart_everything, rotate};
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
    let everybody = invalidate(&json!({ "all": {} }));
    for spec in [restart_everything(), rotate("Manual"), everybody] {
        for number in 0.. {
            let cluster = Cluster::new();
            let order = cluster.create("late", spec.clone());
            if !run_until(&cluster, "late", &order, number).await {
                break;
            }
            let (before, made) = (cluster.restarts(), cluster.rotations().1);
            let revoked = cluster.revocations();
            let order = late(&cluster, &order);
            let (found, effects) = run(&cluster, "late", &order, None).await;
            let what = format!("{spec} late after effect {number}: {found:?}");
            assert!(ended(&found).is_some(), "{what}");
            assert_eq!(cluster.restarts(), before, "{what}");
            assert_eq!(cluster.rotations().1, made, "{what}");
            assert_eq!(cluster.revocations(), revoked, "{what}");
            let only_noted = effects.iter().all(|effect| effect == "note");
            assert!(only_noted, "{what}: {effects:?}");
        }
    }
}

#[tokio::test]
async fn an_action_that_is_late_before_it_begins_changes_nothing() {
    let everybody = invalidate(&json!({ "all": {} }));
    for spec in [restart_everything(), rotate("Emergency"), everybody] {
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

#[tokio::test]
async fn sessions_are_not_called_ended_while_a_process_may_accept_them() {
    let cluster = Cluster::new();
    let order = cluster.create("ending", invalidate(&json!({ "user": "ana" })));
    let hand = cluster.hand("ending");
    cluster.silence(true);
    pass(&hand, &order, cluster.now()).await;
    for _ in 0..3 {
        let found = pass(&hand, &order, cluster.now()).await;
        assert_eq!(ended(&found), None, "{found:?}");
        assert_eq!(found.figures[0].measured, 1);
        assert!(found.revocation.is_some());
    }
    let expired = pass(&hand, &late(&cluster, &order), cluster.now()).await;
    assert_eq!(ended(&expired), Some(Phase::Expired));
    let State::Stands(verdict) = expired.state else {
        panic!("it has ended");
    };
    assert!(
        verdict.message.contains("Revision 1 is committed"),
        "{verdict:?}"
    );

    cluster.silence(false);
    let (found, _) = run(&cluster, "ending", &order, None).await;
    assert_eq!(ended(&found), Some(Phase::Succeeded));
    assert_eq!(cluster.revocations(), ["ending"]);
}

#[tokio::test]
async fn a_store_that_is_away_stalls_it_and_it_goes_on_when_the_store_is_back() {
    let cluster = Cluster::new();
    let order = cluster.create("waiting", invalidate(&json!({ "all": {} })));
    let hand = cluster.hand("waiting");
    let stalled = async |order: &Order| {
        let found = pass(&hand, order, cluster.now()).await;
        let State::Stalled(trouble) = found.state else {
            panic!("{found:?}");
        };
        assert_eq!(trouble.reason, Reason::StoreUnreachable);
    };
    cluster.take_store_away(true);
    stalled(&order).await;
    assert!(!cluster.is_begun("waiting"), "it cannot be planned");

    cluster.take_store_away(false);
    pass(&hand, &order, cluster.now()).await;
    assert!(cluster.is_begun("waiting"));
    cluster.take_store_away(true);
    stalled(&order).await;
    // At its deadline nobody knows what the store has.
    stalled(&late(&cluster, &order)).await;

    cluster.take_store_away(false);
    let (found, _) = run(&cluster, "waiting", &order, None).await;
    assert_eq!(ended(&found), Some(Phase::Succeeded));
}
