//! Connections for an engine whose logins take time: who has a turn gets a returned connection or a new
//! one, whichever comes first, and the login may be replaced at any moment.
//!
//! ```text
//! lease ─ turn ─ idle? ─ yes ─▶ used lately, or answers ─▶ caller
//!                  └─ no ─ wait for what comes first: a connection that is returned
//!                          ╰ a login in a task of its own ─ generation still in use? ─▶ idle
//! offer ─ proof by a login ─▶ promote ─▶ drain: one newer for each older ─ deadline ─▶ the rest is ended
//! ```
//!
//! A connection is never carried by a future that may be dropped: a login parks what it opened, and
//! whoever waits is told to look. So a caller that goes away at any point wastes nothing.

mod offer;
mod seek;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, oneshot};

use crate::PoolError;
use crate::deadline;
use crate::generation::{Attempts, Verdict};
use crate::pool::lock;
use crate::settings::Limits;
use crate::slots::{Held, Reusable, Room, Slot, Slots};
use crate::stats::Counters;

/// A connection unused for longer is tried before a caller gets it.
const TRUSTED_FOR: Duration = Duration::from_secs(5);

/// One generation: opens connections to one database under one login, and can end them all.
pub(crate) trait Login: Send + Sync + 'static {
    /// What a login opens.
    type Connection: Reusable + Send + 'static;

    /// Logs in, within a bound of its own.
    fn connect(&self) -> impl Future<Output = Result<Self::Connection, PoolError>> + Send;

    /// Whether a connection answers, within a bound of its own.
    fn answers(connection: &Self::Connection) -> impl Future<Output = bool> + Send;

    /// Ends every connection of this login, whatever it is doing.
    fn end(&self);

    /// Whether both are the same login.
    fn is_same(&self, other: &Self) -> bool;
}

/// The connections of one pool and the login that opens them.
pub(crate) struct Supply<L: Login> {
    slots: Arc<Slots<L::Connection>>,
    counters: Arc<Counters>,
    logins: Mutex<Logins<L>>,
    /// Taken while an offer is proved, so that they come one at a time.
    offers: tokio::sync::Mutex<()>,
    /// Tells whoever renews the login that it was refused.
    refused: Notify,
    /// How many may offer another login.
    renewals: AtomicUsize,
    acquire_timeout: Duration,
    drain: Duration,
}

struct Logins<L> {
    current: Arc<L>,
    generation: u64,
    attempts: Attempts,
    /// Of the login in use, and of the last one that was offered.
    refusal: Option<PoolError>,
    offer_refusal: Option<PoolError>,
}

/// How a login went for the caller that began it; what it opened is parked.
type Outcome = oneshot::Receiver<Result<(), PoolError>>;

/// What a caller without a connection may do.
enum Step {
    /// A login of this generation has begun.
    Begun(u64, Outcome),
    Wait,
    Refused(PoolError),
}

/// A login that may begin.
struct Begun<L: Login> {
    login: Arc<L>,
    room: Room,
    attempt: Attempt<L>,
}

impl<L: Login> Supply<L> {
    pub(crate) fn new(name: &str, limits: &Limits, login: L) -> Arc<Self> {
        let counters = Arc::new(Counters::default());
        let slots = Slots::new(name, limits.max, limits, counters.clone());
        Arc::new(Self {
            logins: Mutex::new(Logins {
                current: Arc::new(login),
                generation: slots.newest(),
                attempts: Attempts::default(),
                refusal: None,
                offer_refusal: None,
            }),
            slots,
            counters,
            offers: tokio::sync::Mutex::new(()),
            refused: Notify::new(),
            renewals: AtomicUsize::new(0),
            acquire_timeout: limits.acquire_timeout,
            drain: limits.drain,
        })
    }

    pub(crate) fn slots(&self) -> &Arc<Slots<L::Connection>> {
        &self.slots
    }

    /// The login in use.
    pub(crate) fn login(&self) -> Arc<L> {
        lock(&self.logins).current.clone()
    }

    /// A connection that works, as far as one can know before using it.
    pub(crate) async fn lease(self: &Arc<Self>) -> Result<Slot<L::Connection>, PoolError> {
        let deadline = now() + deadline::left(self.acquire_timeout);
        let mut slot = self.turn().await?;
        loop {
            while let Some(held) = slot.take() {
                // Out of the slot while it is tried: a caller that goes away now closes it.
                if let Some(held) = tried::<L>(held).await {
                    slot.put(held);
                    return Ok(slot);
                }
                slot.take_idle();
            }
            self.seek(&mut slot, deadline).await?;
        }
    }

    /// Logs in anew, within the bound of the pool; the connection is kept, and the slot has one.
    pub(crate) async fn log_in(self: &Arc<Self>) -> Result<Slot<L::Connection>, PoolError> {
        let deadline = now() + deadline::left(self.acquire_timeout);
        let mut slot = self.turn().await?;
        if let Some(idle) = slot.take() {
            self.slots.park(idle);
        }
        self.seek_login(&mut slot, deadline).await?;
        Ok(slot)
    }

    /// A turn, for a caller who has time left: a statement that is given none would only cost its connection.
    async fn turn(&self) -> Result<Slot<L::Connection>, PoolError> {
        let slot = self.slots.acquire().await?;
        if deadline::left(self.acquire_timeout).is_zero() {
            return Err(self.slots.waited_in_vain(Duration::ZERO));
        }
        Ok(slot)
    }

    /// Opens connections until there are `min`.
    pub(crate) async fn warm_up(self: &Arc<Self>, min: usize) -> Result<(), PoolError> {
        while self.slots.size() < min {
            match self.step() {
                Step::Begun(_, outcome) => outcome.await.unwrap_or(Ok(()))?,
                Step::Wait => return Ok(()),
                Step::Refused(refusal) => return Err(refusal),
            }
        }
        Ok(())
    }

