//! Rotations that may not go on: late or deleted at every point, with sick pods, with clients that
//! stay. Each ends, nobody is refused, and the next rotation cleans up what was left.

use std::time::Duration;

use reportapp_operator::rotation::plan::Backend;
use reportapp_operator::rotation::runner::{Course, State};
use reportapp_operator::rotation::target::Strategy;
use reportapp_operator::rotation::trouble::Reason;

use crate::crash_points::{KEY, MIXED, POSTGRES, POSTGRES_IN_PLACE, REDIS_IN_PLACE, TWO, VALUE};
use crate::crashing::{MISHAPS, Mishap, Plan};
use crate::sandbox::{Sandbox, manual, scheduled, stalled, succeeded};
use crate::scenes::Kind;

type Kinds = &'static [(Kind, Strategy)];

/// Ends a rotation after each of its effects, and then makes another one.
async fn end_everywhere(kinds: Kinds, course: Course, held: bool) {
    for number in 0.. {
        let sandbox = Sandbox::new(kinds).await;
        let what = format!("{kinds:?} {course:?} after effect {number}, pods held: {held}");
        sandbox.consumers.hold(held);
        if held && kinds.contains(&KEY[0]) && number >= 2 {
            // It waits for the pods to know the new key; there is no later effect.
            return;
        }
        if held && number >= 4 * kinds.len() {
            return;
        }
        let order = manual("stopped", 100);
        if !sandbox.run_until_dead(&order, number).await {
            return;
        }
        sandbox.consumers.hold(false);
        let (found, _) = sandbox.run_on(&order, course, Plan::default()).await;
        if kinds.contains(&POSTGRES_IN_PLACE[0]) {
            sandbox.consumers.forgive();
        }
        sandbox.assert_sound(&what).await;
        for (credential, progress) in sandbox.credentials.iter().zip(&found) {
            let State::Ended {
                succeeded,
                both_valid,
            } = progress.state
            else {
                panic!("{what}: {progress:?}");
            };
            let entry = sandbox.entry(&credential.target);
            let is_new = entry.current.is_some_and(|c| c.rotation == "stopped");
            assert_eq!(is_new, succeeded || both_valid, "{what}");
        }
        if found.iter().all(|p| {
            matches!(
                p.state,
                State::Ended {
                    both_valid: false,
                    ..
                }
            )
        }) {
            sandbox.assert_dead_are_dead(&what).await;
        }
        let (found, _) = sandbox.run(&manual("next", 200), Plan::default()).await;
        assert!(succeeded(&found), "{what}: {found:?}");
        if kinds.contains(&POSTGRES_IN_PLACE[0]) {
            sandbox.consumers.forgive();
        }
        sandbox.assert_sound(&what).await;
        sandbox.assert_dead_are_dead(&what).await;
    }
}

#[tokio::test]
async fn a_late_rotation_ends_soundly_at_every_point() {
    for kinds in [
        POSTGRES,
        POSTGRES_IN_PLACE,
        REDIS_IN_PLACE,
        KEY,
        VALUE,
        TWO,
        MIXED,
    ] {
        end_everywhere(kinds, Course::Late, false).await;
    }
    end_everywhere(POSTGRES, Course::Late, true).await;
}

#[tokio::test]
async fn a_deleted_rotation_ends_soundly_at_every_point() {
    for kinds in [POSTGRES, POSTGRES_IN_PLACE, REDIS_IN_PLACE, KEY, VALUE, TWO] {
        end_everywhere(kinds, Course::Cancelled, false).await;
    }
    end_everywhere(POSTGRES, Course::Cancelled, true).await;
}

/// Only the old value is left to be disabled, and the backend does not let that happen.
#[tokio::test]
async fn a_late_rotation_that_cannot_disable_the_old_value_leaves_it_to_the_next() {
    for kinds in [POSTGRES, REDIS_IN_PLACE] {
        let order = manual("stopped", 100);
        let (_, effects) = Sandbox::new(kinds).await.run(&order, Plan::default()).await;
        let disable = effects.iter().position(|effect| effect == "disable");
        let sandbox = Sandbox::new(kinds).await;
        let before = (disable.unwrap(), Mishap::DiesBefore);
        assert!(sandbox.run_until(&order, before.0, before.1).await);
        let plan = Plan {
            at: Some((0, Mishap::Refused)),
        };
        let (found, _) = sandbox.run_on(&order, Course::Late, plan).await;
        let both_valid = State::Ended {
            succeeded: false,
            both_valid: true,
        };
        assert_eq!(found[0].state, both_valid, "{kinds:?}");
        sandbox.assert_sound(&format!("{kinds:?}")).await;

        let next = sandbox.run(&manual("next", 200), Plan::default()).await;
        assert!(succeeded(&next.0), "{next:?}");
        sandbox.assert_dead_are_dead(&format!("{kinds:?}")).await;
    }
}

