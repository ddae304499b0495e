//! Gauges of a pool: a snapshot for callers, and a collector that takes the snapshot whenever the
//! metrics are scraped, so that the hot path only touches atomics.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntGaugeVec, Opts};

use crate::{Pool, PoolError};

/// A pool at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolStats {
    /// Name of the pool.
    pub pool: String,
    /// Open connections, idle and in use.
    pub size: usize,
    /// Open connections nobody uses.
    pub idle: usize,
    /// Callers waiting for a connection.
    pub waiting: usize,
    /// Upper bound of `size`.
    pub max: usize,
    /// Callers that gave up waiting, since the start.
    pub acquire_timeouts: u64,
    /// Failed attempts to open a connection since the start, by [`PoolError::category`].
    pub connect_failures: BTreeMap<&'static str, u64>,
}

/// The running counts behind [`PoolStats`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) size: AtomicUsize,
    pub(crate) waiting: AtomicUsize,
    pub(crate) acquire_timeouts: AtomicU64,
    connect_failures: Mutex<BTreeMap<&'static str, u64>>,
}

impl Counters {
    pub(crate) fn connect_failed(&self, error: &PoolError) {
        *crate::pool::lock(&self.connect_failures)
            .entry(error.category())
            .or_default() += 1;
    }

    pub(crate) fn snapshot(&self, pool: &str, idle: usize, max: usize) -> PoolStats {
        PoolStats {
            pool: pool.to_owned(),
            size: self.size.load(Ordering::Relaxed),
            idle,
            waiting: self.waiting.load(Ordering::Relaxed),
            max,
            acquire_timeouts: self.acquire_timeouts.load(Ordering::Relaxed),
            connect_failures: crate::pool::lock(&self.connect_failures).clone(),
        }
    }
}

/// Reports one pool to a Prometheus registry.
pub(crate) struct PoolCollector {
    pool: Pool,
    connections: IntGaugeVec,
    waiting: IntGaugeVec,
    failures: IntGaugeVec,
}

impl PoolCollector {
    pub(crate) fn new(pool: Pool) -> Result<Self, prometheus::Error> {
        let options = |name: &str, help: &str| {
            Opts::new(name, help)
                .const_label("pool", pool.name())
                .const_label("engine", pool.engine().as_str())
        };
        let connections = IntGaugeVec::new(
            options(
                "reportapp_pool_connections",
                "Connections by state; max is the upper bound.",
            ),
            &["state"],
        )?;
        let waiting = IntGaugeVec::new(
            options(
                "reportapp_pool_waiting",
                "Callers waiting for a connection.",
            ),
            &[],
        )?;
        let failures = IntGaugeVec::new(
            options(
                "reportapp_pool_failures",
                "Failures since the start by category.",
            ),
            &["category"],
        )?;
        Ok(Self {
            pool,
            connections,
            waiting,
            failures,
        })
    }
}

impl Collector for PoolCollector {
    fn desc(&self) -> Vec<&Desc> {
        [&self.connections, &self.waiting, &self.failures]
            .into_iter()
            .flat_map(Collector::desc)
            .collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let stats = self.pool.stats();
        let whole = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        let total = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let connections = |state: &str, number: usize| {
            self.connections
                .with_label_values(&[state])
                .set(whole(number));
        };
        connections("idle", stats.idle);
        connections("in_use", stats.size.saturating_sub(stats.idle));
        connections("max", stats.max);
        self.waiting
            .with_label_values::<&str>(&[])
            .set(whole(stats.waiting));
        self.failures
            .with_label_values(&["AcquireTimeout"])
            .set(total(stats.acquire_timeouts));
        for (category, count) in stats.connect_failures {
            self.failures
                .with_label_values(&[category])
                .set(total(count));
        }
        [&self.connections, &self.waiting, &self.failures]
            .into_iter()
            .flat_map(Collector::collect)
            .collect()
    }
}
