//! A fair, bounded set of connections, the same for every engine.
//!
//! A caller first gets a permit (tokio's semaphore queues first come, first served), then an idle
//! connection if there is one; opening a missing one is the engine's business. The permit and the
//! connection travel together in a [`Slot`]; dropping the slot parks the connection *before* the
//! permit is released, so the next caller in the queue finds it.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::deadline;
use crate::pool::lock;
use crate::settings::Limits;
use crate::stats::Counters;
use crate::{PoolError, PoolStats};

/// How long [`Slots::close`] lets running work finish.
const CLOSE_GRACE: Duration = Duration::from_secs(5);

/// What the slots need to know about a connection.
pub(crate) trait Reusable {
    /// Whether the connection may serve another caller.
    fn reusable(&self) -> bool;
}

/// The permits and the idle connections of one pool.
pub(crate) struct Slots<C> {
    name: String,
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<Held<C>>>,
    closed: AtomicBool,
    acquire_timeout: Duration,
    max_lifetime: Duration,
    max: usize,
    counters: Arc<Counters>,
}

/// An open connection with its age.
pub(crate) struct Held<C> {
    pub(crate) connection: C,
    expires: Instant,
    parked: Instant,
    _counted: Counted,
}

impl<C> Held<C> {
    /// Time since the connection was last used.
    pub(crate) fn unused_for(&self) -> Duration {
        self.parked.elapsed()
    }
}

