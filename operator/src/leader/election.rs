//! The decisions of leader election: whose Lease it is and what to write. Pure: time is an input.
//!
//! Clocks of different machines are never compared. Like client-go, an observer counts a foreign
//! Lease as valid for its duration *since it last saw it change*, on its own monotonic clock.

use std::time::Duration;

use tokio::time::Instant;

/// Lengths of an election. `poll` < `renew_every` < `renew_within` < `lease`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// How long others wait after the last change they saw.
    pub lease: Duration,
    /// How long after its last renewal a leader may still work.
    pub renew_within: Duration,
    /// Pause between renewals.
    pub renew_every: Duration,
    /// Pause between looks of a replica that waits, and between attempts after a failure.
    pub poll: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(15),
            renew_within: Duration::from_secs(10),
            renew_every: Duration::from_secs(2),
            poll: Duration::from_secs(1),
        }
    }
}

/// What a Lease says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Who holds it; empty: nobody.
    pub holder: String,
    /// For how long since its last change.
    pub duration: Duration,
    /// How often the holder changed.
    pub transitions: i32,
    /// Whether this write begins a new term, which sets `acquireTime`.
    pub new_term: bool,
    /// `resourceVersion` that was read; a write is refused when it is no longer this.
    pub version: String,
}

/// What to do after a look at the Lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// It belongs to another.
    Wait,
    /// There is none: create it.
    Create(Record),
    /// It is ours or nobody's: write it.
    Update(Record),
}

/// One replica's view of the election.
#[derive(Debug)]
pub struct Election {
    identity: String,
    timing: Timing,
    seen: Option<(String, Instant)>,
    held_since: Option<Instant>,
}

impl Election {
    /// A replica that has not looked yet.
    pub fn new(identity: &str, timing: Timing) -> Self {
        Self {
            identity: identity.to_owned(),
            timing,
            seen: None,
            held_since: None,
        }
    }

    /// The lengths in use.
    pub fn timing(&self) -> Timing {
        self.timing
    }

    /// What to do, given what the Lease says `now`.
    pub fn observe(&mut self, record: Option<&Record>, now: Instant) -> Step {
        let Some(record) = record else {
            return Step::Create(self.claim(0, true, String::new()));
        };
        let changed = self
            .seen
            .as_ref()
            .is_none_or(|(version, _)| *version != record.version);
        if changed {
            self.seen = Some((record.version.clone(), now));
        }
        let since = self.seen.as_ref().map_or(now, |(_, since)| *since);
        let mine = record.holder == self.identity;
        if mine && self.held_since.is_some() {
            return Step::Update(self.claim(record.transitions, false, record.version.clone()));
        }
        // Our name without our renewal is a former life of this pod: its work is over, but its
        // Lease is honoured like a foreign one only if the process may still run, and it does not.
        let free = record.holder.is_empty() || mine || now >= since + record.duration;
        if self.held_since.is_some() || !free {
            return Step::Wait;
        }
        let transitions = record.transitions.saturating_add(1);
        Step::Update(self.claim(transitions, true, record.version.clone()))
    }

    /// A write that was sent at `sent` succeeded and gave the Lease this version.
    pub fn held(&mut self, version: String, sent: Instant) {
        self.seen = Some((version, sent));
        self.held_since = Some(sent);
    }

    /// When the work must have stopped.
    pub fn deadline(&self) -> Instant {
        self.held_since.unwrap_or_else(Instant::now) + self.timing.renew_within
    }

    /// What to write to give the Lease back; nothing when it is not ours.
    pub fn release(&mut self, record: &Record) -> Option<Record> {
        if record.holder != self.identity {
            return None;
        }
        self.held_since = None;
        Some(Record {
            holder: String::new(),
            duration: Duration::from_secs(1),
            transitions: record.transitions,
            new_term: false,
            version: record.version.clone(),
        })
    }

    fn claim(&self, transitions: i32, new_term: bool, version: String) -> Record {
        Record {
            holder: self.identity.clone(),
            duration: self.timing.lease,
            transitions,
            new_term,
            version,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(holder: &str, version: &str) -> Record {
        Record {
            holder: holder.to_owned(),
            duration: Duration::from_secs(15),
            transitions: 3,
            new_term: false,
            version: version.to_owned(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_foreign_lease_counts_from_its_last_change_on_our_own_clock() {
        let mut election = Election::new("me", Timing::default());
        let start = Instant::now();
        let second = Duration::from_secs(1);
        assert_eq!(
            election.observe(Some(&record("you", "1")), start),
            Step::Wait
        );
        let renewed = start + 14 * second;
        assert_eq!(
            election.observe(Some(&record("you", "2")), renewed),
            Step::Wait
        );
        let almost = renewed + 15 * second - Duration::from_millis(1);
        assert_eq!(
            election.observe(Some(&record("you", "2")), almost),
            Step::Wait
        );
        let Step::Update(taken) =
            election.observe(Some(&record("you", "2")), renewed + 15 * second)
        else {
            panic!("an expired Lease is taken");
        };
        assert_eq!(
            (taken.transitions, taken.new_term, taken.version.as_str()),
            (4, true, "2")
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_returned_lease_is_taken_at_the_first_look() {
        let mut election = Election::new("me", Timing::default());
        let step = election.observe(Some(&record("", "7")), Instant::now());
        assert!(matches!(step, Step::Update(_)), "{step:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_leader_whose_lease_was_taken_does_not_take_it_back() {
        let mut election = Election::new("me", Timing::default());
        let now = Instant::now();
        assert!(matches!(election.observe(None, now), Step::Create(_)));
        election.held("1".to_owned(), now);
        let late = now + Duration::from_secs(3600);
        assert_eq!(
            election.observe(Some(&record("you", "9")), late),
            Step::Wait
        );
        assert_eq!(election.release(&record("you", "9")), None);
    }
}
