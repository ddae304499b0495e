//! A reconcile of an unchanged object writes nothing: counted in the API server's audit log.

use std::io::{BufRead as _, BufReader, Seek as _, SeekFrom};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::subject::Subject;
use crate::scenarios::world::World;

/// How long a test counts writes; `cargo e2e bench` counts for longer.
const WINDOW: Duration = Duration::from_secs(60);

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
    ensure!(
        counted.writes.is_empty(),
        "{} writes:\n{}",
        counted.writes.len(),
        counted.writes.join("\n")
    );
    world.progress().note(&format!(
        "{} reconciles, 0 writes in {} s",
        counted.reconciles,
        WINDOW.as_secs()
    ));
    Ok(())
}

/// What the operator did in a window of time.
pub struct Counted {
    /// Reconciles of all replicas.
    pub reconciles: f64,
    /// Each write request, Leases aside.
    pub writes: Vec<String>,
}

/// Lets the operator look at the unchanged application each second and counts what it writes.
///
/// # Errors
/// When the operator cannot be set up or the log cannot be read.
pub async fn count(subject: &Subject<'_>, log: &Path, window: Duration) -> Result<Counted> {
    subject.set_operator(&[("resyncSeconds", "1")]).await?;
    subject.until_ready().await?;
    let start = std::fs::metadata(log)?.len();
    let before = reconciles(subject).await?;
    tokio::time::sleep(window).await;
    let reconciles = reconciles(subject).await? - before;
    let writes = operator_writes(log, start)?;
    subject.set_operator(&[]).await?;
    subject.until_ready().await?;
    Ok(Counted { reconciles, writes })
}

/// Reconciles the operators count so far.
async fn reconciles(subject: &Subject<'_>) -> Result<f64> {
    let pages = subject.operator_metrics().await?;
    let lines = pages
        .values()
        .flat_map(|page| page.lines())
        .filter(|line| line.starts_with("reportapp_operator_reconcile_total"));
    Ok(lines
        .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        .sum())
}

/// Writes of the operator's ServiceAccount after byte `start` of the audit log, Leases aside.
fn operator_writes(log: &Path, start: u64) -> Result<Vec<String>> {
    let mut file = std::fs::File::open(log).context("failed to open the audit log")?;
    file.seek(SeekFrom::Start(start))?;
    let mut writes = Vec::new();
    for line in BufReader::new(file).lines() {
        let entry: Value = serde_json::from_str(&line?)?;
        let user = entry["user"]["username"].as_str().unwrap_or_default();
        let verb = entry["verb"].as_str().unwrap_or_default();
        let resource = entry["objectRef"]["resource"].as_str().unwrap_or_default();
        let writes_something =
            ["create", "update", "patch", "delete", "deletecollection"].contains(&verb);
        if user == OPERATOR && writes_something && resource != "leases" {
            writes.push(format!("{verb} {}", entry["objectRef"]));
        }
    }
    Ok(writes)
}
