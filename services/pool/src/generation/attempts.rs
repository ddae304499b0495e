//! How often a login may be tried, so that a wrong secret never locks an account.
//!
//! In any minute a pool has at most three logins refused: two of the login in use, one of a login that is
//! offered in its place. A login under way counts as if it were refused already, which also bounds how many
//! connections are opened at once. A login that was never accepted is tried by one at a time.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The span in which refusals are counted.
const WINDOW: Duration = Duration::from_secs(60);
/// Refusals of the login in use within [`WINDOW`]; also the logins under way at once.
const IN_USE: usize = 2;
/// Refusals of offered logins within [`WINDOW`].
const OFFERED: usize = 1;
/// A refused login in use is tried again after this long at the earliest.
const PAUSE: Duration = Duration::from_secs(30);

/// Whether a login may be tried now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It may.
    Go,
    /// As many are under way as may be; one of them ends soon.
    Busy,
    /// It was refused a short while ago.
    TooSoon,
}

/// What became of the logins of one pool.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    under_way: usize,
    was_accepted: bool,
    /// Since when a login that was accepted before is refused.
    lapsed: Option<Instant>,
    in_use: VecDeque<Instant>,
    offered: VecDeque<Instant>,
}

impl Attempts {
    /// Whether the login in use may be tried; if so, it is under way until [`Attempts::ended`].
    pub(crate) fn start(&mut self, now: Instant) -> Verdict {
        forget(&mut self.in_use, now);
        let last = self.in_use.back();
        let is_fresh = last.is_some_and(|last| now.duration_since(*last) < PAUSE);
        if is_fresh || self.in_use.len() >= IN_USE {
            return Verdict::TooSoon;
        }
        let bound = if self.was_accepted && self.in_use.is_empty() {
            IN_USE
        } else {
            1
        };
        if self.under_way >= bound {
            return Verdict::Busy;
        }
        self.under_way += 1;
        Verdict::Go
    }

    /// An attempt begun by [`Attempts::start`] is over: accepted, refused, or neither. One that began
    /// with an older login says nothing about the one in use.
    pub(crate) fn ended(&mut self, outcome: Option<bool>, is_in_use: bool, now: Instant) {
        self.under_way = self.under_way.saturating_sub(1);
        match outcome {
            Some(true) if is_in_use => self.accepted(),
            Some(false) if is_in_use => {
                self.in_use.push_back(now);
                if self.was_accepted {
                    self.lapsed.get_or_insert(now);
                }
            }
            _ => {}
        }
    }

    /// Attempts that have begun and not ended.
    pub(crate) fn under_way(&self) -> usize {
        self.under_way
    }

    /// Whether a login that is offered may be tried; offers come one at a time. Counts as refused unless
    /// told otherwise, so that an offer nobody waits for any more counts too.
    pub(crate) fn start_offer(&mut self, now: Instant) -> Verdict {
        forget(&mut self.offered, now);
        if self.offered.len() >= OFFERED {
            return Verdict::TooSoon;
        }
        self.offered.push_back(now);
        Verdict::Go
    }

    /// The offered login was neither accepted nor refused.
    pub(crate) fn offer_unheard(&mut self) {
        self.offered.pop_back();
    }

    /// An offered login was accepted and is the one in use from here on.
    pub(crate) fn promoted(&mut self) {
        self.accepted();
        self.offered.clear();
    }

    fn accepted(&mut self) {
        self.was_accepted = true;
        self.lapsed = None;
        self.in_use.clear();
    }

    /// Whether the login in use was accepted before and is refused now, for no longer than `span`.
    pub(crate) fn has_lapsed_within(&self, span: Duration, now: Instant) -> bool {
        self.lapsed
            .is_some_and(|since| now.duration_since(since) < span)
    }
}

