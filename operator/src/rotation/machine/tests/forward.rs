//! The way there: the new value is set, published, used, and the old one dies.

use super::*;

#[test]
fn a_new_value_is_set_until_it_is_accepted() {
    let lacking = || Login::Lacking("a right".to_owned());
    let users = target(Strategy::AlternatingUsers);
    let keys = target(Strategy::KeyOverlap);
    let accepted = || pending(Login::Accepted, false);
    let table = vec![
        (generated(), None, pending(Login::Refused, false), "Prepare"),
        (generated(), None, pending(lacking(), false), "Prepare"),
        (generated(), None, accepted(), "Promote"),
        (generated(), None, pending(Login::Accepted, true), "Promote"),
        (
            generated(),
            None,
            pending(Login::Refused, true),
            "stall at Test: PrivilegesLacking",
        ),
        (
            generated(),
            None,
            pending(lacking(), true),
            "stall at Test: PrivilegesLacking",
        ),
        (
            promoted(),
            None,
            current(Login::Accepted),
            "publish Switched",
        ),
        (promoted(), None, current(Login::Refused), "Repair"),
        (promoted(), None, current(lacking()), "Repair"),
    ];
    check(&order(), &users, at(0), table);
    let announced = || round(ID, Round::Announced);
    let table = vec![
        (generated(), None, accepted(), "publish Announced"),
        (generated(), announced(), pods(moving(1)), "wait at RollOut"),
        (
            generated(),
            announced(),
            pods(unhealthy(1)),
            "stall at RollOut: PodsUnhealthy",
        ),
        (
            generated(),
            announced(),
            pods(Some(Rollout::Complete)),
            "Promote",
        ),
        (
            promoted(),
            announced(),
            current(Login::Accepted),
            "publish Switched",
        ),
    ];
    check(&order(), &keys, at(0), table);
    let table = vec![
        (generated(), None, accepted(), "Promote"),
        (promoted(), None, current(Login::Accepted), "publish Alone"),
    ];
    check(&emergency(), &keys, at(0), table);
}

#[test]
fn the_old_value_is_kept_while_anybody_uses_it() {
    let switched = || round(ID, Round::Switched);
    let since = |second| Entry {
        quiet_since: Some(at(second)),
        ..promoted()
    };
    let users = target(Strategy::AlternatingUsers);
    let table = vec![
        (promoted(), switched(), pods(moving(1)), "wait at RollOut"),
        (
            promoted(),
            switched(),
            pods(unhealthy(0)),
            "stall at RollOut: PodsUnhealthy",
        ),
        (
            promoted(),
            switched(),
            quiet(1),
            "stall at Converge: OldSessionsRemain",
        ),
        (promoted(), switched(), quiet(0), "ready to retire"),
    ];
    check(&order(), &users, at(0), table);
    let table = vec![
        (promoted(), switched(), pods(moving(1)), "wait at RollOut"),
        (promoted(), switched(), quiet(1), "ready to retire"),
    ];
    check(&emergency(), &users, at(0), table);
    let held = Target {
        hold: Duration::from_secs(10),
        ..users
    };
    let table = vec![
        (promoted(), switched(), quiet(0), "NoteQuiet"),
        (since(5), switched(), quiet(0), "wait at Converge"),
        (since(4), switched(), quiet(0), "ready to retire"),
        (since(4), switched(), quiet(1), "NoteBusy"),
        (since(4), switched(), pods(moving(1)), "NoteBusy"),
        // Pods that restart with the new value do not begin the wait anew.
        (since(4), switched(), pods(moving(0)), "wait at RollOut"),
        (
            since(4),
            switched(),
            pods(unhealthy(0)),
            "stall at RollOut: PodsUnhealthy",
        ),
    ];
    check(&order(), &held, at(14), table);
    let alone = || round(ID, Round::Alone);
    let table = vec![
        (promoted(), alone(), pods(moving(1)), "wait at RollOut"),
        (promoted(), alone(), pods(Some(Rollout::Complete)), "Retire"),
    ];
    check(&order(), &target(Strategy::KeyOverlap), at(0), table);
}

#[test]
fn a_value_is_dead_when_it_was_disabled_and_is_refused() {
    let seen = |previous, retired| Seen {
        previous,
        retired,
        ..Seen::default()
    };
    let lacking = Login::Lacking("unsaved".to_owned());
    let table = [
        (seen(None, false), "Retire"),
        (seen(Some(Login::Refused), false), "Retire"),
        (seen(None, true), "Close { succeeded: true }"),
        (
            seen(Some(Login::Refused), true),
            "Close { succeeded: true }",
        ),
        (
            seen(Some(Login::Accepted), true),
            "stall at Retire: OldStillAccepted",
        ),
        (
            seen(Some(lacking), true),
            "stall at Retire: OldStillAccepted",
        ),
    ];
    for (seen, expected) in table {
        assert_eq!(word(&retired(&seen)), expected, "{seen:?}");
    }
}
