//! What people do to an application while it rotates: its spec is edited, the operator upgraded to another
//! version of its charts, an image named that does not exist, too little memory given, evictions forbidden.
//! The rotation ends as if nothing had happened, or waits until the mistake is mended.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kube::api::{DeleteParams, PostParams};
use reportapp_crds::secret_rotation::Phase;
use reportapp_crds::{ReportAppSpec, SecretRotation};
use serde_json::json;

use super::held::Held;
use super::obstacle::{Obstacle, Obstacles};
use super::order;
use crate::scenarios::cluster::charts::next::NextCharts;
use crate::scenarios::cluster::credentials::Credential;
use crate::scenarios::cluster::load::{Load, with_short_connections};
use crate::scenarios::cluster::subject::Subject;
use crate::scenarios::world::World;

const CREDENTIAL: Credential = Credential::Store;
const BUDGET: &str = "no-evictions";
const REPLICAS: i32 = 3;

pub(super) async fn edits_and_upgrades(world: &World) -> Result<()> {
    let subject = Subject::of(world).await?;
    with_short_connections(&subject, async || disturbances(world, &subject).await).await
}

async fn disturbances(world: &World, subject: &Subject<'_>) -> Result<()> {
    let held = Held::take(subject, CREDENTIAL).await?;
    let load = Load::start(subject).await?;
    forbid_evictions(subject).await?;
    let before = subject.spec().await?;
    let outcome = disturbed(world, subject, &held).await;
    let budgets = subject.objects::<PodDisruptionBudget>();
    budgets.delete(BUDGET, &DeleteParams::default()).await?;
    subject.edit(|spec| spec.clone_from(&before)).await?;
    subject.set_operator(&[]).await?;
    outcome?;
    let tally = load.none_failed().await?;
    world.progress().note(&tally.to_string());
    subject.until_ready().await
}

async fn disturbed(world: &World, subject: &Subject<'_>, held: &Held) -> Result<()> {
    let mut obstacles = Obstacles::new(subject, held);
    let rotation = edited_and_upgraded(subject, &mut obstacles).await;
    obstacles.clear().await?;
    order::until_ended(subject, &rotation?, Phase::Succeeded).await?;
    held.is_replaced(subject).await?;

    let took = order::rotate(subject, &[CREDENTIAL.name()]).await?;
    world.progress().note(&format!(
        "{REPLICAS} replicas: {:.1} s from order to proof",
        took.as_secs_f64()
    ));
    Ok(())
}

/// Begun by one version of definitions and operator, left to be ended by the next: a session with the old
/// login keeps the rotation from ending meanwhile.
async fn edited_and_upgraded(
    subject: &Subject<'_>,
    obstacles: &mut Obstacles<'_, '_>,
) -> Result<SecretRotation> {
    let charts = NextCharts::make()?;
    obstacles.put(Obstacle::Session).await?;
    let rotation = order::create(subject, order::manual(&[CREDENTIAL.name()])).await?;
    order::until(subject, &rotation, "rolling out", order::rolls_out).await?;
    let (edited, upgraded) = tokio::join!(
        subject.edit(|spec| spec.api.replicas = REPLICAS),
        subject.upgrade_operator(&charts),
    );
    edited?;
    upgraded?;
    let waits = |seen: &SecretRotation| order::is_stalled(seen, "OldSessionsRemain");
    order::until(subject, &rotation, "waiting for the old session", waits).await?;
    Ok(rotation)
}

/// A budget is for evictions; a roll-out that waited for one would never end.
async fn forbid_evictions(subject: &Subject<'_>) -> Result<()> {
    let budget: PodDisruptionBudget = serde_json::from_value(json!({
        "metadata": { "name": BUDGET },
        "spec": { "maxUnavailable": 0, "selector": { "matchLabels": {
            "app.kubernetes.io/managed-by": "reportapp-operator",
        } } },
    }))?;
    let budgets = subject.objects::<PodDisruptionBudget>();
    let created = budgets.create(&PostParams::default(), &budget).await;
    created.context("the budget was refused").map(drop)
}

pub(super) async fn image_does_not_exist(world: &World) -> Result<()> {
    let mistype = |spec: &mut ReportAppSpec| "mistyped".clone_into(&mut spec.image.tag);
    until_mended(world, mistype, "mistyped").await
}

/// Less memory than the program needs: it is killed as soon as it starts.
pub(super) async fn pods_crash(world: &World) -> Result<()> {
    let starve = |spec: &mut ReportAppSpec| {
        let limits = BTreeMap::from([("memory".to_owned(), Quantity("5Mi".to_owned()))]);
        let resources = spec.api.resources.get_or_insert_default();
        resources.requests = None;
        resources.limits = Some(limits);
    };
    until_mended(world, starve, "demo-api").await
}

/// A mistake in the middle of a rotation: it stalls with a sentence that has `word` in it, and goes on
/// when the mistake is mended.
async fn until_mended(
    world: &World,
    mistake: impl Fn(&mut ReportAppSpec),
    word: &str,
) -> Result<()> {
    let subject = Subject::of(world).await?;
    with_short_connections(&subject, async || {
        let held = Held::take(&subject, CREDENTIAL).await?;
        let load = Load::start(&subject).await?;
        let before = subject.spec().await?;
        let stalled = stalls(&subject, &mistake, word).await;
        subject.edit(|spec| spec.clone_from(&before)).await?;
        order::until_ended(&subject, &stalled?, Phase::Succeeded).await?;
        held.is_replaced(&subject).await?;
        let tally = load.none_failed().await?;
        world.progress().note(&tally.to_string());
        subject.until_ready().await
    })
    .await
}

async fn stalls(
    subject: &Subject<'_>,
    mistake: impl Fn(&mut ReportAppSpec),
    word: &str,
) -> Result<SecretRotation> {
    let rotation = order::create(subject, order::manual(&[CREDENTIAL.name()])).await?;
    order::until(subject, &rotation, "rolling out", order::rolls_out).await?;
    subject.change(mistake).await?;
    let stalled = order::until(subject, &rotation, "stalled: PodsUnhealthy", |seen| {
        order::is_stalled(seen, "PodsUnhealthy")
    })
    .await?;
    let message = order::message_of(&stalled);
    ensure!(message.contains(word), "it does not name {word}: {message}");
    Ok(rotation)
}
