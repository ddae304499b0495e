//! Where requests of one class wait for their turn: a short bounded queue with a deadline per request.
//!
//! The rule is that of Maurer, "Fail at Scale" (ACM Queue 13(8), 2015), after CoDel (Nichols and Jacobson,
//! 2012): a queue that was empty a moment ago holds a burst, and whoever waits in it may wait for a while,
//! first come, first served. A queue that has not been empty for that while is a standing one: waiting
//! longer helps nobody, so each request gets a short time only, and the newest goes first. Its person still
//! looks at the page; the oldest has been waiting so long that its answer comes too late in any case, and to
//! serve in order would make everybody exactly that late. For the same reason a full queue gives up its oldest.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// Somebody who waits.
pub(super) trait Ticket {
    /// Whether they still do.
    fn is_wanted(&self) -> bool;
}

/// How a class waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    /// Requests that may wait.
    pub(super) room: usize,
    /// How long one may wait in a burst; a queue that stands for longer is no burst.
    pub(super) burst: Duration,
    /// How long one may wait in a standing queue.
    pub(super) standing: Duration,
}

/// A queue under its terms.
#[derive(Debug)]
pub(super) struct Lane<T> {
    terms: Terms,
    /// Oldest first, with the time until which each waits.
    queue: VecDeque<(Instant, T)>,
    emptied: Instant,
}

impl<T: Ticket> Lane<T> {
    pub(super) fn new(now: Instant, terms: Terms) -> Self {
        Self {
            terms,
            queue: VecDeque::new(),
            emptied: now,
        }
    }

    /// Queues a request and says how long it may wait.
    pub(super) fn push(&mut self, now: Instant, ticket: T) -> Duration {
        self.tidy(now);
        if self.queue.is_empty() {
            self.emptied = now;
        }
        let patience = if self.is_standing(now) {
            self.terms.standing
        } else {
            self.terms.burst
        };
        if self.queue.len() >= self.terms.room {
            self.queue.pop_front();
        }
        self.queue.push_back((now + patience, ticket));
        patience
    }

    /// Takes out whose turn it is.
    pub(super) fn pop(&mut self, now: Instant) -> Option<T> {
        self.tidy(now);
        let next = if self.is_standing(now) {
            self.queue.pop_back()
        } else {
            self.queue.pop_front()
        };
        if self.queue.is_empty() {
            self.emptied = now;
        }
        next.map(|(_, ticket)| ticket)
    }

    /// Requests that wait, among them some that have given up since the last change.
    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    /// Whether somebody waits.
    pub(super) fn is_waiting(&mut self, now: Instant) -> bool {
        self.tidy(now);
        !self.queue.is_empty()
    }

    fn is_standing(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.emptied) > self.terms.burst
    }

    /// Forgets who has given up.
    pub(super) fn tidy(&mut self, now: Instant) {
        self.queue
            .retain(|(until, ticket)| *until > now && ticket.is_wanted());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Ticket for u32 {
        fn is_wanted(&self) -> bool {
            true
        }
    }

    const TERMS: Terms = Terms {
        room: 3,
        burst: Duration::from_millis(100),
        standing: Duration::from_millis(10),
    };
    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_burst_is_served_in_order_and_may_wait() {
        let begun = Instant::now();
        let mut lane = Lane::new(begun, TERMS);
        let later = begun + 500 * MS;
        for ticket in 1..=3_u32 {
            assert_eq!(
                lane.push(later, ticket),
                TERMS.burst,
                "it was empty until now"
            );
        }
        assert_eq!(lane.pop(later + 50 * MS), Some(1));
        assert_eq!(lane.pop(later + 99 * MS), Some(2));
        assert_eq!(
            lane.pop(later + 100 * MS),
            None,
            "the third waited too long"
        );
    }

    #[test]
    fn in_a_standing_queue_the_newest_goes_first_and_nobody_waits_long() {
        let begun = Instant::now();
        let mut lane = Lane::new(begun, TERMS);
        // Never empty: each goes on after the next one has come.
        for tick in 0..7 {
            lane.push(begun + tick * 15 * MS, tick);
            if tick > 0 {
                assert_eq!(lane.pop(begun + tick * 15 * MS + MS), Some(tick - 1));
            }
        }
        let now = begun + 106 * MS;
        assert_eq!(lane.push(now, 100), TERMS.standing);
        assert_eq!(lane.push(now + MS, 101), TERMS.standing);
        assert_eq!(lane.pop(now + 2 * MS), Some(101));
        assert_eq!(lane.pop(now + 3 * MS), Some(100));
        assert!(
            lane.is_waiting(now + 3 * MS),
            "the one of before is still patient"
        );
        lane.push(now + 4 * MS, 102);
        assert_eq!(
            lane.pop(now + 15 * MS),
            Some(6),
            "the newer one had less patience"
        );
    }

    #[test]
    fn a_full_queue_gives_up_its_oldest() {
        let now = Instant::now();
        let mut lane = Lane::new(now, TERMS);
        for ticket in 1..=4_u32 {
            lane.push(now, ticket);
        }
        assert_eq!(lane.len(), 3);
        assert_eq!(lane.pop(now), Some(2));
    }
}
