//! SQLite: blocking connections on tokio's blocking threads, one writer and several readers.
//!
//! The file is in WAL mode, so readers never wait for the writer. A connection and its slot move
//! into the blocking thread together and come back together; when the caller has gone away the
//! thread itself returns them. A progress handler ends a statement whose time is up or whose
//! caller is gone.
//!
//! Placeholders need no translation: SQLite reads `$1` as a named parameter, and `$1::date` as a
//! parameter of that whole name, so that a statement with PostgreSQL casts of its parameters runs
//! here too.

use std::sync::Arc;
use std::time::Duration;

use crate::row::RowStream;
use crate::settings::SqliteSettings;
use crate::slots::{Slot, Slots};
use crate::stats::Counters;
use crate::{PoolError, PoolStats, Question, Row, Value};

mod connection;
mod error;
mod stream;
mod transaction;
mod types;
mod worker;

use connection::SqliteConnection;
pub(crate) use transaction::SqliteTransaction;
use worker::Worker;

/// A SQLite pool.
pub(crate) struct SqlitePool {
    core: Arc<Core>,
}

/// What the pool shares with its blocking threads.
struct Core {
    settings: SqliteSettings,
    readers: Arc<Slots<SqliteConnection>>,
    /// SQLite has one writer at a time; queueing for it here is fair, the file lock is not.
    writer: Arc<Slots<SqliteConnection>>,
}

/// Who a statement is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Reader,
    Writer,
}

impl SqlitePool {
    pub(crate) fn open(name: &str, settings: SqliteSettings) -> Self {
        let counters = Arc::new(Counters::default());
        let readers = settings.limits.max.saturating_sub(1).max(1);
        let limits = settings.limits.clone();
        let core = Core {
            settings,
            readers: Slots::new(name, readers, &limits, counters.clone()),
            writer: Slots::new(name, 1, &limits, counters),
        };
        Self {
            core: Arc::new(core),
        }
    }

    pub(crate) fn name(&self) -> &str {
        self.core.readers.name()
    }

    pub(crate) fn stats(&self) -> PoolStats {
        let (mut stats, writer) = (self.core.readers.stats(), self.core.writer.stats());
        stats.idle += writer.idle;
        stats.max += writer.max;
        // A file has no login.
        stats.generations.clear();
        stats
    }

    pub(crate) async fn close(&self) {
        tokio::join!(self.core.readers.close(), self.core.writer.close());
    }

    /// Opens the file, creating it where that is allowed, and reads from it.
    pub(crate) async fn probe(&self) -> Result<(), PoolError> {
        self.query("SELECT count(*) FROM sqlite_schema", &[])
            .await
            .map(drop)
    }

    /// A statement that turns out to write is handed on to the writer, where it runs from the start.
    pub(crate) async fn query(&self, sql: &str, params: &[Value]) -> Result<Vec<Row>, PoolError> {
        let (sql, params) = (sql.to_owned(), params.to_vec());
        let reader = self.core.worker(Role::Reader).await?;
        let (text, values) = (sql.clone(), params.clone());
        let outcome = reader
            .run(move |connection| connection.query_if_readonly(&text, &values))
            .await?;
        match outcome {
            Some(rows) => Ok(rows),
            None => {
                let writer = self.core.worker(Role::Writer).await?;
                writer
                    .run(move |connection| connection.query(&sql, &params))
                    .await
            }
        }
    }

    /// Questions in one transaction of a reader.
    pub(crate) async fn read_only(
        &self,
        questions: &[Question],
    ) -> Result<Vec<Vec<Row>>, PoolError> {
        let questions = questions.to_vec();
        self.core
            .worker(Role::Reader)
            .await?
            .run(move |connection| connection.read_only(&questions))
            .await
    }

    pub(crate) async fn query_stream(
        &self,
        sql: &str,
        params: &[Value],
    ) -> Result<RowStream, PoolError> {
        let reader = self.core.worker(Role::Reader).await?;
        let limit = self.core.settings.limits.statement_timeout;
        let (sql, params) = (sql.to_owned(), params.to_vec());
        Ok(stream::start(reader, limit, move |connection, sink| {
            connection.each(&sql, &params, sink)
        }))
    }

    /// A question in a transaction of a reader, its rows one by one.
    pub(crate) async fn read_only_stream(
        &self,
        question: &Question,
        limit: Duration,
    ) -> Result<RowStream, PoolError> {
        let reader = self.core.worker(Role::Reader).await?;
        let question = question.clone();
        Ok(stream::start(reader, limit, move |connection, sink| {
            connection.read_only_each(&question, sink)
        }))
    }

    pub(crate) async fn execute(&self, sql: &str, params: &[Value]) -> Result<u64, PoolError> {
        let (sql, params) = (sql.to_owned(), params.to_vec());
        self.core
            .worker(Role::Writer)
            .await?
            .run(move |connection| connection.execute(&sql, &params))
            .await
    }

    pub(crate) async fn batch(&self, sql: &str) -> Result<(), PoolError> {
        let sql = sql.to_owned();
        self.core
            .worker(Role::Writer)
            .await?
            .run(move |connection| connection.batch(&sql))
            .await
    }

    pub(crate) async fn begin(&self) -> Result<SqliteTransaction, PoolError> {
        SqliteTransaction::begin(self.core.worker(Role::Writer).await?).await
    }
}

impl Core {
    /// A slot, on its way to a blocking thread that opens its connection if there is none.
    async fn worker(self: &Arc<Self>, role: Role) -> Result<Worker, PoolError> {
        let slots = match role {
            Role::Reader => &self.readers,
            Role::Writer => &self.writer,
        };
        let slot: Slot<SqliteConnection> = slots.acquire().await?;
        Ok(Worker::new(self.clone(), role, slot))
    }
}
