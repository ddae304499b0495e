//! When a login is tried. Pure: the clock and what came of earlier tries go in.
//!
//! At once when the operator starts to lead and when the value or the place it opens is another; once a
//! day while it is accepted; after refusals ever more rarely, whatever changes meanwhile, so that no
//! backend locks the account.

use std::time::Duration;

use k8s_openapi::jiff::{SignedDuration, Timestamp};

use crate::rotation::schedule::share;

/// Longest time between two tries of a value that is accepted.
pub const DAY: Duration = Duration::from_secs(86_400);
/// How much earlier than that a try may be: each credential has its own share of it.
pub const JITTER: Duration = Duration::from_secs(3_600);
/// Pauses after the first refusals in a row; the last one repeats. Nothing shortens the first.
const AFTER_REFUSALS: [Duration; 4] = [
    Duration::from_secs(60),
    Duration::from_secs(300),
    Duration::from_secs(1_800),
    Duration::from_secs(3_600),
];
/// Pauses while a backend gives no verdict; the last one repeats.
const AFTER_SILENCES: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(300)];

/// What a try gave, as far as the next one depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The value is accepted.
    Accepted,
    /// It is refused, or opens less than it should.
    Refused,
    /// Nothing was learnt about it.
    Silence,
}

/// When one credential is tried next.
#[derive(Clone, Debug)]
pub struct Timing {
    next: Timestamp,
    /// How much earlier than a day this credential is tried again.
    share: Duration,
    refused_at: Option<Timestamp>,
    refusals: usize,
    silences: usize,
}

impl Timing {
    /// Due at once. `seed` tells credentials apart and never changes.
    pub fn new(seed: &str) -> Self {
        Self {
            next: Timestamp::MIN,
            share: share(JITTER, seed),
            refused_at: None,
            refusals: 0,
            silences: 0,
        }
    }

    /// Whether it is time.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.next <= now
    }

    /// The value, or the place it opens, is another now.
    pub fn changed(&mut self, now: Timestamp) {
        let earliest = self
            .refused_at
            .map_or(now, |refused| later(refused, AFTER_REFUSALS[0]).max(now));
        self.next = self.next.min(earliest);
    }

    /// A try gave this.
    pub fn answered(&mut self, answer: Answer, now: Timestamp) {
        let pause = match answer {
            Answer::Accepted => {
                (self.refused_at, self.refusals, self.silences) = (None, 0, 0);
                DAY.saturating_sub(self.share)
            }
            Answer::Refused => {
                self.refused_at = Some(now);
                self.silences = 0;
                step(&AFTER_REFUSALS, &mut self.refusals)
            }
            Answer::Silence => step(&AFTER_SILENCES, &mut self.silences),
        };
        self.next = later(now, pause);
        if let Some(refused) = self.refused_at {
            // A backend that was silent in between has not forgotten the refusals before.
            let taken = self.refusals.saturating_sub(1);
            let index = taken.min(AFTER_REFUSALS.len() - 1);
            self.next = self.next.max(later(refused, AFTER_REFUSALS[index]));
        }
    }
}

/// The next of `pauses`, counting on.
fn step(pauses: &[Duration], taken: &mut usize) -> Duration {
    let index = (*taken).min(pauses.len() - 1);
    *taken = taken.saturating_add(1);
    pauses[index]
}

fn later(instant: Timestamp, by: Duration) -> Timestamp {
    SignedDuration::try_from(by)
        .ok()
        .and_then(|by| instant.checked_add(by).ok())
        .unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEED: &str = "5f3c2a51-0000-4000-8000-000000000001/erp";

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).expect("an instant")
    }

    /// Seconds at which it is tried in `length` seconds that all answer alike.
    fn tries(timing: &mut Timing, answer: Answer, length: i64) -> Vec<i64> {
        let mut found = Vec::new();
        for second in 0..length {
            if timing.is_due(at(second)) {
                found.push(second);
                timing.answered(answer, at(second));
            }
        }
        found
    }

    #[test]
    fn an_accepted_login_is_tried_at_start_and_once_a_day_at_its_own_time() {
        let mut days = Vec::new();
        for credential in ["erp", "store", "redis"] {
            let mut timing = Timing::new(&format!("uid/{credential}"));
            let found = tries(&mut timing, Answer::Accepted, 2 * 86_400);
            assert_eq!(found[0], 0);
            assert_eq!(found.len(), 3, "{found:?}");
            let day = found[1];
            assert!((82_800..=86_400).contains(&day), "{day}");
            assert_eq!(found[2], 2 * day);
            days.push(day);
        }
        days.dedup();
        assert_eq!(days.len(), 3, "all at the same time: {days:?}");
    }

    #[test]
    fn a_refused_login_is_tried_ever_more_rarely() {
        let found = tries(&mut Timing::new(SEED), Answer::Refused, 3 * 3_600);
        assert_eq!(found, [0, 60, 360, 2_160, 5_760, 9_360]);
    }

    #[test]
    fn changes_never_bring_more_than_one_refusal_a_minute() {
        let mut timing = Timing::new(SEED);
        let mut found = Vec::new();
        for second in 0..600 {
            timing.changed(at(second));
            if timing.is_due(at(second)) {
                found.push(second);
                timing.answered(Answer::Refused, at(second));
            }
        }
        assert_eq!(found, [0, 60, 120, 180, 240, 300, 360, 420, 480, 540]);
    }

    #[test]
    fn a_changed_value_is_tried_at_once_when_the_last_one_was_accepted() {
        let mut timing = Timing::new(SEED);
        timing.answered(Answer::Accepted, at(0));
        assert!(!timing.is_due(at(1)));
        timing.changed(at(1));
        assert!(timing.is_due(at(1)));
    }

    #[test]
    fn a_silent_backend_is_asked_again_soon() {
        let found = tries(&mut Timing::new(SEED), Answer::Silence, 1_000);
        assert_eq!(found, [0, 60, 360, 660, 960]);
    }

    #[test]
    fn silence_in_between_does_not_make_refusals_more_frequent() {
        let mut timing = Timing::new(SEED);
        for second in [0, 60, 360] {
            assert!(timing.is_due(at(second)));
            timing.answered(Answer::Refused, at(second));
        }
        assert!(!timing.is_due(at(2_159)));
        assert!(timing.is_due(at(2_160)));
        timing.answered(Answer::Silence, at(400));
        assert!(!timing.is_due(at(2_159)));
        assert!(timing.is_due(at(2_160)));
    }

    #[test]
    fn one_acceptance_forgets_the_refusals() {
        let mut timing = Timing::new(SEED);
        tries(&mut timing, Answer::Refused, 3_600);
        timing.answered(Answer::Accepted, at(4_000));
        timing.changed(at(4_001));
        timing.answered(Answer::Refused, at(4_001));
        assert!(timing.is_due(at(4_061)));
    }
}