fn forget(refusals: &mut VecDeque<Instant>, now: Instant) {
    while refusals
        .front()
        .is_some_and(|first| now.duration_since(*first) >= WINDOW)
    {
        refusals.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_accepted_login_is_tried_by_two_at_once_and_an_unknown_one_by_one() {
        let now = Instant::now();
        let mut attempts = Attempts::default();
        assert_eq!(attempts.start(now), Verdict::Go);
        assert_eq!(attempts.start(now), Verdict::Busy);
        attempts.ended(Some(true), true, now);
        assert_eq!(attempts.start(now), Verdict::Go);
        assert_eq!(attempts.start(now), Verdict::Go);
        assert_eq!(attempts.start(now), Verdict::Busy);
    }

    #[test]
    fn a_refusal_makes_everybody_wait_and_an_unreachable_server_nobody() {
        let now = Instant::now();
        let mut attempts = Attempts::default();
        assert_eq!(attempts.start(now), Verdict::Go);
        attempts.ended(None, true, now);
        assert_eq!(attempts.start(now), Verdict::Go);
        attempts.ended(Some(false), true, now);
        assert_eq!(attempts.start(now), Verdict::TooSoon);
        assert_eq!(attempts.start(now + PAUSE), Verdict::Go);
    }

    #[test]
    fn a_login_offered_in_place_of_a_refused_one_is_tried_at_once() {
        let now = Instant::now();
        let mut attempts = Attempts::default();
        for _ in 0..IN_USE {
            assert_eq!(attempts.start(now), Verdict::Go);
            attempts.was_accepted = true;
        }
        attempts.ended(Some(false), true, now);
        attempts.ended(Some(false), true, now);
        assert_eq!(attempts.start(now), Verdict::TooSoon);
        assert_eq!(attempts.start_offer(now), Verdict::Go);
        attempts.promoted();
        assert_eq!(attempts.start(now), Verdict::Go);
    }

    #[test]
    fn a_refused_offer_takes_nothing_from_the_login_in_use() {
        let now = Instant::now();
        let mut attempts = Attempts::default();
        assert_eq!(attempts.start_offer(now), Verdict::Go);
        assert_eq!(attempts.start_offer(now), Verdict::TooSoon);
        assert_eq!(attempts.start(now), Verdict::Go);
        assert_eq!(attempts.start_offer(now + WINDOW), Verdict::Go);
        attempts.offer_unheard();
        assert_eq!(attempts.start_offer(now + WINDOW), Verdict::Go);
    }

    #[test]
    fn an_attempt_with_an_older_login_says_nothing_about_the_new_one() {
        let now = Instant::now();
        let mut attempts = Attempts::default();
        assert_eq!(attempts.start(now), Verdict::Go);
        attempts.promoted();
        attempts.ended(Some(false), false, now);
        assert_eq!(attempts.start(now), Verdict::Go);
    }

    #[test]
    fn only_a_login_that_was_accepted_before_can_lapse() {
        let now = Instant::now();
        let mut attempts = Attempts::default();
        assert_eq!(attempts.start(now), Verdict::Go);
        attempts.ended(Some(false), true, now);
        assert!(!attempts.has_lapsed_within(WINDOW, now));
        attempts.promoted();
        assert_eq!(attempts.start(now), Verdict::Go);
        attempts.ended(Some(false), true, now);
        assert!(attempts.has_lapsed_within(PAUSE, now));
        assert!(!attempts.has_lapsed_within(PAUSE, now + PAUSE));
    }

    proptest! {
        /// Whoever asks how often, in whatever order logins end: three refusals in any minute.
        #[test]
        fn no_minute_has_more_than_three_refusals(
            steps in proptest::collection::vec((0_u8..3, 0_u64..20), 1..400),
        ) {
            let mut now = Instant::now();
            let mut attempts = Attempts { was_accepted: true, ..Attempts::default() };
            let mut under_way = 0;
            let mut refused: Vec<Instant> = Vec::new();
            for (step, seconds) in steps {
                now += Duration::from_secs(seconds);
                match step {
                    0 if attempts.start(now) == Verdict::Go => under_way += 1,
                    1 if under_way > 0 => {
                        under_way -= 1;
                        attempts.ended(Some(false), true, now);
                        refused.push(now);
                    }
                    2 if attempts.start_offer(now) == Verdict::Go => refused.push(now),
                    _ => {}
                }
                let recent = refused.iter().filter(|at| now - **at < WINDOW).count();
                prop_assert!(recent <= IN_USE + OFFERED, "{recent}");
            }
        }
    }
}