/// Publishes to pods of which one has moved and the other one never becomes ready.
async fn half_moved(kinds: Kinds) -> Sandbox {
    let sandbox = Sandbox::new(kinds).await;
    sandbox.consumers.hold(true);
    let order = manual("sick", 100);
    let published = |sandbox: &Sandbox| {
        let given = sandbox.given(&sandbox.credentials[0].target);
        given.published.is_some_and(|p| p.rotation == "sick")
    };
    while !published(&sandbox) {
        sandbox.pass(&order, Course::Forward).await;
    }
    sandbox.consumers.hold(false);
    sandbox.tick().await;
    sandbox.consumers.sicken("sick");
    sandbox
}

#[tokio::test]
async fn sick_pods_go_back_to_the_old_value_at_the_deadline() {
    for kinds in [POSTGRES, REDIS_IN_PLACE, KEY, VALUE] {
        let order = manual("sick", 100);
        let sandbox = half_moved(kinds).await;
        sandbox
            .until(&order, Course::Forward, |found| {
                stalled(found, Reason::PodsUnhealthy)
            })
            .await;
        let (_, effects) = sandbox.run_on(&order, Course::Late, Plan::default()).await;
        sandbox.assert_sound(&format!("{kinds:?}")).await;
        for (number, effect) in effects.iter().enumerate() {
            for mishap in MISHAPS {
                let what = format!("{kinds:?}: {mishap:?} at {} ({number})", effect);
                let sandbox = half_moved(kinds).await;
                let plan = Plan {
                    at: Some((number, mishap)),
                };
                let (found, _) = sandbox.run_on(&order, Course::Late, plan).await;
                let gone_back = State::Ended {
                    succeeded: false,
                    both_valid: false,
                };
                assert_eq!(found[0].state, gone_back, "{what}");
                sandbox.assert_sound(&what).await;
                sandbox.assert_dead_are_dead(&what).await;
            }
        }
        println!(
            "{kinds:?} taken back: {} plans over {}",
            effects.len() * MISHAPS.len() + 1,
            effects.join(", ")
        );
    }
}

#[tokio::test]
async fn a_client_that_stays_is_named_and_keeps_both_values_valid() {
    let sandbox = Sandbox::new(POSTGRES).await;
    let credential = &sandbox.credentials[0];
    let adopted = credential.adopted.clone();
    let (user, secret) = (adopted.username.clone().unwrap(), adopted.secret.clone());
    let outside = sandbox.servers.postgres_login(&user, secret.expose());
    let outside = outside.await.unwrap();
    let order = manual("first", 100);
    let found = sandbox
        .until(&order, Course::Forward, |found| {
            let waits = |p: &reportapp_operator::rotation::runner::Progress| {
                p.old_sessions.as_ref().is_some_and(|s| s.count == 1)
            };
            stalled(found, Reason::OldSessionsRemain) && found.iter().all(waits)
        })
        .await;
    let State::Stalled(trouble) = &found[0].state else {
        panic!("{found:?}");
    };
    assert!(
        trouble.message.contains(&format!("(user {user})")),
        "{trouble}"
    );
    assert!(
        trouble.message.contains("bisman at 127.0.0.1 (1)"),
        "{trouble}"
    );

    let (found, _) = sandbox.run_on(&order, Course::Late, Plan::default()).await;
    let both = State::Ended {
        succeeded: false,
        both_valid: true,
    };
    assert_eq!(found[0].state, both);
    sandbox.assert_sound("both valid").await;
    assert!(sandbox.accepts(&credential.target, &adopted).await);

    // The next one does not take the login away from it either.
    let next = scheduled("second", 200);
    sandbox
        .until(&next, Course::Forward, |found| {
            stalled(found, Reason::OldSessionsRemain)
        })
        .await;
    outside.simple_query("SELECT 1").await.unwrap();
    assert!(sandbox.accepts(&credential.target, &adopted).await);
    drop(outside);
    let (found, _) = sandbox.run(&next, Plan::default()).await;
    assert!(succeeded(&found), "{found:?}");
    sandbox.assert_sound("settled").await;
    sandbox.assert_dead_are_dead("settled").await;
}

