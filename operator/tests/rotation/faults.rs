//! Faults of the outside in the middle of a rotation: it waits and says why, nobody is refused, and
//! it goes on when the fault is gone.

use reportapp_operator::rotation::ledger::Entry;
use reportapp_operator::rotation::runner::{Course, State};
use reportapp_operator::rotation::trouble::Reason;

use crate::crash_points::{KEY, MIXED, POSTGRES, REDIS, REDIS_IN_PLACE, TWO};
use crate::crashing::Plan;
use crate::gate::Gate;
use crate::sandbox::{Sandbox, manual, scheduled, stalled, succeeded};
use crate::scenes::Credential;

async fn assert_done(sandbox: &Sandbox, what: &str) {
    sandbox.assert_sound(what).await;
    sandbox.assert_dead_are_dead(what).await;
}

#[tokio::test]
async fn a_ledger_that_is_sealed_at_any_stage_pauses_the_rotation() {
    for kinds in [POSTGRES, REDIS, REDIS_IN_PLACE, KEY, TWO] {
        for number in 0.. {
            let what = format!("{kinds:?} sealed after effect {number}");
            let sandbox = Sandbox::new(kinds).await;
            let order = scheduled("paused", 100);
            if !sandbox.run_until_dead(&order, number).await {
                break;
            }
            sandbox.seal(true);
            for _ in 0..3 {
                let found = sandbox.pass(&order, Course::Forward).await;
                assert!(
                    stalled(&found, Reason::StoreUnavailable),
                    "{what}: {found:?}"
                );
                sandbox.tick().await;
            }
            sandbox.seal(false);
            let (found, _) = sandbox.run(&order, Plan::default()).await;
            assert!(succeeded(&found), "{what}: {found:?}");
            assert_done(&sandbox, &what).await;
        }
    }
}

#[tokio::test]
async fn two_operators_at_once_carry_one_rotation_out() {
    for kinds in [POSTGRES, REDIS, REDIS_IN_PLACE, KEY, TWO, MIXED] {
        let sandbox = Sandbox::new(kinds).await;
        let order = scheduled("shared", 100);
        let (one, two) = tokio::join!(
            sandbox.run(&order, Plan::default()),
            sandbox.run(&order, Plan::default())
        );
        assert!(succeeded(&one.0), "{one:?}");
        assert!(succeeded(&two.0), "{two:?}");
        assert_done(&sandbox, &format!("{kinds:?}")).await;
    }
}

#[tokio::test]
async fn a_rotation_waits_for_the_one_that_is_open() {
    let sandbox = Sandbox::new(POSTGRES).await;
    let (first, second) = (manual("first", 100), manual("second", 200));
    assert!(sandbox.run_until_dead(&first, 2).await);
    let found = sandbox.pass(&second, Course::Forward).await;
    let State::Waiting(waiting) = &found[0].state else {
        panic!("{found:?}");
    };
    assert!(
        waiting
            .message
            .contains("waiting for rotation first-object,")
    );
    for order in [first, second] {
        let (found, _) = sandbox.run(&order, Plan::default()).await;
        assert!(succeeded(&found), "{found:?}");
    }
    assert_done(&sandbox, "one after the other").await;
}

/// A sandbox whose operator, and nobody else, reaches PostgreSQL through a gate.
async fn gated() -> (Sandbox, Gate) {
    let mut sandbox = Sandbox::new(POSTGRES).await;
    let gate = sandbox.credentials[0].gate(&sandbox.servers).await;
    (sandbox, gate)
}

#[tokio::test]
async fn a_backend_that_is_gone_at_any_stage_pauses_the_rotation() {
    for number in 0.. {
        let (sandbox, gate) = gated().await;
        let order = scheduled("paused", 100);
        if !sandbox.run_until_dead(&order, number).await {
            break;
        }
        gate.close(true);
        let mut reasons = Vec::new();
        for _ in 0..4 {
            let found = sandbox.pass(&order, Course::Forward).await;
            if let State::Stalled(trouble) = &found[0].state {
                reasons.push(trouble.reason);
            }
            sandbox.tick().await;
        }
        let expected = Some(&Reason::BackendUnreachable).filter(|_| number < 5);
        assert_eq!(reasons.last(), expected, "after effect {number}");
        gate.close(false);
        let (found, _) = sandbox.run(&order, Plan::default()).await;
        assert!(succeeded(&found), "after effect {number}: {found:?}");
        assert_done(&sandbox, &format!("gone after effect {number}")).await;
    }
}

