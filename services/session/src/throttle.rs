//! Slows down guessing: a token bucket per key in bounded memory.
//!
//! Every attempt takes a token before the password is looked at, so that parallel guesses count;
//! a success gives it back. Keys are whatever the caller limits: a user name, a client address.
//! The state is per process: with n replicas a guesser gets n times the rate, still far from
//! useful.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How many attempts one key may make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThrottleLimits {
    /// Attempts in a row before the first refusal.
    pub burst: u32,
    /// Time after which one more attempt is granted.
    pub refill: Duration,
    /// Keys remembered at most; beyond it the ones nearest to full are forgotten.
    pub keys: usize,
}

/// Buckets of one kind of key.
#[derive(Debug)]
pub struct Throttle {
    limits: ThrottleLimits,
    /// For each key the moment at which its bucket will be full again; absent means full.
    full_at: Mutex<HashMap<String, Instant>>,
}

impl Throttle {
    /// Empty memory: every key has its whole burst.
    pub fn new(limits: ThrottleLimits) -> Self {
        Self {
            limits,
            full_at: Mutex::new(HashMap::new()),
        }
    }

    /// Takes one attempt of `key`.
    ///
    /// # Errors
    /// How long to wait until the next attempt is granted.
    pub fn take(&self, key: &str, now: Instant) -> Result<(), Duration> {
        let mut full_at = self.lock();
        let current = full_at.get(key).copied().unwrap_or(now).max(now);
        let after = current + self.limits.refill;
        let capacity = self.limits.refill * self.limits.burst;
        if after > now + capacity {
            return Err(after - (now + capacity));
        }
        if full_at.len() >= self.limits.keys && !full_at.contains_key(key) {
            make_room(&mut full_at, now);
        }
        full_at.insert(key.to_owned(), after);
        Ok(())
    }

    /// Gives one attempt back: it was a success.
    pub fn give_back(&self, key: &str) {
        if let Some(full_at) = self.lock().get_mut(key) {
            // An Instant near the epoch of the clock cannot go further back; keeping it is safe.
            *full_at = full_at.checked_sub(self.limits.refill).unwrap_or(*full_at);
        }
    }

    /// Forgets all attempts of `key`: its owner has proven to be who they say.
    pub fn forget(&self, key: &str) {
        self.lock().remove(key);
    }

    /// Keys remembered at this moment.
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether no key is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Instant>> {
        // The map holds no invariant that a panic between two statements could break.
        self.full_at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Drops full buckets; if all are in use, the half that is nearest to full.
fn make_room(full_at: &mut HashMap<String, Instant>, now: Instant) {
    let before = full_at.len();
    full_at.retain(|_, at| *at > now);
    if full_at.len() == before {
        let mut moments: Vec<Instant> = full_at.values().copied().collect();
        let middle = moments.len() / 2;
        let (_, median, _) = moments.select_nth_unstable(middle);
        let median = *median;
        full_at.retain(|_, at| *at > median);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: ThrottleLimits = ThrottleLimits {
        burst: 3,
        refill: Duration::from_secs(10),
        keys: 4,
    };

    #[test]
    fn the_burst_is_granted_and_then_one_attempt_per_refill() {
        let throttle = Throttle::new(LIMITS);
        let start = Instant::now();
        for _ in 0..3 {
            assert_eq!(throttle.take("ana", start), Ok(()));
        }
        assert_eq!(throttle.take("ana", start), Err(Duration::from_secs(10)));
        assert_eq!(
            throttle.take("ana", start + Duration::from_secs(4)),
            Err(Duration::from_secs(6))
        );
        assert_eq!(
            throttle.take("ana", start + Duration::from_secs(10)),
            Ok(())
        );
        assert!(
            throttle
                .take("ana", start + Duration::from_secs(10))
                .is_err()
        );
    }

    #[test]
    fn keys_do_not_slow_each_other_down() {
        let throttle = Throttle::new(LIMITS);
        let now = Instant::now();
        while throttle.take("ana", now).is_ok() {}
        assert_eq!(throttle.take("ion", now), Ok(()));
    }

    #[test]
    fn a_success_gives_the_attempt_back_or_forgets_all() {
        let throttle = Throttle::new(LIMITS);
        let now = Instant::now();
        while throttle.take("ana", now).is_ok() {}
        throttle.give_back("ana");
        assert_eq!(throttle.take("ana", now), Ok(()));
        assert!(throttle.take("ana", now).is_err());
        throttle.forget("ana");
        assert_eq!(throttle.take("ana", now), Ok(()));
    }

    #[test]
    fn memory_stays_bounded_and_the_busiest_keys_are_kept() {
        let throttle = Throttle::new(LIMITS);
        let now = Instant::now();
        while throttle.take("guesser", now).is_ok() {}
        for number in 0..1_000 {
            let _ = throttle.take(&format!("name-{number}"), now);
            assert!(throttle.len() <= LIMITS.keys);
        }
        assert!(throttle.take("guesser", now).is_err());
    }
}
