//! Another login in the place of the one in use: proved, promoted, and the connections of the one before
//! replaced one by one.
//!
//! Until its proof an offered login touches nothing. After it every attempt to connect uses it; connections
//! of the one before serve on, each until a newer one stands by for it, so that a full pool has at most one
//! connection more than its bound for each swap under way, and callers never wait for a swap. What is still
//! in use when the time of the swap is over is ended.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout_at};

use super::{Login, Supply, now, refused_lately};
use crate::PoolError;
use crate::generation::Verdict;
use crate::pool::lock;

/// Between two connections opened to replace older ones, so that a swap is no storm of logins.
const REPLACE_PAUSE: Duration = Duration::from_millis(20);
/// After one that could not be opened.
const REPLACE_RETRY: Duration = Duration::from_secs(1);

impl<L: Login> Supply<L> {
    /// Proves a login by using it once, and promotes it. Gives the number of its generation; a login that is
    /// in use already keeps its own.
    ///
    /// # Errors
    /// Why the login opens no connection; the one in use stays.
    pub(crate) async fn offer(self: &Arc<Self>, login: L) -> Result<u64, PoolError> {
        let _turn = self.offers.lock().await;
        if self.slots.is_closed() {
            return Err(self.slots.closed_error());
        }
        {
            let mut logins = lock(&self.logins);
            if logins.current.is_same(&login) {
                return Ok(logins.generation);
            }
            if logins.attempts.start_offer(now()) == Verdict::TooSoon {
                let before = logins.offer_refusal.as_ref();
                return Err(refused_lately(self.slots.name(), before));
            }
            logins.offer_refusal = None;
        }
        match self.prove(&login).await {
            Ok(connection) => {
                self.counters.offered("Promoted");
                Ok(self.promote(login, connection))
            }
            Err(error) => {
                self.counters.offered(error.category());
                tracing::warn!(
                    pool = self.slots.name(),
                    category = error.category(),
                    %error,
                    "an offered login is not used and the one of before stays: correct the files of the \
                     credential, or the role in the database"
                );
                Err(error)
            }
        }
    }

    async fn prove(&self, login: &L) -> Result<L::Connection, PoolError> {
        let outcome = login.connect().await;
        match &outcome {
            Ok(_) => {}
            Err(refusal @ PoolError::LoginRefused { .. }) => {
                lock(&self.logins).offer_refusal = Some(refusal.clone());
            }
            Err(_) => lock(&self.logins).attempts.offer_unheard(),
        }
        let connection = outcome?;
        if L::answers(&connection).await {
            return Ok(connection);
        }
        lock(&self.logins).attempts.offer_unheard();
        Err(PoolError::Unreachable {
            pool: self.slots.name().to_owned(),
            detail: "the login was accepted and the connection does not answer".to_owned(),
        })
    }

    fn promote(self: &Arc<Self>, login: L, connection: L::Connection) -> u64 {
        let (generation, room, past) = {
            let mut logins = lock(&self.logins);
            // Under the lock, so that no attempt carries the number of another login, and none fills the
            // pool before the connection of the proof is counted.
            let generation = self.slots.promote();
            let room = self.slots.extra_room(generation);
            logins.generation = generation;
            logins.attempts.promoted();
            logins.refusal = None;
            let past = std::mem::replace(&mut logins.current, Arc::new(login));
            (generation, room, past)
        };
        self.slots.replace(connection, room);
        tracing::info!(
            pool = self.slots.name(),
            generation,
            "another login is in use from here on"
        );
        tokio::spawn(self.clone().drain(generation, past));
        generation
    }

    /// Sees a swap through: replaces, then closes what is returned, and ends the rest when its time is over.
    async fn drain(self: Arc<Self>, generation: u64, past: Arc<L>) {
        let deadline = (now() + self.drain).into();
        let seen_through = async {
            self.replace_older(generation).await;
            self.slots.until_none_older(generation).await;
        };
        let is_drained = timeout_at(deadline, seen_through).await.is_ok();
        self.slots.close_older_than(generation);
        if !is_drained {
            tracing::warn!(
                pool = self.slots.name(),
                generation,
                "connections of the login of before were still in use and are ended"
            );
        }
        past.end();
    }

    /// Ends when no older connection is left or needed, or another swap has begun, which goes on with them.
    async fn replace_older(self: &Arc<Self>, generation: u64) {
        while self.slots.until_older_wanted(generation).await {
            if self.slots.newest() != generation || self.slots.is_closed() {
                return;
            }
            if self.slots.is_full_of(generation) {
                return self.slots.close_older_than(generation);
            }
            let begun = self.begin(|current| match current == generation {
                true => self.slots.room_for_older(generation),
                false => None,
            });
            let opened = match begun {
                Ok(Some(begun)) => {
                    let replace = |connection, room| self.slots.replace(connection, room);
                    self.open(begun, replace).await.is_ok()
                }
                Ok(None) => true,
                Err(_) => false,
            };
            sleep(if opened { REPLACE_PAUSE } else { REPLACE_RETRY }).await;
        }
    }
}
