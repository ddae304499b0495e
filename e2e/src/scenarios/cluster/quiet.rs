//! A reconcile of an unchanged object writes nothing: counted in the API server's audit log, which shows
//! in the same minute how the lead is renewed.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use super::pods;
use super::subject::Subject;
use crate::scenarios::audit::{self, Write};
use crate::scenarios::metrics;
use crate::scenarios::world::World;

/// How long a test counts writes; `cargo e2e bench` counts for longer.
const WINDOW: Duration = Duration::from_secs(60);

/// How long the operators may take to reconcile as often as is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// Seconds between two renewals of the lead, with room for a slow machine.
const RENEWED_EVERY: u64 = 6;

/// So many reconciles after the last change nothing is left to be written.
const SETTLED_AFTER: f64 = 3.0;

/// Who writes what the operator writes.
const OPERATOR: &str = "system:serviceaccount:reportapp-system:reportapp-operator";

pub(super) async fn no_writes(world: &World) -> Result<()> {
    let subject = Subject::of(world).await?;
    let Some(log) = world.cluster().await?.audit_log() else {
        world
            .progress()
            .note("a foreign cluster shows us no audit log: not counted");
        return Ok(());
    };
    let counted = count(&subject, &log, WINDOW).await?;
    ensure!(
        counted.reconciles >= 20.0,
        "only {} reconciles in {} s",
        counted.reconciles,
        WINDOW.as_secs()
    );
    // Without them the log would be empty for another reason.
    ensure!(
        counted.renewals >= WINDOW.as_secs() / RENEWED_EVERY,
        "the audit log shows {} renewals of the lead in {} s: it does not show what the operator writes",
        counted.renewals,
        WINDOW.as_secs()
    );
    ensure!(
        counted.writes.is_empty(),
        "{} writes:\n{}",
        counted.writes.len(),
        counted.writes.join("\n")
    );
    world.progress().note(&format!(
        "{} reconciles, {} renewals of the lead and 0 other writes in {} s",
        counted.reconciles,
        counted.renewals,
        WINDOW.as_secs()
    ));
    Ok(())
}

/// What the operator did in a window of time.
pub struct Counted {
    /// Reconciles of all replicas.
    pub reconciles: f64,
    /// Write requests that renewed the lead.
    pub renewals: u64,
    /// Each other write request.
    pub writes: Vec<String>,
}

/// Lets the operator look at the unchanged application each second and counts what it writes.
///
/// # Errors
/// When the operator cannot be set up or the log cannot be read.
pub async fn count(subject: &Subject<'_>, log: &Path, window: Duration) -> Result<Counted> {
    subject.set_operator(&[("resyncSeconds", "1")]).await?;
    subject.until_ready().await?;
    until_settled(subject).await?;
    let start = audit::end(log)?;
    let before = reconciles(subject).await?;
    tokio::time::sleep(window).await;
    let reconciles = reconciles(subject).await? - before;
    let (renewals, writes): (Vec<_>, Vec<_>) = audit::writes(log, start, OPERATOR)?
        .into_iter()
        .partition(Write::is_lease);
    subject.set_operator(&[]).await?;
    subject.until_ready().await?;
    Ok(Counted {
        reconciles,
        renewals: u64::try_from(renewals.len())?,
        writes: writes.iter().map(Write::to_string).collect(),
    })
}

/// Pods of an earlier roll-out keep what they were given: it is removed after the last of them has gone.
async fn until_settled(subject: &Subject<'_>) -> Result<()> {
    pods::until_old_are_gone(subject).await?;
    let seen = reconciles(subject).await?;
    until_reconciled(subject, seen + SETTLED_AFTER).await
}

/// Waits until the operators count so many reconciles.
///
/// # Errors
/// When they do not in time, or one of them does not answer.
pub async fn until_reconciled(subject: &Subject<'_>, times: f64) -> Result<()> {
    let mut ticks = tokio::time::interval(Duration::from_millis(250));
    let waited = async {
        loop {
            ticks.tick().await;
            if reconciles(subject).await? >= times {
                return anyhow::Ok(());
            }
        }
    };
    let waited = tokio::time::timeout(PATIENCE, waited).await;
    waited.with_context(|| format!("fewer than {times} reconciles in {} s", PATIENCE.as_secs()))?
}

/// Reconciles the operators count so far.
///
/// # Errors
/// When one of them does not answer.
pub async fn reconciles(subject: &Subject<'_>) -> Result<f64> {
    let pages = subject.operator_metrics().await?;
    let of_each = pages
        .values()
        .map(|page| metrics::sum(page, metrics::RECONCILES));
    Ok(of_each.sum())
}
