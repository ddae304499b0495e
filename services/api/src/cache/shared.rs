//! The second level: answers in Redis, for all processes.
//!
//! Whatever goes wrong costs a question to the ERP and nothing else. A Redis that failed is left alone for a
//! while, after which one request tries it again and the others do without.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use reportapp_session::wake::caches::Caches;
use reportapp_session::{RedisValues, SessionError};

use super::key::Key;

/// Between a failure and the next attempt.
const REST: Duration = Duration::from_secs(5);

/// Answers of one application in one Redis.
pub(super) struct Shared {
    values: RedisValues,
    /// Bytes of the largest answer that is sent there.
    largest: usize,
    /// Until when it is left alone; `None`: it answered last time.
    rests_until: Mutex<Option<Instant>>,
}

/// What a look at Redis brought.
pub(super) enum Looked {
    /// An answer, or what somebody else wrote under its key.
    Value(Vec<u8>),
    /// It has none.
    Nothing,
    /// It did not answer.
    Failed,
    /// It was not asked.
    Resting,
}

impl Shared {
    pub(super) fn new(values: RedisValues, largest: usize) -> Self {
        Self {
            values,
            largest,
            rests_until: Mutex::default(),
        }
    }

    pub(super) async fn find(&self, key: &Key) -> Looked {
        if self.rests(Instant::now()) {
            return Looked::Resting;
        }
        match self.told(self.values.find(key.as_str()).await) {
            Some(Some(value)) => Looked::Value(value),
            Some(None) => Looked::Nothing,
            None => Looked::Failed,
        }
    }

    /// Keeps an answer that is not too large.
    pub(super) async fn keep(&self, key: &Key, value: &[u8], life: Duration) {
        if value.len() <= self.largest && !self.rests(Instant::now()) {
            let kept = self.values.keep(key.as_str(), value, life).await;
            self.told(kept);
        }
    }

    /// Removes answers and says how many; `None` when Redis does not answer.
    pub(super) async fn forget(&self, caches: &Caches) -> Option<u64> {
        self.told(self.values.forget(caches).await)
    }

    /// Whether it answered last time.
    pub(super) fn answers(&self) -> bool {
        self.lock().is_none()
    }

    fn rests(&self, now: Instant) -> bool {
        let mut rests_until = self.lock();
        match *rests_until {
            None => false,
            Some(until) if now < until => true,
            Some(_) => {
                // This one tries; those who come meanwhile do not wait for it.
                *rests_until = Some(now + REST);
                false
            }
        }
    }

    fn told<T>(&self, answer: Result<T, SessionError>) -> Option<T> {
        let mut rests_until = self.lock();
        match answer {
            Ok(value) => {
                if rests_until.take().is_some() {
                    tracing::info!("answers are kept in Redis again");
                }
                Some(value)
            }
            Err(error) => {
                if rests_until.replace(Instant::now() + REST).is_none() {
                    tracing::warn!(%error, "answers are kept in memory only until Redis is well again");
                }
                None
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Instant>> {
        self.rests_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
