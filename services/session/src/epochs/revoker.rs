//! Whoever revokes: raise the epochs, wake the processes, wait until none can accept any more.
//!
//! After the commit a process may be judging by an older view only if it holds a lease from a read
//! sent before. So for each process of a roster that was asked for after the commit one of two is
//! enough: it has confirmed, or its whole lease has gone by since. A process that is not in that
//! roster registered later, and so read later, or holds no lease any more.
//!
//! A revoker may crash at any point: another one with the same action takes over from the start,
//! and the store gives it the same revision.

use std::time::Duration;

use super::clock::{LONGEST_LEASE, Moment, outlasting};
use super::store::{Member, ProcessId};
use super::{Revision, Scope};

/// Time between the first two looks at the roster; doubles up to [`SLOWEST`].
const QUICKEST: Duration = Duration::from_millis(5);
const SLOWEST: Duration = Duration::from_millis(200);

/// What a revoker hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Time went by; see [`Revoker::due`].
    Tick,
    /// The raise is committed.
    Raised(Revision),
    /// The raise was not answered; it may have happened.
    RaiseFailed,
    /// The roster, in answer to the last look.
    Roster(Vec<Member>),
    /// The look was not answered.
    LookFailed,
}

/// What a revoker does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Raise the epochs of the scopes under this action's name.
    Raise(String, Vec<Scope>),
    /// Tell all processes, if possible, that there is this revision.
    Wake(Revision),
    /// Look at the roster.
    Look,
    /// Have the store give this process no further lease. Needs no answer.
    Expel(ProcessId),
    /// From now on no process accepts a revoked token for a request that begins.
    Acknowledge(Revision),
}

#[derive(Clone, Debug)]
enum State {
    Raising,
    Waiting {
        revision: Revision,
        /// Not before the commit.
        since: Moment,
        roster: Option<Vec<Member>>,
        pace: Duration,
    },
    Done,
}

/// One revocation under way.
#[derive(Clone, Debug)]
pub struct Revoker {
    action: String,
    scopes: Vec<Scope>,
    state: State,
    /// An answer is awaited.
    busy: bool,
    next: Moment,
}

impl Revoker {
    /// A revocation of `scopes`. `action` is its name, the same whenever it is resumed and never
    /// used for another.
    pub fn new(action: impl Into<String>, scopes: Vec<Scope>) -> Self {
        Self {
            action: action.into(),
            scopes,
            state: State::Raising,
            busy: false,
            next: Moment::default(),
        }
    }

    /// When to send [`Event::Tick`]; `None` when only an answer helps, or it is over.
    pub fn due(&self) -> Option<Moment> {
        let poll = (!self.busy).then_some(self.next);
        match self.state {
            State::Raising => poll,
            State::Waiting { .. } => Some(poll.map_or(self.safe_at(), |p| p.min(self.safe_at()))),
            State::Done => None,
        }
    }

    /// Takes in one event at `now`.
    pub fn step(&mut self, now: Moment, event: Event) -> Vec<Action> {
        let raising = matches!(self.state, State::Raising);
        match event {
            Event::Tick => {}
            Event::Raised(revision) if raising => {
                self.busy = false;
                self.next = now;
                self.state = State::Waiting {
                    revision,
                    since: now,
                    roster: None,
                    pace: QUICKEST,
                };
            }
            Event::RaiseFailed if raising => self.pause(now, QUICKEST),
            Event::Roster(members) => self.looked(now, Some(members)),
            Event::LookFailed => self.looked(now, None),
            Event::Raised(_) | Event::RaiseFailed => {}
        }
        self.go_on(now)
    }

    fn pause(&mut self, now: Moment, wait: Duration) {
        self.busy = false;
        self.next = now.after(wait);
    }

    fn looked(&mut self, now: Moment, seen: Option<Vec<Member>>) {
        let State::Waiting { roster, pace, .. } = &mut self.state else {
            return;
        };
        if seen.is_some() {
            *roster = seen;
        }
        let wait = *pace;
        *pace = (wait * 2).min(SLOWEST);
        self.pause(now, wait);
    }

