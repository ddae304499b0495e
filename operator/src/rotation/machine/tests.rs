//! Every stage with everything that may be seen in it.

mod backward;
mod forward;

use std::time::Duration;

use super::*;
use crate::backend::Login;
use crate::rotation::ledger::{ADOPTED, Closed, SecretText, Value};
use crate::rotation::target::Strategy;

const ID: &str = "this";

fn order() -> Order {
    Order {
        id: ID.to_owned(),
        fence: 7,
        emergency: false,
        repairs: false,
    }
}

fn emergency() -> Order {
    Order {
        emergency: true,
        repairs: true,
        ..order()
    }
}

fn target(strategy: Strategy) -> Target {
    Target {
        name: "erp".to_owned(),
        strategy,
        role: Some("backend".to_owned()),
        file: "password",
        hold: Duration::ZERO,
        index: 0,
    }
}

fn value(rotation: &str, user: &str) -> Option<Value> {
    Some(Value {
        rotation: rotation.to_owned(),
        username: Some(user.to_owned()),
        secret: SecretText::new("canary"),
        created: Timestamp::UNIX_EPOCH,
    })
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// Before this rotation: only a current value.
fn idle() -> Entry {
    Entry {
        current: value(ADOPTED, "backend"),
        ..Entry::default()
    }
}

fn generated() -> Entry {
    Entry {
        fence: 7,
        rotation: Some(ID.to_owned()),
        pending: value(ID, "backend_a"),
        ..idle()
    }
}

fn promoted() -> Entry {
    Entry {
        pending: None,
        current: value(ID, "backend_a"),
        previous: value(ADOPTED, "backend"),
        ..generated()
    }
}

fn taken_back() -> Entry {
    Entry {
        undoing: true,
        ..generated()
    }
}

fn closed(rotation: &str, succeeded: bool) -> Option<Closed> {
    Some(Closed {
        rotation: rotation.to_owned(),
        at: at(100),
        succeeded,
    })
}

fn round(rotation: &str, round: Round) -> Option<Published> {
    Some(Published {
        rotation: rotation.to_owned(),
        round,
    })
}

fn moving(old_pods: u32) -> Option<Rollout> {
    let message = "pods".to_owned();
    Some(Rollout::Moving { old_pods, message })
}

fn unhealthy(old_pods: u32) -> Option<Rollout> {
    let message = "pods".to_owned();
    Some(Rollout::Unhealthy { old_pods, message })
}

fn sessions(count: u32) -> Option<Sessions> {
    Some(Sessions {
        count,
        clients: "worker (1)".to_owned(),
    })
}

/// A decision in one word.
fn word(next: &Next) -> String {
    match next {
        Next::Act(effect) => format!("{effect:?}"),
        Next::Wait(waiting) => format!("wait at {:?}", waiting.step),
        Next::Stall(step, trouble) => format!("stall at {step:?}: {}", trouble.reason),
        Next::ReadyToPublish(round) => format!("publish {round:?}"),
        Next::ReadyToRetire => "ready to retire".to_owned(),
        Next::Done => "done".to_owned(),
    }
}

#[test]
fn the_stage_follows_from_durable_facts_alone() {
    let superseded = Entry {
        superseded: vec![ID.to_owned()],
        rotation: Some("other".to_owned()),
        ..idle()
    };
    let other = Entry {
        rotation: Some("other".to_owned()),
        ..generated()
    };
    let ended = |rotation| Entry {
        closed: closed(rotation, true),
        ..idle()
    };
    let adopted = || round(ADOPTED, Round::Announced);
    let table = [
        (Entry::default(), None, Stage::Generate),
        (idle(), adopted(), Stage::Generate),
        (other, round(ID, Round::Switched), Stage::Generate),
        (ended("other"), None, Stage::Generate),
        (ended(ID), None, Stage::Closed),
        (superseded, None, Stage::Closed),
        (generated(), None, Stage::Introduce),
        (generated(), adopted(), Stage::Introduce),
        (generated(), round(ID, Round::Announced), Stage::Announce),
        (promoted(), None, Stage::Publish),
        (promoted(), adopted(), Stage::Publish),
        (promoted(), round(ID, Round::Announced), Stage::Publish),
        (promoted(), round("other", Round::Switched), Stage::Publish),
        (promoted(), round(ID, Round::Switched), Stage::Converge),
        (promoted(), round(ID, Round::Alone), Stage::Retire),
        (taken_back(), None, Stage::Undo),
        (taken_back(), round(ID, Round::Switched), Stage::Undo),
    ];
    for (entry, published, expected) in table {
        let found = stage(&order(), &entry, published.as_ref());
        assert_eq!(found, expected, "{entry:?} {published:?}");
    }
}

/// Entry, publication, what is seen, and the decision.
type Row = (Entry, Option<Published>, Seen, &'static str);

fn check(order: &Order, target: &Target, now: Timestamp, table: Vec<Row>) {
    for (entry, published, seen, expected) in table {
        let found = next(order, target, &entry, published.as_ref(), &seen, now);
        assert_eq!(word(&found), expected, "{entry:?} {published:?} {seen:?}");
    }
}

fn current(login: Login) -> Seen {
    Seen {
        current: Some(login),
        ..Seen::default()
    }
}

fn pending(login: Login, prepared: bool) -> Seen {
    Seen {
        pending: Some(login),
        prepared,
        ..Seen::default()
    }
}

fn pods(rollout: Option<Rollout>) -> Seen {
    Seen {
        rollout,
        ..Seen::default()
    }
}

fn quiet(count: u32) -> Seen {
    Seen {
        sessions: sessions(count),
        ..pods(Some(Rollout::Complete))
    }
}

#[test]
fn a_rotation_begins_when_nobody_holds_what_it_would_take() {
    let open = || Entry {
        rotation: Some("other".to_owned()),
        ..idle()
    };
    let users = |count| Seen {
        sessions: sessions(count),
        ..Seen::default()
    };
    let target = target(Strategy::AlternatingUsers);
    let table = vec![
        (idle(), None, Seen::default(), "Generate"),
        (idle(), None, current(Login::Accepted), "Generate"),
        (
            idle(),
            None,
            current(Login::Refused),
            "stall at Plan: CurrentRejected",
        ),
        (idle(), None, users(0), "Generate"),
        (idle(), None, users(1), "stall at Plan: OldSessionsRemain"),
        (open(), None, Seen::default(), "wait at Plan"),
    ];
    check(&order(), &target, at(0), table);
    let repairs = Order {
        repairs: true,
        ..order()
    };
    let refused = || current(Login::Refused);
    check(
        &repairs,
        &target,
        at(0),
        vec![(idle(), None, refused(), "Generate")],
    );
    let table = vec![
        (open(), None, refused(), "Generate"),
        (idle(), None, users(1), "Generate"),
    ];
    check(&emergency(), &target, at(0), table);
}

#[test]
fn a_value_left_valid_is_disabled_before_the_ledger_forgets_it() {
    let left = || Entry {
        current: value("last", "backend_a"),
        previous: value(ADOPTED, "backend"),
        closed: closed("last", false),
        ..Entry::default()
    };
    let alive = |seen: Seen| Seen {
        previous: Some(Login::Accepted),
        ..seen
    };
    let dead = Seen {
        previous: Some(Login::Refused),
        ..Seen::default()
    };
    let target = Target {
        hold: Duration::from_secs(10),
        ..target(Strategy::AlternatingUsers)
    };
    let early = vec![
        (left(), None, dead, "Generate"),
        (left(), None, alive(pods(moving(1))), "wait at RollOut"),
        (
            left(),
            None,
            alive(pods(unhealthy(1))),
            "stall at RollOut: PodsUnhealthy",
        ),
        (
            left(),
            None,
            alive(quiet(1)),
            "stall at Plan: OldSessionsRemain",
        ),
        (left(), None, alive(quiet(0)), "wait at Plan"),
    ];
    check(&order(), &target, at(109), early);
    let table = vec![(left(), None, alive(quiet(0)), "Settle")];
    check(&order(), &target, at(110), table);
    // A key opens nothing: its time is all there is to wait for.
    let table = vec![(left(), None, quiet(0), "Generate")];
    check(&order(), &target, at(110), table);

    let settled = Entry {
        closed: closed("later", false),
        ..left()
    };
    assert_eq!(leftover(&order(), &settled), None);
    assert_eq!(leftover(&emergency(), &left()), None);
}

#[test]
fn a_fence_is_greater_than_every_fence_before() {
    let entry = |fence, rotation: Option<&str>| Entry {
        fence,
        rotation: rotation.map(str::to_owned),
        ..Entry::default()
    };
    assert_eq!(order().fence_over(&entry(0, None)), 7);
    assert_eq!(order().fence_over(&entry(7, None)), 8);
    assert_eq!(order().fence_over(&entry(9, Some("other"))), 10);
    assert_eq!(order().fence_over(&entry(9, Some(ID))), 9);
}
