//! The pool callers hold: resolves the configuration, then hands every call to its engine.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reportapp_config::{DatabaseConfig, Secret};

use crate::postgres::{PostgresPool, PostgresRenewal};
use crate::row::RowStream;
use crate::settings::{PostgresLogin, PostgresSettings, Settings};
use crate::sqlite::SqlitePool;
use crate::stats::PoolCollector;
use crate::transaction::{EngineTransaction, Opening, Question, Transaction};
use crate::{PoolError, PoolStats, Row, Value};

/// The database behind a pool, for the few statements that differ between engines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// PostgreSQL 13 or later.
    Postgres,
    /// A SQLite file of this process.
    Sqlite,
}

impl Engine {
    /// The name in metrics and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Sqlite => "sqlite",
        }
    }
}

/// A bounded set of connections to one database under one login; a clone is the same pool.
#[derive(Clone)]
pub struct Pool {
    inner: Arc<EnginePool>,
}

enum EnginePool {
    Postgres(PostgresPool),
    Sqlite(SqlitePool),
}

impl Pool {
    /// Checks the configuration, reads the credential and starts keeping connections warm in the
    /// background. The database need not be up; [`Pool::probe`] tells whether it is.
    ///
    /// # Errors
    /// [`PoolError::Config`] naming what to change.
    pub async fn open(name: &str, config: &DatabaseConfig) -> Result<Self, PoolError> {
        let inner = match Settings::resolve(name, config)? {
            Settings::Postgres(settings) => {
                EnginePool::Postgres(PostgresPool::open(name, settings))
            }
            Settings::Sqlite(settings) => EnginePool::Sqlite(SqlitePool::open(name, settings)),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// As [`Pool::open`], with a login that is in memory. Needs a tokio runtime.
    ///
    /// # Errors
    /// [`PoolError::Config`] naming what to change.
    pub fn with_login(name: &str, login: &PostgresLogin) -> Result<Self, PoolError> {
        let settings = PostgresSettings::of_login(name, login)?;
        Ok(Self {
            inner: Arc::new(EnginePool::Postgres(PostgresPool::open(name, settings))),
        })
    }

    /// The name given to [`Pool::open`].
    pub fn name(&self) -> &str {
        match &*self.inner {
            EnginePool::Postgres(pool) => pool.name(),
            EnginePool::Sqlite(pool) => pool.name(),
        }
    }

    /// The database behind this pool.
    pub fn engine(&self) -> Engine {
        match &*self.inner {
            EnginePool::Postgres(_) => Engine::Postgres,
            EnginePool::Sqlite(_) => Engine::Sqlite,
        }
    }

    /// Logs in anew and runs `SELECT 1`; on SQLite opens the file and reads from it.
    ///
    /// # Errors
    /// [`PoolError::Unreachable`], [`PoolError::LoginRefused`], [`PoolError::TlsInvalid`], or
    /// [`PoolError::AcquireTimeout`] when all connections are busy.
    pub async fn probe(&self) -> Result<(), PoolError> {
        match &*self.inner {
            EnginePool::Postgres(pool) => pool.probe().await,
            EnginePool::Sqlite(pool) => pool.probe().await,
        }
    }

    /// Runs one statement and returns all its rows.
    ///
    /// # Errors
    /// Any [`PoolError`] but `Config`.
    pub async fn query(&self, sql: &str, params: &[Value]) -> Result<Vec<Row>, PoolError> {
        match &*self.inner {
            EnginePool::Postgres(pool) => pool.query(sql, params).await,
            EnginePool::Sqlite(pool) => pool.query(sql, params).await,
        }
    }

    /// Runs one statement and returns its first row, if there is one.
    ///
    /// # Errors
    /// As [`Pool::query`].
    pub async fn query_opt(&self, sql: &str, params: &[Value]) -> Result<Option<Row>, PoolError> {
        Ok(self.query(sql, params).await?.into_iter().next())
    }

    /// Runs one statement and hands out its rows as they arrive, in flat memory. The stream holds
    /// a connection until it is read to the end or dropped.
    ///
    /// # Errors
    /// As [`Pool::query`]; later errors arrive as the last item.
    pub async fn query_stream(&self, sql: &str, params: &[Value]) -> Result<RowStream, PoolError> {
        match &*self.inner {
            EnginePool::Postgres(pool) => pool.query_stream(sql, params).await,
            EnginePool::Sqlite(pool) => pool.query_stream(sql, params).await,
        }
    }

    /// Runs one statement and returns the number of rows it changed.
    ///
    /// # Errors
    /// As [`Pool::query`].
    pub async fn execute(&self, sql: &str, params: &[Value]) -> Result<u64, PoolError> {
        match &*self.inner {
            EnginePool::Postgres(pool) => pool.execute(sql, params).await,
            EnginePool::Sqlite(pool) => pool.execute(sql, params).await,
        }
    }

    /// Runs several statements without parameters, as migrations need. They are not one
    /// transaction; use [`Pool::begin`] and [`Transaction::batch`] for that.
    ///
    /// # Errors
    /// As [`Pool::query`].
    pub async fn batch(&self, sql: &str) -> Result<(), PoolError> {
        match &*self.inner {
            EnginePool::Postgres(pool) => pool.batch(sql).await,
            EnginePool::Sqlite(pool) => pool.batch(sql).await,
        }
    }

    /// Begins a transaction: read committed on PostgreSQL, the only writer on SQLite. It is rolled
    /// back when dropped before [`Transaction::commit`].
    ///
    /// # Errors
    /// As [`Pool::query`].
    pub async fn begin(&self) -> Result<Transaction, PoolError> {
        let engine = match &*self.inner {
            EnginePool::Postgres(pool) => EngineTransaction::Postgres(pool.begin().await?),
            EnginePool::Sqlite(pool) => EngineTransaction::Sqlite(pool.begin().await?),
        };
        Ok(Transaction::new(engine))
    }

    /// As [`Pool::query`], in a transaction of its own that begins with `opening`; one round trip.
    ///
    /// # Errors
    /// As [`Pool::query`].
    pub async fn query_after(
        &self,
        opening: &Opening,
        sql: &str,
        params: &[Value],
    ) -> Result<Vec<Row>, PoolError> {
        match &*self.inner {
            EnginePool::Postgres(pool) => Ok(pool.transact(opening, sql, params).await?.rows),
            EnginePool::Sqlite(pool) => pool.query(sql, params).await,
        }
    }

    /// Answers several questions from one state of the database, in one round trip. They run in a
    /// transaction that may not write and is always rolled back: whatever a statement manages to change in
    /// its session ends with it. Statements are planned for the values they are given.
    ///
    /// # Errors
    /// As [`Pool::query`], for the first question that fails; `Query` for a statement that would write.
    pub async fn read_only(&self, questions: &[Question]) -> Result<Vec<Vec<Row>>, PoolError> {
        match &*self.inner {
            EnginePool::Postgres(pool) => pool.read_only(questions).await,
            EnginePool::Sqlite(pool) => pool.read_only(questions).await,
        }
    }

    /// As [`Pool::read_only`] for one question, whose rows are handed out as they arrive, in flat memory: a
    /// slow reader makes the database wait. The statement may take `limit` instead of what the pool allows,
    /// and is cancelled at the server when the stream is dropped before its end.
    ///
    /// # Errors
    /// As [`Pool::read_only`]; later errors arrive as the last item.
    pub async fn read_only_stream(
        &self,
        question: &Question,
        limit: Duration,
    ) -> Result<RowStream, PoolError> {
        match &*self.inner {
            EnginePool::Postgres(pool) => pool.read_only_stream(question, limit).await,
            EnginePool::Sqlite(pool) => pool.read_only_stream(question, limit).await,
        }
    }

    /// As [`Pool::execute`], in a transaction of its own that begins with `opening`; one round trip.
    ///
    /// # Errors
    /// As [`Pool::query`].
    pub async fn execute_after(
        &self,
        opening: &Opening,
        sql: &str,
        params: &[Value],
    ) -> Result<u64, PoolError> {
        match &*self.inner {
            EnginePool::Postgres(pool) => Ok(pool.transact(opening, sql, params).await?.changed),
            EnginePool::Sqlite(pool) => pool.execute(sql, params).await,
        }
    }

    /// As [`Pool::begin`], with `opening` as the first statement.
    ///
    /// # Errors
    /// As [`Pool::query`].
    pub async fn begin_after(&self, opening: &Opening) -> Result<Transaction, PoolError> {
        let engine = match &*self.inner {
            EnginePool::Postgres(pool) => {
                EngineTransaction::Postgres(pool.begin_after(opening).await?)
            }
            EnginePool::Sqlite(pool) => EngineTransaction::Sqlite(pool.begin().await?),
        };
        Ok(Transaction::new(engine))
    }

    /// The way to replace the login while the pool is in use; nothing for a file, which has none.
    pub fn renewal(&self) -> Option<Renewal> {
        match &*self.inner {
            EnginePool::Postgres(pool) => Some(Renewal {
                inner: pool.renewal(),
            }),
            EnginePool::Sqlite(_) => None,
        }
    }

    /// The pool at this moment.
    pub fn stats(&self) -> PoolStats {
        match &*self.inner {
            EnginePool::Postgres(pool) => pool.stats(),
            EnginePool::Sqlite(pool) => pool.stats(),
        }
    }

    /// Adds the gauges `reportapp_pool_*` of this pool to a registry.
    ///
    /// # Errors
    /// When a pool of this name is registered already.
    pub fn register_metrics(
        &self,
        registry: &prometheus::Registry,
    ) -> Result<(), prometheus::Error> {
        registry.register(Box::new(PoolCollector::new(self.clone())?))
    }

    /// Refuses new work, lets running statements finish for a few seconds, then closes every
    /// connection.
    pub async fn close(&self) {
        match &*self.inner {
            EnginePool::Postgres(pool) => pool.close().await,
            EnginePool::Sqlite(pool) => pool.close().await,
        }
    }
}

/// Replaces the login of a pool while it is in use. As long as this exists, callers whose login is refused
/// wait for another within their time, instead of failing at once.
pub struct Renewal {
    inner: PostgresRenewal,
}

impl Renewal {
    /// Proves another login by using it once; if the database accepts it, every new connection uses it, and
    /// those of the one before are replaced one by one without anybody waiting. An earlier login is offered
    /// like any other.
    ///
    /// # Errors
    /// Why the database does not accept it, as from [`Pool::probe`]; the login in use stays. `LoginRefused` as
    /// well when another offer was refused less than a minute ago.
    pub async fn offer(&self, username: &str, password: &Secret) -> Result<Promoted, PoolError> {
        let generation = self.inner.offer(username, password).await?;
        Ok(Promoted { generation })
    }

    /// Waits until the login in use is refused: a good time to look for another.
    pub async fn refused(&self) {
        self.inner.refused().await;
    }
}

/// A login that is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Promoted {
    /// Its number in metrics, counted from 1 in each process.
    pub generation: u64,
}

impl fmt::Debug for Pool {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Pool")
            .field("name", &self.name())
            .field("engine", &self.engine())
            .finish_non_exhaustive()
    }
}

/// Locks a mutex whose data stays consistent even if a holder panicked.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
