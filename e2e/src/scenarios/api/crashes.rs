//! The operator dies before and after every change it makes in the course of a rotation, and another one goes
//! on: real versions, patches and applies, where the tests of the operator have them in memory.
//!
//! ```text
//! way that ends at change k ── first operator, killed then ── Lease removed ── second operator ── one new value
//! ```

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::coordination::v1::Lease;
use kube::ResourceExt as _;
use kube::api::{Api, DeleteParams};
use reportapp_crds::SecretRotation;
use reportapp_crds::secret_rotation::Phase;

use super::faulty_way::FaultyWay;
use super::rotations::{self, PARTNER_VALUE};
use super::sample;
use super::stage::Stage;
use crate::scenarios::cluster::rotation::order;
use crate::scenarios::watch;
use crate::scenarios::world::World;

/// Changes a rotation makes at least: it is begun, held, written to its ledger, published, closed, let go.
const LEAST: usize = 8;

pub(super) async fn at_every_change(world: &World) -> Result<()> {
    let stage = rotations::stage(world, "crashes").await?;
    let operator = stage.operator("before", &[]).await?;
    stage.put_app(&rotations::with_credentials()).await?;
    stage.until_applied(sample::NAME).await?;
    operator.stop().await?;

    let way = FaultyWay::open(stage.kubeconfig()).await?;
    let mut changes = 0;
    while dies(&stage, &way, changes, false).await? && dies(&stage, &way, changes, true).await? {
        changes += 1;
    }
    ensure!(
        changes >= LEAST,
        "a rotation makes only {changes} changes that can be died at"
    );
    world.progress().note(&format!(
        "an operator died around each of {changes} changes"
    ));
    stage.remove().await
}

/// Rotates with an operator that dies at change `number`, and another one after it; `false` when there is no
/// such change.
async fn dies(stage: &Stage<'_>, way: &FaultyWay, number: usize, is_done: bool) -> Result<bool> {
    way.ends_after(number, is_done);
    let first = stage.operator_by(way.kubeconfig(), "first").await?;
    let rotation = rotations::create(stage, PARTNER_VALUE).await?;
    let died = tokio::select! {
        biased;
        () = way.ended() => true,
        through = through(stage, &rotation) => {
            through?;
            false
        }
    };
    first.kill().await?;
    remove_lease(stage).await?;
    let what = format!("after {number} changes, the next carried out: {is_done}");
    if died {
        let second = stage.operator("second", &[]).await?;
        let through = through(stage, &rotation).await;
        through.with_context(|| what.clone())?;
        second.stop().await?;
    }
    let sound = rotations::holds_one_new_value(stage, &rotation).await;
    sound.context(what)?;
    let api = rotations::all(stage);
    api.delete(&rotation.name_any(), &DeleteParams::default())
        .await?;
    Ok(died)
}

/// Waits until a rotation has succeeded and is held by nobody.
async fn through(stage: &Stage<'_>, rotation: &SecretRotation) -> Result<()> {
    let through = rotations::until(stage, rotation, "through", |seen| {
        order::phase_of(seen).is_some_and(Phase::is_final) && seen.finalizers().is_empty()
    });
    let ended = through.await?;
    ensure!(
        order::phase_of(&ended) == Some(Phase::Succeeded),
        "it ended otherwise: {}",
        watch::told(&ended)
    );
    Ok(())
}

/// Whoever comes next need not wait until that of the dead one expires.
async fn remove_lease(stage: &Stage<'_>) -> Result<()> {
    let leases: Api<Lease> = Api::namespaced(stage.client(), &stage.namespace);
    let params = DeleteParams::default();
    let removed = leases.delete("reportapp-operator", &params).await;
    removed.context("there is no Lease")?;
    Ok(())
}
