//! Which connections a pool takes while its login changes: the pure core of a swap.
//!
//! ```text
//! offer ─ proof ─▶ promote: a higher number ─▶ one newer connection for each older one ─▶ close the rest
//! ```
//!
//! A *generation* is an immutable login with a number. Every attempt to connect and every connection
//! carries the number it began with. Whatever arrives with an older number than the pool's is closed: a
//! login that was under way when the pool changed its mind never gets in. A connection that is returned
//! with an older number goes when a newer one stands by for it, so that callers never have fewer
//! connections than before, and always once the swap is over. Going back is a promotion like any other.

mod attempts;

pub(crate) use attempts::{Attempts, Verdict};

/// The numbers of the generations in use.
#[derive(Debug)]
pub(crate) struct Succession {
    newest: u64,
    /// Connections of older generations are closed when they are returned.
    oldest: u64,
    /// Newer connections that stand by, each for an older one still in use.
    stand_by: usize,
}

impl Succession {
    /// The generation a pool begins with.
    pub(crate) fn new() -> Self {
        Self {
            newest: 1,
            oldest: 1,
            stand_by: 0,
        }
    }

    /// The generation that new connections belong to.
    pub(crate) fn newest(&self) -> u64 {
        self.newest
    }

    /// Begins a swap.
    pub(crate) fn promote(&mut self) -> u64 {
        self.newest += 1;
        self.stand_by = 0;
        self.newest
    }

    /// Whether a connection that was just opened may enter the pool.
    pub(crate) fn admits(&self, generation: u64) -> bool {
        generation == self.newest
    }

    /// Whether a connection that is returned may be used again.
    pub(crate) fn keeps(&mut self, generation: u64) -> bool {
        if generation == self.newest {
            return true;
        }
        if generation < self.oldest {
            return false;
        }
        match self.stand_by.checked_sub(1) {
            Some(left) => {
                self.stand_by = left;
                false
            }
            None => true,
        }
    }

    /// A newer connection stands by, for the next older one that is returned.
    pub(crate) fn stands_by(&mut self) {
        self.stand_by += 1;
    }

    /// Whether a newer connection waits for an older one to be returned.
    pub(crate) fn someone_stands_by(&self) -> bool {
        self.stand_by > 0
    }

    /// Ends the swap to `generation`, unless another has begun meanwhile.
    pub(crate) fn close_older_than(&mut self, generation: u64) {
        if generation == self.newest {
            self.oldest = generation;
            self.stand_by = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_login_under_way_at_the_swap_never_gets_in() {
        let mut succession = Succession::new();
        let under_way = succession.newest();
        assert!(succession.admits(under_way));
        let promoted = succession.promote();
        assert!(!succession.admits(under_way));
        assert!(succession.admits(promoted));
    }

    #[test]
    fn an_older_connection_goes_when_a_newer_one_stands_by_or_the_swap_is_over() {
        let mut succession = Succession::new();
        let old = succession.newest();
        let new = succession.promote();
        assert!(succession.keeps(old), "nothing stands by yet");
        succession.stands_by();
        assert!(!succession.keeps(old));
        assert!(succession.keeps(old), "one for one");
        succession.close_older_than(new);
        assert!(!succession.keeps(old));
        assert!(succession.keeps(new));
    }

    #[test]
    fn a_swap_that_was_overtaken_ends_nothing() {
        let mut succession = Succession::new();
        let first = succession.promote();
        let second = succession.promote();
        succession.close_older_than(first);
        assert!(succession.keeps(first), "the second swap still needs it");
        succession.close_older_than(second);
        assert!(!succession.keeps(first));
    }

    proptest! {
        /// While a swap lasts, no more older connections are closed than newer ones have come.
        #[test]
        fn nobody_loses_a_connection_before_another_is_there(steps in proptest::collection::vec(any::<bool>(), 0..200)) {
            let mut succession = Succession::new();
            let old = succession.newest();
            succession.promote();
            let (mut came, mut went) = (0, 0);
            for comes in steps {
                if comes {
                    succession.stands_by();
                    came += 1;
                } else if !succession.keeps(old) {
                    went += 1;
                }
                prop_assert!(went <= came);
            }
        }
    }
}
