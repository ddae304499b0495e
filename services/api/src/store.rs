//! The application's own state: users and what they may do, their sessions, sign-in attempts, Telegram
//! links.
//!
//! [`Store`] is shared by all handlers. It answers only after [`Store::migrate`] succeeded, so no
//! handler ever meets a schema it does not know, and only in a [`context`], so that row security knows
//! for whom.

use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;
use reportapp_pool::{Engine, Pool, PoolError, Value};

pub mod administration;
pub mod attempts;
pub mod audit;
pub mod context;
pub mod devices;
mod filter;
pub mod migrations;
pub mod people;
pub mod resets;
pub mod rights;
pub mod roles;
pub mod security_events;
pub mod sessions;
pub mod telegram;
pub mod tenants;
mod tidying;
pub mod users;

pub use migrations::MigrationError;
pub use people::Person;
pub use sessions::SessionRow;
pub use users::User;

use context::Scoped;

/// The store's pool and whether its schema is ours.
#[derive(Debug)]
pub struct Store {
    pool: Pool,
    migrated: AtomicBool,
}

/// Why the store gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The schema has not been brought up to date yet.
    #[error("the store is not migrated yet")]
    NotMigrated,
    /// The database failed.
    #[error("the store failed to answer")]
    Database(#[source] PoolError),
    /// A row is not what our own code writes.
    #[error("the store holds a row that cannot be understood: {detail}")]
    Corrupt {
        /// Table and column, never the value.
        detail: &'static str,
    },
}

/// What row security lets the store's login see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoginSight {
    /// Whatever a transaction acts for.
    Platform,
    /// No user at all, so nobody could sign in: it has rights on the tables, and is a member neither of
    /// their owner nor of a role that may serve.
    Nothing {
        /// Its name.
        login: String,
    },
}

impl From<PoolError> for StoreError {
    fn from(source: PoolError) -> Self {
        Self::Database(source)
    }
}

impl Store {
    /// A store behind `pool`, not to be used before [`Store::migrate`].
    pub fn new(pool: Pool) -> Self {
        Self {
            pool,
            migrated: AtomicBool::new(false),
        }
    }

    /// Brings the schema up to date if the login may, and checks that it is up to date if not; safe with
    /// several replicas at once.
    ///
    /// # Errors
    /// See [`MigrationError`].
    pub async fn migrate(&self) -> Result<(), MigrationError> {
        if migrations::may_run(&self.pool).await? {
            migrations::run(&self.pool, migrations::ALL).await?;
        } else {
            migrations::check(&self.pool, migrations::ALL).await?;
        }
        self.migrated.store(true, Ordering::Release);
        Ok(())
    }

    /// Proves that the login is accepted.
    ///
    /// # Errors
    /// As [`Pool::probe`].
    pub async fn probe(&self) -> Result<(), PoolError> {
        self.pool.probe().await
    }

    /// Whether the login may see the whole platform, asked of a migrated store on a pooled connection. It
    /// is also the sign of life: no simpler question says as much.
    ///
    /// # Errors
    /// As [`Pool::query`].
    pub async fn login_sight(&self) -> Result<LoginSight, PoolError> {
        let sql = match self.pool.engine() {
            Engine::Postgres => {
                "SELECT is_platform_login() AS is_platform, session_user::text AS login"
            }
            // Who can open the file sees everything.
            Engine::Sqlite => "SELECT 1 AS is_platform, '' AS login",
        };
        let row = self.pool.query_opt(sql, &[]).await?;
        // A statement without FROM gives one row.
        let Some(row) = row else {
            return Ok(LoginSight::Platform);
        };
        Ok(match row.get("is_platform")? {
            true => LoginSight::Platform,
            false => LoginSight::Nothing {
                login: row.get("login")?,
            },
        })
    }

    /// The database behind the store.
    pub fn engine(&self) -> Engine {
        self.pool.engine()
    }

    /// The pool in the current context, once the schema is ours.
    fn pool(&self) -> Result<Scoped<'_>, StoreError> {
        if self.migrated.load(Ordering::Acquire) {
            Ok(Scoped::new(&self.pool))
        } else {
            Err(StoreError::NotMigrated)
        }
    }
}

fn text(value: impl Into<String>) -> Value {
    Value::Text(value.into())
}

fn opt_text(value: Option<impl Into<String>>) -> Value {
    value.map_or(Value::Null, text)
}

fn moment(value: Timestamp) -> Value {
    Value::Timestamp(value)
}

fn opt_moment(value: Option<Timestamp>) -> Value {
    value.map_or(Value::Null, moment)
}

#[cfg(test)]
pub(crate) mod test_database;
#[cfg(test)]
mod tests;
