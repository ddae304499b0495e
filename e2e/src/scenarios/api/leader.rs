//! Two operators: one leads, the other takes over, nothing is done twice. Of types that are not ours none
//! of them ever asks for more than our own objects.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use futures::StreamExt as _;
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::Api;
use kube::runtime::{WatchStreamExt as _, watcher};

use super::operator::Operator;
use super::sample;
use super::stage::{PATIENCE, Stage};
use crate::scenarios::audit::{self, List};
use crate::scenarios::world::World;

pub(super) async fn hands_over(world: &World) -> Result<()> {
    let stage = Stage::new(world, "leader").await?;
    let whole = Record::begin(world, &stage).await?;
    let first = stage.operator("first", &[]).await?;
    until_held_by(&stage, "first").await?;
    let second = stage.operator("second", &[]).await?;
    let record = Record::begin(world, &stage).await?;
    stage.put_app(&sample::report_app()).await?;
    stage.until_applied(sample::NAME).await?;
    until_reconciled(&first).await?;
    ensure!(
        second.reconciles().await? == 0.0,
        "the operator that does not lead looked at the application"
    );
    let applied = record.each_once()?;

    let started = Instant::now();
    first.stop().await?;
    until_held_by(&stage, "second").await?;
    until_reconciled(&second).await?;
    ensure!(
        record.each_once()? == applied,
        "the successor applied something again"
    );
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
    until_reconciled(&third).await?;
    ensure!(
        record.each_once()? == applied,
        "the successor of a killed operator applied something again"
    );
    let record = Record::begin(world, &stage).await?;
    let mut edited = sample::report_app();
    edited["spec"]["api"]["replicas"] = 3.into();
    stage.put_app(&edited).await?;
    stage.until_applied(sample::NAME).await?;
    record.each_once()?;
    third.stop().await?;
    whole.only_our_own()?;
    stage.remove().await
}

/// How a request for the objects with our label ends up in an address.
const OURS: &str = "labelSelector=reportapp.dev%2Fapp";
/// The group of our own types.
const GROUP: &str = "reportapp.dev";

/// What the operators, who have one login, ask for and write from a moment on.
struct Record {
    /// Absent on a foreign cluster.
    log: Option<PathBuf>,
    start: u64,
    user: String,
}

impl Record {
    async fn begin(world: &World, stage: &Stage<'_>) -> Result<Self> {
        let log = world.cluster().await?.audit_log();
        let start = log.as_deref().map(audit::end).transpose()?;
        if start.is_none() {
            world
                .progress()
                .note("a foreign cluster shows us no audit log: not counted");
        }
        Ok(Self {
            log,
            start: start.unwrap_or_default(),
            user: format!(
                "system:serviceaccount:{}:reportapp-operator",
                stage.namespace
            ),
        })
    }

    /// How many objects were applied so far, if that can be told; status, events and Leases aside.
    ///
    /// # Errors
    /// When one was applied twice, or none at all.
    fn each_once(&self) -> Result<Option<usize>> {
        let Some(log) = &self.log else {
            return Ok(None);
        };
        let mut applied = audit::writes(log, self.start, &self.user)?;
        applied.retain(|write| {
            !write.is_lease() && write.resource != "events" && !write.resource.ends_with("/status")
        });
        ensure!(
            !applied.is_empty(),
            "the audit log does not show what the operators write"
        );
        let twice = audit::repeated(&applied);
        ensure!(twice.is_empty(), "applied more than once: {twice:?}");
        Ok(Some(applied.len()))
    }

    /// Sees that Secrets, and whatever else is not of our own group, were listed and watched by our label.
    fn only_our_own(&self) -> Result<()> {
        let Some(log) = &self.log else {
            return Ok(());
        };
        let mut lists = audit::lists(log, self.start, &self.user)?;
        lists.retain(|list| list.group != GROUP);
        for verb in ["list", "watch"] {
            let secrets = |list: &List| list.verb == verb && list.resource == "secrets";
            ensure!(
                lists.iter().any(secrets),
                "the audit log does not show how Secrets are asked for ({verb}): {lists:?}"
            );
        }
        let foreign: Vec<_> = lists
            .iter()
            .filter(|list| !list.uri.contains(OURS))
            .collect();
        ensure!(
            foreign.is_empty(),
            "objects of others were asked for: {foreign:?}"
        );
        Ok(())
    }
}

/// Waits until an operator has looked at the application.
async fn until_reconciled(operator: &Operator) -> Result<()> {
    let mut ticks = tokio::time::interval(Duration::from_millis(250));
    let waited = async {
        loop {
            ticks.tick().await;
            if operator.reconciles().await? > 0.0 {
                return anyhow::Ok(());
            }
        }
    };
    let waited = tokio::time::timeout(PATIENCE, waited).await;
    waited.context("the operator that leads does not reconcile")?
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
