//! Answers of the ERP, kept to be given again: in this process, and in Redis where there is one.
//!
//! ```text
//! Question ─ key ─▶ memory ─ miss ─▶ flights ─▶ shared (Redis) ─ miss ─▶ the ERP
//!                     ▲  one question at a time, however many ask it    │
//!                     └──────────────── Kept: figures, read when, known ┘
//! ```
//!
//! Who may read was decided before anybody asks here, for each request anew. A kept answer is given while it
//! is younger than the report file says and no epoch that concerns it was raised after it was read
//! ([`reportapp_session::epochs::Kept`]): so emptying caches is felt by every process, and in Redis, from the
//! moment it is acknowledged, whatever becomes of the keys. Failures are never kept.
//!
//! Without Redis the memory is all there is. A second copy in a SQLite file would be shared with nobody: only
//! one process may use such a file, and where it is used it lies beside the ERP's own.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use reportapp_config::api::CacheConfig;
use reportapp_session::RedisValues;
use reportapp_session::epochs::{Kept as Judged, Revision, Scope};
use reportapp_session::wake::caches::Caches;

use crate::epochs::Epochs;
use crate::error::ApiError;

mod asking;
mod counts;
mod flights;
mod kept;
mod key;
mod memory;
mod question;
mod shared;
mod wire;

#[cfg(test)]
mod tests;

pub(crate) use asking::Asking;
pub use counts::CacheMetrics;
pub(crate) use counts::{Count, Named};
pub(crate) use key::{DASHBOARD, Whose};
pub(crate) use question::Question;

use counts::Counts;
use flights::Flights;
use kept::Kept;
use key::{BOOKS, Key};
use memory::Memory;
use shared::{Looked, Shared};

/// Where an answer comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The ERP was asked.
    Database,
    /// This process had it.
    Memory,
    /// Another process, or this one before it was restarted, left it in Redis.
    Redis,
}

impl Origin {
    /// The word in headers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Memory => "memory",
            Self::Redis => "redis",
        }
    }
}

/// When figures were read, and where this copy of them was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// When the database was asked: they are not older.
    pub read_at: Timestamp,
    /// Where.
    pub origin: Origin,
}

/// How new an answer has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// A kept one will do.
    Any,
    /// The ERP is asked, after this request came.
    Fresh,
}

/// The kept answers, as one process sees them.
pub struct Cache {
    memory: Memory,
    shared: Option<Shared>,
    flights: Flights,
    epochs: Arc<Epochs>,
    /// No answer is kept longer.
    longest: Duration,
    counts: Counts,
}

/// What there is in memory at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extent {
    /// Answers.
    pub(crate) entries: u64,
    /// Bytes they take, roughly.
    pub(crate) bytes: u64,
}

impl Cache {
    /// Nothing yet. `redis` is the second level, if there is one.
    pub fn new(
        config: &CacheConfig,
        epochs: &Arc<Epochs>,
        redis: Option<RedisValues>,
        metrics: CacheMetrics,
    ) -> Self {
        let bytes = u64::from(config.memory_mib) << 20;
        let largest = usize::try_from(config.largest_kib).unwrap_or(usize::MAX) << 10;
        Self {
            memory: Memory::new(bytes, &metrics),
            shared: redis.map(|values| Shared::new(values, largest)),
            flights: Flights::default(),
            epochs: Arc::clone(epochs),
            longest: Duration::from_secs(config.longest_seconds.into()),
            counts: Counts::new(metrics),
        }
    }

    /// Answers a question, with a kept answer if that is good enough.
    ///
    /// # Errors
    /// What the ERP says.
    pub(crate) async fn ask(
        self: &Arc<Self>,
        question: Question,
        wish: Wish,
    ) -> Result<(Arc<Kept>, Origin), ApiError> {
        let is_kept = !question.life().min(self.longest).is_zero();
        if !is_kept || !self.memory.is_on() {
            let kept = self.read(&question, self.epochs.revision()).await?;
            return Ok((kept, Origin::Database));
        }
        let key = question.key();
        match wish {
            Wish::Any => {
                if let Some(kept) = self.recall(&key) {
                    return Ok((kept, Origin::Memory));
                }
            }
            Wish::Fresh => self.counts.refreshed(),
        }
        // Before the question: what is raised while the ERP looks makes the answer outdated.
        let loaded = self.epochs.revision();
        let will_do = |loaded| wish == Wish::Any && !self.is_outdated(key.name(), loaded);
        let way = Arc::clone(self).fetch(Arc::new(question), key.clone(), loaded, wish);
        let (landing, is_joined) = self.flights.board(&key, will_do, loaded, way);
        if is_joined {
            self.counts.joined();
        }
        landing.await
    }

    /// Forgets the answers of one name, or all, here and in Redis, and says how many keys Redis had; `None`
    /// when there is no Redis or it does not answer. No process gives such an answer any more once the epoch of
    /// [`Cache::scope`] was raised; this gives the room back.
    pub(crate) async fn sweep(&self, name: Option<&str>) -> Option<u64> {
        self.memory.forget(name);
        let shared = self.shared.as_ref()?;
        let mut removed = 0;
        for pattern in key::patterns(name) {
            removed += shared.forget(&Caches::Pattern(pattern)).await?;
        }
        Some(removed)
    }

