//! A transaction on the writer.

use super::worker::Worker;
use crate::{PoolError, Row, Value};

/// Holds the writer until committed, rolled back or dropped.
pub(crate) struct SqliteTransaction {
    open: Open,
    failed: bool,
}

/// The worker of a transaction; rolls back when dropped, wherever that happens, so that a caller
/// who goes away during a statement leaves nothing behind either.
struct Open(Option<Worker>);

impl Drop for Open {
    fn drop(&mut self) {
        let Some(mut worker) = self.0.take() else {
            return;
        };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(move || worker.clean_up())),
            Err(_) => worker.clean_up(),
        }
    }
}

impl SqliteTransaction {
    pub(super) async fn begin(worker: Worker) -> Result<Self, PoolError> {
        let mut transaction = Self {
            open: Open(Some(worker)),
            failed: false,
        };
        // IMMEDIATE: a transaction that reads first could otherwise fail when it begins to write.
        transaction.batch("BEGIN IMMEDIATE").await?;
        Ok(transaction)
    }

    pub(crate) async fn query(
        &mut self,
        sql: &str,
        params: &[Value],
    ) -> Result<Vec<Row>, PoolError> {
        let (sql, params) = (sql.to_owned(), params.to_vec());
        self.run(move |connection| connection.query(&sql, &params))
            .await
    }

    pub(crate) async fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64, PoolError> {
        let (sql, params) = (sql.to_owned(), params.to_vec());
        self.run(move |connection| connection.execute(&sql, &params))
            .await
    }

    pub(crate) async fn batch(&mut self, sql: &str) -> Result<(), PoolError> {
        let sql = sql.to_owned();
        self.run(move |connection| connection.batch(&sql)).await
    }

    pub(crate) async fn bulk_insert(
        &mut self,
        table: &str,
        columns: &[&str],
        rows: impl Iterator<Item = Vec<Value>> + Send + 'static,
    ) -> Result<u64, PoolError> {
        let columns: Vec<String> = columns.iter().map(|&column| column.to_owned()).collect();
        let table = table.to_owned();
        self.run(move |connection| connection.bulk_insert(&table, &columns, rows))
            .await
    }

    pub(crate) async fn commit(mut self) -> Result<(), PoolError> {
        if self.failed {
            self.rollback().await?;
            return Err(PoolError::usage(
                "a statement of the transaction failed; nothing was committed",
            ));
        }
        self.batch("COMMIT").await
    }

    pub(crate) async fn rollback(mut self) -> Result<(), PoolError> {
        self.batch("ROLLBACK").await
    }

    async fn run<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut super::SqliteConnection) -> Result<T, PoolError> + Send + 'static,
    ) -> Result<T, PoolError> {
        let lost = || PoolError::usage("the connection of this transaction is gone");
        let worker = self.open.0.take().ok_or_else(lost)?;
        let (open, outcome) = Open(Some(worker)).run(work).await?;
        self.open = open;
        self.failed |= outcome.is_err();
        outcome
    }
}

impl Open {
    /// As [`Worker::run_and_keep`], but what comes back still rolls back when dropped, even if
    /// nobody is there any more to receive it.
    async fn run<T: Send + 'static>(
        mut self,
        work: impl FnOnce(&mut super::SqliteConnection) -> Result<T, PoolError> + Send + 'static,
    ) -> Result<(Self, Result<T, PoolError>), PoolError> {
        let lost = || PoolError::usage("the connection of this transaction is gone");
        let (caller, leave) = self.0.as_ref().ok_or_else(lost)?.caller();
        let thread = tokio::task::spawn_blocking(move || {
            let outcome = match self.0.as_mut() {
                Some(worker) => worker.run_here(leave, work),
                None => Err(lost()),
            };
            (self, outcome)
        });
        let finished = thread.await;
        drop(caller);
        finished.map_err(|_| lost())
    }
}
