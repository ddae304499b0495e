//! One logged-in PostgreSQL session: runs statements with a deadline, remembers prepared ones, and
//! turns server rows into [`Row`]s.

use std::borrow::Cow;
use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt;
use futures::future::join_all;
use tokio::task::JoinHandle;
use tokio_postgres::error::SqlState;
use tokio_postgres::{CancelToken, Client, Error, RowStream, Statement};

use super::error::Context;
use super::types::{Bound, Cell, check_parameters};
use crate::deadline;
use crate::slots::Reusable;
use crate::{Opening, PoolError, Question, Row, Value};

/// Prepared statements remembered per session.
const STATEMENTS_MAX: usize = 256;
/// The states of "this prepared statement no longer fits" and "there is no such statement".
pub(super) const OUTDATED: [&SqlState; 2] = [
    &SqlState::FEATURE_NOT_SUPPORTED,
    &SqlState::INVALID_SQL_STATEMENT_NAME,
];
/// Begins reading one state of the database. Reports are asked with very different values, for which the
/// plan of the average value is a bad one.
const READ_ONLY: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL plan_cache_mode = force_custom_plan";
const BEGIN: &str = "BEGIN";
/// How long a closed session may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(5);

/// A statement on its way: the names of its columns and its rows to come.
pub(super) type Started = (Arc<[String]>, RowStream);

/// A session and the task that drives its socket.
pub(super) struct PgConnection {
    pub(super) client: Client,
    pub(super) context: Context,
    driver: Option<JoinHandle<()>>,
    statements: HashMap<String, Prepared>,
}

/// A prepared statement and the names of its columns, which every row of it shares.
#[derive(Clone)]
struct Prepared {
    statement: Statement,
    columns: Arc<[String]>,
}

/// What a transaction of one statement came to.
pub(crate) struct Done {
    pub(crate) rows: Vec<Row>,
    pub(crate) changed: u64,
}