    /// What empties the caches of one name, or all of them.
    pub(crate) fn scope(name: Option<&str>) -> Scope {
        name.map_or(Scope::Caches, |name| Scope::CachesOf(name.to_owned()))
    }

    /// Whether this is the name of answers that are no report's.
    pub(crate) fn is_own_name(name: &str) -> bool {
        [DASHBOARD, BOOKS].contains(&name)
    }

    /// What was counted in this process since it started.
    pub(crate) fn counts(&self) -> &CacheMetrics {
        self.counts.metrics()
    }

    /// What was counted and is kept, by name.
    pub(crate) fn by_name(&self) -> Vec<(String, Named, Extent)> {
        let mut extents = self.memory.extents();
        let mut named: Vec<_> = { self.counts.by_name().into_iter() }
            .map(|(name, count)| {
                let extent = extents.remove(&name).unwrap_or_default();
                (name, count, extent)
            })
            .collect();
        named.sort_by(|(a, ..), (b, ..)| a.cmp(b));
        named
    }

    /// What there is in memory.
    pub(crate) fn extent(&self) -> Extent {
        self.memory.extent()
    }

    /// The most bytes the memory may take.
    pub(crate) fn capacity(&self) -> u64 {
        self.memory.capacity()
    }

    /// Whether Redis is asked; `None`: there is none.
    pub(crate) fn redis_answers(&self) -> Option<bool> {
        self.shared.as_ref().map(Shared::answers)
    }

    /// What this process has, if it may still be given.
    fn recall(&self, key: &Key) -> Option<Arc<Kept>> {
        let Some(kept) = self.memory.get(key) else {
            self.counts.count(key.name(), Count::MemoryMiss);
            return None;
        };
        if self.is_good(key, &kept) {
            self.counts.count(key.name(), Count::MemoryHit);
            return Some(kept);
        }
        self.memory.remove(key, &kept);
        self.counts.count(key.name(), Count::MemoryOutdated);
        None
    }

    /// What Redis has, if it may still be given.
    async fn recall_shared(&self, question: &Arc<Question>, key: &Key) -> Option<Arc<Kept>> {
        let shared = self.shared.as_ref().filter(|_| question.is_shared())?;
        let (count, kept) = match shared.find(key).await {
            Looked::Resting => (Count::RedisResting, None),
            Looked::Failed => (Count::RedisError, None),
            Looked::Nothing => (Count::RedisMiss, None),
            Looked::Value(bytes) => match decoded(bytes, question).await {
                Some(kept) if self.is_good(key, &kept) => (Count::RedisHit, Some(Arc::new(kept))),
                _ => (Count::RedisOutdated, None),
            },
        };
        self.counts.count(key.name(), count);
        kept
    }

    /// The way to an answer that is not in memory. It does not depend on whoever began it.
    async fn fetch(
        self: Arc<Self>,
        question: Arc<Question>,
        key: Key,
        loaded: Revision,
        wish: Wish,
    ) -> Result<(Arc<Kept>, Origin), ApiError> {
        if wish == Wish::Any {
            // It may have come since somebody looked.
            let kept = self.memory.get(&key);
            if let Some(kept) = kept.filter(|kept| self.is_good(&key, kept)) {
                return Ok((kept, Origin::Memory));
            }
            if let Some(kept) = self.recall_shared(&question, &key).await {
                self.memory.put(&key, &kept);
                return Ok((kept, Origin::Redis));
            }
        }
        let kept = self.read(&question, loaded).await?;
        self.memory.put(&key, &kept);
        if self.shared.is_some() && question.is_shared() {
            let (cache, kept) = (Arc::clone(&self), Arc::clone(&kept));
            tokio::spawn(async move { cache.share(&key, kept).await });
        }
        Ok((kept, Origin::Database))
    }

    async fn read(&self, question: &Question, loaded: Revision) -> Result<Arc<Kept>, ApiError> {
        let read = question.read(loaded).await;
        let count = match &read {
            Ok(_) => Count::DatabaseRead,
            Err(_) => Count::DatabaseError,
        };
        self.counts.count(question.name(), count);
        read.map(Arc::new)
    }

    async fn share(&self, key: &Key, kept: Arc<Kept>) {
        let life = kept.life.min(self.longest);
        let encoded = tokio::task::spawn_blocking(move || wire::encode(&kept)).await;
        if let (Some(shared), Ok(Some(bytes))) = (&self.shared, encoded) {
            shared.keep(key, &bytes, life).await;
        }
    }

    fn is_good(&self, key: &Key, kept: &Kept) -> bool {
        kept.is_alive(Timestamp::now(), self.longest) && !self.is_outdated(key.name(), kept.loaded)
    }

    fn is_outdated(&self, name: &str, loaded: Revision) -> bool {
        self.epochs.outdated(&Judged { name, loaded })
    }
}

/// Reading a large answer back takes as long as many small requests.
async fn decoded(bytes: Vec<u8>, question: &Arc<Question>) -> Option<Kept> {
    let question = Arc::clone(question);
    let decoded = tokio::task::spawn_blocking(move || wire::decode(&bytes, &question));
    decoded.await.ok().flatten()
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cache")
            .field("extent", &self.extent())
            .finish_non_exhaustive()
    }
}
