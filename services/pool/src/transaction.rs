//! A transaction on one connection, rolled back unless committed.

use crate::postgres::PostgresTransaction;
use crate::sqlite::SqliteTransaction;
use crate::{PoolError, Row, Value};

/// A statement that every transaction begins with, such as the settings row security goes by. It is sent
/// together with what follows and costs no round trip. SQLite has no settings of a transaction: there it
/// is not run.
#[derive(Clone, Debug, PartialEq)]
pub struct Opening {
    /// The statement; its rows are not read.
    pub sql: &'static str,
    /// Its parameters.
    pub params: Vec<Value>,
}

/// One statement of [`crate::Pool::read_only`] and [`crate::Pool::read_only_stream`].
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// The statement.
    pub sql: String,
    /// Its parameters.
    pub params: Vec<Value>,
}

/// Several statements that happen together or not at all. Dropping it rolls back, also in the
/// middle of a statement. After a failed statement only dropping or rolling back makes sense.
pub struct Transaction {
    engine: EngineTransaction,
}

pub(crate) enum EngineTransaction {
    Postgres(PostgresTransaction),
    Sqlite(SqliteTransaction),
}

impl Transaction {
    pub(crate) fn new(engine: EngineTransaction) -> Self {
        Self { engine }
    }

    /// As [`crate::Pool::query`].
    ///
    /// # Errors
    /// As [`crate::Pool::query`].
    pub async fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>, PoolError> {
        match &mut self.engine {
            EngineTransaction::Postgres(transaction) => transaction.query(sql, params).await,
            EngineTransaction::Sqlite(transaction) => transaction.query(sql, params).await,
        }
    }

    /// As [`crate::Pool::query_opt`].
    ///
    /// # Errors
    /// As [`crate::Pool::query`].
    pub async fn query_opt(
        &mut self,
        sql: &str,
        params: &[Value],
    ) -> Result<Option<Row>, PoolError> {
        Ok(self.query(sql, params).await?.into_iter().next())
    }

    /// As [`crate::Pool::execute`].
    ///
    /// # Errors
    /// As [`crate::Pool::query`].
    pub async fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64, PoolError> {
        match &mut self.engine {
            EngineTransaction::Postgres(transaction) => transaction.execute(sql, params).await,
            EngineTransaction::Sqlite(transaction) => transaction.execute(sql, params).await,
        }
    }

    /// As [`crate::Pool::batch`], inside this transaction.
    ///
    /// # Errors
    /// As [`crate::Pool::query`].
    pub async fn batch(&mut self, sql: &str) -> Result<(), PoolError> {
        match &mut self.engine {
            EngineTransaction::Postgres(transaction) => transaction.batch(sql).await,
            EngineTransaction::Sqlite(transaction) => transaction.batch(sql).await,
        }
    }

    /// Adds many rows at once (`COPY` on PostgreSQL, one prepared insert on SQLite) and returns
    /// their number. Each row has one value per column.
    ///
    /// # Errors
    /// As [`crate::Pool::query`].
    pub async fn bulk_insert<I>(
        &mut self,
        table: &str,
        columns: &[&str],
        rows: I,
    ) -> Result<u64, PoolError>
    where
        I: IntoIterator<Item = Vec<Value>>,
        I::IntoIter: Send + 'static,
    {
        let rows = rows.into_iter();
        match &mut self.engine {
            EngineTransaction::Postgres(transaction) => {
                transaction.bulk_insert(table, columns, rows).await
            }
            EngineTransaction::Sqlite(transaction) => {
                transaction.bulk_insert(table, columns, rows).await
            }
        }
    }

    /// Makes the changes permanent.
    ///
    /// # Errors
    /// As [`crate::Pool::query`]; after an error while the connection is lost the outcome is not
    /// known.
    pub async fn commit(self) -> Result<(), PoolError> {
        match self.engine {
            EngineTransaction::Postgres(transaction) => transaction.commit().await,
            EngineTransaction::Sqlite(transaction) => transaction.commit().await,
        }
    }

    /// Discards the changes and waits until that is done.
    ///
    /// # Errors
    /// As [`crate::Pool::query`].
    pub async fn rollback(self) -> Result<(), PoolError> {
        match self.engine {
            EngineTransaction::Postgres(transaction) => transaction.rollback().await,
            EngineTransaction::Sqlite(transaction) => transaction.rollback().await,
        }
    }
}
