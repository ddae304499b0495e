//! The first level: answers in this process, bounded by the bytes they take.

use std::collections::HashMap;
use std::sync::Arc;

use prometheus::IntCounter;
use quick_cache::sync::Cache as Level;
use quick_cache::{DefaultHashBuilder, Lifecycle, OptionsBuilder, Weighter};

use super::Extent;
use super::counts::CacheMetrics;
use super::kept::Kept;
use super::key::Key;

/// Parts with a lock each. An answer is at most as large as one of them.
const SHARDS: usize = 2;
/// What an answer is expected to take; only the first allocation depends on it.
const USUAL_BYTES: u64 = 16 * 1024;
/// What a key and its place take.
const OVERHEAD: u64 = 256;

/// Answers by their keys.
pub(super) struct Memory {
    level: Level<Key, Arc<Kept>, Bytes, DefaultHashBuilder, Evictions>,
    capacity: u64,
    metrics: CacheMetrics,
}

#[derive(Clone)]
struct Bytes;

impl Weighter<Key, Arc<Kept>> for Bytes {
    fn weight(&self, _: &Key, kept: &Arc<Kept>) -> u64 {
        kept.bytes + OVERHEAD
    }
}

/// Counts what had to go to make room.
#[derive(Clone)]
struct Evictions(IntCounter);

impl Lifecycle<Key, Arc<Kept>> for Evictions {
    type RequestState = ();

    fn on_evict(&self, (): &mut (), _: Key, _: Arc<Kept>) {
        self.0.inc();
    }
}

impl Memory {
    /// Room for so many bytes; none: nothing is kept.
    pub(super) fn new(capacity: u64, metrics: &CacheMetrics) -> Self {
        let usual = usize::try_from(capacity / USUAL_BYTES).unwrap_or(usize::MAX);
        let options = OptionsBuilder::new()
            .shards(SHARDS)
            .estimated_items_capacity(usual.max(32 * SHARDS))
            .weight_capacity(capacity)
            .build()
            .expect("both capacities are given");
        let evictions = Evictions(metrics.evictions());
        Self {
            level: Level::with_options(options, Bytes, DefaultHashBuilder::default(), evictions),
            capacity,
            metrics: metrics.clone(),
        }
    }

    pub(super) fn is_on(&self) -> bool {
        self.capacity > 0
    }

    pub(super) fn get(&self, key: &Key) -> Option<Arc<Kept>> {
        self.level.get(key)
    }

    /// Keeps an answer, unless a later one is here or it would push out everything else.
    pub(super) fn put(&self, key: &Key, kept: &Arc<Kept>) {
        let is_later = |known: Arc<Kept>| known.read_at > kept.read_at;
        if kept.bytes + OVERHEAD <= self.level.shard_capacity()
            && !self.level.peek(key).is_some_and(is_later)
        {
            self.level.insert(key.clone(), Arc::clone(kept));
        }
        self.show();
    }

    /// Removes an answer, unless it was replaced.
    pub(super) fn remove(&self, key: &Key, kept: &Arc<Kept>) {
        self.level.remove_if(key, |found| Arc::ptr_eq(found, kept));
        self.show();
    }

    /// Removes the answers of one name, or all.
    pub(super) fn forget(&self, name: Option<&str>) {
        match name {
            None => self.level.clear(),
            Some(name) => self.level.retain(|key, _| key.name() != name),
        }
        self.show();
    }

    pub(super) fn capacity(&self) -> u64 {
        self.capacity
    }

    pub(super) fn extent(&self) -> Extent {
        Extent {
            entries: self.level.len() as u64,
            bytes: self.level.weight(),
        }
    }

    /// By name.
    pub(super) fn extents(&self) -> HashMap<String, Extent> {
        let mut extents: HashMap<String, Extent> = HashMap::new();
        for (key, kept) in self.level.iter() {
            let extent = extents.entry(key.name().to_owned()).or_default();
            extent.entries += 1;
            extent.bytes += kept.bytes + OVERHEAD;
        }
        extents
    }

    fn show(&self) {
        self.metrics.show(self.extent());
    }
}
