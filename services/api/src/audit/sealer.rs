//! Seals the audit trail in the background, takes the heads out of the database, and removes what is old.
//!
//! Every replica tries; an advisory lock lets one through at a time. A head leaves the database as a line
//! of the log (target `audit_head`) and as a metric, where whoever may change the database does not reach.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::metrics::AuditMetrics;
use crate::store::audit::Batch;
use crate::store::{Store, StoreError};

/// Between two looks for rows to seal: about as long as a forged row could go unnoticed.
pub const SEAL_EVERY: Duration = Duration::from_secs(30);
/// Rows of a batch at most; with it, what a verification holds in memory.
const MOST_ROWS: u32 = 5_000;
/// Security events are kept for half a year.
const EVENTS_KEPT_DAYS: u32 = 180;
/// Rounds of sealing between two removals of old rows.
const TIDY_ROUNDS: u32 = 120;

/// Seals every so often for as long as the process lives; waits for the schema first. Nothing to do on
/// SQLite.
pub fn watch(
    tasks: &mut JoinSet<()>,
    store: &Arc<Store>,
    metrics: AuditMetrics,
    retention_days: u32,
    every: Duration,
) {
    if !store.keeps_audit() {
        return;
    }
    let store = Arc::clone(store);
    tasks.spawn(async move {
        let mut round = 0;
        loop {
            tokio::time::sleep(every).await;
            match seal(&store, &metrics).await {
                // Said by whoever sets the schema up.
                Ok(()) | Err(StoreError::NotMigrated) => {}
                Err(error) => tracing::warn!(%error, "failed to seal the audit trail"),
            }
            if round % TIDY_ROUNDS == 0 {
                match remove_old(&store, retention_days).await {
                    Ok(0) | Err(StoreError::NotMigrated) => {}
                    Ok(batches) => tracing::info!(batches, "removed old audit rows"),
                    Err(error) => tracing::warn!(%error, "failed to remove old audit rows"),
                }
            }
            round += 1;
        }
    });
}

/// Seals all there is to seal now.
///
/// # Errors
/// When the store cannot answer.
pub async fn seal(store: &Store, metrics: &AuditMetrics) -> Result<(), StoreError> {
    while let Some(batch) = store.seal_audit_rows(MOST_ROWS).await? {
        export(&batch, metrics);
        if batch.rows < i64::from(MOST_ROWS) {
            break;
        }
    }
    Ok(())
}

/// Removes whole batches older than `days`, and old security events; returns the number of batches.
///
/// # Errors
/// When the store cannot answer.
pub async fn remove_old(store: &Store, days: u32) -> Result<u64, StoreError> {
    let mut batches = 0;
    while store.remove_oldest_audit_batch(days).await?.is_some() {
        batches += 1;
    }
    store.remove_old_security_events(EVENTS_KEPT_DAYS).await?;
    Ok(batches)
}

fn export(batch: &Batch, metrics: &AuditMetrics) {
    tracing::info!(
        target: "audit_head",
        batch = batch.id,
        rows = batch.rows,
        first = batch.first,
        last = batch.last,
        head = batch.head,
        "sealed audit rows"
    );
    metrics.sealed(batch);
}