#[tokio::test]
async fn a_client_of_a_fixed_user_that_stays_is_named_by_the_age_of_its_connection() {
    let sandbox = Sandbox::new(REDIS_IN_PLACE).await;
    let credential = &sandbox.credentials[0];
    let adopted = &credential.adopted;
    let (user, secret) = (adopted.username.clone().unwrap(), adopted.secret.clone());
    let outside = sandbox.servers.redis.login(&user, secret.expose());
    let outside = outside.await.unwrap();
    let Backend::Redis(redis) = &credential.backend else {
        panic!("it opens Redis");
    };
    // Ages are told in whole seconds: it must be older by more than that than what is handed out next.
    let age = Duration::from_secs(2);
    let grown_old = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(50));
        while redis
            .sessions_older_than(&user, age)
            .await
            .unwrap()
            .is_empty()
        {
            ticks.tick().await;
        }
    };
    let grown_old = tokio::time::timeout(Duration::from_secs(30), grown_old).await;
    grown_old.expect("Redis tells the age of the connection");

    let order = manual("first", 100);
    let found = sandbox
        .until(&order, Course::Forward, |found| {
            stalled(found, Reason::OldSessionsRemain)
        })
        .await;
    let State::Stalled(trouble) = &found[0].state else {
        panic!("{found:?}");
    };
    assert!(trouble.message.contains("127.0.0.1 (1)"), "{trouble}");
    assert!(sandbox.accepts(&credential.target, adopted).await);
    drop(outside);
    let (found, _) = sandbox.run(&order, Plan::default()).await;
    assert!(succeeded(&found), "{found:?}");
    sandbox.assert_sound("it left").await;
    sandbox.assert_dead_are_dead("it left").await;
}

#[tokio::test]
async fn a_crash_while_a_leftover_is_settled_changes_nothing() {
    for kinds in [POSTGRES, REDIS_IN_PLACE, KEY] {
        let both_valid = async || {
            let sandbox = Sandbox::new(kinds).await;
            let order = manual("first", 100);
            sandbox
                .until(&order, Course::Forward, |_| {
                    let given = sandbox.given(&sandbox.credentials[0].target).published;
                    given.is_some_and(|p| {
                        p.rotation == "first"
                            && p.round > reportapp_operator::rotation::target::Round::Announced
                    })
                })
                .await;
            sandbox
                .run_on(&order, Course::Cancelled, Plan::default())
                .await;
            sandbox
        };
        let next = scheduled("second", 200);
        let (_, effects) = both_valid().await.run(&next, Plan::default()).await;
        for (number, effect) in effects.iter().enumerate() {
            for mishap in MISHAPS {
                let what = format!("{kinds:?}: {mishap:?} at {} ({number})", effect);
                let sandbox = both_valid().await;
                let plan = Plan {
                    at: Some((number, mishap)),
                };
                let (found, _) = sandbox.run(&next, plan).await;
                assert!(succeeded(&found), "{what}: {found:?}");
                sandbox.assert_sound(&what).await;
                sandbox.assert_dead_are_dead(&what).await;
            }
        }
    }
}

#[tokio::test]
async fn a_rotation_that_nobody_carries_out_any_more_is_ended_by_the_next_one() {
    for kinds in [POSTGRES, REDIS_IN_PLACE, KEY, VALUE, TWO] {
        for number in 0.. {
            let what = format!("{kinds:?} abandoned after effect {number}");
            let sandbox = Sandbox::new(kinds).await;
            if !sandbox.run_until_dead(&manual("gone", 100), number).await {
                break;
            }
            sandbox.abandon("gone");
            let next = scheduled("next", 200);
            let (found, _) = sandbox.run(&next, Plan::default()).await;
            assert!(succeeded(&found), "{what}: {found:?}");
            sandbox.assert_sound(&what).await;
            sandbox.assert_dead_are_dead(&what).await;
        }
    }
}

#[tokio::test]
async fn what_only_places_outside_were_given_is_taken_back_there() {
    for kinds in [POSTGRES, REDIS_IN_PLACE, KEY, VALUE, TWO] {
        for number in 0.. {
            let what = format!("{kinds:?} died halfway through effect {number}");
            let sandbox = Sandbox::new(kinds).await;
            let order = manual("halfway", 100);
            let died = sandbox.run_until(&order, number, Mishap::DiesHalfway);
            if !died.await {
                break;
            }
            sandbox.run_on(&order, Course::Late, Plan::default()).await;
            sandbox.assert_sound(&what).await;
        }
    }
}
