//! The operator dies before and after every change it makes in the course of a rotation, or of an action that
//! makes one, and another one goes on: real versions, patches and applies, where the tests of the operator have
//! them in memory.
//!
//! ```text
//! way that ends at change k ── first operator, killed then ── Lease removed ── second operator ── one new value
//! ```

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::coordination::v1::Lease;
use kube::ResourceExt as _;
use kube::api::{Api, DeleteParams};
use reportapp_crds::secret_rotation::Phase;

use super::actions;
use super::faulty_way::FaultyWay;
use super::rotations::{self, PARTNER_VALUE};
use super::sample;
use super::stage::{PATIENCE, Stage};
use crate::scenarios::cluster::rotation::order;
use crate::scenarios::watch::{self, Reports};
use crate::scenarios::world::World;

/// Changes a rotation makes at least: it is begun, held, written to its ledger, published, closed, let go.
const LEAST: usize = 8;
/// Name of the action.
const LEAK: &str = "leak";

/// What is carried out while operators die.
#[derive(Clone, Copy)]
enum Order {
    Rotation,
    /// An action that has the same rotated: it begins, makes the rotation and notes that it did.
    Action,
}

pub(super) async fn of_a_rotation(world: &World) -> Result<()> {
    at_every_change(world, "crashes", Order::Rotation).await
}

pub(super) async fn of_an_action(world: &World) -> Result<()> {
    at_every_change(world, "crashes-of-actions", Order::Action).await
}

async fn at_every_change(world: &World, namespace: &str, order: Order) -> Result<()> {
    let stage = rotations::stage(world, namespace).await?;
    let operator = stage.operator("before", &[]).await?;
    stage.put_app(&rotations::with_credentials()).await?;
    stage.until_applied(sample::NAME).await?;
    operator.stop().await?;

    let way = FaultyWay::open(stage.kubeconfig()).await?;
    let mut changes = 0;
    while dies(&stage, &way, order, (changes, false)).await?
        && dies(&stage, &way, order, (changes, true)).await?
    {
        changes += 1;
    }
    ensure!(changes >= LEAST, "only {changes} changes can be died at");
    world.progress().note(&format!(
        "an operator died around each of {changes} changes"
    ));
    stage.remove().await
}

/// Has the order carried out by an operator that dies at change `number`, and another one after it; `false`
/// when there is no such change.
async fn dies(
    stage: &Stage<'_>,
    way: &FaultyWay,
    order: Order,
    (number, is_done): (usize, bool),
) -> Result<bool> {
    way.ends_after(number, is_done);
    let first = stage.operator_by(way.kubeconfig(), "first").await?;
    order.give(stage).await?;
    let died = tokio::select! {
        biased;
        () = way.ended() => true,
        through = order.through(stage) => {
            through?;
            false
        }
    };
    first.kill().await?;
    remove_lease(stage).await?;
    let what = format!("after {number} changes, the next carried out: {is_done}");
    if died {
        let second = stage.operator("second", &[]).await?;
        let through = order.through(stage).await;
        through.with_context(|| what.clone())?;
        second.stop().await?;
    }
    let sound = is_done_once(stage).await;
    sound.context(what)?;
    order.take_back(stage).await?;
    Ok(died)
}

impl Order {
    async fn give(self, stage: &Stage<'_>) -> Result<()> {
        match self {
            Self::Rotation => drop(rotations::create(stage, PARTNER_VALUE).await?),
            Self::Action => {
                actions::create(stage, LEAK, actions::rotate(&[PARTNER_VALUE])).await?;
            }
        }
        Ok(())
    }

    /// Waits until it has succeeded and is held by nobody.
    async fn through(self, stage: &Stage<'_>) -> Result<()> {
        match self {
            Self::Rotation => ended(rotations::all(stage), PARTNER_VALUE, order::phase_of).await,
            Self::Action => ended(actions::all(stage), LEAK, actions::phase_of).await,
        }
    }

    /// Removes it, and with an action its rotation.
    async fn take_back(self, stage: &Stage<'_>) -> Result<()> {
        let (rotations, params) = (rotations::all(stage), DeleteParams::default());
        let made = rotations::only_one(stage).await?;
        let (name, uid) = (made.name_any(), made.uid().unwrap_or_default());
        match self {
            Self::Rotation => drop(rotations.delete(&name, &params).await?),
            Self::Action => drop(actions::all(stage).delete(LEAK, &params).await?),
        }
        let gone = watch::until_gone(rotations, &name, &uid, PATIENCE).await;
        gone.context("the rotation outlives what made it")
    }
}

async fn ended<K: Reports>(api: Api<K>, name: &str, phase: fn(&K) -> Option<Phase>) -> Result<()> {
    let through =
        |seen: &K| phase(seen).is_some_and(Phase::is_final) && seen.finalizers().is_empty();
    let ended = watch::until(api, name, "through", PATIENCE, through).await?;
    ensure!(
        phase(&ended) == Some(Phase::Succeeded),
        "it ended otherwise: {}",
        watch::told(&ended)
    );
    Ok(())
}

/// One rotation was made, and its value is in use everywhere.
async fn is_done_once(stage: &Stage<'_>) -> Result<()> {
    let made = rotations::only_one(stage).await?;
    rotations::holds_one_new_value(stage, &made).await
}

/// Whoever comes next need not wait until that of the dead one expires.
async fn remove_lease(stage: &Stage<'_>) -> Result<()> {
    let leases: Api<Lease> = Api::namespaced(stage.client(), &stage.namespace);
    let params = DeleteParams::default();
    let removed = leases.delete("reportapp-operator", &params).await;
    removed.context("there is no Lease")?;
    Ok(())
}
