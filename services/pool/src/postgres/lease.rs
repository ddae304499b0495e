//! A connection in use, and what happens when its user goes away in the middle.
//!
//! A lease is marked busy while a statement runs. Dropped busy, the statement is cancelled on the
//! server and the connection closed, never reused: a late cancel request could otherwise hit the
//! next caller's statement. Dropped inside a transaction but between statements, it is rolled back
//! and reused. Both happen in a task that keeps the slot, so the bound of the pool holds.

use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, stream};

use super::connection::{Done, OUTDATED, PgConnection, Started, convert};
use super::error::Context;
use super::{Core, bulk};
use crate::row::RowStream;
use crate::slots::Slot;
use crate::{Opening, PoolError, Question, Row, Value};

/// Upper bound of rolling back an abandoned transaction.
const ROLLBACK_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection with its slot.
pub(super) struct Lease {
    core: Arc<Core>,
    slot: Option<Slot<PgConnection>>,
    busy: bool,
    in_transaction: bool,
}

impl Lease {
    pub(super) fn new(core: Arc<Core>, slot: Slot<PgConnection>) -> Self {
        Self {
            core,
            slot: Some(slot),
            busy: false,
            in_transaction: false,
        }
    }

    pub(super) async fn query(
        &mut self,
        sql: &str,
        params: &[Value],
    ) -> Result<Vec<Row>, PoolError> {
        let mut outcome = self.work()?.query(sql, params).await;
        if self.should_prepare_again(&outcome) {
            outcome = self.work()?.query(sql, params).await;
        }
        self.settle(outcome)
    }

    pub(super) async fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64, PoolError> {
        let mut outcome = self.work()?.execute(sql, params).await;
        if self.should_prepare_again(&outcome) {
            outcome = self.work()?.execute(sql, params).await;
        }
        self.settle(outcome)
    }

    pub(super) async fn batch(&mut self, sql: &str) -> Result<(), PoolError> {
        let outcome = self.work()?.batch(sql).await;
        self.settle(outcome)
    }

    pub(super) async fn transact(
        &mut self,
        opening: &Opening,
        sql: &str,
        params: &[Value],
    ) -> Result<Done, PoolError> {
        let mut outcome = self.work()?.transact(opening, sql, params).await;
        if self.should_prepare_again(&outcome) {
            outcome = self.work()?.transact(opening, sql, params).await;
        }
        self.settle(outcome)
    }

    pub(super) async fn read_only(
        &mut self,
        questions: &[Question],
    ) -> Result<Vec<Vec<Row>>, PoolError> {
        let mut outcome = self.work()?.read_only(questions).await;
        if self.should_prepare_again(&outcome) {
            outcome = self.work()?.read_only(questions).await;
        }
        self.settle(outcome)
    }

    /// Starts a statement whose rows are read one by one; the stream owns the lease.
    pub(super) async fn into_stream(
        mut self,
        sql: &str,
        params: &[Value],
    ) -> Result<RowStream, PoolError> {
        let connection = self.work()?;
        let context = connection.context.clone();
        match context.bound(connection.start(sql, params)).await {
            Ok(started) => Ok(self.rows(context, started)),
            Err(error) => self.settle(Err(error)),
        }
    }

    /// As [`Lease::into_stream`], in a transaction that may not write and is rolled back at the end, within a
    /// limit of its own.
    pub(super) async fn into_read_only_stream(
        mut self,
        question: &Question,
        limit: Duration,
    ) -> Result<RowStream, PoolError> {
        let mut outcome = self.work()?.start_read_only(question, limit).await;
        if self.should_prepare_again(&outcome) {
            outcome = self.work()?.start_read_only(question, limit).await;
        }
        match outcome {
            Ok(started) => {
                self.in_transaction = true;
                let context = self.work()?.context.within(limit);
                Ok(self.rows(context, started))
            }
            Err(error) => self.settle(Err(error)),
        }
    }

    /// The rows of a statement that was started; they own the lease.
    fn rows(self, context: Context, (columns, rows): Started) -> RowStream {
        let state = (self, Box::pin(rows));
        stream::unfold(Some(state), move |state| {
            let (columns, context) = (columns.clone(), context.clone());
            async move {
                let (mut lease, mut rows) = state?;
                match tokio::time::timeout(context.patience(), rows.next()).await {
                    Ok(None) => {
                        lease.busy = false;
                        None
                    }
                    Ok(Some(Ok(row))) => match convert(&columns, &row) {
                        Ok(row) => Some((Ok(row), Some((lease, rows)))),
                        Err(error) => Some((Err(error), None)),
                    },
                    Ok(Some(Err(error))) => {
                        let failed = lease.settle(Err(context.statement_error(&error)));
                        Some((failed, None))
                    }
                    Err(_) => Some((Err(context.timed_out()), None)),
                }
            }
        })
        .boxed()
    }

