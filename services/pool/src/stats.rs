//! Gauges of a pool: a snapshot for callers, and a collector that takes the snapshot whenever the
//! metrics are scraped, so that the hot path only touches atomics.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntGaugeVec, Opts};
use tokio::sync::Notify;

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
    /// Logins that were offered since the start, by what became of them: `Promoted` or
    /// [`PoolError::category`].
    pub offers: BTreeMap<&'static str, u64>,
    /// The login in use and those that still have connections, oldest first.
    pub generations: Vec<GenerationStats>,
}

/// One login of a pool at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GenerationStats {
    /// Its number, counted from 1 in each process.
    pub number: u64,
    /// Open connections, idle, in use and about to be.
    pub open: usize,
    /// Open connections nobody uses.
    pub idle: usize,
    /// Time since the pool began to use it.
    pub age: Duration,
}

/// The running counts behind [`PoolStats`], and who is told when they change.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) size: AtomicUsize,
    pub(crate) opened: AtomicUsize,
    pub(crate) waiting: AtomicUsize,
    pub(crate) acquire_timeouts: AtomicU64,
    /// For callers who look for a connection.
    pub(crate) changed: Notify,
    /// For whoever waits until connections are gone.
    pub(crate) closed: Notify,
    connect_failures: Mutex<BTreeMap<&'static str, u64>>,
    offers: Mutex<BTreeMap<&'static str, u64>>,
    generations: Mutex<Generations>,
}

#[derive(Debug, Default)]
struct Generations {
    newest: u64,
    tallies: BTreeMap<u64, Tally>,
}

#[derive(Debug)]
struct Tally {
    open: usize,
    since: Instant,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            open: 0,
            since: Instant::now(),
        }
    }
}

impl Counters {
    /// Another connection of a generation; `size` has been counted up already.
    pub(crate) fn joined(&self, generation: u64) {
        let mut generations = crate::pool::lock(&self.generations);
        generations.tallies.entry(generation).or_default().open += 1;
    }

    /// A connection is gone.
    pub(crate) fn left(&self, generation: u64) {
        let mut generations = crate::pool::lock(&self.generations);
        let newest = generations.newest;
        if let Some(tally) = generations.tallies.get_mut(&generation) {
            tally.open = tally.open.saturating_sub(1);
            if tally.open == 0 && generation < newest {
                generations.tallies.remove(&generation);
            }
        }
        // Under the lock, so that no connection takes the room of one that another could be opened for still.
        self.size.fetch_sub(1, Ordering::Relaxed);
        drop(generations);
        self.changed.notify_waiters();
        self.closed.notify_waiters();
    }

    /// A generation is in use from here on.
    pub(crate) fn promoted(&self, generation: u64) {
        let mut generations = crate::pool::lock(&self.generations);
        generations.newest = generation;
        generations
            .tallies
            .retain(|number, tally| tally.open > 0 || *number >= generation);
        generations.tallies.insert(generation, Tally::default());
    }

    /// Open connections of generations before this one.
    pub(crate) fn older_than(&self, generation: u64) -> usize {
        let generations = crate::pool::lock(&self.generations);
        let older = generations.tallies.range(..generation);
        older.map(|(_, tally)| tally.open).sum()
    }

    /// Open connections of this generation.
    pub(crate) fn open_of(&self, generation: u64) -> usize {
        let generations = crate::pool::lock(&self.generations);
        let tally = generations.tallies.get(&generation);
        tally.map_or(0, |tally| tally.open)
    }

    pub(crate) fn offered(&self, outcome: &'static str) {
        *crate::pool::lock(&self.offers).entry(outcome).or_default() += 1;
    }

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
            offers: crate::pool::lock(&self.offers).clone(),
            generations: crate::pool::lock(&self.generations)
                .tallies
                .iter()
                .map(|(number, tally)| GenerationStats {
                    number: *number,
                    open: tally.open,
                    idle: 0,
                    age: tally.since.elapsed(),
                })
                .collect(),
        }
    }
}

/// Reports one pool to a Prometheus registry.
pub(crate) struct PoolCollector {
    pool: Pool,
    connections: IntGaugeVec,
    waiting: IntGaugeVec,
    failures: IntGaugeVec,
    generations: IntGaugeVec,
    ages: IntGaugeVec,
    offers: IntGaugeVec,
}

impl PoolCollector {
    pub(crate) fn new(pool: Pool) -> Result<Self, prometheus::Error> {
        let options = |name: &str, help: &str| {
            Opts::new(name, help)
                .const_label("pool", pool.name())
                .const_label("engine", pool.engine().as_str())
        };
        let gauges =
            |name: &str, help: &str, labels: &[&str]| IntGaugeVec::new(options(name, help), labels);
        Ok(Self {
            connections: gauges(
                "reportapp_pool_connections",
                "Connections by state; max is the upper bound.",
                &["state"],
            )?,
            waiting: gauges(
                "reportapp_pool_waiting",
                "Callers waiting for a connection.",
                &[],
            )?,
            failures: gauges(
                "reportapp_pool_failures",
                "Failures since the start by category.",
                &["category"],
            )?,
            generations: gauges(
                "reportapp_pool_generation_connections",
                "Connections of each login by state; the highest number is the login in use.",
                &["generation", "state"],
            )?,
            ages: gauges(
                "reportapp_pool_generation_age_seconds",
                "Time since the pool began to use each login.",
                &["generation"],
            )?,
            offers: gauges(
                "reportapp_pool_offers",
                "Logins offered since the start by what became of them.",
                &["outcome"],
            )?,
            pool,
        })
    }

    fn all(&self) -> [&IntGaugeVec; 6] {
        [
            &self.connections,
            &self.waiting,
            &self.failures,
            &self.generations,
            &self.ages,
            &self.offers,
        ]
    }

    fn show_generations(&self, generations: &[GenerationStats]) {
        // A login without connections is not shown any more.
        self.generations.reset();
        self.ages.reset();
        for generation in generations {
            let number = generation.number.to_string();
            let states = [
                ("idle", generation.idle),
                ("in_use", generation.open.saturating_sub(generation.idle)),
            ];
            for (state, count) in states {
                self.generations
                    .with_label_values(&[number.as_str(), state])
                    .set(whole(count));
            }
            let age = i64::try_from(generation.age.as_secs()).unwrap_or(i64::MAX);
            self.ages.with_label_values(&[&number]).set(age);
        }
    }
}

fn whole(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

impl Collector for PoolCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.all().into_iter().flat_map(Collector::desc).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let stats = self.pool.stats();
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
        for (outcome, count) in stats.offers {
            self.offers.with_label_values(&[outcome]).set(total(count));
        }
        self.show_generations(&stats.generations);
        self.all()
            .into_iter()
            .flat_map(Collector::collect)
            .collect()
    }
}
