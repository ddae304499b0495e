//! Several actions at once: one per target at a time, in the same order for whoever asks.

use reportapp_crds::one_shot::Phase;
use reportapp_operator::action::runner::{Order, State, pass};
use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::crash_points::{change, invalidate, restart_everything, rotate, undo_of};
use crate::crashing::ended;

fn restart(components: &[&str]) -> Value {
    json!({ "app": "demo", "reason": "test", "rollingRestart": { "components": components } })
}

/// One pass of an action; gives its end, or the message of one that waits for another.
async fn look(cluster: &Cluster, name: &str, order: &Order) -> (Option<Phase>, Option<String>) {
    let found = pass(&cluster.hand(name), order, cluster.now()).await;
    let phase = ended(&found);
    let waits = match &found.state {
        State::Queued(message) => Some(message.clone()),
        _ => None,
    };
    cluster.publish(name, found);
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
    let undo = cluster.create("undo", undo_of("lock"));
    let (_, waits) = look(&cluster, "undo", &undo).await;
    assert!(waits.is_some_and(|message| message.contains("IncidentAction")));
}

#[tokio::test]
async fn an_older_undo_that_cannot_begin_yet_holds_nobody_up() {
    let mut cluster = Cluster::new();
    let rule = json!({ "approval": { "requiredFor": ["DisableUser"] } });
    cluster.app.spec.incidents = Some(serde_json::from_value(rule).unwrap());
    let mut asked = change("disableUser", "ana");
    asked["requestedBy"] = json!("bob");
    // Nobody has approved of it, so there is nothing to be undone.
    let lock = cluster.create("lock", asked);
    cluster.add("undo", undo_of("lock"));
    cluster.tick();
    let reset = cluster.create("reset", change("forcePasswordReset", "ana"));
    assert_eq!(look(&cluster, "reset", &reset).await.1, None);
    assert!(cluster.is_begun("reset"));
    look(&cluster, "reset", &reset).await;

    cluster.app.spec.incidents = None;
    look(&cluster, "lock", &lock).await;
    assert_eq!(
        look(&cluster, "lock", &lock).await.0,
        Some(Phase::Succeeded)
    );
    // Now it can begin, and is the older one.
    let end = cluster.create("end", invalidate(&json!({ "user": "ana" })));
    let (_, waits) = look(&cluster, "end", &end).await;
    assert!(waits.is_some_and(|message| message.contains("IncidentAction undo")));
    let order = cluster.order("undo");
    look(&cluster, "undo", &order).await;
    look(&cluster, "undo", &order).await;
    assert!(cluster.person("ana").active);
    assert_eq!(look(&cluster, "end", &end).await.1, None);
}

#[tokio::test]
async fn one_that_is_stalled_before_it_begins_holds_nobody_up() {
    let cluster = Cluster::new();
    let missing = json!([{ "kind": "Deployment", "name": "absent" }]);
    let mut spec = restart(&["api"]);
    spec["rollingRestart"]["workloads"] = missing;
    let blind = cluster.create("blind", spec);
    let second = cluster.create("second", restart(&["api"]));
    let (_, waits) = look(&cluster, "second", &second).await;
    assert!(waits.is_some(), "nobody has looked at the first one yet");
    look(&cluster, "blind", &blind).await;
    assert!(!cluster.is_begun("blind"));
    assert_eq!(look(&cluster, "second", &second).await.1, None);
    assert!(cluster.is_begun("second"));
}
