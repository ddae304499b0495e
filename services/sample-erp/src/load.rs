//! Writes a ledger into the tables, in one transaction, and derives what the view needs.

use std::sync::Arc;

use reportapp_pool::{Engine, Pool, PoolError, Transaction, Value};
use thiserror::Error;

use crate::import::Problem;
use crate::ledger::Ledger;

mod derive;
pub(crate) mod rows;

pub(crate) use derive::refresh;

/// Tables with a `company` column, in an order that respects references when emptied.
const TABLES: [&str; 8] = [
    "monthly_turnover",
    "periods",
    "payments",
    "invoice_lines",
    "invoices",
    "partners",
    "postings",
    "accounts",
];

/// Why a ledger was not loaded; nothing was written then.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The file has problems.
    #[error("the file was refused; nothing was loaded:\n{}", Problem::list(.0))]
    Refused(Vec<Problem>),
    /// The database failed.
    #[error("failed to {doing}")]
    Database {
        /// What was being done.
        doing: &'static str,
        /// What the pool says.
        source: PoolError,
    },
}

impl LoadError {
    pub(crate) fn database(doing: &'static str) -> impl FnOnce(PoolError) -> Self {
        move |source| Self::Database { doing, source }
    }
}

/// Creates the tables and the view; does no harm where they exist.
///
/// # Errors
/// [`LoadError::Database`].
pub async fn create_schema(pool: &Pool) -> Result<(), LoadError> {
    let failed = LoadError::database("create the schema");
    let outcome = async {
        let mut transaction = pool.begin().await?;
        transaction.batch(include_str!("schema.sql")).await?;
        transaction.commit().await
    };
    outcome.await.map_err(failed)
}

/// Whether the database holds the books of at least one company.
///
/// # Errors
/// [`LoadError::Database`].
pub async fn is_loaded(pool: &Pool) -> Result<bool, LoadError> {
    let exists = match pool.engine() {
        Engine::Postgres => "SELECT to_regclass('periods') IS NOT NULL AS there",
        Engine::Sqlite => "SELECT count(*) > 0 AS there FROM sqlite_schema WHERE name = 'periods'",
    };
    let outcome = async {
        let there = pool.query(exists, &[]).await?;
        if !there
            .first()
            .map_or(Ok(false), |row| row.get::<bool>("there"))?
        {
            return Ok(false);
        }
        Ok(!pool
            .query("SELECT 1 AS one FROM periods LIMIT 1", &[])
            .await?
            .is_empty())
    };
    outcome
        .await
        .map_err(LoadError::database("look for loaded books"))
}

/// Creates the schema where it is missing and writes the ledger, replacing the companies in it and
/// leaving others alone. All or nothing.
///
/// # Errors
/// [`LoadError::Database`]; nothing was written then.
pub async fn load(pool: &Pool, ledger: &Arc<Ledger>) -> Result<(), LoadError> {
    create_schema(pool).await?;
    let outcome = async {
        let mut transaction = pool.begin().await?;
        for company in &ledger.companies {
            empty(&mut transaction, &company.id).await?;
        }
        rows::write(&mut transaction, ledger).await?;
        for company in &ledger.companies {
            refresh(&mut transaction, pool.engine(), &company.id).await?;
        }
        transaction.commit().await?;
        pool.batch("ANALYZE").await
    };
    outcome
        .await
        .map_err(LoadError::database("load the ledger"))
}

/// Removes everything a company has.
pub(crate) async fn empty(transaction: &mut Transaction, company: &str) -> Result<(), PoolError> {
    let id = [Value::from(company)];
    for table in TABLES {
        transaction
            .execute(&format!("DELETE FROM {table} WHERE company = $1"), &id)
            .await?;
    }
    transaction
        .execute("DELETE FROM companies WHERE id = $1", &id)
        .await
        .map(drop)
}