    /// Begins a login if one may be begun; it goes on when the caller goes away.
    fn step(self: &Arc<Self>) -> Step {
        if self.slots.size() >= self.slots.max() {
            return Step::Wait;
        }
        let begun = match self.begin(|_| self.slots.room()) {
            Ok(Some(begun)) => begun,
            Ok(None) => return Step::Wait,
            Err(refusal) => return Step::Refused(refusal),
        };
        let generation = begun.room.generation();
        let (sender, outcome) = oneshot::channel();
        let supply = self.clone();
        tokio::spawn(async move {
            let opened = supply.open(begun, |connection, room| {
                supply.slots.admit(connection, room);
            });
            // Nobody may wait any more; the connection is parked in any case.
            drop(sender.send(opened.await));
        });
        Step::Begun(generation, outcome)
    }

    /// Leave for one login with the login in use, and room for what it opens.
    fn begin(
        self: &Arc<Self>,
        room: impl FnOnce(u64) -> Option<Room>,
    ) -> Result<Option<Begun<L>>, PoolError> {
        let mut logins = lock(&self.logins);
        match logins.attempts.start(now()) {
            Verdict::Go => {}
            Verdict::Busy => return Ok(None),
            Verdict::TooSoon => {
                return Err(refused_lately(self.slots.name(), logins.refusal.as_ref()));
            }
        }
        // Under the lock, so that the stamp is the one of the login.
        let generation = logins.generation;
        let Some(room) = room(generation) else {
            logins.attempts.ended(None, true, now());
            return Ok(None);
        };
        Ok(Some(Begun {
            login: logins.current.clone(),
            attempt: Attempt {
                supply: self.clone(),
                generation,
                outcome: None,
            },
            room,
        }))
    }

    /// One login; `place` finds a place for the connection it opens.
    async fn open(
        &self,
        begun: Begun<L>,
        place: impl FnOnce(L::Connection, Room),
    ) -> Result<(), PoolError> {
        let Begun {
            login,
            room,
            mut attempt,
        } = begun;
        match login.connect().await {
            Ok(connection) => {
                attempt.outcome = Some(Ok(()));
                place(connection, room);
                Ok(())
            }
            Err(error) => {
                self.counters.connect_failed(&error);
                drop(room);
                attempt.outcome = Some(Err(error.clone()));
                Err(error)
            }
        }
    }

    /// Whether a caller whose login was refused may still get a connection within its time: one that is in
    /// use comes back, or whoever renews the login brings another.
    fn is_hopeful(&self) -> bool {
        let is_renewed = self.renewals.load(Ordering::Relaxed) > 0;
        let logins = lock(&self.logins);
        let lapsed = logins.attempts.has_lapsed_within(RENEWAL, now());
        lapsed && is_renewed || self.slots.size() > logins.attempts.under_way()
    }
}

/// The way to another login for one pool: while there is one, callers wait a while for it when the login in
/// use is refused.
pub(crate) struct Renewing<L: Login>(Arc<Supply<L>>);

impl<L: Login> Renewing<L> {
    pub(crate) fn new(supply: &Arc<Supply<L>>) -> Self {
        supply.renewals.fetch_add(1, Ordering::Relaxed);
        Self(supply.clone())
    }

    /// Waits until the login in use is refused.
    pub(crate) async fn refused(&self) {
        self.0.refused.notified().await;
    }
}

impl<L: Login> std::ops::Deref for Renewing<L> {
    type Target = Arc<Supply<L>>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<L: Login> Drop for Renewing<L> {
    fn drop(&mut self) {
        self.0.renewals.fetch_sub(1, Ordering::Relaxed);
    }
}

/// For so long after an accepted login was refused first, callers wait for another one to be offered.
const RENEWAL: Duration = Duration::from_secs(30);

/// An attempt under way; ends whatever becomes of its task.
struct Attempt<L: Login> {
    supply: Arc<Supply<L>>,
    generation: u64,
    outcome: Option<Result<(), PoolError>>,
}

impl<L: Login> Drop for Attempt<L> {
    fn drop(&mut self) {
        let outcome = self.outcome.take();
        let refusal = match &outcome {
            Some(Err(error @ PoolError::LoginRefused { .. })) => Some(error.clone()),
            _ => None,
        };
        let accepted = match &outcome {
            Some(Ok(())) => Some(true),
            _ => refusal.is_some().then_some(false),
        };
        let mut logins = lock(&self.supply.logins);
        let is_in_use = self.generation == logins.generation;
        logins.attempts.ended(accepted, is_in_use, now());
        if is_in_use && accepted.is_some() {
            logins.refusal = refusal;
        }
        drop(logins);
        if accepted == Some(false) {
            self.supply.refused.notify_one();
        }
        self.supply.slots.changed().notify_waiters();
    }
}

/// The refusal of before, for somebody who may not try again yet. Always the same words, so that whoever
/// reports them has nothing new to report.
fn refused_lately(pool: &str, refusal: Option<&PoolError>) -> PoolError {
    let before = match refusal {
        Some(PoolError::LoginRefused { detail, .. }) => detail,
        _ => "a login was given up a moment ago",
    };
    PoolError::LoginRefused {
        pool: pool.to_owned(),
        detail: format!("{before}; tried again within a minute, so that no account is locked"),
    }
}

/// The runtime's clock, which tests can move.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// Gives the connection back if it was used a moment ago or answers now.
async fn tried<L: Login>(held: Held<L::Connection>) -> Option<Held<L::Connection>> {
    if held.unused_for() < TRUSTED_FOR {
        return Some(held);
    }
    L::answers(&held.connection).await.then_some(held)
}
