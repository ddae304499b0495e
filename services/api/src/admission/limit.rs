//! How many requests at once are useful: a limit that follows how long they take.
//!
//! The algorithm is the gradient of Netflix's `concurrency-limits` (`Gradient2Limit`, Apache-2.0,
//! <https://github.com/Netflix/concurrency-limits>): once per window
//!
//! ```text
//! gradient = clamp(TOLERANCE · baseline / mean, 1/2, 1)
//! limit    = limit · (1 - SMOOTHING) + (limit · gradient + √limit) · SMOOTHING
//! ```
//!
//! so that the limit settles where requests take a little more than `TOLERANCE` times what they take without load. A
//! fixed limit would be wrong on the next machine, and an additive one needs a latency that counts as
//! too long, which differs between a dashboard and a list.
//!
//! What differs is the baseline. There it is a long average that also learns from overload, and an overload
//! that lasts moves it up without end. Here it learns only from windows that were not busy: fewer than half
//! of the limit in hand. At the floor nothing can be blamed on too many requests, so what is seen there is the
//! baseline: a database that has become slow for good drives the limit down once, and it grows again.

use std::time::Duration;

use tokio::time::Instant;

/// Never fewer than the connections a pool has by default: below that, connections idle.
const FLOOR: f64 = 10.0;
/// More at once would only queue inside.
const CEILING: f64 = 256.0;
/// Where it starts: at what small machines settle.
const START: f64 = 16.0;
/// A window is long enough to hold many requests and short enough to follow a rush.
const WINDOW: Duration = Duration::from_millis(250);
/// Fewer say too little.
const SAMPLES: u32 = 10;
/// How much longer than without load a request may take. With the headroom of √limit it is less than twice, also
/// for the slowest hundredth.
const TOLERANCE: f64 = 1.5;
/// How much of a new limit is taken over: at worst it shrinks by a tenth per window.
const SMOOTHING: f64 = 0.2;
/// How much of a new baseline is taken over.
const LEARNING: f64 = 0.125;

/// The limit and what it is computed from.
#[derive(Debug)]
pub(super) struct Limit {
    limit: f64,
    /// Seconds a request takes without load, once known.
    baseline: Option<f64>,
    begun: Instant,
    samples: u32,
    total: Duration,
    most_in_hand: usize,
}

impl Limit {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            limit: START,
            baseline: None,
            begun: now,
            samples: 0,
            total: Duration::ZERO,
            most_in_hand: 0,
        }
    }

    /// Requests that may be in hand.
    pub(super) fn get(&self) -> usize {
        self.limit as usize
    }

    /// Learns from a request that took so long while so many were in hand.
    pub(super) fn observe(&mut self, now: Instant, took: Duration, in_hand: usize) {
        self.samples += 1;
        self.total += took;
        self.most_in_hand = self.most_in_hand.max(in_hand);
        if self.samples < SAMPLES || now.saturating_duration_since(self.begun) < WINDOW {
            return;
        }
        let mean = (self.total / self.samples).as_secs_f64().max(1e-6);
        let is_busy = self.most_in_hand * 2 >= self.get();
        self.begun = now;
        (self.samples, self.total, self.most_in_hand) = (0, Duration::ZERO, 0);

        let baseline = match self.baseline {
            Some(baseline) if !is_busy || mean < baseline => {
                baseline + (mean - baseline) * LEARNING
            }
            Some(baseline) if self.limit > FLOOR => baseline,
            _ => mean,
        };
        self.baseline = Some(baseline);
        if is_busy {
            let gradient = (TOLERANCE * baseline / mean).clamp(0.5, 1.0);
            let next = self.limit * gradient + self.limit.sqrt();
            let limit = self.limit + (next - self.limit) * SMOOTHING;
            self.limit = limit.clamp(FLOOR, CEILING);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that answers `at_once` requests in `unloaded` and queues more; as many are in hand as may be.
    fn run(limit: &mut Limit, now: &mut Instant, unloaded: Duration, at_once: f64, windows: u32) {
        for _ in 0..windows {
            let in_hand = limit.get();
            let took = unloaded.mul_f64((in_hand as f64 / at_once).max(1.0));
            *now += WINDOW;
            for _ in 0..SAMPLES {
                limit.observe(*now, took, in_hand);
            }
        }
    }

    /// Few requests, which shows how long they take without load.
    fn rest(limit: &mut Limit, now: &mut Instant, unloaded: Duration, windows: u32) {
        for _ in 0..windows {
            *now += WINDOW;
            for _ in 0..SAMPLES {
                limit.observe(*now, unloaded, 1);
            }
        }
    }

    const QUICK: Duration = Duration::from_millis(4);

    #[test]
    fn it_settles_where_requests_take_less_than_twice_as_long_as_without_load() {
        let mut now = Instant::now();
        for at_once in [12.0, 40.0] {
            let mut limit = Limit::new(now);
            rest(&mut limit, &mut now, QUICK, 40);
            assert_eq!(limit.get(), 16, "a quiet time says nothing about the limit");
            run(&mut limit, &mut now, QUICK, at_once, 400);
            let stretch = limit.get() as f64 / at_once;
            assert!((1.4..2.0).contains(&stretch), "{at_once}: {limit:?}");
        }
    }

    #[test]
    fn an_overload_that_lasts_does_not_talk_it_up() {
        let mut now = Instant::now();
        let mut limit = Limit::new(now);
        rest(&mut limit, &mut now, QUICK, 40);
        run(&mut limit, &mut now, QUICK, 20.0, 400);
        let before = limit.get();
        run(&mut limit, &mut now, QUICK, 20.0, 20_000);
        assert_eq!(limit.get(), before);
    }

    #[test]
    fn a_database_that_stays_slow_is_learned_at_the_floor() {
        let mut now = Instant::now();
        let mut limit = Limit::new(now);
        rest(&mut limit, &mut now, QUICK, 40);
        run(&mut limit, &mut now, QUICK, 40.0, 400);
        let before = limit.get();
        run(&mut limit, &mut now, QUICK * 20, 40.0, 30);
        assert!(limit.get() < before, "{limit:?}");
        run(&mut limit, &mut now, QUICK * 20, 40.0, 800);
        assert!(limit.get() > 60, "{limit:?}");
    }

    #[test]
    fn it_never_leaves_its_bounds() {
        let mut now = Instant::now();
        let mut limit = Limit::new(now);
        run(&mut limit, &mut now, QUICK, 1e9, 4_000);
        assert_eq!(limit.get(), 256);
        run(&mut limit, &mut now, QUICK, 0.01, 400);
        assert!((10..=26).contains(&limit.get()), "{limit:?}");
    }
}