    /// The connection, marked busy until [`Lease::settle`].
    fn work(&mut self) -> Result<&mut PgConnection, PoolError> {
        let lost = || PoolError::usage("the connection of this transaction is gone");
        let connection = self
            .slot
            .as_mut()
            .and_then(Slot::connection)
            .ok_or_else(lost)?;
        self.busy = true;
        Ok(connection)
    }

    /// Whether a statement was refused, before it did anything, because its tables have changed
    /// since it was prepared. Inside a transaction the refusal has ended the transaction.
    fn should_prepare_again<T>(&self, outcome: &Result<T, PoolError>) -> bool {
        let outdated = |code: &str| OUTDATED.iter().any(|state| state.code() == code);
        !self.in_transaction
            && matches!(outcome, Err(PoolError::Conflict { code }) if outdated(code))
    }

    /// Notes the end of a statement. After a timeout the server may still be at it, so the lease
    /// stays busy and its connection ends with it.
    fn settle<T>(&mut self, outcome: Result<T, PoolError>) -> Result<T, PoolError> {
        self.busy = matches!(outcome, Err(PoolError::StatementTimeout { .. }));
        outcome
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let (busy, in_transaction) = (self.busy, self.in_transaction);
        let Some(mut slot) = self.slot.take() else {
            return;
        };
        if !busy && !in_transaction {
            return;
        }
        let Some(mut held) = slot.take() else { return };
        // Outside a runtime there is nobody to talk to the server; closing is all that can be done.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        let core = self.core.clone();
        runtime.spawn(async move {
            if busy {
                core.supply
                    .login()
                    .cancel(held.connection.cancel_token())
                    .await;
                drop(held);
            } else {
                let rollback = held.connection.batch("ROLLBACK");
                if let Ok(Ok(())) = tokio::time::timeout(ROLLBACK_TIMEOUT, rollback).await {
                    slot.put(held);
                }
            }
            drop(slot);
        });
    }
}

/// A transaction on one lease.
pub(crate) struct PostgresTransaction {
    lease: Lease,
    failed: bool,
}

impl PostgresTransaction {
    pub(super) async fn begin(mut lease: Lease) -> Result<Self, PoolError> {
        let outcome = lease.work()?.begin_bare().await;
        lease.settle(outcome)?;
        lease.in_transaction = true;
        Ok(Self {
            lease,
            failed: false,
        })
    }

    pub(super) async fn begin_after(
        mut lease: Lease,
        opening: &Opening,
    ) -> Result<Self, PoolError> {
        // Before the first byte: a caller who goes away now may leave a transaction behind.
        lease.in_transaction = true;
        let outcome = lease.work()?.begin(opening).await;
        lease.settle(outcome)?;
        Ok(Self {
            lease,
            failed: false,
        })
    }

    pub(crate) async fn query(
        &mut self,
        sql: &str,
        params: &[Value],
    ) -> Result<Vec<Row>, PoolError> {
        let outcome = self.lease.query(sql, params).await;
        self.note(outcome)
    }

    pub(crate) async fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64, PoolError> {
        let outcome = self.lease.execute(sql, params).await;
        self.note(outcome)
    }

    pub(crate) async fn batch(&mut self, sql: &str) -> Result<(), PoolError> {
        let outcome = self.lease.batch(sql).await;
        self.note(outcome)
    }

    pub(crate) async fn bulk_insert(
        &mut self,
        table: &str,
        columns: &[&str],
        rows: impl Iterator<Item = Vec<Value>> + Send,
    ) -> Result<u64, PoolError> {
        let connection = self.lease.work()?;
        let context = connection.context.clone();
        let outcome = context
            .bound(bulk::copy(connection, table, columns, rows))
            .await;
        let outcome = self.lease.settle(outcome);
        self.note(outcome)
    }

    pub(crate) async fn commit(mut self) -> Result<(), PoolError> {
        // The server would answer COMMIT of a failed transaction with a silent rollback.
        if self.failed {
            self.rollback().await?;
            return Err(PoolError::usage(
                "a statement of the transaction failed; nothing was committed",
            ));
        }
        self.lease.batch("COMMIT").await?;
        self.lease.in_transaction = false;
        Ok(())
    }

    pub(crate) async fn rollback(mut self) -> Result<(), PoolError> {
        self.lease.batch("ROLLBACK").await?;
        self.lease.in_transaction = false;
        Ok(())
    }

    fn note<T>(&mut self, outcome: Result<T, PoolError>) -> Result<T, PoolError> {
        self.failed |= outcome.is_err();
        outcome
    }
}