/// Keeps `size` right whatever way a connection ends.
struct Counted(Arc<Counters>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.size.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Keeps a gauge right whatever way a wait ends.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn start(gauge: &'a AtomicUsize) -> Self {
        gauge.fetch_add(1, Ordering::Relaxed);
        Self(gauge)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<C: Reusable> Slots<C> {
    pub(crate) fn new(
        name: &str,
        max: usize,
        limits: &Limits,
        counters: Arc<Counters>,
    ) -> Arc<Self> {
        Arc::new(Self {
            name: name.to_owned(),
            permits: Arc::new(Semaphore::new(max)),
            idle: Mutex::new(Vec::with_capacity(max)),
            closed: AtomicBool::new(false),
            acquire_timeout: limits.acquire_timeout,
            max_lifetime: limits.max_lifetime,
            max,
            counters,
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn size(&self) -> usize {
        self.counters.size.load(Ordering::Relaxed)
    }

    pub(crate) fn idle(&self) -> usize {
        lock(&self.idle).len()
    }

    pub(crate) fn stats(&self) -> PoolStats {
        self.counters.snapshot(&self.name, self.idle(), self.max)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Waits for a turn. The slot carries an idle connection if there is one.
    pub(crate) async fn acquire(self: &Arc<Self>) -> Result<Slot<C>, PoolError> {
        if self.is_closed() {
            return Err(self.closed_error());
        }
        if let Ok(permit) = self.permits.clone().try_acquire_owned() {
            return Ok(self.slot(permit));
        }
        let waiting = Waiting::start(&self.counters.waiting);
        let patience = deadline::left(self.acquire_timeout);
        let permit = tokio::time::timeout(patience, self.permits.clone().acquire_owned()).await;
        drop(waiting);
        match permit {
            Ok(Ok(permit)) => Ok(self.slot(permit)),
            Ok(Err(_)) => Err(self.closed_error()),
            Err(_) => Err(self.waited_in_vain(patience)),
        }
    }

    /// A slot without a connection, only if nobody has to wait for it.
    pub(crate) fn try_acquire_empty(self: &Arc<Self>) -> Option<Slot<C>> {
        let permit = self.permits.clone().try_acquire_owned().ok()?;
        Some(Slot {
            slots: self.clone(),
            held: None,
            permit,
        })
    }

    /// Takes out the idle connections that are too old or were not used for `unused`.
    pub(crate) fn take_stale(&self, unused: Duration) -> Vec<Held<C>> {
        let mut idle = lock(&self.idle);
        let (stale, fresh) = idle
            .drain(..)
            .filter(|held| held.expires > Instant::now() && held.connection.reusable())
            .partition(|held| held.unused_for() >= unused);
        *idle = fresh;
        stale
    }

    /// Closes the idle connection that was unused for longest.
    pub(crate) fn drop_oldest_idle(&self) {
        let mut idle = lock(&self.idle);
        if !idle.is_empty() {
            let oldest = idle.remove(0);
            drop(idle);
            drop(oldest);
        }
    }

    /// Refuses new work, waits a little for running work, closes the idle connections.
    pub(crate) async fn close(&self) {
        self.closed.store(true, Ordering::Release);
        let all = u32::try_from(self.max).unwrap_or(u32::MAX);
        // Too late is as good as in time here: the permits are closed either way.
        drop(tokio::time::timeout(CLOSE_GRACE, self.permits.acquire_many(all)).await);
        self.permits.close();
        let idle = std::mem::take(&mut *lock(&self.idle));
        drop(idle);
    }

    /// Counts a caller that gave up.
    pub(crate) fn waited_in_vain(&self, waited: Duration) -> PoolError {
        self.counters
            .acquire_timeouts
            .fetch_add(1, Ordering::Relaxed);
        PoolError::AcquireTimeout {
            pool: self.name.clone(),
            waited_ms: u64::try_from(waited.as_millis()).unwrap_or(u64::MAX),
        }
    }

    fn closed_error(&self) -> PoolError {
        PoolError::Closed {
            pool: self.name.clone(),
        }
    }

    fn slot(self: &Arc<Self>, permit: OwnedSemaphorePermit) -> Slot<C> {
        let mut slot = Slot {
            slots: self.clone(),
            held: None,
            permit,
        };
        slot.take_idle();
        slot
    }

    /// Makes a connection available to the next caller, or closes it if it is of no more use.
    pub(crate) fn park(&self, mut held: Held<C>) {
        if self.is_closed() || held.expires <= Instant::now() || !held.connection.reusable() {
            return;
        }
        held.parked = Instant::now();
        lock(&self.idle).push(held);
    }
}

/// The right to one connection, and the connection once there is one.
pub(crate) struct Slot<C: Reusable> {
    slots: Arc<Slots<C>>,
    held: Option<Held<C>>,
    #[expect(dead_code, reason = "held for its drop, which lets the next caller in")]
    permit: OwnedSemaphorePermit,
}

impl<C: Reusable> Slot<C> {
    /// The connection, unless it was not opened yet or was discarded.
    pub(crate) fn connection(&mut self) -> Option<&mut C> {
        self.held.as_mut().map(|held| &mut held.connection)
    }

    /// Takes an idle connection into this empty slot; the most recently used one, so that the
    /// others grow old and the pool can shrink.
    pub(crate) fn take_idle(&mut self) -> bool {
        let mut idle = lock(&self.slots.idle);
        let mut dead = Vec::new();
        while let Some(held) = idle.pop() {
            if held.expires > Instant::now() && held.connection.reusable() {
                self.held = Some(held);
                break;
            }
            dead.push(held);
        }
        drop(idle);
        drop(dead);
        self.held.is_some()
    }

    /// Puts a newly opened connection into this slot.
    pub(crate) fn fill(&mut self, connection: C) {
        let counters = self.slots.counters.clone();
        let order = counters.size.fetch_add(1, Ordering::Relaxed);
        let now = Instant::now();
        // Connections opened together should not all expire together: up to 1/8 of the life less.
        let spread = self.slots.max_lifetime / 64 * u32::try_from(order % 8).unwrap_or(0);
        self.held = Some(Held {
            connection,
            expires: now + self.slots.max_lifetime - spread,
            parked: now,
            _counted: Counted(counters),
        });
    }

    /// Takes the connection out; if the caller drops it, it is closed.
    pub(crate) fn take(&mut self) -> Option<Held<C>> {
        self.held.take()
    }

    /// Puts a connection back that [`Slot::take`] returned.
    pub(crate) fn put(&mut self, held: Held<C>) {
        self.held = Some(held);
    }
}

impl<C: Reusable> Drop for Slot<C> {
    fn drop(&mut self) {
        if let Some(held) = self.held.take() {
            self.slots.park(held);
        }
    }
}
