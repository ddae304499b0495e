//! What the cache counts: for the metrics of this process, and by name for its console.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts, Registry};

use super::Extent;

/// Names that are counted apart: more reports than anybody has.
const MOST_NAMES: usize = 1_000;

/// What came of a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Count {
    /// In memory, and good.
    MemoryHit,
    /// Not in memory.
    MemoryMiss,
    /// In memory, and too old or emptied since.
    MemoryOutdated,
    /// In Redis, and good.
    RedisHit,
    /// Not in Redis.
    RedisMiss,
    /// In Redis, and too old, emptied since, or not ours.
    RedisOutdated,
    /// Redis did not answer.
    RedisError,
    /// Redis was left alone.
    RedisResting,
    /// The ERP answered.
    DatabaseRead,
    /// The ERP did not.
    DatabaseError,
}

impl Count {
    /// All of them.
    pub(crate) const ALL: [Self; 10] = [
        Self::MemoryHit,
        Self::MemoryMiss,
        Self::MemoryOutdated,
        Self::RedisHit,
        Self::RedisMiss,
        Self::RedisOutdated,
        Self::RedisError,
        Self::RedisResting,
        Self::DatabaseRead,
        Self::DatabaseError,
    ];

    /// Level and result, as the metric calls them.
    fn labels(self) -> [&'static str; 2] {
        match self {
            Self::MemoryHit => ["memory", "hit"],
            Self::MemoryMiss => ["memory", "miss"],
            Self::MemoryOutdated => ["memory", "outdated"],
            Self::RedisHit => ["redis", "hit"],
            Self::RedisMiss => ["redis", "miss"],
            Self::RedisOutdated => ["redis", "outdated"],
            Self::RedisError => ["redis", "error"],
            Self::RedisResting => ["redis", "resting"],
            Self::DatabaseRead => ["database", "read"],
            Self::DatabaseError => ["database", "error"],
        }
    }
}

/// What came of the questions under one name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Named {
    /// Answered from memory.
    pub(crate) memory: u64,
    /// Answered from Redis.
    pub(crate) redis: u64,
    /// Answered by the ERP.
    pub(crate) database: u64,
}

/// Metrics of the cache.
#[derive(Clone, Debug)]
pub struct CacheMetrics {
    requests: IntCounterVec,
    joins: IntCounter,
    refreshes: IntCounter,
    evictions: IntCounter,
    entries: IntGauge,
    bytes: IntGauge,
}

impl CacheMetrics {
    /// Registers the metrics.
    ///
    /// # Errors
    /// When they are registered already.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let requests = IntCounterVec::new(
            Opts::new(
                "reportapp_api_cache_requests_total",
                "Looks for an answer of the ERP, by level and by what came of it.",
            ),
            &["level", "result"],
        )?;
        for count in Count::ALL {
            requests.with_label_values(&count.labels());
        }
        let metrics = Self {
            requests,
            joins: IntCounter::new(
                "reportapp_api_cache_joins_total",
                "Requests that waited for the same question of another one.",
            )?,
            refreshes: IntCounter::new(
                "reportapp_api_cache_refreshes_total",
                "Requests that would not have a kept answer.",
            )?,
            evictions: IntCounter::new(
                "reportapp_api_cache_evictions_total",
                "Answers that left memory to make room.",
            )?,
            entries: IntGauge::new("reportapp_api_cache_entries", "Answers in memory.")?,
            bytes: IntGauge::new(
                "reportapp_api_cache_bytes",
                "Bytes the answers in memory take, roughly.",
            )?,
        };
        registry.register(Box::new(metrics.requests.clone()))?;
        registry.register(Box::new(metrics.joins.clone()))?;
        registry.register(Box::new(metrics.refreshes.clone()))?;
        registry.register(Box::new(metrics.evictions.clone()))?;
        registry.register(Box::new(metrics.entries.clone()))?;
        registry.register(Box::new(metrics.bytes.clone()))?;
        Ok(metrics)
    }

    /// How often something came of a look.
    pub(crate) fn of(&self, count: Count) -> u64 {
        self.requests.with_label_values(&count.labels()).get()
    }

    /// How many waited for the question of another request.
    pub(crate) fn joins(&self) -> u64 {
        self.joins.get()
    }

    /// How many would not have a kept answer.
    pub(crate) fn refreshes(&self) -> u64 {
        self.refreshes.get()
    }

    /// What counts answers that make room.
    pub(super) fn evictions(&self) -> IntCounter {
        self.evictions.clone()
    }

    /// How many answers made room.
    pub(crate) fn evicted(&self) -> u64 {
        self.evictions.get()
    }

    /// Shows what is in memory.
    pub(super) fn show(&self, extent: Extent) {
        let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        self.entries.set(number(extent.entries));
        self.bytes.set(number(extent.bytes));
    }
}

/// The metrics, and what they leave out: names are chosen by whoever writes report files.
pub(super) struct Counts {
    metrics: CacheMetrics,
    named: Mutex<HashMap<String, Named>>,
}

impl Counts {
    pub(super) fn new(metrics: CacheMetrics) -> Self {
        Self {
            metrics,
            named: Mutex::default(),
        }
    }

    pub(super) fn metrics(&self) -> &CacheMetrics {
        &self.metrics
    }

    pub(super) fn count(&self, name: &str, count: Count) {
        let requests = &self.metrics.requests;
        requests.with_label_values(&count.labels()).inc();
        let one = |named: &mut Named| match count {
            Count::MemoryHit => named.memory += 1,
            Count::RedisHit => named.redis += 1,
            Count::DatabaseRead => named.database += 1,
            _ => {}
        };
        let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(named) = named.get_mut(name) {
            one(named);
        } else if named.len() < MOST_NAMES {
            one(named.entry(name.to_owned()).or_default());
        }
    }

    pub(super) fn joined(&self) {
        self.metrics.joins.inc();
    }

    pub(super) fn refreshed(&self) {
        self.metrics.refreshes.inc();
    }

    pub(super) fn by_name(&self) -> HashMap<String, Named> {
        let named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        named.clone()
    }
}
