//! Something is in the way of a rotation: it says what and what to do, and everything still serves.

use anyhow::{Context as _, Result, ensure};
use reportapp_crds::SecretRotation;
use reportapp_crds::secret_rotation::Phase;

use super::held::Held;
use super::obstacle::{GIVE_RIGHT, TAKE_RIGHT, admit_pods, refuse_pods};
use super::{ledger, order};
use crate::backends::Database;
use crate::scenarios::cluster::credentials::Credential;
use crate::scenarios::cluster::load::{Load, with_short_connections};
use crate::scenarios::cluster::subject::Subject;
use crate::scenarios::world::World;

const CREDENTIAL: Credential = Credential::Store;

/// Short, because the test waits for it.
const DEADLINE_SECONDS: i64 = 40;

pub(super) async fn pods_do_not_start(world: &World) -> Result<()> {
    let subject = Subject::of(world).await?;
    with_short_connections(&subject, async || without_pods(world, &subject).await).await
}

async fn without_pods(world: &World, subject: &Subject<'_>) -> Result<()> {
    let held = Held::take(subject, CREDENTIAL).await?;
    let load = Load::start(subject).await?;
    refuse_pods(subject).await?;
    let outcome = expires(subject, &held).await;
    admit_pods(subject).await?;
    outcome?;
    subject.until_ready().await?;
    let tally = load.none_failed().await?;
    world.progress().note(&tally.to_string());
    Ok(())
}

async fn expires(subject: &Subject<'_>, held: &Held) -> Result<()> {
    let mut spec = order::manual(&[CREDENTIAL.name()]);
    spec.active_deadline_seconds = DEADLINE_SECONDS;
    let rotation = order::create(subject, spec).await?;
    let stalled = order::until(subject, &rotation, "stalled: PodsUnhealthy", |seen| {
        order::is_stalled(seen, "PodsUnhealthy")
    })
    .await?;
    let message = order::message_of(&stalled);
    ensure!(message.contains("quota"), "it does not say why: {message}");
    let introduced = ledger::read(subject, CREDENTIAL).await?.current;
    let introduced = introduced.context("the ledger has no value in use")?;
    let introduced = Held::of(CREDENTIAL, introduced.login());
    introduced.works(subject).await?;

    order::until_ended(subject, &rotation, Phase::Expired).await?;
    held.is_in_use(subject).await?;
    introduced.is_refused(subject).await
}

pub(super) async fn database_refuses(world: &World) -> Result<()> {
    let subject = Subject::of(world).await?;
    with_short_connections(&subject, async || without_right(world, &subject).await).await
}

async fn without_right(world: &World, subject: &Subject<'_>) -> Result<()> {
    let held = Held::take(subject, CREDENTIAL).await?;
    let load = Load::start(subject).await?;
    subject.backends().psql(Database::Store, TAKE_RIGHT).await?;
    let stalled = stalls(subject, &held).await;
    subject.backends().psql(Database::Store, GIVE_RIGHT).await?;
    let rotation = stalled?;
    order::until_ended(subject, &rotation, Phase::Succeeded).await?;
    held.is_replaced(subject).await?;
    let tally = load.none_failed().await?;
    world.progress().note(&tally.to_string());
    subject.until_ready().await
}

async fn stalls(subject: &Subject<'_>, held: &Held) -> Result<SecretRotation> {
    let rotation = order::create(subject, order::manual(&[CREDENTIAL.name()])).await?;
    let stalled = order::until(subject, &rotation, "stalled: RightMissing", |seen| {
        order::is_stalled(seen, "RightMissing")
    })
    .await?;
    let message = order::message_of(&stalled);
    ensure!(
        message.contains(GIVE_RIGHT),
        "it does not name the statement {GIVE_RIGHT}: {message}"
    );
    held.is_in_use(subject).await?;
    Ok(rotation)
}
