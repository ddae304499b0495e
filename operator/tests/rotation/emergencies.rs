//! Emergencies: at every stage of another rotation, with the ledger gone at every stage of their own.

use std::time::{Duration, Instant};

use reportapp_operator::rotation::runner::{Course, State};
use reportapp_operator::rotation::trouble::Reason;

use crate::crash_points::{KEY, POSTGRES, POSTGRES_IN_PLACE, REDIS, REDIS_IN_PLACE};
use crate::crashing::Plan;
use crate::sandbox::{Sandbox, emergency, is_ended, manual, stalled, succeeded};

/// Consumers are back, with the emergency's value and no other.
async fn assert_recovered(sandbox: &Sandbox, id: &str, what: &str) {
    sandbox.consumers.forgive();
    sandbox.consumers.forget_tokens();
    sandbox.assert_sound(what).await;
    sandbox.assert_dead_are_dead(what).await;
    for target in sandbox.targets() {
        let current = sandbox.entry(&target).current.unwrap();
        assert_eq!(current.rotation, id, "{what}");
    }
}

#[tokio::test]
async fn an_emergency_takes_over_at_every_stage_of_a_rotation() {
    for kinds in [POSTGRES, POSTGRES_IN_PLACE, REDIS, REDIS_IN_PLACE, KEY] {
        for undone in [false, true] {
            for number in 0.. {
                let what = format!("{kinds:?} after effect {number}, undone: {undone}");
                let sandbox = Sandbox::new(kinds).await;
                let order = manual("overtaken", 100);
                if !sandbox.run_until_dead(&order, number).await {
                    break;
                }
                let course = if undone {
                    Course::Late
                } else {
                    Course::Forward
                };
                if undone {
                    sandbox.pass(&order, course).await;
                }
                let was_open = sandbox
                    .entry(&sandbox.credentials[0].target)
                    .rotation
                    .is_some();
                // Made in the same second: the ledger's fence decides, not the clock.
                let urgent = emergency("urgent", 100);
                let mut ends = (false, false);
                for _ in 0..100 {
                    if !ends.0 {
                        let found = sandbox.pass(&urgent, Course::Forward).await;
                        ends.0 = found.iter().all(is_ended);
                        assert!(!ends.0 || succeeded(&found), "{what}: {found:?}");
                    }
                    if !ends.1 {
                        let found = sandbox.pass(&order, course).await;
                        ends.1 = found.iter().all(is_ended);
                        let superseded = found[0].state == State::Superseded;
                        assert_eq!(superseded, was_open, "{what}: {found:?}");
                    }
                    if ends == (true, true) {
                        break;
                    }
                    sandbox.tick().await;
                }
                assert_eq!(ends, (true, true), "{what}");
                assert_recovered(&sandbox, "urgent", &what).await;
            }
        }
    }
}

#[tokio::test]
async fn leaked_values_die_within_seconds_while_the_ledger_is_sealed() {
    for kinds in [POSTGRES, POSTGRES_IN_PLACE, REDIS, REDIS_IN_PLACE] {
        let sandbox = Sandbox::new(kinds).await;
        let before = manual("before", 50);
        let (found, _) = sandbox.run(&before, Plan::default()).await;
        assert!(succeeded(&found));
        let target = &sandbox.targets()[0];
        let leaked = sandbox.entry(target).current.unwrap();
        sandbox.seal(true);
        let order = emergency("urgent", 100);
        let began = Instant::now();
        let found = sandbox.pass(&order, Course::Forward).await;
        let took = began.elapsed();
        assert!(stalled(&found, Reason::BlockedAwaitingStore), "{found:?}");
        assert!(!sandbox.accepts(target, &leaked).await);
        let ended = found[0].blocked;
        assert!(ended >= Some(2), "one session of each pod, not {ended:?}");
        assert!(took < Duration::from_secs(5), "{took:?}");
        println!("{kinds:?}: refused after {} ms", took.as_millis());
        sandbox.tick().await;
        let found = sandbox.pass(&order, Course::Forward).await;
        assert!(stalled(&found, Reason::BlockedAwaitingStore), "{found:?}");
        assert!(!found[0].rolled_out, "{found:?}");
        sandbox.seal(false);
        let (found, _) = sandbox.run(&order, Plan::default()).await;
        assert!(succeeded(&found), "{found:?}");
        assert!(found[0].rolled_out, "{found:?}");
        assert_recovered(&sandbox, "urgent", &format!("{kinds:?}")).await;
    }
}

