//! The background task of a pool: keeps `min` connections warm, tries unused ones so that no
//! firewall or tunnel forgets them, and closes old ones. It never takes a slot somebody waits for.

use std::sync::{Arc, Weak};
use std::time::Duration;

use super::{Core, PING_TIMEOUT};
use crate::PoolError;

/// Pause between rounds while all is well.
const ROUND: Duration = Duration::from_secs(5);
/// First and last pause after a failed login.
const RETRY_FIRST: Duration = Duration::from_millis(500);
const RETRY_LAST: Duration = Duration::from_secs(30);
/// An idle connection unused for this long is tried.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// Runs until the pool is closed or dropped.
pub(super) async fn keep(pool: Weak<Core>) {
    let mut retry = RETRY_FIRST;
    loop {
        let Some(core) = pool.upgrade().filter(|core| !core.slots.is_closed()) else {
            return;
        };
        core.keep_alive().await;
        let pause = match core.warm_up().await {
            Ok(()) => {
                retry = RETRY_FIRST;
                ROUND
            }
            // Trying a refused login often could lock the account.
            Err(PoolError::LoginRefused { .. }) => RETRY_LAST,
            Err(_) => {
                retry = (retry * 2).min(RETRY_LAST);
                retry
            }
        };
        drop(core);
        tokio::time::sleep(pause).await;
    }
}

impl Core {
    async fn keep_alive(self: &Arc<Self>) {
        for held in self.slots.take_stale(KEEPALIVE) {
            let answer = tokio::time::timeout(PING_TIMEOUT, held.connection.ping()).await;
            if matches!(answer, Ok(Ok(()))) {
                self.slots.park(held);
            }
        }
    }

    async fn warm_up(self: &Arc<Self>) -> Result<(), PoolError> {
        while self.slots.size() < self.min {
            let Some(slot) = self.slots.try_acquire_empty() else {
                return Ok(());
            };
            if self.recent_refusal().is_some() {
                return Ok(());
            }
            drop(self.connect(slot).await?);
        }
        Ok(())
    }
}
