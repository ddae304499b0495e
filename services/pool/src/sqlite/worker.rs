//! Carries a slot to a blocking thread and back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::connection::SqliteConnection;
use super::{Core, Role};
use crate::PoolError;
use crate::deadline;
use crate::slots::Slot;

/// A slot whose connection is used on blocking threads only.
pub(super) struct Worker {
    core: Arc<Core>,
    role: Role,
    slot: Slot<SqliteConnection>,
}

/// Tells the blocking thread that its caller has gone away, by being dropped.
pub(super) struct Caller(Arc<AtomicBool>);

/// How long work on a blocking thread goes on: until its time is up or nobody waits for it.
pub(super) struct Leave {
    pub(super) gone: Arc<AtomicBool>,
    /// As it is told when it was too short.
    pub(super) limit: Duration,
    pub(super) until: Instant,
}

impl Drop for Caller {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The two ends of "is anybody still waiting for this?", for work that has a limit of its own.
pub(super) fn caller_for(limit: Duration) -> (Caller, Leave) {
    let gone = Arc::new(AtomicBool::new(false));
    let until = Instant::now() + limit;
    let leave = Leave {
        gone: gone.clone(),
        limit,
        until,
    };
    (Caller(gone), leave)
}

impl Worker {
    pub(super) fn new(core: Arc<Core>, role: Role, slot: Slot<SqliteConnection>) -> Self {
        Self { core, role, slot }
    }

    /// The two ends of "is anybody still waiting for this?", for the time a statement may take and the request
    /// still has. Made where the deadline of the request is known, which is not on the blocking thread.
    pub(super) fn caller(&self) -> (Caller, Leave) {
        caller_for(deadline::left(self.core.settings.limits.statement_timeout))
    }

    /// Runs one piece of work on a blocking thread, which parks the connection at its end whether
    /// or not the caller is still there.
    pub(super) async fn run<T: Send + 'static>(
        mut self,
        work: impl FnOnce(&mut SqliteConnection) -> Result<T, PoolError> + Send + 'static,
    ) -> Result<T, PoolError> {
        let (caller, leave) = self.caller();
        let pool = self.core.readers.name().to_owned();
        let outcome = tokio::task::spawn_blocking(move || self.run_here(leave, work)).await;
        drop(caller);
        let detail = "the runtime is shutting down".to_owned();
        outcome.unwrap_or(Err(PoolError::Unreachable { pool, detail }))
    }

    /// Runs work on this thread, which must be one that may block, for as long as it has leave to.
    pub(super) fn run_here<T>(
        &mut self,
        leave: Leave,
        work: impl FnOnce(&mut SqliteConnection) -> Result<T, PoolError>,
    ) -> Result<T, PoolError> {
        if self.slot.connection().is_none() {
            let opened =
                SqliteConnection::open(self.core.readers.name(), &self.core.settings, self.role);
            self.slot.fill(opened?);
        }
        let connection = self
            .slot
            .connection()
            .ok_or_else(|| PoolError::usage("the slot is empty"))?;
        connection.allow(leave)?;
        work(connection)
    }

    /// Ends what an abandoned transaction left open, or closes the connection.
    pub(super) fn clean_up(&mut self) {
        if let Some(connection) = self.slot.connection()
            && !connection.roll_back()
        {
            drop(self.slot.take());
        }
    }
}
