//! Deleting a rotation stops it where nothing is lost: before the new value is published with the
//! old one, afterwards with the new one and the old one valid beside it.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use kube::ResourceExt as _;
use kube::api::DeleteParams;
use reportapp_crds::SecretRotation;

use super::held::Held;
use super::obstacle::{GIVE_RIGHT, TAKE_RIGHT};
use super::{ledger, order};
use crate::backends::Database;
use crate::scenarios::cluster::credentials::Credential;
use crate::scenarios::cluster::load::{Load, with_short_connections};
use crate::scenarios::cluster::subject::Subject;
use crate::scenarios::watch;
use crate::scenarios::world::World;

const CREDENTIAL: Credential = Credential::Store;
const PATIENCE: Duration = Duration::from_secs(120);

pub(super) async fn at_a_safe_place(world: &World) -> Result<()> {
    let subject = Subject::of(world).await?;
    with_short_connections(&subject, async || scene(world, &subject).await).await
}

async fn scene(world: &World, subject: &Subject<'_>) -> Result<()> {
    let held = Held::take(subject, CREDENTIAL).await?;
    let load = Load::start(subject).await?;

    subject.backends().psql(Database::Store, TAKE_RIGHT).await?;
    let stopped = stop_at(subject, |seen| order::is_stalled(seen, "RightMissing")).await;
    subject.backends().psql(Database::Store, GIVE_RIGHT).await?;
    stopped?;
    held.is_in_use(subject).await?;

    stop_at(subject, order::rolls_out).await?;
    subject.until_ready().await?;
    let new = Held::take(subject, CREDENTIAL).await?;
    ensure!(
        new.login().username != held.login().username,
        "the new value was published and is not in use"
    );
    held.works(subject).await?;

    // Leaves one valid login, as every rotation that ends by itself does.
    order::rotate(subject, &[CREDENTIAL.name()]).await?;
    new.is_replaced(subject).await?;
    held.is_refused(subject).await?;
    let tally = load.none_failed().await?;
    world.progress().note(&tally.to_string());
    subject.until_ready().await
}

/// Starts a rotation, deletes it as soon as `holds` and waits until it is gone.
async fn stop_at(subject: &Subject<'_>, holds: impl FnMut(&SecretRotation) -> bool) -> Result<()> {
    let rotation = order::create(subject, order::manual(&[CREDENTIAL.name()])).await?;
    order::until(subject, &rotation, "where it is to be stopped", holds).await?;
    let (name, uid) = (rotation.name_any(), rotation.uid().unwrap_or_default());
    let rotations = subject.objects::<SecretRotation>();
    rotations.delete(&name, &DeleteParams::default()).await?;
    let gone = watch::until_gone(rotations, &name, &uid, PATIENCE).await;
    gone.context("the deleted rotation stays")?;
    let ledger = ledger::read(subject, CREDENTIAL).await?;
    ensure!(
        ledger.rotation.is_none() && ledger.pending.is_none(),
        "the ledger of a deleted rotation is open"
    );
    Ok(())
}
