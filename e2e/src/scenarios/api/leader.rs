//! Two operators: one leads, the other takes over, nothing is done twice.

use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use futures::StreamExt as _;
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::Api;
use kube::runtime::{WatchStreamExt as _, watcher};

use super::sample;
use super::stage::{PATIENCE, Stage};
use crate::scenarios::world::World;

pub(super) async fn hands_over(world: &World) -> Result<()> {
    let stage = Stage::new(world, "leader").await?;
    let first = stage.operator("first", &[]).await?;
    until_held_by(&stage, "first").await?;
    let second = stage.operator("second", &[]).await?;
    stage.put_app(&sample::report_app()).await?;
    stage.until_applied(sample::NAME).await?;
    ensure!(
        !second.log()?.contains("applied"),
        "the operator that does not lead applied something"
    );

    let started = Instant::now();
    first.stop().await?;
    until_held_by(&stage, "second").await?;
    world.progress().note(&format!(
        "hand-over on clean exit: {:.1} s",
        started.elapsed().as_secs_f64()
    ));

    let third = stage.operator("third", &[]).await?;
    let started = Instant::now();
    second.kill().await?;
    until_held_by(&stage, "third").await?;
    world.progress().note(&format!(
        "take-over after a kill: {:.1} s",
        started.elapsed().as_secs_f64()
    ));
    let mut edited = sample::report_app();
    edited["spec"]["api"]["replicas"] = 3.into();
    stage.put_app(&edited).await?;
    stage.until_applied(sample::NAME).await?;
    third.stop().await?;
    stage.remove().await
}

async fn until_held_by(stage: &Stage<'_>, identity: &str) -> Result<()> {
    let api: Api<Lease> = Api::namespaced(stage.client(), &stage.namespace);
    let config = watcher::Config::default().fields("metadata.name=reportapp-operator");
    let wait = async {
        let mut leases = watcher(api, config)
            .default_backoff()
            .applied_objects()
            .boxed();
        while let Some(lease) = leases.next().await {
            let holder = lease?.spec.and_then(|spec| spec.holder_identity);
            if holder.is_some_and(|holder| holder.starts_with(identity)) {
                return anyhow::Ok(());
            }
        }
        anyhow::bail!("the watch ended")
    };
    let waited = tokio::time::timeout(PATIENCE, wait).await;
    waited.with_context(|| {
        format!(
            "{identity} does not hold the Lease after {} s",
            PATIENCE.as_secs()
        )
    })?
}
