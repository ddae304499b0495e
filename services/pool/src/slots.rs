//! A fair, bounded set of connections, the same for every engine.
//!
//! A caller first gets a permit (tokio's semaphore queues first come, first served), then an idle
//! connection if there is one; opening a missing one is the engine's business. The permit and the
//! connection travel together in a [`Slot`]; dropping the slot parks the connection *before* the
//! permit is released, so the next caller in the queue finds it.
//!
//! Every connection carries its [generation](crate::generation), which decides whether it may enter or
//! come back.

use std::pin::pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, Semaphore};

use crate::deadline;
use crate::generation::Succession;
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
    permits: Semaphore,
    parked: Mutex<Parked<C>>,
    closed: AtomicBool,
    acquire_timeout: Duration,
    max_lifetime: Duration,
    max: usize,
    counters: Arc<Counters>,
}

/// The idle connections, and which generations may join them.
struct Parked<C> {
    idle: Vec<Held<C>>,
    succession: Succession,
}

/// An open connection with its age.
pub(crate) struct Held<C> {
    pub(crate) connection: C,
    expires: Instant,
    parked: Instant,
    unused: Duration,
    counted: Room,
}

impl<C> Held<C> {
    /// How long nobody used the connection before it was taken.
    pub(crate) fn unused_for(&self) -> Duration {
        self.unused
    }
}

/// Room for one connection, open or about to be, stamped with its generation. Keeps the counts right
/// whatever way the connection ends, and tells whoever looks for one.
pub(crate) struct Room {
    generation: u64,
    counters: Arc<Counters>,
}

impl Room {
    /// The generation the connection belongs to.
    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.counters.left(self.generation);
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
            permits: Semaphore::new(max),
            parked: Mutex::new(Parked {
                idle: Vec::with_capacity(max),
                succession: Succession::new(),
            }),
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

    /// Turns that nobody has taken.
    #[cfg(test)]
    pub(crate) fn free(&self) -> usize {
        self.permits.available_permits()
    }

    pub(crate) fn max(&self) -> usize {
        self.max
    }

