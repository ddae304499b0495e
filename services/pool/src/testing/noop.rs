//! A pool without a database: what is left is the pool itself. Its connections do nothing, and its logins
//! take as many turns of the runtime as they are told to, are held at a gate, or fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reportapp_config::database::PoolConfig;
use tokio::sync::Semaphore;

use crate::PoolError;
use crate::settings::limits;
use crate::slots::{Reusable, Slot};
use crate::supply::{Login, Supply};

/// A pool whose connections do nothing.
pub struct NoopPool {
    supply: Arc<Supply<Noop>>,
}

/// A turn with a connection; the next caller has it when this is dropped.
pub struct NoopLease {
    #[expect(dead_code, reason = "held for its drop")]
    slot: Slot<Nothing>,
}

impl NoopPool {
    /// A pool of `max` connections, each of which takes `login` to open.
    ///
    /// # Panics
    /// When `max` is 0.
    pub fn new(max: u32, login: Duration) -> Self {
        let config = PoolConfig {
            max,
            acquire_timeout_ms: 60_000,
            ..PoolConfig::default()
        };
        let limits = limits(&config).expect("the limits of a test are usable");
        let login = Noop {
            takes: login,
            ..Noop::default()
        };
        Self {
            supply: Supply::new("noop", &limits, login),
        }
    }

    /// Waits for a connection.
    ///
    /// # Errors
    /// As [`crate::Pool::query`].
    pub async fn lease(&self) -> Result<NoopLease, PoolError> {
        let slot = self.supply.lease().await?;
        Ok(NoopLease { slot })
    }

    /// Connections opened so far, and those open now.
    pub fn opened(&self) -> (usize, usize) {
        let login = self.supply.login();
        let opened = login.opened.load(Ordering::Relaxed);
        (opened, login.open.load(Ordering::Relaxed))
    }
}

/// A login that opens nothing.
#[derive(Default)]
pub(crate) struct Noop {
    pub(crate) name: usize,
    pub(crate) takes: Duration,
    /// Turns of the runtime that each login takes.
    pub(crate) turns: usize,
    /// Each login waits for a permit, where there is a gate.
    pub(crate) gate: Option<Arc<Semaphore>>,
    /// One login of so many is refused, where that is not 0.
    pub(crate) fails_each: usize,
    pub(crate) opened: Arc<AtomicUsize>,
    pub(crate) open: Arc<AtomicUsize>,
}

/// A connection to nothing, which is counted as long as it exists.
pub(crate) struct Nothing {
    /// The count of the login that opened it.
    pub(crate) open: Arc<AtomicUsize>,
}

impl Login for Noop {
    type Connection = Nothing;

    async fn connect(&self) -> Result<Nothing, PoolError> {
        if !self.takes.is_zero() {
            tokio::time::sleep(self.takes).await;
        }
        for _ in 0..self.turns {
            tokio::task::yield_now().await;
        }
        if let Some(gate) = &self.gate {
            gate.acquire()
                .await
                .expect("the gate is never closed")
                .forget();
        }
        let number = self.opened.fetch_add(1, Ordering::Relaxed) + 1;
        if self.fails_each > 0 && number.is_multiple_of(self.fails_each) {
            return Err(PoolError::Unreachable {
                pool: "noop".to_owned(),
                detail: "one login of many".to_owned(),
            });
        }
        self.open.fetch_add(1, Ordering::Relaxed);
        Ok(Nothing {
            open: self.open.clone(),
        })
    }

    async fn answers(_connection: &Nothing) -> bool {
        true
    }

    fn end(&self) {}

    fn is_same(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Reusable for Nothing {
    fn reusable(&self) -> bool {
        true
    }
}

impl Drop for Nothing {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }
}