#[tokio::test]
async fn a_ledger_that_is_sealed_at_any_stage_of_an_emergency_costs_time_only() {
    for kinds in [POSTGRES, POSTGRES_IN_PLACE, REDIS, REDIS_IN_PLACE, KEY] {
        for number in 0.. {
            let what = format!("{kinds:?} sealed after effect {number}");
            let sandbox = Sandbox::new(kinds).await;
            let order = emergency("urgent", 100);
            if !sandbox.run_until_dead(&order, number).await {
                break;
            }
            sandbox.seal(true);
            for _ in 0..3 {
                let found = sandbox.pass(&order, Course::Forward).await;
                assert!(
                    matches!(found[0].state, State::Stalled(_)),
                    "{what}: {found:?}"
                );
                sandbox.tick().await;
            }
            sandbox.seal(false);
            let (found, _) = sandbox.run(&order, Plan::default()).await;
            assert!(succeeded(&found), "{what}: {found:?}");
            assert_recovered(&sandbox, "urgent", &what).await;
        }
    }
}

#[tokio::test]
async fn an_emergency_that_may_not_go_on_never_brings_a_leaked_value_back() {
    for kinds in [POSTGRES, POSTGRES_IN_PLACE, REDIS, REDIS_IN_PLACE] {
        for course in [Course::Late, Course::Cancelled] {
            for number in 0.. {
                let what = format!("{kinds:?} {course:?} after effect {number}");
                let sandbox = Sandbox::new(kinds).await;
                let order = emergency("urgent", 100);
                if !sandbox.run_until_dead(&order, number).await {
                    break;
                }
                let target = &sandbox.targets()[0];
                sandbox.run_on(&order, course, Plan::default()).await;
                let leaked = &sandbox.credentials[0].adopted;
                assert!(!sandbox.accepts(target, leaked).await, "{what}");
                let entry = sandbox.entry(target);
                assert!(
                    entry.rotation.is_none() && entry.pending.is_none(),
                    "{what}"
                );
                let next = manual("next", 200);
                let (found, _) = sandbox.run(&next, Plan::default()).await;
                assert!(succeeded(&found), "{what}: {found:?}");
                assert_recovered(&sandbox, "next", &what).await;
            }
        }
    }
}

#[tokio::test]
async fn an_emergency_that_nobody_carries_out_any_more_is_ended_without_its_leaked_value() {
    for kinds in [POSTGRES, POSTGRES_IN_PLACE, REDIS_IN_PLACE] {
        for number in 1.. {
            let what = format!("{kinds:?} abandoned after effect {number}");
            let sandbox = Sandbox::new(kinds).await;
            let order = emergency("gone", 100);
            if !sandbox.run_until_dead(&order, number).await {
                break;
            }
            sandbox.abandon("gone");
            let (leaked, target) = (&sandbox.credentials[0].adopted, &sandbox.targets()[0]);
            let next = manual("next", 200);
            for _ in 0..100 {
                let found = sandbox.pass(&next, Course::Forward).await;
                assert!(!sandbox.accepts(target, leaked).await, "{what}: {found:?}");
                if succeeded(&found) {
                    break;
                }
                sandbox.tick().await;
            }
            assert_recovered(&sandbox, "next", &what).await;
        }
    }
}
