//! The operator is killed around everything that is durable, with the ledger in Vault, and Vault is
//! sealed after every effect: the end is the same, and no consumer is refused.

use std::sync::Arc;

use reportapp_operator::rotation::runner::Course;
use reportapp_operator::rotation::target::Strategy;
use reportapp_operator::rotation::trouble::Reason;

use super::server::TestVault;
use crate::crashing::{MISHAPS, Plan};
use crate::sandbox::{Sandbox, scheduled, stalled, succeeded};
use crate::scenes::Kind;

const POSTGRES: &[(Kind, Strategy)] = &[(Kind::Postgres, Strategy::AlternatingUsers)];
const ID: &str = "the-rotation";

/// As after the start of an operator: not logged in yet.
async fn sandbox(vault: &TestVault) -> Sandbox {
    let mut sandbox = Sandbox::new(POSTGRES).await;
    sandbox.vault = Some(Arc::new(vault.store()));
    sandbox
}

async fn assert_done(sandbox: &Sandbox, what: &str) {
    sandbox.assert_sound(what).await;
    sandbox.assert_dead_are_dead(what).await;
    for target in &sandbox.targets() {
        let closed = sandbox.entry(target).closed.unwrap();
        assert!(closed.succeeded && closed.rotation == ID, "{what}");
        let (durable, tried) = sandbox.generated(target, ID);
        assert!(durable == 1 && tried <= 2, "{what}: {durable}, {tried}");
    }
}

/// Generate, Promote and Close are writes to the ledger, Publish follows from one.
#[tokio::test]
async fn a_ledger_in_vault_survives_every_crash_around_what_is_durable() {
    let vault = TestVault::start().await;
    let order = scheduled(ID, 100);
    let undisturbed = sandbox(&vault).await;
    let (found, effects) = undisturbed.run(&order, Plan::default()).await;
    assert!(succeeded(&found), "{found:?}");
    assert_done(&undisturbed, "undisturbed").await;
    let durable: Vec<_> = effects
        .iter()
        .enumerate()
        .filter(|(_, effect)| matches!(effect.as_str(), "write" | "publish"))
        .collect();
    assert!(durable.len() >= 4, "{effects:?}");
    for (number, effect) in durable {
        for mishap in MISHAPS {
            let what = format!("{mishap:?} at {effect} ({number})");
            let at = Some((number, mishap));
            let sandbox = sandbox(&vault).await;
            let (found, _) = sandbox.run(&order, Plan { at }).await;
            assert!(succeeded(&found), "{what}: {found:?}");
            assert_done(&sandbox, &what).await;
        }
    }
}

#[tokio::test]
async fn a_vault_that_is_sealed_at_any_stage_pauses_the_rotation() {
    let vault = TestVault::start().await;
    let order = scheduled(ID, 100);
    for number in 0.. {
        let what = format!("sealed after effect {number}");
        let sandbox = sandbox(&vault).await;
        if !sandbox.run_until_dead(&order, number).await {
            assert!(number >= 4, "only {number} effects");
            break;
        }
        vault.seal().await;
        let found = sandbox.pass(&order, Course::Forward).await;
        assert!(
            stalled(&found, Reason::StoreUnavailable),
            "{what}: {found:?}"
        );
        vault.unseal().await;
        vault.revoke_logins().await;
        let (found, _) = sandbox.run(&order, Plan::default()).await;
        assert!(succeeded(&found), "{what}: {found:?}");
        assert_done(&sandbox, &what).await;
    }
}
