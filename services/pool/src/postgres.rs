//! PostgreSQL: `tokio-postgres` connections in fair slots.
//!
//! ```text
//! lease ─ a connection that works, see [`crate::supply`] ─▶ statement ─▶ park
//! ```
//!
//! One background task per pool keeps `min` connections warm and pings unused ones; it ends with
//! the pool.

use std::sync::Arc;
use std::time::Duration;

use reportapp_config::Secret;

use crate::row::RowStream;
use crate::settings::PostgresSettings;
use crate::supply::{Renewing, Supply};
use crate::{Opening, PoolError, PoolStats, Question, Row, Value};

mod bulk;
mod connect;
mod connection;
mod error;
mod keeper;
mod lease;
mod tls;
mod types;

use connect::Connector;
use connection::Done;
use lease::Lease;
pub(crate) use lease::PostgresTransaction;
pub use tls::NamedTls;

/// How often a question that may only read, so that asking it again does no harm, is asked on another connection when
/// its own is lost on the way. A tunnel that ends takes all its connections along, so one more may not be enough.
const REPEATS: usize = 2;

/// A PostgreSQL pool.
pub(crate) struct PostgresPool {
    core: Arc<Core>,
}

/// What the pool shares with its leases and its keeper.
struct Core {
    supply: Arc<Supply<Connector>>,
    min: usize,
}

impl PostgresPool {
    pub(crate) fn open(name: &str, settings: PostgresSettings) -> Self {
        let limits = settings.limits.clone();
        let core = Arc::new(Core {
            supply: Supply::new(name, &limits, Connector::new(name, settings)),
            min: limits.min,
        });
        tokio::spawn(keeper::keep(Arc::downgrade(&core)));
        Self { core }
    }

    pub(crate) fn name(&self) -> &str {
        self.core.supply.slots().name()
    }

    pub(crate) fn stats(&self) -> PoolStats {
        self.core.supply.slots().stats()
    }

    pub(crate) async fn close(&self) {
        self.core.supply.slots().close().await;
    }

    /// A login of its own, within the bound of the pool; the connection is kept for later use.
    pub(crate) async fn probe(&self) -> Result<(), PoolError> {
        let slot = self.core.supply.log_in().await?;
        Lease::new(self.core.clone(), slot)
            .query("SELECT 1", &[])
            .await
            .map(drop)
    }

    /// Whoever holds this may offer another login.
    pub(crate) fn renewal(&self) -> PostgresRenewal {
        PostgresRenewal {
            supply: Renewing::new(&self.core.supply),
        }
    }

    pub(crate) async fn query(&self, sql: &str, params: &[Value]) -> Result<Vec<Row>, PoolError> {
        self.core.lease().await?.query(sql, params).await
    }

    pub(crate) async fn query_stream(
        &self,
        sql: &str,
        params: &[Value],
    ) -> Result<RowStream, PoolError> {
        self.core.lease().await?.into_stream(sql, params).await
    }

    pub(crate) async fn execute(&self, sql: &str, params: &[Value]) -> Result<u64, PoolError> {
        self.core.lease().await?.execute(sql, params).await
    }

    pub(crate) async fn batch(&self, sql: &str) -> Result<(), PoolError> {
        self.core.lease().await?.batch(sql).await
    }

    pub(crate) async fn begin(&self) -> Result<PostgresTransaction, PoolError> {
        PostgresTransaction::begin(self.core.lease().await?).await
    }

    /// A transaction of one statement behind its opening.
    pub(crate) async fn transact(
        &self,
        opening: &Opening,
        sql: &str,
        params: &[Value],
    ) -> Result<Done, PoolError> {
        let mut lease = self.core.lease().await?;
        lease.transact(opening, sql, params).await
    }

    /// Questions in one transaction that may not write.
    pub(crate) async fn read_only(
        &self,
        questions: &[Question],
    ) -> Result<Vec<Vec<Row>>, PoolError> {
        self.again_if_lost(|mut lease| async move { lease.read_only(questions).await })
            .await
    }

    /// A question in a transaction that may not write, its rows one by one.
    pub(crate) async fn read_only_stream(
        &self,
        question: &Question,
        limit: Duration,
    ) -> Result<RowStream, PoolError> {
        self.again_if_lost(|lease| lease.into_read_only_stream(question, limit))
            .await
    }

    /// Asks what may only read, on another connection when one is lost while it is in use.
    async fn again_if_lost<T, F>(&self, ask: impl Fn(Lease) -> F) -> Result<T, PoolError>
    where
        F: Future<Output = Result<T, PoolError>>,
    {
        for _ in 0..REPEATS {
            match ask(self.core.lease().await?).await {
                Err(PoolError::Unreachable { .. }) => {}
                outcome => return outcome,
            }
        }
        ask(self.core.lease().await?).await
    }

    pub(crate) async fn begin_after(
        &self,
        opening: &Opening,
    ) -> Result<PostgresTransaction, PoolError> {
        PostgresTransaction::begin_after(self.core.lease().await?, opening).await
    }
}

impl Core {
    async fn lease(self: &Arc<Self>) -> Result<Lease, PoolError> {
        let slot = self.supply.lease().await?;
        Ok(Lease::new(self.clone(), slot))
    }
}

/// The way to another login for one pool.
pub(crate) struct PostgresRenewal {
    supply: Renewing<Connector>,
}

impl PostgresRenewal {
    /// See [`crate::Renewal::offer`].
    pub(crate) async fn offer(&self, username: &str, password: &Secret) -> Result<u64, PoolError> {
        let login = self.supply.login().with_login(username, password);
        self.supply.offer(login).await
    }

    /// See [`crate::Renewal::refused`].
    pub(crate) async fn refused(&self) {
        self.supply.refused().await;
    }
}
