//! Logins without a database: what is left is the pool itself. Connections do nothing, and logins take as
//! many turns of the runtime as they are told to, are held at a gate, or fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::PoolError;
use crate::slots::Reusable;
use crate::supply::Login;

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