#[tokio::test]
async fn a_connection_cut_after_any_statement_was_sent_is_resolved_by_looking() {
    let statements = ["ALTER ROLE", "COMMENT ON", "COMMIT", "pg_terminate_backend"];
    let mut plans = 0;
    for statement in statements {
        for before in 0.. {
            let what = format!("{statement} cut after {before} others");
            let (sandbox, gate) = gated().await;
            gate.cut(statement, before);
            let (found, _) = sandbox.run(&manual("cut", 100), Plan::default()).await;
            assert!(succeeded(&found), "{what}: {found:?}");
            assert_done(&sandbox, &what).await;
            let (durable, _) = sandbox.generated(&sandbox.credentials[0].target, "cut");
            assert_eq!(durable, 1, "{what}");
            if gate.is_armed() {
                break;
            }
            plans += 1;
        }
    }
    println!("connections cut: {plans} plans");
    assert!(plans >= statements.len());
}

#[tokio::test]
async fn a_value_changed_behind_our_back_stops_the_schedule_and_is_repaired_by_hand() {
    let sandbox = Sandbox::new(POSTGRES).await;
    let role = sandbox.targets()[0].role.clone().unwrap();
    let alter = format!("ALTER ROLE {role} PASSWORD 'by-hand'");
    sandbox.servers.sql(&alter).await;
    let found = sandbox
        .pass(&scheduled("schedule", 100), Course::Forward)
        .await;
    let State::Stalled(trouble) = &found[0].state else {
        panic!("{found:?}");
    };
    assert_eq!(trouble.reason, Reason::CurrentRejected);
    assert!(trouble.message.contains("mode Manual"), "{trouble}");
    assert_eq!(sandbox.entry(&sandbox.targets()[0]), Entry::default());
    let (found, _) = sandbox.run(&manual("repair", 200), Plan::default()).await;
    assert!(succeeded(&found), "{found:?}");
    sandbox.consumers.forgive();
    assert_done(&sandbox, "repaired").await;
}

#[tokio::test]
async fn a_lost_ledger_is_begun_anew_with_the_value_consumers_have() {
    for kinds in [POSTGRES, REDIS_IN_PLACE, KEY] {
        let sandbox = Sandbox::new(kinds).await;
        let (found, _) = sandbox.run(&manual("first", 100), Plan::default()).await;
        assert!(succeeded(&found), "{found:?}");
        sandbox.overwrite(&sandbox.targets()[0], |entry| *entry = Entry::default());
        let (found, _) = sandbox
            .run(&scheduled("second", 200), Plan::default())
            .await;
        assert!(succeeded(&found), "{found:?}");
        assert_done(&sandbox, &format!("{kinds:?}")).await;
    }
}

#[tokio::test]
async fn another_role_in_the_spec_starts_anew_from_its_first_value() {
    let mut sandbox = Sandbox::new(POSTGRES).await;
    let (found, _) = sandbox.run(&manual("first", 100), Plan::default()).await;
    assert!(succeeded(&found), "{found:?}");
    change_role(&mut sandbox).await;
    let (found, _) = sandbox
        .run(&scheduled("second", 200), Plan::default())
        .await;
    assert!(succeeded(&found), "{found:?}");
    let role = sandbox.targets()[0].role.clone().unwrap();
    let current = sandbox.entry(&sandbox.targets()[0]).current.unwrap();
    assert_eq!(current.username, Some(format!("{role}_a")));
    sandbox.consumers.forgive();
    sandbox.assert_sound("another role").await;
}

#[tokio::test]
async fn another_role_in_the_middle_of_a_rotation_ends_it() {
    for number in 0..4 {
        let mut sandbox = Sandbox::new(POSTGRES).await;
        let order = manual("first", 100);
        assert!(sandbox.run_until_dead(&order, number).await);
        change_role(&mut sandbox).await;
        let found = sandbox.pass(&order, Course::Forward).await;
        assert!(stalled(&found, Reason::AppNotReady), "{number}: {found:?}");
        sandbox
            .run_on(&order, Course::Cancelled, Plan::default())
            .await;
        let (found, _) = sandbox
            .run(&scheduled("second", 200), Plan::default())
            .await;
        assert!(succeeded(&found), "{number}: {found:?}");
        sandbox.consumers.forgive();
        sandbox
            .assert_sound(&format!("after effect {number}"))
            .await;
    }
}

/// The same credential, for another role.
async fn change_role(sandbox: &mut Sandbox) {
    let old = &sandbox.credentials[0].target;
    let (name, strategy) = (old.name.clone(), old.strategy);
    let made = Credential::make(&sandbox.servers, POSTGRES[0].0, strategy, 0).await;
    sandbox.credentials[0] = made;
    sandbox.credentials[0].target.name = name;
}