    pub(crate) fn stats(&self) -> PoolStats {
        let idle: Vec<u64> = {
            let parked = lock(&self.parked);
            let stamps = parked.idle.iter().map(|held| held.counted.generation);
            stamps.collect()
        };
        let mut stats = self.counters.snapshot(&self.name, idle.len(), self.max);
        for generation in &mut stats.generations {
            generation.idle = idle
                .iter()
                .filter(|stamp| **stamp == generation.number)
                .count();
        }
        stats
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Waits for a turn. The slot carries an idle connection if there is one.
    pub(crate) async fn acquire(self: &Arc<Self>) -> Result<Slot<C>, PoolError> {
        if self.is_closed() {
            return Err(self.closed_error());
        }
        if let Ok(permit) = self.permits.try_acquire() {
            permit.forget();
            return Ok(self.slot());
        }
        let waiting = Waiting::start(&self.counters.waiting);
        let patience = deadline::left(self.acquire_timeout);
        let permit = tokio::time::timeout(patience, self.permits.acquire()).await;
        drop(waiting);
        match permit {
            Ok(Ok(permit)) => {
                permit.forget();
                Ok(self.slot())
            }
            Ok(Err(_)) => Err(self.closed_error()),
            Err(_) => Err(self.waited_in_vain(patience)),
        }
    }

    /// Takes out the idle connections that are too old or were not used for `unused`.
    pub(crate) fn take_stale(&self, unused: Duration) -> Vec<Held<C>> {
        let now = Instant::now();
        let mut parked = lock(&self.parked);
        let all = std::mem::take(&mut parked.idle);
        let (living, dead): (Vec<_>, Vec<_>) = all
            .into_iter()
            .partition(|held| held.expires > now && held.connection.reusable());
        let (stale, fresh) = living
            .into_iter()
            .partition(|held| now - held.parked >= unused);
        parked.idle = fresh;
        drop(parked);
        drop(dead);
        stale
    }

    /// Closes the idle connection that was unused for longest; says whether there was one.
    pub(crate) fn drop_oldest_idle(&self) -> bool {
        let mut parked = lock(&self.parked);
        let is_idle = !parked.idle.is_empty();
        let oldest = is_idle.then(|| parked.idle.remove(0));
        drop(parked);
        drop(oldest);
        is_idle
    }

    /// Wakes one caller for each connection that is parked, all of them for other changes.
    pub(crate) fn changed(&self) -> &Notify {
        &self.counters.changed
    }

    /// The generation that new connections belong to.
    pub(crate) fn newest(&self) -> u64 {
        lock(&self.parked).succession.newest()
    }

    /// Room for a new connection, unless there are `max` already.
    pub(crate) fn room(&self) -> Option<Room> {
        let below = |size: usize| (size < self.max).then_some(size + 1);
        let order = (Ordering::Relaxed, Ordering::Relaxed);
        let size = &self.counters.size;
        size.fetch_update(order.0, order.1, below).ok()?;
        Some(self.stamped(self.newest()))
    }

    /// Room beyond `max` for a connection of `generation` that takes the place of an older one: none when
    /// there is no older one any more, or as many newer ones as there may be.
    pub(crate) fn room_for_older(&self, generation: u64) -> Option<Room> {
        let is_wanted = self.counters.older_than(generation) > 0 && !self.is_full_of(generation);
        is_wanted.then(|| self.extra_room(generation))
    }

    /// Whether there are as many connections of `generation` as there may be at all.
    pub(crate) fn is_full_of(&self, generation: u64) -> bool {
        self.counters.open_of(generation) >= self.max
    }

    /// Room beyond `max`, for a connection that is there already.
    pub(crate) fn extra_room(&self, generation: u64) -> Room {
        self.counters.size.fetch_add(1, Ordering::Relaxed);
        self.stamped(generation)
    }

    fn stamped(&self, generation: u64) -> Room {
        self.counters.joined(generation);
        Room {
            generation,
            counters: self.counters.clone(),
        }
    }

    /// Makes a new connection available, unless its generation is past. Says whether it was.
    pub(crate) fn admit(&self, connection: C, room: Room) -> bool {
        let admitted = lock(&self.parked).succession.admits(room.generation);
        if admitted {
            // Should a swap begin just here, this one came before it.
            self.park(self.held(connection, room));
        } else {
            drop((connection, room));
        }
        admitted
    }

    /// Begins a swap: from here on no other generation is opened or admitted.
    pub(crate) fn promote(&self) -> u64 {
        let promoted = lock(&self.parked).succession.promote();
        self.counters.promoted(promoted);
        self.counters.changed.notify_waiters();
        promoted
    }

    /// Puts a newer connection in the place of an older one: of an idle one now, else of the next one that
    /// is returned.
    pub(crate) fn replace(&self, connection: C, room: Room) {
        let generation = room.generation;
        let held = self.held(connection, room);
        let mut parked = lock(&self.parked);
        if !parked.succession.admits(generation) {
            drop(parked);
            return;
        }
        let is_older = |held: &Held<C>| held.counted.generation < generation;
        let older = parked.idle.iter().position(is_older);
        let older = older.map(|index| parked.idle.remove(index));
        if older.is_none() {
            parked.succession.stands_by();
        }
        parked.idle.push(held);
        drop(parked);
        drop(older);
        self.counters.changed.notify_one();
    }

    /// Ends the swap to `generation`: older connections that are idle are closed, those in use when they
    /// are returned.
    pub(crate) fn close_older_than(&self, generation: u64) {
        let mut parked = lock(&self.parked);
        parked.succession.close_older_than(generation);
        let all = std::mem::take(&mut parked.idle);
        let (kept, closed): (Vec<_>, Vec<_>) = all
            .into_iter()
            .partition(|held| parked.succession.keeps(held.counted.generation));
        parked.idle = kept;
        drop(parked);
        drop(closed);
    }

    /// Waits until no connection of an older generation is left.
    pub(crate) async fn until_none_older(&self, generation: u64) {
        self.until(|| self.counters.older_than(generation) == 0)
            .await;
    }

    /// Waits until the newer connection that stands by has taken the place of an older one, or none is
    /// left. Says whether one is left.
    pub(crate) async fn until_older_wanted(&self, generation: u64) -> bool {
        let is_left = || self.counters.older_than(generation) > 0;
        let stands_by = || lock(&self.parked).succession.someone_stands_by();
        self.until(|| !is_left() || !stands_by()).await;
        is_left()
    }

    /// Waits for a condition that only the end of a connection brings about.
    async fn until(&self, holds: impl Fn() -> bool) {
        loop {
            let mut closed = pin!(self.counters.closed.notified());
            closed.as_mut().enable();
            if holds() {
                return;
            }
            closed.await;
        }
    }

    /// Refuses new work, waits a little for running work, closes the idle connections.
    pub(crate) async fn close(&self) {
        self.closed.store(true, Ordering::Release);
        let all = u32::try_from(self.max).unwrap_or(u32::MAX);
        // Too late is as good as in time here: the permits are closed either way.
        drop(tokio::time::timeout(CLOSE_GRACE, self.permits.acquire_many(all)).await);
        self.permits.close();
        let idle = std::mem::take(&mut lock(&self.parked).idle);
        drop(idle);
        self.counters.changed.notify_waiters();
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

    pub(crate) fn closed_error(&self) -> PoolError {
        PoolError::Closed {
            pool: self.name.clone(),
        }
    }

    /// For a permit that was taken and is given back by the slot.
    fn slot(self: &Arc<Self>) -> Slot<C> {
        let mut slot = Slot {
            slots: self.clone(),
            held: None,
        };
        slot.take_idle();
        slot
    }

    /// Connections opened together should not all expire together: up to 1/8 of the life less.
    fn held(&self, connection: C, counted: Room) -> Held<C> {
        let order = self.counters.opened.fetch_add(1, Ordering::Relaxed);
        let now = Instant::now();
        let spread = self.max_lifetime / 64 * u32::try_from(order % 8).unwrap_or(0);
        Held {
            connection,
            expires: now + self.max_lifetime - spread,
            parked: now,
            unused: Duration::ZERO,
            counted,
        }
    }

    /// Makes a connection available to the next caller, or closes it if it is of no more use.
    pub(crate) fn park(&self, mut held: Held<C>) {
        let now = Instant::now();
        if held.expires <= now || !held.connection.reusable() {
            return;
        }
        held.parked = now;
        let mut parked = lock(&self.parked);
        // Under the lock: whoever closes the pool has not emptied it yet, or finds this one too.
        if self.is_closed() || !parked.succession.keeps(held.counted.generation) {
            drop(parked);
            return;
        }
        parked.idle.push(held);
        drop(parked);
        self.counters.changed.notify_one();
    }
}

/// The right to one connection, and the connection once there is one.
pub(crate) struct Slot<C: Reusable> {
    slots: Arc<Slots<C>>,
    held: Option<Held<C>>,
}

impl<C: Reusable> Slot<C> {
    /// The connection, unless it was not opened yet or was discarded.
    pub(crate) fn connection(&mut self) -> Option<&mut C> {
        self.held.as_mut().map(|held| &mut held.connection)
    }

    /// Takes an idle connection into this empty slot; the most recently used one, so that the
    /// others grow old and the pool can shrink.
    pub(crate) fn take_idle(&mut self) -> bool {
        let now = Instant::now();
        let mut parked = lock(&self.slots.parked);
        let mut dead = Vec::new();
        while let Some(mut held) = parked.idle.pop() {
            if held.expires > now && held.connection.reusable() {
                held.unused = now - held.parked;
                self.held = Some(held);
                break;
            }
            dead.push(held);
        }
        drop(parked);
        drop(dead);
        self.held.is_some()
    }

    /// Puts a newly opened connection into this slot.
    pub(crate) fn fill(&mut self, connection: C) {
        let room = self.slots.extra_room(self.slots.newest());
        self.held = Some(self.slots.held(connection, room));
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
        // After the connection is parked, so that the next in the queue finds it.
        self.slots.permits.add_permits(1);
    }
}
