//! Requests in a closed loop, where each connection asks again when it was answered, and in an open loop, where
//! requests are due at their times whatever became of those before. Times of the open loop count from when a
//! request was due, so that a generator that falls behind hides nothing (coordinated omission).

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::header::ACCEPT;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::subjects::Subject;

/// Requests in flight in an open loop; more than any server here answers in its time.
const AT_ONCE: usize = 1_500;
/// Nobody waits longer.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One small statement.
    Companies,
    /// A page of a hundred rows and its totals.
    Invoices,
}

impl Kind {
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Companies => "companies: one statement",
            Self::Invoices => "invoices: 100 rows and totals",
        }
    }
}

/// What came of requests.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) asked: usize,
    /// How long those took that were answered 200.
    pub(crate) good: Vec<Duration>,
}

impl Tally {
    fn note(&mut self, took: Option<Duration>) {
        self.asked += 1;
        self.good.extend(took);
    }

    fn join(&mut self, other: Self) {
        self.asked += other.asked;
        self.good.extend(other.good);
    }

    pub(crate) fn success(&self) -> f64 {
        self.good.len() as f64 / self.asked.max(1) as f64
    }

    /// The time below which this part of the good answers came.
    pub(crate) fn at(&self, part: f64) -> Duration {
        let mut sorted = self.good.clone();
        sorted.sort_unstable();
        let index = (sorted.len() as f64 * part) as usize;
        sorted
            .get(index.min(sorted.len().saturating_sub(1)))
            .copied()
            .unwrap_or_default()
    }
}

/// Asks one subject for one thing.
#[derive(Clone)]
pub(crate) struct Load {
    client: reqwest::Client,
    url: Arc<str>,
    token: Arc<str>,
}

impl Load {
    pub(crate) fn new(subject: &Subject, kind: Kind) -> Self {
        Self {
            client: subject.client(),
            url: subject.url(kind).into(),
            token: subject.token.as_str().into(),
        }
    }

    /// Whether it was answered, and whole.
    pub(crate) async fn ask(&self, is_export: bool) -> bool {
        let accept = if is_export {
            "text/csv, */*"
        } else {
            "application/json"
        };
        let request = self.client.get(&*self.url).bearer_auth(&self.token);
        let Ok(answer) = request.header(ACCEPT, accept).send().await else {
            return false;
        };
        let is_good = answer.status().is_success();
        answer.bytes().await.is_ok() && is_good
    }

    pub(crate) async fn closed(&self, connections: usize, window: Duration) -> Tally {
        let end = Instant::now() + window;
        let mut clients = JoinSet::new();
        for _ in 0..connections {
            let load = self.clone();
            clients.spawn(async move {
                let mut tally = Tally::default();
                while Instant::now() < end {
                    let begun = Instant::now();
                    tally.note(load.ask(false).await.then(|| begun.elapsed()));
                }
                tally
            });
        }
        let mut whole = Tally::default();
        while let Some(tally) = clients.join_next().await {
            whole.join(tally.unwrap());
        }
        whole
    }

    /// People, every third request, and exports.
    pub(crate) async fn open(&self, per_second: f64, window: Duration) -> (Tally, Tally) {
        let places = Arc::new(Semaphore::new(AT_ONCE));
        let mut asked = JoinSet::new();
        let begun = Instant::now();
        let total = (per_second * window.as_secs_f64()) as u32;
        for number in 0..total {
            let due = begun + Duration::from_secs_f64(f64::from(number) / per_second);
            tokio::time::sleep_until(due.into()).await;
            let is_export = number % 3 != 0;
            let (load, places) = (self.clone(), Arc::clone(&places));
            asked.spawn(async move {
                // Nothing is left to ask with: as bad as no answer.
                let Ok(_place) = places.try_acquire_owned() else {
                    return (is_export, None);
                };
                let answer = tokio::time::timeout(PATIENCE, load.ask(is_export)).await;
                (is_export, (answer == Ok(true)).then(|| due.elapsed()))
            });
        }
        let (mut people, mut exports) = (Tally::default(), Tally::default());
        while let Some(done) = asked.join_next().await {
            let (is_export, took) = done.unwrap();
            if is_export { &mut exports } else { &mut people }.note(took);
        }
        (people, exports)
    }
}
