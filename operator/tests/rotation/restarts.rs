//! The database or Redis itself is killed and started again: between any two effects, and while the
//! answer to any statement is on its way. At every moment some value in the ledger opens the backend, and
//! the end is the same as undisturbed.

use reportapp_operator::rotation::runner::{Course, State};
use reportapp_operator::rotation::target::Strategy;
use reportapp_operator::rotation::trouble::Reason;

use crate::crash_points::{POSTGRES, POSTGRES_IN_PLACE, REDIS, REDIS_IN_PLACE};
use crate::crashing::Plan;
use crate::sandbox::{Sandbox, scheduled, succeeded};
use crate::scenes::Kind;
use crate::servers::own;

type Kinds = &'static [(Kind, Strategy)];

const ALL: [Kinds; 4] = [POSTGRES, POSTGRES_IN_PLACE, REDIS, REDIS_IN_PLACE];
const ID: &str = "restarted";

/// One of the values the ledger holds is accepted.
async fn assert_one_works(sandbox: &Sandbox, what: &str) {
    let credential = &sandbox.credentials[0];
    let entry = sandbox.entry(&credential.target);
    let current = entry.current.or_else(|| Some(credential.adopted.clone()));
    for value in [current, entry.pending, entry.previous].iter().flatten() {
        if sandbox.accepts(&credential.target, value).await {
            return;
        }
    }
    panic!("{what}: no value of the ledger opens anything");
}

async fn assert_done(sandbox: &Sandbox, what: &str) {
    if sandbox.credentials[0].target.strategy == Strategy::InPlace {
        // There is no overlap to keep.
        sandbox.consumers.forgive();
    }
    sandbox.assert_sound(what).await;
    sandbox.assert_dead_are_dead(what).await;
    let (durable, _) = sandbox.generated(&sandbox.credentials[0].target, ID);
    assert_eq!(durable, 1, "{what}");
}

#[tokio::test]
async fn servers_that_are_restarted_between_any_two_effects_pause_the_rotation() {
    let servers = own().await;
    for kinds in ALL {
        let mut paused = 0;
        for number in 0.. {
            let what = format!("{kinds:?} stopped after effect {number}");
            let sandbox = Sandbox::on(servers.clone(), kinds).await;
            let order = scheduled(ID, 100);
            if !sandbox.run_until_dead(&order, number).await {
                assert!(paused >= 3, "{kinds:?} paused {paused} of {number} times");
                break;
            }
            // Pods that were to start now could not; that is no fault of the rotation.
            sandbox.consumers.hold(true);
            servers.stop().await;
            let found = sandbox.pass(&order, Course::Forward).await;
            match &found[0].state {
                State::Stalled(trouble) => {
                    assert_eq!(trouble.reason, Reason::BackendUnreachable, "{what}");
                    paused += 1;
                }
                // What is left to do needs pods or the ledger alone.
                State::Waiting(_) | State::Acted | State::Ended { .. } => {}
                state => panic!("{what}: {state:?}"),
            }
            servers.start_again().await;
            assert_one_works(&sandbox, &what).await;
            sandbox.consumers.hold(false);
            sandbox.consumers.forgive();
            let (found, _) = sandbox.run(&order, Plan::default()).await;
            assert!(succeeded(&found), "{what}: {found:?}");
            assert_done(&sandbox, &what).await;
        }
    }
}

#[tokio::test]
async fn a_server_that_is_killed_while_it_answers_any_statement_changes_nothing() {
    let servers = own().await;
    let mut plans = 0;
    for kinds in ALL {
        let statements: &[&'static str] = match kinds[0].0 {
            Kind::Redis => &["EXEC", "SAVE", "KILL"],
            _ => &["ALTER ROLE", "COMMIT", "pg_terminate_backend"],
        };
        for statement in statements {
            for before in 0.. {
                let what = format!("{kinds:?} killed at {statement} after {before} others");
                let mut sandbox = Sandbox::on(servers.clone(), kinds).await;
                let gate = sandbox.credentials[0].gate(&servers).await;
                let (restarted, kind) = (servers.clone(), kinds[0].0);
                gate.cut_and(statement, before, async move {
                    match kind {
                        Kind::Redis => restarted.redis.restart().await,
                        _ => restarted.restart_postgres().await,
                    }
                });
                let (found, _) = sandbox.run(&scheduled(ID, 100), Plan::default()).await;
                assert!(succeeded(&found), "{what}: {found:?}");
                assert_done(&sandbox, &what).await;
                if gate.is_armed() {
                    break;
                }
                plans += 1;
            }
        }
    }
    println!("servers killed: {plans} plans");
    assert!(plans >= 12, "only {plans} plans");
}
