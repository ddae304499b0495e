//! PostgreSQL: `tokio-postgres` connections in fair slots.
//!
//! ```text
//! lease ─ slot with an idle connection? ─ yes ─ used lately? ─ no ─ ping ─▶ statement ─▶ park
//!                    └─ no ─ log in (in a task of its own, so that a dropped caller wastes nothing)
//! ```
//!
//! One background task per pool keeps `min` connections warm and pings unused ones; it ends with
//! the pool. A refused login is remembered for a moment, so that a wrong password does not turn
//! every request into a failed login at the server.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::deadline;
use crate::pool::lock;
use crate::row::RowStream;
use crate::settings::PostgresSettings;
use crate::slots::{Held, Slot, Slots};
use crate::stats::Counters;
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
use connection::{Done, PgConnection};
use lease::Lease;
pub(crate) use lease::PostgresTransaction;
pub use tls::NamedTls;

/// A connection unused for longer is tried before a caller gets it.
const TRUSTED_FOR: Duration = Duration::from_secs(5);
/// Upper bound of that trial.
const PING_TIMEOUT: Duration = Duration::from_secs(2);
/// For this long after a refused login no other is tried on behalf of a statement.
const REFUSAL_PAUSE: Duration = Duration::from_secs(1);

/// A PostgreSQL pool.
pub(crate) struct PostgresPool {
    core: Arc<Core>,
}

/// What the pool shares with its leases and its keeper.
struct Core {
    slots: Arc<Slots<PgConnection>>,
    counters: Arc<Counters>,
    connector: Connector,
    refusal: Mutex<Option<(Instant, PoolError)>>,
    min: usize,
    max: usize,
    acquire_timeout: Duration,
}

impl PostgresPool {
    pub(crate) fn open(name: &str, settings: PostgresSettings) -> Self {
        let counters = Arc::new(Counters::default());
        let limits = settings.limits.clone();
        let core = Arc::new(Core {
            slots: Slots::new(name, limits.max, &limits, counters.clone()),
            counters,
            connector: Connector::new(name, settings),
            refusal: Mutex::new(None),
            min: limits.min,
            max: limits.max,
            acquire_timeout: limits.acquire_timeout,
        });
        tokio::spawn(keeper::keep(Arc::downgrade(&core)));
        Self { core }
    }

    pub(crate) fn name(&self) -> &str {
        self.core.slots.name()
    }

    pub(crate) fn stats(&self) -> PoolStats {
        self.core.slots.stats()
    }

    pub(crate) async fn close(&self) {
        self.core.slots.close().await;
    }

    /// A login of its own, within the bound of the pool; the connection is kept for later use.
    pub(crate) async fn probe(&self) -> Result<(), PoolError> {
        let mut slot = self.core.slots.acquire().await?;
        if let Some(idle) = slot.take() {
            if self.core.slots.size() < self.core.max {
                self.core.slots.park(idle);
            }
        } else if self.core.slots.size() >= self.core.max {
            self.core.slots.drop_oldest_idle();
        }
        let slot = self.core.connect(slot).await?;
        Lease::new(self.core.clone(), slot)
            .query("SELECT 1", &[])
            .await
            .map(drop)
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
        self.core.lease().await?.read_only(questions).await
    }

    pub(crate) async fn begin_after(
        &self,
        opening: &Opening,
    ) -> Result<PostgresTransaction, PoolError> {
        PostgresTransaction::begin_after(self.core.lease().await?, opening).await
    }
}

impl Core {
    /// A connection that works, as far as one can know before using it.
    async fn lease(self: &Arc<Self>) -> Result<Lease, PoolError> {
        let mut slot = self.slots.acquire().await?;
        // A statement that is given no time would only cost its connection.
        if deadline::left(self.acquire_timeout).is_zero() {
            return Err(self.slots.waited_in_vain(Duration::ZERO));
        }
        while let Some(held) = slot.take() {
            // Out of the slot while it is tried: a caller that goes away now closes it.
            if let Some(held) = tried(held).await {
                slot.put(held);
                return Ok(Lease::new(self.clone(), slot));
            }
            slot.take_idle();
        }
        if let Some(refusal) = self.recent_refusal() {
            return Err(refusal);
        }
        let slot = self.connect(slot).await?;
        Ok(Lease::new(self.clone(), slot))
    }

    /// Opens a connection for a slot. The login goes on when the caller goes away or gives up, and
    /// its connection is parked for the next caller.
    async fn connect(
        self: &Arc<Self>,
        mut slot: Slot<PgConnection>,
    ) -> Result<Slot<PgConnection>, PoolError> {
        let (sender, receiver) = oneshot::channel();
        let core = self.clone();
        tokio::spawn(async move {
            let outcome = core.connect_now().await.map(|connection| {
                slot.fill(connection);
                slot
            });
            // Nobody waits any more: dropping the slot parks the connection.
            drop(sender.send(outcome));
        });
        let unreachable = |detail: String| PoolError::Unreachable {
            pool: self.slots.name().to_owned(),
            detail,
        };
        let patience = deadline::left(self.acquire_timeout);
        match tokio::time::timeout(patience, receiver).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(unreachable("the login was abandoned".to_owned())),
            Err(_) => Err(unreachable(format!(
                "no login within {} ms",
                patience.as_millis()
            ))),
        }
    }

    async fn connect_now(&self) -> Result<PgConnection, PoolError> {
        let outcome = self.connector.connect().await;
        let refusal = match &outcome {
            Err(error) => {
                self.counters.connect_failed(error);
                matches!(error, PoolError::LoginRefused { .. })
                    .then(|| (Instant::now(), error.clone()))
            }
            Ok(_) => None,
        };
        *lock(&self.refusal) = refusal;
        outcome
    }

    fn recent_refusal(&self) -> Option<PoolError> {
        lock(&self.refusal)
            .as_ref()
            .filter(|(at, _)| at.elapsed() < REFUSAL_PAUSE)
            .map(|(_, error)| error.clone())
    }
}

/// Gives the connection back if it was used a moment ago or answers now.
async fn tried(held: Held<PgConnection>) -> Option<Held<PgConnection>> {
    if held.unused_for() < TRUSTED_FOR {
        return Some(held);
    }
    let answer = tokio::time::timeout(deadline::left(PING_TIMEOUT), held.connection.ping()).await;
    matches!(answer, Ok(Ok(()))).then_some(held)
}
