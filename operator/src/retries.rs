//! Pauses after failures: each object has its own series, doubling with jitter, and a success
//! forgets it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use reportapp_telemetry::Backoff;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);

/// The series of every object that fails.
#[derive(Debug, Default)]
pub struct Retries {
    series: Mutex<HashMap<(String, String), Series>>,
}

#[derive(Debug)]
struct Series {
    backoff: Backoff,
    failures: u32,
}

impl Retries {
    /// How long to wait after one more failure.
    pub fn pause(&self, namespace: &str, name: &str) -> Duration {
        let mut all = self.lock();
        let series = all
            .entry((namespace.to_owned(), name.to_owned()))
            .or_insert_with(|| Series {
                backoff: Backoff::new(FIRST, LONGEST),
                failures: 0,
            });
        series.failures = series.failures.saturating_add(1);
        series.backoff.next_pause()
    }

    /// Failures since the last success.
    pub fn failures(&self, namespace: &str, name: &str) -> u32 {
        let key = (namespace.to_owned(), name.to_owned());
        self.lock().get(&key).map_or(0, |series| series.failures)
    }

    /// The object succeeded or is gone.
    pub fn forget(&self, namespace: &str, name: &str) {
        self.lock().remove(&(namespace.to_owned(), name.to_owned()));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(String, String), Series>> {
        self.series
            .lock()
            .expect("no code panics while it holds this lock")
    }
}
