//! Actions that may not go on: late at every point, with pods that do not start, with a rotation that
//! somebody deletes. Each ends, and says what is left.

use k8s_openapi::jiff::SignedDuration;
use reportapp_crds::one_shot::Phase;
use reportapp_operator::action::runner::{Order, State, pass};
use reportapp_operator::action::trouble::Reason;
use reportapp_operator::action::undo::Undone;
use reportapp_operator::action::world::World as _;
use reportapp_session::directory::Undone as InStore;
use serde_json::json;

use crate::cluster::{Cluster, Person, UNTOUCHED};
use crate::crash_points::{
    change, every_type, invalidate, restart_everything, rotate, sweep, undo_of,
};
use crate::crashing::{Crashing, MISHAPS, ended, run, run_until};

/// The same order, as if its deadline had passed.
fn late(cluster: &Cluster, order: &Order) -> Order {
    Order {
        end: Some(cluster.now() - SignedDuration::from_secs(1)),
        ..order.clone()
    }
}

#[tokio::test]
async fn a_late_action_ends_at_every_point_and_begins_nothing_more() {
    for case in every_type() {
        for number in 0.. {
            let cluster = Cluster::new();
            let order = case.create(&cluster, "late").await;
            if !run_until(&cluster, "late", &order, number).await {
                break;
            }
            let (before, made) = (cluster.restarts(), cluster.rotations().1);
            let (revoked, changes) = (cluster.revocations(), cluster.changes());
            let keys = cluster.keys();
            let order = late(&cluster, &order);
            let (found, effects) = run(&cluster, "late", &order, None).await;
            let what = format!("{case:?} late after effect {number}: {found:?}");
            assert!(ended(&found).is_some(), "{what}");
            assert_eq!(cluster.restarts(), before, "{what}");
            assert_eq!(cluster.rotations().1, made, "{what}");
            assert_eq!(cluster.revocations(), revoked, "{what}");
            assert_eq!(cluster.changes(), changes, "{what}");
            assert_eq!(cluster.keys(), keys, "{what}");
            let only_noted = effects.iter().all(|effect| effect == "note");
            assert!(only_noted, "{what}: {effects:?}");
        }
    }
}

