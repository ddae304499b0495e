//! A store that a login of its own migrates. Images do not exist here, so the Job never gets on: pods of the
//! API are not even created, everything else is, and the status says what is in the way.

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::Job;
use kube::ResourceExt as _;
use kube::api::{Api, DeleteParams, ListParams};
use reportapp_crds::ReportApp;
use serde_json::{Value, json};

use super::sample;
use super::stage::{PATIENCE, Stage};
use crate::scenarios::watch::{condition, is_observed};
use crate::scenarios::world::World;

/// The sample with a migrator.
fn migrated() -> Result<Value> {
    let mut app = sample::report_app();
    app["spec"]["store"]["migrator"] = json!({ "credential": "owner" });
    let credentials = app["spec"]["credentials"].as_array_mut();
    credentials
        .context("the sample has credentials")?
        .push(sample::owner());
    Ok(app)
}

pub(super) async fn comes_first(world: &World) -> Result<()> {
    let stage = Stage::new(world, "migration").await?;
    let operator = stage.operator("one", &["--resync-seconds=1"]).await?;
    stage.put_app(&migrated()?).await?;
    let seen = stage
        .until(sample::NAME, "told what holds the Job up", is_held_up)
        .await?;
    for kind in ["Ready", "Migrated", "Reconciling"] {
        let reason = condition(&seen, kind).map(|c| c.reason.as_str());
        ensure!(reason == Some("MigrationRunning"), "{kind}: {reason:?}");
    }
    let deployments: Api<Deployment> = Api::namespaced(stage.client(), &stage.namespace);
    let bot = deployments.get_opt("sample-bot").await?;
    ensure!(
        bot.is_some(),
        "the bot waits for a migration it has no part in"
    );
    let api = deployments.get_opt("sample-api").await?;
    ensure!(
        api.is_none(),
        "pods of the API do not wait for the migration"
    );

    let job = only_job(&stage).await?;
    let jobs: Api<Job> = Api::namespaced(stage.client(), &stage.namespace);
    jobs.delete(&job.name_any(), &DeleteParams::background())
        .await?;
    let again = until_another(&stage, &job).await?;
    ensure!(
        again.name_any() == job.name_any(),
        "{} took the place of {}",
        again.name_any(),
        job.name_any()
    );

    stage.put_app(&sample::report_app()).await?;
    stage.until_applied(sample::NAME).await?;
    let left = jobs.list(&ListParams::default()).await?.items;
    let left: Vec<_> = left
        .iter()
        .filter(|job| job.metadata.deletion_timestamp.is_none())
        .map(kube::ResourceExt::name_any)
        .collect();
    ensure!(left.is_empty(), "without a migrator there is {left:?}");
    ensure!(
        deployments.get_opt("sample-api").await?.is_some(),
        "without a migrator the API waits still"
    );
    operator.stop().await?;
    stage.remove().await
}

/// Whether the status repeats what the kubelet says about the image.
fn is_held_up(app: &ReportApp) -> bool {
    let migrated = condition(app, "Migrated");
    is_observed(app)
        && migrated.is_some_and(|c| c.message.contains("reportapp.local/reportapp-api"))
}

async fn only_job(stage: &Stage<'_>) -> Result<Job> {
    let jobs: Api<Job> = Api::namespaced(stage.client(), &stage.namespace);
    let mut found = jobs.list(&ListParams::default()).await?.items;
    ensure!(found.len() == 1, "there are {} Jobs", found.len());
    found.pop().context("there is no Job")
}

/// Waits until a Job is there that is not the one of before.
async fn until_another(stage: &Stage<'_>, before: &Job) -> Result<Job> {
    let mut ticks = tokio::time::interval(std::time::Duration::from_millis(250));
    let made = async {
        loop {
            ticks.tick().await;
            match only_job(stage).await {
                Ok(job) if job.uid() != before.uid() => return job,
                _ => {}
            }
        }
    };
    tokio::time::timeout(PATIENCE, made)
        .await
        .context("a Job that was deleted is not made again")
}
