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

/// Time between the first two looks at the roster, or attempts to commit; doubles up to [`SLOWEST`].
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
    Raising {
        pace: Duration,
    },
    Waiting {
        committed: Committed,
        pace: Duration,
    },
    Done(Committed),
}

/// What is known since the commit.
#[derive(Clone, Debug)]
struct Committed {
    revision: Revision,
    /// Not before the commit.
    since: Moment,
    roster: Option<Vec<Member>>,
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
            state: State::Raising { pace: QUICKEST },
            busy: false,
            next: Moment::default(),
        }
    }

    /// When to send [`Event::Tick`]; `None` when only an answer helps, or it is over.
    pub fn due(&self) -> Option<Moment> {
        let poll = (!self.busy).then_some(self.next);
        match &self.state {
            State::Raising { .. } => poll,
            State::Waiting { committed, .. } => {
                let safe_at = committed.safe_at();
                Some(poll.map_or(safe_at, |poll| poll.min(safe_at)))
            }
            State::Done(_) => None,
        }
    }

    /// The revision and when its commit was answered; `None` before that.
    pub fn committed(&self) -> Option<(Revision, Moment)> {
        let committed = self.state.committed()?;
        Some((committed.revision, committed.since))
    }

    /// How each process of the last roster stands; `None` without one.
    pub fn roster(&self) -> Option<&[Member]> {
        self.state.committed()?.roster.as_deref()
    }

    /// Takes in one event at `now`.
    pub fn step(&mut self, now: Moment, event: Event) -> Vec<Action> {
        let raising = matches!(self.state, State::Raising { .. });
        match event {
            Event::Tick => {}
            Event::Raised(revision) if raising => {
                self.busy = false;
                self.next = now;
                let committed = Committed {
                    revision,
                    since: now,
                    roster: None,
                };
                let pace = QUICKEST;
                self.state = State::Waiting { committed, pace };
            }
            Event::RaiseFailed if raising => self.pause(now),
            Event::Roster(members) => self.looked(now, Some(members)),
            Event::LookFailed => self.looked(now, None),
            Event::Raised(_) | Event::RaiseFailed => {}
        }
        self.go_on(now)
    }

    /// Lets some time go by before the next operation, more each time.
    fn pause(&mut self, now: Moment) {
        let (State::Raising { pace } | State::Waiting { pace, .. }) = &mut self.state else {
            return;
        };
        self.next = now.after(*pace);
        *pace = (*pace * 2).min(SLOWEST);
        self.busy = false;
    }

    fn looked(&mut self, now: Moment, seen: Option<Vec<Member>>) {
        let State::Waiting { committed, .. } = &mut self.state else {
            return;
        };
        if seen.is_some() {
            committed.roster = seen;
        }
        self.pause(now);
    }

    fn go_on(&mut self, now: Moment) -> Vec<Action> {
        let ready = !self.busy && now >= self.next;
        match &self.state {
            State::Raising { .. } if ready => {
                self.busy = true;
                vec![Action::Raise(self.action.clone(), self.scopes.clone())]
            }
            State::Waiting { committed, .. } => {
                let revision = committed.revision;
                if now >= committed.safe_at() {
                    let mut actions = vec![Action::Acknowledge(revision)];
                    actions.extend(committed.silent().map(Action::Expel));
                    self.state = State::Done(committed.clone());
                    actions
                } else if ready {
                    self.busy = true;
                    vec![Action::Wake(revision), Action::Look]
                } else {
                    Vec::new()
                }
            }
            State::Raising { .. } | State::Done(_) => Vec::new(),
        }
    }
}

impl State {
    fn committed(&self) -> Option<&Committed> {
        match self {
            Self::Raising { .. } => None,
            Self::Waiting { committed, .. } | Self::Done(committed) => Some(committed),
        }
    }
}

impl Committed {
    /// When the last lease from before the commit is over, for those who have not confirmed.
    fn safe_at(&self) -> Moment {
        let Some(roster) = &self.roster else {
            return self.since.after(outlasting(LONGEST_LEASE));
        };
        let waited_for = roster.iter().filter(|m| m.confirmed < self.revision);
        let longest = waited_for.map(|member| outlasting(member.lease)).max();
        self.since.after(longest.unwrap_or_default())
    }

    /// Who was waited for in vain.
    fn silent(&self) -> impl Iterator<Item = ProcessId> {
        let members = self.roster.iter().flatten();
        let silent = members.filter(|m| m.confirmed < self.revision && !m.expelled);
        silent.map(|member| member.process.clone())
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

    #[test]
    fn a_store_that_refuses_at_once_is_not_asked_without_a_break() {
        let mut revoker = Revoker::new("iact-1", vec![Scope::All]);
        let mut now = at(0);
        let mut attempts = 0;
        while now < at(2_000) {
            attempts += revoker.step(now, Event::Tick).len();
            revoker.step(now, Event::RaiseFailed);
            now = revoker.due().unwrap();
        }
        assert!(attempts < 20, "{attempts} in two seconds");
    }
}