#[tokio::test]
async fn an_action_that_is_late_before_it_begins_changes_nothing() {
    for case in every_type() {
        let cluster = Cluster::new();
        let order = case.create(&cluster, "late").await;
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
async fn a_workload_that_goes_after_its_mark_is_named_and_none_is_marked_twice() {
    let cluster = Cluster::new();
    let order = cluster.create("bereft", restart_everything());
    // Begun, and the tunnel and the API are marked.
    assert!(run_until(&cluster, "bereft", &order, 2).await);
    cluster.remove_workload("demo-api");
    let before = cluster.restarts();
    let hand = cluster.hand("bereft");
    for _ in 0..10 {
        let found = pass(&hand, &order, cluster.now()).await;
        let State::Stalled(trouble) = found.state else {
            panic!("{found:?}");
        };
        assert_eq!(trouble.reason, Reason::WorkloadMissing);
        assert!(!trouble.reason.is_lasting(), "it may come back");
        cluster.tick();
    }
    // The status of one that is late and stalls is Failed, with this reason.
    let late = pass(&hand, &late(&cluster, &order), cluster.now()).await;
    assert!(matches!(late.state, State::Stalled(_)), "{late:?}");
    assert_eq!(cluster.restarts(), before);
}

#[tokio::test]
async fn sessions_are_not_called_ended_while_a_process_may_accept_them() {
    let cluster = Cluster::new();
    let order = cluster.create("ending", invalidate(&json!({ "user": "ana" })));
    let hand = cluster.hand("ending");
    cluster.silence(true);
    pass(&hand, &order, cluster.now()).await;
    // Counted by the look that ends them, and kept in the status.
    for counted in [Some(4), None, None] {
        let found = pass(&hand, &order, cluster.now()).await;
        assert_eq!(ended(&found), None, "{found:?}");
        assert_eq!(found.figures[0].measured, 1);
        let revocation = found.revocation.clone().expect("how far it is");
        assert_eq!(revocation.sessions_before, counted);
        cluster.publish("ending", found);
        assert_eq!(cluster.sessions_before("ending"), Some(4));
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

#[tokio::test]
async fn without_an_approval_nothing_begins_whoever_gave_it_an_owner() {
    for case in every_type() {
        let cluster = Cluster::new();
        let order = case.create(&cluster, "asked").await;
        let before = (cluster.changes(), cluster.revocations());
        let asked = Order {
            unapproved: true,
            ..order.clone()
        };
        let hand = cluster.hand("asked");
        let awaits = async |cluster: &Cluster| {
            let found = pass(&hand, &asked, cluster.now()).await;
            let State::Stands(verdict) = found.state else {
                panic!("{found:?}");
            };
            assert_eq!(verdict.phase, Phase::AwaitingApproval);
            assert!(found.plan.is_some_and(|plan| !plan.is_empty()));
        };
        awaits(&cluster).await;
        assert!(!cluster.is_begun("asked"));
        // Whoever creates an action may give it an owner, as the operator does when it begins.
        cluster.own("asked");
        awaits(&cluster).await;
        assert_eq!((cluster.changes(), cluster.revocations()), before);
        let late = late(&cluster, &asked);
        let expired = pass(&hand, &late, cluster.now()).await;
        assert_eq!(ended(&expired), Some(Phase::Expired), "the deadline counts");
        let (found, _) = run(&cluster, "asked", &order, None).await;
        assert_eq!(ended(&found), Some(Phase::Succeeded), "once it is approved");
    }
}

#[tokio::test]
async fn a_user_whom_the_store_does_not_know_is_found_out_before_anything_begins() {
    let cluster = Cluster::new();
    for kind in ["disableUser", "forcePasswordReset"] {
        let order = cluster.create(kind, change(kind, "nobody"));
        let found = pass(&cluster.hand(kind), &order, cluster.now()).await;
        let State::Stalled(trouble) = found.state else {
            panic!("{found:?}");
        };
        assert_eq!(trouble.reason, Reason::UnknownUser);
        assert!(trouble.reason.is_lasting() && !cluster.is_begun(kind));
    }
}

#[tokio::test]
async fn somebody_who_changes_a_user_back_at_once_is_seen() {
    let cluster = Cluster::new();
    let order = cluster.create("lock", change("disableUser", "ana"));
    cluster.silence(true);
    let hand = cluster.hand("lock");
    pass(&hand, &order, cluster.now()).await;
    pass(&hand, &order, cluster.now()).await;
    assert!(!cluster.person("ana").active);
    cluster.set_person("ana", UNTOUCHED);
    cluster.silence(false);
    let found = pass(&hand, &order, cluster.now()).await;
    let State::Stalled(trouble) = found.state else {
        panic!("{found:?}");
    };
    assert_eq!(trouble.reason, Reason::ChangedSince);
    assert_eq!(
        cluster.person("ana"),
        UNTOUCHED,
        "it does not fight with them"
    );
}

#[tokio::test]
async fn keys_that_are_written_again_and_again_are_not_called_removed() {
    let cluster = Cluster::new();
    let order = cluster.create("busy", sweep());
    cluster.write_keys(true);
    let hand = cluster.hand("busy");
    for _ in 0..40 {
        let found = pass(&hand, &order, cluster.now()).await;
        assert_eq!(ended(&found), None, "{found:?}");
    }
    let expired = pass(&hand, &late(&cluster, &order), cluster.now()).await;
    assert_eq!(ended(&expired), Some(Phase::Expired));
    cluster.write_keys(false);
    let (found, _) = run(&cluster, "busy", &order, None).await;
    assert_eq!(ended(&found), Some(Phase::Succeeded));
}

#[tokio::test]
async fn caches_are_not_called_empty_while_a_process_may_give_what_it_kept() {
    let cluster = Cluster::new();
    let order = cluster.create("silent", sweep());
    cluster.silence(true);
    let hand = cluster.hand("silent");
    for _ in 0..40 {
        let found = pass(&hand, &order, cluster.now()).await;
        assert_eq!(ended(&found), None, "{found:?}");
    }
    cluster.silence(false);
    let (found, _) = run(&cluster, "silent", &order, None).await;
    assert_eq!(ended(&found), Some(Phase::Succeeded));
    assert_eq!(cluster.revocations().len(), 1);
}

#[tokio::test]
async fn what_somebody_decided_since_is_not_undone() {
    let cluster = Cluster::new();
    let order = cluster.create("reset", change("forcePasswordReset", "ana"));
    run(&cluster, "reset", &order, None).await;
    let decided = Person {
        must_reset: false,
        ..cluster.person("ana")
    };
    cluster.set_person("ana", decided);
    let order = cluster.create("undo", undo_of("reset"));
    let hand = cluster.hand("undo");
    pass(&hand, &order, cluster.now()).await;
    let found = pass(&hand, &order, cluster.now()).await;
    let State::Stalled(trouble) = found.state else {
        panic!("{found:?}");
    };
    assert_eq!(trouble.reason, Reason::ChangedSince);
    assert_eq!(cluster.person("ana"), decided);
}

#[tokio::test]
async fn a_duration_counts_from_the_change_and_is_over_once() {
    let cluster = Cluster::new();
    let mut spec = change("disableUser", "ana");
    spec["duration"] = json!("30m");
    let order = cluster.create("lock", spec);
    let (found, _) = run(&cluster, "lock", &order, None).await;
    let due = found.reverts_at.expect("it says when");
    let taken = due - SignedDuration::from_mins(30);
    assert!(taken <= cluster.now() && !cluster.person("ana").active);
    // One that comes after it finds the change, and the same time.
    let again = pass(&cluster.hand("lock"), &order, cluster.now()).await;
    assert_eq!(again.reverts_at, Some(due));

    let own = Undone {
        name: "lock".to_owned(),
        uid: "lock".to_owned(),
        user: "ana".to_owned(),
    };
    for mishap in MISHAPS {
        let operator = Crashing::new(cluster.hand("lock"), Some((0, mishap)));
        let _lost = operator.put_back(&own).await;
    }
    let done = cluster.hand("lock").put_back(&own).await.unwrap();
    assert!(matches!(done.undone, InStore::Earlier(_)), "{done:?}");
    assert!(cluster.person("ana").active);
    assert_eq!(cluster.changes(), 2, "one change, put back once");
    let undone = pass(&cluster.hand("lock"), &order, cluster.now()).await;
    assert_eq!(undone.reverts_at, None);
}
