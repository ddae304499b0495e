//! Forgets processes that vanished without a word, so that nobody waits for them for ever.
//!
//! A revoker that waited for a process in vain expels it: it gets no lease from then on, but may hold
//! one from just before, so it stays in the roster, and is waited for, until that one is over too.
//! Then the sweeper has it removed. A process that was only slow learns from its next read that it
//! is out, and registers anew.

use std::collections::HashMap;

use super::clock::{Moment, outlasting};
use super::store::{Member, ProcessId};

/// Since when each expelled process was seen to be expelled.
#[derive(Debug, Default)]
pub struct Sweeper {
    seen: HashMap<ProcessId, Moment>,
}

impl Sweeper {
    /// Nobody seen yet. What an earlier sweeper saw need not be known: the wait begins again.
    pub fn new() -> Self {
        Self::default()
    }

    /// The processes to remove, given a roster that arrived by `now`.
    pub fn observe(&mut self, now: Moment, roster: &[Member]) -> Vec<ProcessId> {
        let expelled: Vec<&Member> = roster.iter().filter(|member| member.expelled).collect();
        self.seen
            .retain(|process, _| expelled.iter().any(|member| member.process == *process));
        let mut over = Vec::new();
        for member in expelled {
            let seen = self.seen.entry(member.process.clone()).or_insert(now);
            if now >= seen.after(outlasting(member.lease)) {
                over.push(member.process.clone());
            }
        }
        over
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::Revision;
    use super::*;

    fn member(expelled: bool) -> Member {
        Member {
            process: ProcessId::new("api", 0),
            lease: Duration::from_secs(2),
            confirmed: Revision(0),
            expelled,
        }
    }

    fn at(millis: u64) -> Moment {
        Moment::from_nanos(millis * 1_000_000)
    }

    #[test]
    fn an_expelled_process_is_removed_a_whole_lease_after_it_was_seen() {
        let mut sweeper = Sweeper::new();
        assert!(sweeper.observe(at(0), &[member(true)]).is_empty());
        assert!(sweeper.observe(at(2_000), &[member(true)]).is_empty());
        assert_eq!(sweeper.observe(at(2_050), &[member(true)]).len(), 1);
    }

    #[test]
    fn a_member_in_good_standing_is_never_removed() {
        let mut sweeper = Sweeper::new();
        for now in [0, 10_000, 20_000] {
            assert!(sweeper.observe(at(now), &[member(false)]).is_empty());
        }
    }
}
