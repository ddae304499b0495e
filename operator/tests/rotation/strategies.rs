//! The spec, or a published place, asks for another strategy than the time before: at the end the users of
//! the former way are dead like any other old value, whatever crashed, and also when it was taken back once.

use reportapp_operator::rotation::runner::Course;
use reportapp_operator::rotation::target::Strategy;

use crate::crashing::Plan;
use crate::sandbox::{Sandbox, manual, scheduled, succeeded};
use crate::scenes::Kind;

const CHANGES: [(Kind, Strategy, Strategy); 4] = [
    (
        Kind::Postgres,
        Strategy::AlternatingUsers,
        Strategy::InPlace,
    ),
    (
        Kind::Postgres,
        Strategy::InPlace,
        Strategy::AlternatingUsers,
    ),
    (
        Kind::Redis,
        Strategy::AlternatingUsers,
        Strategy::TwoPasswords,
    ),
    (
        Kind::Redis,
        Strategy::TwoPasswords,
        Strategy::AlternatingUsers,
    ),
];
/// Rotations before the change: of two users in turn each has been in use once.
const TURNS: u64 = 2;

/// A credential that was rotated one way and is to be rotated another way.
async fn changed((kind, from, to): (Kind, Strategy, Strategy), turns: u64) -> Sandbox {
    let mut sandbox = Sandbox::new(&[(kind, from)]).await;
    for turn in 0..turns {
        let order = scheduled(&format!("turn-{turn}"), turn);
        let (found, _) = sandbox.run(&order, Plan::default()).await;
        assert!(succeeded(&found), "{found:?}");
    }
    sandbox.credentials[0].target.strategy = to;
    sandbox.consumers.forgive();
    sandbox
}

async fn assert_done(sandbox: &Sandbox, in_place: bool, what: &str) {
    if in_place {
        // There is no overlap to keep.
        sandbox.consumers.forgive();
    }
    sandbox.assert_sound(what).await;
    sandbox.assert_dead_are_dead(what).await;
}

#[tokio::test]
async fn the_users_of_another_strategy_are_dead_at_the_end_whatever_crashes() {
    for change in CHANGES {
        let in_place = change.2 == Strategy::InPlace;
        for turns in 1..=TURNS {
            for number in 0.. {
                let what = format!("{change:?} after {turns} turns, dead after effect {number}");
                let sandbox = changed(change, turns).await;
                let order = manual("another way", 100);
                let died = sandbox.run_until_dead(&order, number).await;
                let (found, _) = sandbox.run(&order, Plan::default()).await;
                assert!(succeeded(&found), "{what}: {found:?}");
                assert_done(&sandbox, in_place, &what).await;
                if !died {
                    assert!(number >= 4, "{change:?}: only {number} effects");
                    break;
                }
            }
        }
    }
}

#[tokio::test]
async fn another_strategy_that_is_taken_back_at_any_effect_is_done_the_next_time() {
    for change in CHANGES {
        let in_place = change.1 == Strategy::InPlace || change.2 == Strategy::InPlace;
        for number in 0.. {
            let what = format!("{change:?}, late after effect {number}");
            let sandbox = changed(change, TURNS).await;
            let order = manual("another way", 100);
            if !sandbox.run_until_dead(&order, number).await {
                break;
            }
            sandbox.run_on(&order, Course::Late, Plan::default()).await;
            let next = manual("next", 200);
            let (found, _) = sandbox.run(&next, Plan::default()).await;
            assert!(succeeded(&found), "{what}: {found:?}");
            assert_done(&sandbox, in_place, &what).await;
        }
    }
}
