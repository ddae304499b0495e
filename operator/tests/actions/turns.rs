//! Several actions at once: one per target at a time, in the same order for whoever asks.

use reportapp_crds::one_shot::Phase;
use reportapp_operator::action::runner::{Order, State, pass};
use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::crash_points::{change, invalidate, restart_everything, rotate};
use crate::crashing::ended;

fn restart(components: &[&str]) -> Value {
    json!({ "app": "demo", "reason": "test", "rollingRestart": { "components": components } })
}

/// One pass of an action; gives its end, or the message of one that waits for another.
async fn look(cluster: &Cluster, name: &str, order: &Order) -> (Option<Phase>, Option<String>) {
    let found = pass(&cluster.hand(name), order, cluster.now()).await;
    let phase = ended(&found);
    if let Some(phase) = phase {
        cluster.end(name, phase);
    }
    let waits = match found.state {
        State::Queued(message) => Some(message),
        _ => None,
    };
    (phase, waits)
}

#[tokio::test]
async fn a_second_one_names_the_first_and_follows_it() {
    let cluster = Cluster::new();
    let first = cluster.create("first", restart_everything());
    let second = cluster.create("second", restart(&["api"]));
    let (mut waited, mut first_ended) = (0, false);
    loop {
        let (end, waits) = look(&cluster, "second", &second).await;
        if let Some(message) = waits {
            assert!(message.contains("IncidentAction first"), "{message}");
            assert!(!cluster.is_begun("second"));
            waited += 1;
        }
        if end.is_some() {
            break;
        }
        if !first_ended {
            first_ended = look(&cluster, "first", &first).await.0.is_some();
        }
        cluster.tick();
    }
    assert!(waited > 3, "it waited {waited} times only");
    assert_eq!(cluster.restarts()["demo-api"], 2);
    assert_eq!(cluster.restarts()["demo-bot"], 1);
}

#[tokio::test]
async fn others_with_other_targets_go_side_by_side() {
    let cluster = Cluster::new();
    let restart = cluster.create("restart", restart(&["bot"]));
    let rotate = cluster.create("rotate", rotate("Manual"));
    for (name, order) in [("restart", &restart), ("rotate", &rotate)] {
        let (_, waits) = look(&cluster, name, order).await;
        assert_eq!(waits, None);
        assert!(cluster.is_begun(name));
    }
}

#[tokio::test]
async fn an_emergency_does_not_wait_and_is_waited_for() {
    let cluster = Cluster::new();
    let running = cluster.create("running", rotate("Manual"));
    look(&cluster, "running", &running).await;
    assert!(cluster.is_begun("running"));

    let urgent = cluster.create("urgent", rotate("Emergency"));
    assert_eq!(look(&cluster, "urgent", &urgent).await.1, None);
    assert!(cluster.is_begun("urgent"));

    let later = cluster.create("later", rotate("Emergency"));
    let (_, waits) = look(&cluster, "later", &later).await;
    let waits = waits.expect("an emergency waits for an emergency");
    assert!(waits.contains("IncidentAction urgent"), "{waits}");
}

#[tokio::test]
async fn of_two_that_end_the_same_sessions_one_waits() {
    let cluster = Cluster::new();
    let user = |name: &str| invalidate(&json!({ "user": name }));
    let first = cluster.create("first", user("ana"));
    // Begins, and has not ended.
    assert_eq!(look(&cluster, "first", &first).await, (None, None));
    let same = cluster.create("same", user("ana"));
    let (_, waits) = look(&cluster, "same", &same).await;
    assert!(waits.is_some_and(|message| message.contains("IncidentAction first")));
    for (name, spec) in [
        ("other", user("bob")),
        ("all", invalidate(&json!({ "all": {} }))),
    ] {
        let order = cluster.create(name, spec);
        assert_eq!(look(&cluster, name, &order).await.1, None, "{name}");
    }
}

#[tokio::test]
async fn of_two_that_change_one_user_one_waits_whatever_they_do() {
    let cluster = Cluster::new();
    let lock = cluster.create("lock", change("disableUser", "ana"));
    assert_eq!(look(&cluster, "lock", &lock).await, (None, None));
    for (name, spec) in [
        ("reset", change("forcePasswordReset", " ANA")),
        ("end", invalidate(&json!({ "user": "ana" }))),
    ] {
        let order = cluster.create(name, spec);
        let (_, waits) = look(&cluster, name, &order).await;
        assert!(waits.is_some_and(|message| message.contains("IncidentAction lock")));
        assert!(!cluster.is_begun(name));
    }
    let other = cluster.create("other", change("disableUser", "bob"));
    assert_eq!(look(&cluster, "other", &other).await.1, None);
    assert_eq!(
        look(&cluster, "lock", &lock).await.0,
        Some(Phase::Succeeded)
    );
    // The one that undoes waits for whom the other has in hand.
    let undo = json!({ "app": "demo", "reason": "test", "undo": { "actionRef": "lock" } });
    let undo = cluster.create("undo", undo);
    let (_, waits) = look(&cluster, "undo", &undo).await;
    assert!(waits.is_some_and(|message| message.contains("IncidentAction")));
}
