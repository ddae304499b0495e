//! Pauses between attempts at a dependency that fails: doubling, capped, with jitter.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// The pauses of one series of attempts.
///
/// Each pause is between half and the whole of `first`, twice `first`, four times `first` and so
/// on, never above `cap`. The random half keeps many pods from knocking in step.
#[derive(Clone, Debug)]
pub struct Backoff {
    first: Duration,
    cap: Duration,
    attempts: u32,
}

impl Backoff {
    /// A series that starts at `first` and stays at `cap`.
    pub fn new(first: Duration, cap: Duration) -> Self {
        Self {
            first,
            cap,
            attempts: 0,
        }
    }

    /// How long to wait before the next attempt.
    pub fn next_pause(&mut self) -> Duration {
        let whole = self
            .first
            .saturating_mul(2_u32.saturating_pow(self.attempts))
            .min(self.cap);
        self.attempts = self.attempts.saturating_add(1);
        whole / 2 + (whole / 2).mul_f64(random_fraction())
    }

    /// The attempt succeeded: the next series starts at `first` again.
    pub fn reset(&mut self) {
        self.attempts = 0;
    }
}

/// A number in `0.0..1.0`; good enough to spread load, not for secrets. Each `RandomState` is
/// keyed differently, so its hash of nothing is a fresh random number.
fn random_fraction() -> f64 {
    let bits = u32::try_from(RandomState::new().hash_one(()) >> 32)
        .expect("the upper half of 64 bits fits 32 bits");
    f64::from(bits) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_cap_and_stay_in_the_upper_half() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(1));
        for whole in [100, 200, 400, 800, 1000, 1000] {
            let pause = backoff.next_pause();
            assert!(
                pause >= Duration::from_millis(whole / 2),
                "{pause:?} of {whole}"
            );
            assert!(
                pause <= Duration::from_millis(whole),
                "{pause:?} of {whole}"
            );
        }
        backoff.reset();
        assert!(backoff.next_pause() <= Duration::from_millis(100));
    }

    #[test]
    fn a_thousand_attempts_do_not_overflow() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(5));
        let pauses: Vec<_> = (0..1000).map(|_| backoff.next_pause()).collect();
        assert!(pauses.iter().all(|pause| *pause <= Duration::from_secs(5)));
    }
}
