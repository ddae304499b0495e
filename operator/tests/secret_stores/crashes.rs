//! Whole rotations over a ledger in a real store: the operator is killed around everything that is
//! durable, and the store goes away after every effect. The end is the same, no consumer is refused.

use reportapp_operator::rotation::runner::Course;
use reportapp_operator::rotation::target::Strategy;
use reportapp_operator::rotation::trouble::Reason;
use reportapp_operator::secret_store::Store;

use crate::crashing::{MISHAPS, Plan};
use crate::sandbox::{Sandbox, scheduled, stalled, succeeded};
use crate::scenes::Kind;

const POSTGRES: &[(Kind, Strategy)] = &[(Kind::Postgres, Strategy::AlternatingUsers)];
const ID: &str = "the-rotation";

/// Its ledger is in `store`.
async fn sandbox(store: Store) -> Sandbox {
    let mut sandbox = Sandbox::new(POSTGRES).await;
    sandbox.store = Some(store);
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

/// `store` gives the ledgers as after the start of an operator: not logged in yet. Generate, Promote and
/// Close are writes to the ledger, Publish follows from one.
pub async fn survives_every_crash(store: impl Fn() -> Store) {
    let order = scheduled(ID, 100);
    let undisturbed = sandbox(store()).await;
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
            let sandbox = sandbox(store()).await;
            let (found, _) = sandbox.run(&order, Plan { at }).await;
            assert!(succeeded(&found), "{what}: {found:?}");
            assert_done(&sandbox, &what).await;
        }
    }
}

/// `away(true)` makes the store refuse to answer, `away(false)` brings it back.
pub async fn pauses_while_away(store: impl Fn() -> Store, away: impl AsyncFn(bool)) {
    let order = scheduled(ID, 100);
    for number in 0.. {
        let what = format!("away after effect {number}");
        let sandbox = sandbox(store()).await;
        if !sandbox.run_until_dead(&order, number).await {
            assert!(number >= 4, "only {number} effects");
            break;
        }
        away(true).await;
        let found = sandbox.pass(&order, Course::Forward).await;
        assert!(
            stalled(&found, Reason::StoreUnavailable),
            "{what}: {found:?}"
        );
        away(false).await;
        let (found, _) = sandbox.run(&order, Plan::default()).await;
        assert!(succeeded(&found), "{what}: {found:?}");
        assert_done(&sandbox, &what).await;
    }
}
