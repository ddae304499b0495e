//! The background task of a pool: keeps `min` connections warm, tries unused ones so that no
//! firewall or tunnel forgets them, and closes old ones. It never takes a turn somebody waits for.

use std::sync::Weak;
use std::time::Duration;

use super::Core;
use super::connect::Connector;
use crate::PoolError;
use crate::supply::Login;

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
        let Some(core) = pool
            .upgrade()
            .filter(|core| !core.supply.slots().is_closed())
        else {
            return;
        };
        core.keep_alive().await;
        let pause = match core.supply.warm_up(core.min).await {
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
    async fn keep_alive(&self) {
        let slots = self.supply.slots();
        for held in slots.take_stale(KEEPALIVE) {
            if Connector::answers(&held.connection).await {
                slots.park(held);
            }
        }
    }
}
