//! One logged-in PostgreSQL session: runs statements with a deadline, remembers prepared ones, and
//! turns server rows into [`Row`]s.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinHandle;
use tokio_postgres::error::SqlState;
use tokio_postgres::{CancelToken, Client, Connection, Error, RowStream, Statement};

use super::error::Context;
use super::types::{Bound, Cell, check_parameters};
use crate::slots::Reusable;
use crate::{PoolError, Row, Value};

/// Prepared statements remembered per session.
const STATEMENTS_MAX: usize = 256;
/// The states of "this prepared statement no longer fits" and "there is no such statement".
pub(super) const OUTDATED: [&SqlState; 2] = [
    &SqlState::FEATURE_NOT_SUPPORTED,
    &SqlState::INVALID_SQL_STATEMENT_NAME,
];
/// How long a closed session may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(5);

/// A session and the task that drives its socket.
pub(super) struct PgConnection {
    pub(super) client: Client,
    pub(super) context: Context,
    driver: Option<JoinHandle<()>>,
    statements: HashMap<String, Statement>,
}

impl PgConnection {
    pub(super) fn new<S, T>(client: Client, connection: Connection<S, T>, context: Context) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let pool = context.pool.clone();
        let driver = tokio::spawn(async move {
            if let Err(error) = connection.await {
                // Statements in hand get the error too; an idle session has nobody to tell.
                tracing::debug!(pool, closed = error.is_closed(), "a database session ended");
            }
        });
        Self {
            client,
            context,
            driver: Some(driver),
            statements: HashMap::new(),
        }
    }

    pub(super) fn cancel_token(&self) -> CancelToken {
        self.client.cancel_token()
    }

    /// One empty round trip.
    pub(super) async fn ping(&self) -> Result<(), Error> {
        self.client.batch_execute("").await
    }

    pub(super) async fn query(
        &mut self,
        sql: &str,
        params: &[Value],
    ) -> Result<Vec<Row>, PoolError> {
        let deadline = self.context.clone();
        deadline
            .bound(async {
                let (columns, rows) = self.start(sql, params).await?;
                rows.map_err(|error| self.context.statement_error(&error))
                    .and_then(|row| {
                        let row = convert(&columns, &row);
                        async move { row }
                    })
                    .try_collect()
                    .await
            })
            .await
    }

    pub(super) async fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64, PoolError> {
        let deadline = self.context.clone();
        deadline
            .bound(async {
                let statement = self.prepare(sql, params).await?;
                let bound = params.iter().map(Bound).collect::<Vec<_>>();
                let outcome = self.client.execute_raw(&statement, bound).await;
                outcome.map_err(|error| self.forget(sql, &error))
            })
            .await
    }

    pub(super) async fn batch(&mut self, sql: &str) -> Result<(), PoolError> {
        let outcome = self.client.batch_execute(sql);
        self.context
            .bound(async {
                outcome
                    .await
                    .map_err(|error| self.context.statement_error(&error))
            })
            .await
    }

    /// Sends a statement and returns the names of its columns with its rows to come.
    pub(super) async fn start(
        &mut self,
        sql: &str,
        params: &[Value],
    ) -> Result<(Arc<[String]>, RowStream), PoolError> {
        let statement = self.prepare(sql, params).await?;
        let columns = statement
            .columns()
            .iter()
            .map(|column| column.name().to_owned())
            .collect();
        let bound = params.iter().map(Bound).collect::<Vec<_>>();
        match self.client.query_raw(&statement, bound).await {
            Ok(rows) => Ok((columns, rows)),
            Err(error) => Err(self.forget(sql, &error)),
        }
    }

    async fn prepare(&mut self, sql: &str, params: &[Value]) -> Result<Statement, PoolError> {
        let statement = match self.statements.get(sql) {
            Some(statement) => statement.clone(),
            None => {
                let statement = self
                    .client
                    .prepare(sql)
                    .await
                    .map_err(|error| self.context.statement_error(&error))?;
                if self.statements.len() >= STATEMENTS_MAX {
                    self.statements.clear();
                }
                self.statements.insert(sql.to_owned(), statement.clone());
                statement
            }
        };
        check_parameters(&statement, params)?;
        Ok(statement)
    }

    /// Maps an error; a statement whose tables changed since it was prepared is forgotten and the
    /// caller is told to try again.
    fn forget(&mut self, sql: &str, error: &Error) -> PoolError {
        match error.code() {
            Some(code) if OUTDATED.contains(&code) && self.statements.remove(sql).is_some() => {
                PoolError::Conflict {
                    code: code.code().to_owned(),
                }
            }
            _ => self.context.statement_error(error),
        }
    }
}

impl Reusable for PgConnection {
    fn reusable(&self) -> bool {
        !self.client.is_closed()
    }
}

impl Drop for PgConnection {
    fn drop(&mut self) {
        let Some(mut driver) = self.driver.take() else {
            return;
        };
        // Dropping the client asks the driver to end the session politely; a dead socket would
        // keep it waiting for ever.
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(async move {
                if tokio::time::timeout(GOODBYE, &mut driver).await.is_err() {
                    driver.abort();
                }
            })),
            Err(_) => driver.abort(),
        }
    }
}

impl Context {
    /// Bounds a statement from this side too.
    pub(super) async fn bound<T>(
        &self,
        statement: impl Future<Output = Result<T, PoolError>>,
    ) -> Result<T, PoolError> {
        match tokio::time::timeout(self.deadline, statement).await {
            Ok(outcome) => outcome,
            Err(_) => Err(self.timed_out()),
        }
    }
}

/// One row of the server as ours.
pub(super) fn convert(
    columns: &Arc<[String]>,
    row: &tokio_postgres::Row,
) -> Result<Row, PoolError> {
    let values = row.columns().iter().enumerate().map(|(index, column)| {
        match row.try_get::<_, Option<Cell>>(index) {
            Ok(cell) => Ok(cell.map_or(Value::Null, |cell| cell.0)),
            Err(_) => Err(PoolError::Type {
                column: column.name().to_owned(),
                expected: "a type this pool reads",
                found: format!(
                    "{} of PostgreSQL or a value out of range",
                    column.type_().name()
                ),
            }),
        }
    });
    Ok(Row::new(columns.clone(), values.collect::<Result<_, _>>()?))
}