    fn go_on(&mut self, now: Moment) -> Vec<Action> {
        let ready = !self.busy && now >= self.next;
        match &self.state {
            State::Raising if ready => {
                self.busy = true;
                vec![Action::Raise(self.action.clone(), self.scopes.clone())]
            }
            State::Waiting { revision, .. } => {
                let revision = *revision;
                if now >= self.safe_at() {
                    let mut actions = vec![Action::Acknowledge(revision)];
                    actions.extend(self.silent().into_iter().map(Action::Expel));
                    self.state = State::Done;
                    actions
                } else if ready {
                    self.busy = true;
                    vec![Action::Wake(revision), Action::Look]
                } else {
                    Vec::new()
                }
            }
            State::Raising | State::Done => Vec::new(),
        }
    }

    /// When the last lease from before the commit is over, for those who have not confirmed.
    fn safe_at(&self) -> Moment {
        let State::Waiting {
            revision,
            since,
            roster,
            ..
        } = &self.state
        else {
            return Moment::default();
        };
        let Some(roster) = roster else {
            return since.after(outlasting(LONGEST_LEASE));
        };
        let waited_for = roster.iter().filter(|m| m.confirmed < *revision);
        let longest = waited_for.map(|member| outlasting(member.lease)).max();
        since.after(longest.unwrap_or_default())
    }

    /// Who was waited for in vain.
    fn silent(&self) -> Vec<ProcessId> {
        let State::Waiting {
            revision,
            roster: Some(roster),
            ..
        } = &self.state
        else {
            return Vec::new();
        };
        let silent = roster
            .iter()
            .filter(|m| m.confirmed < *revision && !m.expelled);
        silent.map(|member| member.process.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Moment {
        Moment::from_nanos(millis * 1_000_000)
    }

    fn member(name: &str, confirmed: u64) -> Member {
        Member {
            process: ProcessId::new(name, 0),
            lease: Duration::from_secs(2),
            confirmed: Revision(confirmed),
            expelled: false,
        }
    }

    /// A revocation whose commit was answered at 1 s.
    fn committed() -> Revoker {
        let mut revoker = Revoker::new("iact-1", vec![Scope::All]);
        let actions = revoker.step(at(0), Event::Tick);
        assert_eq!(actions, [Action::Raise("iact-1".into(), vec![Scope::All])]);
        let actions = revoker.step(at(1_000), Event::Raised(Revision(7)));
        assert_eq!(actions, [Action::Wake(Revision(7)), Action::Look]);
        revoker
    }

    #[test]
    fn it_is_acknowledged_as_soon_as_everybody_confirmed() {
        let mut revoker = committed();
        let one_missing = vec![member("a", 7), member("b", 6)];
        assert!(
            revoker
                .step(at(1_001), Event::Roster(one_missing))
                .is_empty()
        );
        let due = revoker.due().unwrap();
        assert_eq!(revoker.step(due, Event::Tick).len(), 2, "looks again");
        let all = vec![member("a", 7), member("b", 9)];
        let actions = revoker.step(at(1_010), Event::Roster(all));
        assert_eq!(actions, [Action::Acknowledge(Revision(7))]);
        assert_eq!(revoker.due(), None);
    }

    #[test]
    fn a_silent_process_is_waited_for_by_its_lease_and_then_expelled() {
        let mut revoker = committed();
        revoker.step(at(1_001), Event::Roster(vec![member("a", 6)]));
        let early = revoker.step(at(3_040), Event::Tick);
        assert!(!early.contains(&Action::Acknowledge(Revision(7))));
        let actions = revoker.step(at(3_041), Event::Tick);
        let expel = Action::Expel(ProcessId::new("a", 0));
        assert_eq!(actions, [Action::Acknowledge(Revision(7)), expel]);
    }

    #[test]
    fn without_a_roster_the_longest_lease_anybody_may_hold_is_waited_for() {
        let mut revoker = committed();
        let early = revoker.step(at(31_000), Event::LookFailed);
        assert!(!early.contains(&Action::Acknowledge(Revision(7))));
        let actions = revoker.step(at(31_700), Event::Tick);
        assert_eq!(actions, [Action::Acknowledge(Revision(7))]);
    }

    #[test]
    fn an_unanswered_raise_is_sent_again_under_the_same_name() {
        let mut revoker = Revoker::new("iact-1", vec![Scope::All]);
        let first = revoker.step(at(0), Event::Tick);
        assert!(revoker.step(at(100), Event::RaiseFailed).is_empty());
        assert_eq!(revoker.step(revoker.due().unwrap(), Event::Tick), first);
    }
}
