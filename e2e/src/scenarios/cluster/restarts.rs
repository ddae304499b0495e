//! What must not restart the application's pods: the operator's own comings and goings.

use anyhow::{Context as _, Result, ensure};
use reportapp_crds::ReportApp;

use super::subject::Subject;
use super::{pods, quiet};
use crate::scenarios::watch::{condition, says};
use crate::scenarios::world::World;

const RESTARTS: usize = 20;

pub(super) async fn of_the_operator(world: &World) -> Result<()> {
    let subject = Subject::of(world).await?;
    let before = pods::of(&subject).await?;
    ensure!(!before.is_empty(), "the application has no pods");
    for _ in 0..RESTARTS {
        subject.restart_operator().await?;
        // One that never looked at the application could not have restarted anything. Its counter began at 0.
        let looked = quiet::until_reconciled(&subject, 1.0).await;
        looked.context("the restarted operator does not reconcile")?;
    }
    subject.until_ready().await?;
    let after = pods::of(&subject).await?;
    ensure!(before == after, "before: {before:?}\nafter: {after:?}");
    world.progress().note(&format!(
        "{RESTARTS} operators, each of which looked at the application: 0 pods restarted"
    ));
    Ok(())
}

pub(super) async fn upgrade_pending(world: &World) -> Result<()> {
    let subject = Subject::of(world).await?;
    let before = pods::of(&subject).await?;
    subject
        .set_operator(&[("podDefaults.probePeriodSeconds", "7")])
        .await?;
    let pending =
        |app: &ReportApp| condition(app, "UpToDate").is_some_and(|c| c.reason == "UpgradePending");
    subject.until("waiting for an upgrade", pending).await?;
    let meanwhile = pods::of(&subject).await?;
    ensure!(
        before == meanwhile,
        "the upgrade restarted pods: {before:?} {meanwhile:?}"
    );
    subject.set_operator(&[]).await?;
    subject
        .until("up to date", |app| says(app, "UpToDate", "True"))
        .await?;
    ensure!(
        before == pods::of(&subject).await?,
        "going back restarted pods"
    );
    Ok(())
}
