//! Who goes in and who waits: the limit, one lane per class, and the rules between them.
//!
//! People and exports share the limit. What becomes free goes to a person who waits before it goes to an export, and
//! exports never take the last share: half of the limit is out of their reach. Signing in is counted apart, since its
//! cost is CPU and not the database. A pure machine: the time comes in, and who may go on comes out.

use std::time::Duration;

use tokio::time::Instant;

use super::class::Class;
use super::lane::{Lane, Terms, Ticket};
use super::limit::Limit;

/// A page asks for several things at once and a person waits a second for them.
const PEOPLE: Terms = Terms {
    room: 512,
    burst: Duration::from_secs(1),
    standing: Duration::from_millis(50),
};
/// Who asks for a file expects to wait a little.
const EXPORTS: Terms = Terms {
    room: 32,
    burst: Duration::from_secs(3),
    standing: Duration::from_millis(500),
};
/// Everybody comes at eight in the morning, and would have to type the password again.
const SIGN_INS: Terms = Terms {
    room: 128,
    burst: Duration::from_secs(5),
    standing: Duration::from_secs(1),
};

/// The state of admission.
#[derive(Debug)]
pub(super) struct Gate<T> {
    limit: Limit,
    sign_ins_at_once: usize,
    sign_ins: Side<T>,
    people: Side<T>,
    exports: Side<T>,
}

/// The requests of one class.
#[derive(Debug)]
struct Side<T> {
    in_hand: usize,
    lane: Lane<T>,
}

impl<T: Ticket> Gate<T> {
    /// `cores` bound the sign-ins: two for each, so that one is at the database while another computes.
    pub(super) fn new(now: Instant, cores: usize) -> Self {
        let side = |terms| Side {
            in_hand: 0,
            lane: Lane::new(now, terms),
        };
        Self {
            limit: Limit::new(now),
            sign_ins_at_once: cores * 2,
            sign_ins: side(SIGN_INS),
            people: side(PEOPLE),
            exports: side(EXPORTS),
        }
    }

    /// Lets a request in if there is room and nobody waits before it; counts it then.
    pub(super) fn enter(&mut self, now: Instant, class: Class) -> bool {
        let Some(side) = self.side_mut(class) else {
            return true;
        };
        if side.lane.is_waiting(now) || !self.has_room(class) {
            return false;
        }
        self.count(class);
        true
    }

    /// Queues a request that was not let in, and says how long it may wait.
    pub(super) fn wait(&mut self, now: Instant, class: Class, ticket: T) -> Duration {
        let side = self.side_mut(class);
        side.map_or(Duration::ZERO, |side| side.lane.push(now, ticket))
    }

    /// Forgets who has given up.
    pub(super) fn tidy(&mut self, now: Instant, class: Class) {
        if let Some(side) = self.side_mut(class) {
            side.lane.tidy(now);
        }
    }

    /// A request has ended, after `took` if that tells how loaded we are. Returns who goes on; they are counted.
    pub(super) fn leave(
        &mut self,
        now: Instant,
        class: Class,
        took: Option<Duration>,
    ) -> Vec<(Class, T)> {
        // How long an export or a password hash takes depends on what it is, not on the load.
        if let (Class::Interactive, Some(took)) = (class, took) {
            let in_hand = self.people.in_hand + self.exports.in_hand;
            self.limit.observe(now, took, in_hand);
        }
        if let Some(side) = self.side_mut(class) {
            side.in_hand -= 1;
        }
        let mut next = Vec::new();
        for class in Class::LIMITED {
            while self.has_room(class)
                && let Some(ticket) = self.side_mut(class).and_then(|side| side.lane.pop(now))
            {
                self.count(class);
                next.push((class, ticket));
            }
        }
        next
    }

    /// The limit that people and exports share.
    pub(super) fn limit(&self) -> usize {
        self.limit.get()
    }

    /// Requests of a class: in hand, and waiting.
    pub(super) fn counts(&self, class: Class) -> (usize, usize) {
        let side = match class {
            Class::Essential => return (0, 0),
            Class::SignIn => &self.sign_ins,
            Class::Interactive => &self.people,
            Class::Export => &self.exports,
        };
        (side.in_hand, side.lane.len())
    }

    fn has_room(&self, class: Class) -> bool {
        let limit = self.limit.get();
        let in_hand = self.people.in_hand + self.exports.in_hand;
        match class {
            Class::Essential => true,
            Class::SignIn => self.sign_ins.in_hand < self.sign_ins_at_once,
            Class::Interactive => in_hand < limit,
            Class::Export => in_hand < limit && self.exports.in_hand < limit / 2,
        }
    }

    fn count(&mut self, class: Class) {
        if let Some(side) = self.side_mut(class) {
            side.in_hand += 1;
        }
    }

    fn side_mut(&mut self, class: Class) -> Option<&mut Side<T>> {
        match class {
            Class::Essential => None,
            Class::SignIn => Some(&mut self.sign_ins),
            Class::Interactive => Some(&mut self.people),
            Class::Export => Some(&mut self.exports),
        }
    }
}

#[cfg(test)]
mod tests;
