//! The way back, and the end of a rotation that may not go on.

use super::*;

#[test]
fn taking_back_restores_publishes_waits_and_only_then_disables() {
    let switched = || round(ID, Round::Switched);
    let adopted = || round(ADOPTED, Round::Announced);
    let old = |current, pending, rollout| Seen {
        current: Some(current),
        pending: Some(pending),
        rollout,
        ..Seen::default()
    };
    let complete = || Some(Rollout::Complete);
    let (yes, no) = (|| Login::Accepted, || Login::Refused);
    let again = || Seen {
        prepared: true,
        ..old(no(), yes(), complete())
    };
    let still = || Seen {
        retired: true,
        ..old(yes(), yes(), complete())
    };
    let undo = taken_back;
    let table = vec![
        (undo(), switched(), old(no(), yes(), complete()), "Repair"),
        (
            undo(),
            switched(),
            again(),
            "stall at Test: PrivilegesLacking",
        ),
        (
            undo(),
            switched(),
            old(yes(), yes(), complete()),
            "publish Announced",
        ),
        (
            undo(),
            adopted(),
            old(yes(), yes(), moving(1)),
            "wait at RollOut",
        ),
        (
            undo(),
            adopted(),
            old(yes(), yes(), moving(0)),
            "wait at RollOut",
        ),
        (
            undo(),
            adopted(),
            old(yes(), yes(), unhealthy(1)),
            "wait at RollOut",
        ),
        (
            undo(),
            adopted(),
            old(yes(), yes(), unhealthy(0)),
            "Withdraw",
        ),
        (undo(), adopted(), old(yes(), yes(), complete()), "Withdraw"),
        // It was refused before this rotation as well.
        (undo(), None, old(no(), yes(), complete()), "Withdraw"),
        (
            undo(),
            adopted(),
            old(yes(), no(), complete()),
            "Close { succeeded: false }",
        ),
        (
            undo(),
            adopted(),
            pods(complete()),
            "Close { succeeded: false }",
        ),
        (
            undo(),
            adopted(),
            still(),
            "stall at Retire: OldStillAccepted",
        ),
    ];
    check(&order(), &target(Strategy::AlternatingUsers), at(0), table);
    let table = vec![(undo(), None, old(no(), yes(), complete()), "Repair")];
    check(&order(), &target(Strategy::InPlace), at(0), table);
    let table = vec![(undo(), None, old(no(), yes(), complete()), "Withdraw")];
    check(&emergency(), &target(Strategy::InPlace), at(0), table);
}

#[test]
fn a_rotation_that_may_not_go_on_ends_as_its_stage_allows() {
    use Ending::{Forget, GoOn, StopHere, TakeBack};
    let none = Next::Done;
    let ready = Next::ReadyToRetire;
    let complete = || Some(Rollout::Complete);
    // Stage, pods, decision; the ending when late, when deleted, and when late in an emergency.
    let table = [
        (Stage::Generate, None, &none, Forget, Forget, Forget),
        (Stage::Closed, None, &none, Forget, Forget, Forget),
        (Stage::Introduce, None, &none, TakeBack, TakeBack, TakeBack),
        (Stage::Announce, None, &none, TakeBack, TakeBack, TakeBack),
        (Stage::Publish, None, &none, TakeBack, TakeBack, GoOn),
        (
            Stage::Converge,
            moving(1),
            &none,
            TakeBack,
            StopHere,
            StopHere,
        ),
        (
            Stage::Converge,
            unhealthy(1),
            &none,
            TakeBack,
            TakeBack,
            StopHere,
        ),
        (
            Stage::Converge,
            complete(),
            &none,
            StopHere,
            StopHere,
            StopHere,
        ),
        (Stage::Converge, complete(), &ready, GoOn, StopHere, GoOn),
        (
            Stage::Retire,
            moving(1),
            &none,
            StopHere,
            StopHere,
            StopHere,
        ),
        (Stage::Undo, None, &none, GoOn, GoOn, GoOn),
    ];
    for (stage, rollout, next, late, deleted, urgent) in table {
        let seen = pods(rollout);
        let found = [
            ending(&order(), stage, &seen, next, false),
            ending(&order(), stage, &seen, next, true),
            ending(&emergency(), stage, &seen, next, false),
        ];
        assert_eq!(found, [late, deleted, urgent], "{stage:?} {seen:?}");
    }
}