impl PgConnection {
    pub(super) fn new(client: Client, driver: JoinHandle<()>, context: Context) -> Self {
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
                let prepared = self.prepare(sql, params).await?;
                let bound = params.iter().map(Bound).collect::<Vec<_>>();
                let outcome = self.client.execute_raw(&prepared.statement, bound).await;
                outcome.map_err(|error| self.forget(sql, &error))
            })
            .await
    }

    /// A transaction of one statement in one round trip: BEGIN, the opening, the statement and COMMIT are
    /// sent before the first answer is read. After a failure the server refuses what follows and makes the
    /// COMMIT a rollback.
    pub(super) async fn transact(
        &mut self,
        opening: &Opening,
        sql: &str,
        params: &[Value],
    ) -> Result<Done, PoolError> {
        let deadline = self.context.clone();
        deadline
            .bound(async {
                let first = self.prepare(opening.sql, &opening.params).await?;
                let statement = self.prepare(sql, params).await?;
                let settings = opening.params.iter().map(Bound).collect::<Vec<_>>();
                let bound = params.iter().map(Bound).collect::<Vec<_>>();
                let begin = self.context.in_time(BEGIN);
                // Polled, and so sent, in this order.
                let (begun, opened, answer, committed) = futures::join!(
                    self.client.batch_execute(&begin),
                    self.client.execute_raw(&first.statement, settings),
                    self.read(&statement, bound),
                    self.client.batch_execute("COMMIT"),
                );
                begun.map_err(|error| self.context.statement_error(&error))?;
                opened.map_err(|error| self.forget(opening.sql, &error))?;
                let done = answer.map_err(|error| self.forget(sql, &error))?;
                committed.map_err(|error| self.context.statement_error(&error))?;
                done
            })
            .await
    }

    /// Questions about one state of the database, in a transaction that may not write and is rolled back in
    /// any case. All is sent before the first answer is read, as in [`PgConnection::transact`].
    pub(super) async fn read_only(
        &mut self,
        questions: &[Question],
    ) -> Result<Vec<Vec<Row>>, PoolError> {
        let deadline = self.context.clone();
        deadline
            .bound(async {
                let mut statements = Vec::with_capacity(questions.len());
                for question in questions {
                    statements.push(self.prepare(&question.sql, &question.params).await?);
                }
                let answers = questions.iter().zip(&statements);
                let answers = answers.map(|(question, statement)| {
                    let bound = question.params.iter().map(Bound).collect::<Vec<_>>();
                    self.read(statement, bound)
                });
                let begin = self.context.in_time(READ_ONLY);
                // Polled, and so sent, in this order.
                let (begun, answers, ended) = futures::join!(
                    self.client.batch_execute(&begin),
                    join_all(answers),
                    self.client.batch_execute("ROLLBACK"),
                );
                begun.map_err(|error| self.context.statement_error(&error))?;
                let mut tables = Vec::with_capacity(questions.len());
                for (question, answer) in questions.iter().zip(answers) {
                    let done = answer.map_err(|error| self.forget(&question.sql, &error))?;
                    tables.push(done?.rows);
                }
                ended.map_err(|error| self.context.statement_error(&error))?;
                Ok(tables)
            })
            .await
    }

    /// Begins a transaction that may not write and sends a question in it, in one round trip. After an error
    /// the transaction has ended; otherwise whoever reads the rows ends it.
    pub(super) async fn start_read_only(
        &mut self,
        question: &Question,
        limit: Duration,
    ) -> Result<Started, PoolError> {
        let deadline = self.context.within(limit);
        let begin = format!(
            "{READ_ONLY}; SET LOCAL statement_timeout = {}",
            deadline.limit_ms
        );
        deadline
            .bound(async {
                let prepared = self.prepare(&question.sql, &question.params).await?;
                let bound = question.params.iter().map(Bound).collect::<Vec<_>>();
                // Polled, and so sent, in this order.
                let (begun, rows) = futures::join!(
                    self.client.batch_execute(&begin),
                    self.client.query_raw(&prepared.statement, bound),
                );
                match begun.and(rows) {
                    Ok(rows) => Ok((prepared.columns, rows)),
                    Err(error) => {
                        let failed = self.forget(&question.sql, &error);
                        let ended = self.client.batch_execute("ROLLBACK").await;
                        ended.map_err(|error| self.context.statement_error(&error))?;
                        Err(failed)
                    }
                }
            })
            .await
    }

    /// Begins a transaction with its opening, in one round trip.
    pub(super) async fn begin(&mut self, opening: &Opening) -> Result<(), PoolError> {
        let deadline = self.context.clone();
        deadline
            .bound(async {
                let first = self.prepare(opening.sql, &opening.params).await?;
                let settings = opening.params.iter().map(Bound).collect::<Vec<_>>();
                let begin = self.context.in_time(BEGIN);
                let (begun, opened) = futures::join!(
                    self.client.batch_execute(&begin),
                    self.client.execute_raw(&first.statement, settings),
                );
                begun.map_err(|error| self.context.statement_error(&error))?;
                opened.map_err(|error| self.forget(opening.sql, &error))?;
                Ok(())
            })
            .await
    }

    /// All rows of a prepared statement; the inner error is a row that cannot be read.
    async fn read(
        &self,
        prepared: &Prepared,
        bound: Vec<Bound<'_>>,
    ) -> Result<Result<Done, PoolError>, Error> {
        let answer = self.client.query_raw(&prepared.statement, bound).await?;
        let mut stream = Box::pin(answer);
        let mut rows = Ok(Vec::new());
        while let Some(row) = stream.try_next().await? {
            // Read to the end whatever a row holds, so that the number of changes is known.
            rows = rows.and_then(|mut rows: Vec<Row>| {
                rows.push(convert(&prepared.columns, &row)?);
                Ok(rows)
            });
        }
        let changed = stream.rows_affected().unwrap_or(0);
        Ok(rows.map(|rows| Done { rows, changed }))
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

    /// Begins a transaction without an opening.
    pub(super) async fn begin_bare(&mut self) -> Result<(), PoolError> {
        let begin = self.context.in_time(BEGIN);
        self.batch(&begin).await
    }

    /// Sends a statement and returns the names of its columns with its rows to come.
    pub(super) async fn start(
        &mut self,
        sql: &str,
        params: &[Value],
    ) -> Result<Started, PoolError> {
        let prepared = self.prepare(sql, params).await?;
        let bound = params.iter().map(Bound).collect::<Vec<_>>();
        match self.client.query_raw(&prepared.statement, bound).await {
            Ok(rows) => Ok((prepared.columns, rows)),
            Err(error) => Err(self.forget(sql, &error)),
        }
    }

    async fn prepare(&mut self, sql: &str, params: &[Value]) -> Result<Prepared, PoolError> {
        let prepared = match self.statements.get(sql) {
            Some(prepared) => prepared.clone(),
            None => {
                let statement = self
                    .client
                    .prepare(sql)
                    .await
                    .map_err(|error| self.context.statement_error(&error))?;
                if self.statements.len() >= STATEMENTS_MAX {
                    self.statements.clear();
                }
                let columns = names(&statement);
                let prepared = Prepared { statement, columns };
                self.statements.insert(sql.to_owned(), prepared.clone());
                prepared
            }
        };
        check_parameters(&prepared.statement, params)?;
        Ok(prepared)
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
    /// How long this side waits for a statement.
    pub(super) fn patience(&self) -> Duration {
        deadline::left(self.deadline)
    }

    /// The beginning of a transaction whose statements the server itself ends when the time of the request is
    /// up, whatever becomes of us until then.
    fn in_time(&self, begin: &'static str) -> Cow<'static, str> {
        let limit = Duration::from_millis(self.limit_ms);
        let left = deadline::left(limit);
        if left == limit {
            return begin.into();
        }
        // Zero would mean without end.
        let left_ms = left.as_millis().max(1);
        format!("{begin}; SET LOCAL statement_timeout = {left_ms}").into()
    }

    /// Bounds a statement from this side too.
    pub(super) async fn bound<T>(
        &self,
        statement: impl Future<Output = Result<T, PoolError>>,
    ) -> Result<T, PoolError> {
        match tokio::time::timeout(self.patience(), statement).await {
            Ok(outcome) => outcome,
            Err(_) => Err(self.timed_out()),
        }
    }
}

fn names(statement: &Statement) -> Arc<[String]> {
    let columns = statement.columns().iter();
    columns.map(|column| column.name().to_owned()).collect()
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
