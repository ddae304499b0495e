//! For whom the store is asked: one context per request, and the transactions that carry it.
//!
//! ```text
//! request ─ scope(nobody) ─ who is it? as_system ─ identify ─▶ every statement in a transaction that
//!                                                              begins with the settings of the context
//! ```
//!
//! A request begins with nothing in sight, so that an endpoint which forgot to ask who is calling finds
//! nothing. Only what has to find out who somebody is, or concerns one's own account, begins with the
//! whole platform ([`sight_of`]). Outside of requests the program acts for itself.
//!
//! On SQLite the same calls are plain statements; it has no row security.

use std::cell::RefCell;
use std::future::Future;

use reportapp_pool::{Engine, Opening, Pool, PoolError, Row, Transaction, Value};
use reportapp_session::{Context, Sight};

/// Name of this program in audit rows.
pub const SERVICE: &str = "reportapp-api";

/// Addresses that answer people who are not known yet, or for their own account only.
const OWN_ACCOUNT: [&str; 3] = ["/api/auth/", "/api/token/", "/api/telegram/internal/"];

tokio::task_local! {
    static CURRENT: RefCell<Context>;
}

/// What a request for `path` sees before anybody is identified.
pub fn sight_of(path: &str) -> Sight {
    if OWN_ACCOUNT.iter().any(|start| path.starts_with(start)) {
        Sight::Platform
    } else {
        Sight::Nothing
    }
}

/// Runs `work` as part of a request.
pub async fn scope<F: Future>(context: Context, work: F) -> F::Output {
    CURRENT.scope(RefCell::new(context), work).await
}

/// Runs `work`, a task of the platform inside a request, with everything in sight; the request stays the
/// one that caused it.
pub async fn as_system<F: Future>(work: F) -> F::Output {
    let context = Context {
        sight: Sight::Platform,
        ..current()
    };
    scope(context, work).await
}

/// From here on the request acts for this user. Where one's own account is concerned, what is in sight
/// stays: it is asked for by the user's id, and not every user belongs to a tenant.
pub fn identify(user: &str, sight: Sight) {
    // Outside of a request there is nobody to act for.
    let _outside = CURRENT.try_with(|current| {
        let mut current = current.borrow_mut();
        current.user = Some(user.to_owned());
        if current.sight != Sight::Platform {
            current.sight = sight;
        }
    });
}

/// The context of the running request, or of the program.
pub fn current() -> Context {
    CURRENT
        .try_with(|current| current.borrow().clone())
        .unwrap_or_else(|_| Context::system(SERVICE))
}

/// The store's pool, asked in the current context.
#[derive(Debug)]
pub struct Scoped<'a> {
    pool: &'a Pool,
    opening: Opening,
}

impl<'a> Scoped<'a> {
    pub(super) fn new(pool: &'a Pool) -> Self {
        Self {
            pool,
            opening: current().opening(),
        }
    }

    /// The database behind the pool.
    pub fn engine(&self) -> Engine {
        self.pool.engine()
    }

    /// As [`Pool::query`].
    ///
    /// # Errors
    /// As [`Pool::query`].
    pub async fn query(&self, sql: &str, params: &[Value]) -> Result<Vec<Row>, PoolError> {
        self.pool.query_after(&self.opening, sql, params).await
    }

    /// As [`Pool::query_opt`].
    ///
    /// # Errors
    /// As [`Pool::query`].
    pub async fn query_opt(&self, sql: &str, params: &[Value]) -> Result<Option<Row>, PoolError> {
        Ok(self.query(sql, params).await?.into_iter().next())
    }

    /// As [`Pool::execute`].
    ///
    /// # Errors
    /// As [`Pool::query`].
    pub async fn execute(&self, sql: &str, params: &[Value]) -> Result<u64, PoolError> {
        self.pool.execute_after(&self.opening, sql, params).await
    }

    /// As [`Pool::begin`].
    ///
    /// # Errors
    /// As [`Pool::query`].
    pub async fn begin(&self) -> Result<Transaction, PoolError> {
        self.pool.begin_after(&self.opening).await
    }
}

#[cfg(test)]
mod tests;
