//! The store: the ledger itself behind messages, with the bugs a database can be made to have.

use std::time::Duration;

use super::flaw::Flaw;
use super::{MILLI, Nanos};
use crate::epochs::holder::ReadId;
use crate::epochs::ledger::Ledger;
use crate::epochs::{Member, ProcessId, Reading, Revision, Scope};

/// A question to the store.
#[derive(Clone, Debug)]
pub(super) enum Question {
    Read(ReadId, ProcessId, Revision),
    Register(ProcessId, Duration),
    Confirm(ProcessId, Revision),
    Raise(usize, String, Vec<Scope>),
    Roster,
    Expel(ProcessId),
    Remove(ProcessId),
}

/// What it says.
#[derive(Clone, Debug)]
pub(super) enum Reply {
    Read(Reading),
    Raised(Revision),
    Roster(Vec<Member>),
    Done,
}

#[derive(Debug, Default)]
pub(super) struct Store {
    ledger: Ledger,
    /// States of the last while, for reads from an earlier snapshot.
    earlier: Vec<(Nanos, Ledger)>,
    pub(super) stalled_until: Nanos,
}

impl Store {
    pub(super) fn revision(&self) -> Revision {
        self.ledger.revision
    }

    pub(super) fn keep_snapshot(&mut self, now: Nanos) {
        self.earlier.push((now, self.ledger.clone()));
    }

    pub(super) fn answer(&mut self, question: &Question, flaw: Flaw, now: Nanos) -> Reply {
        match question {
            Question::Read(_, process, since) => {
                let mut reading = self.snapshot(flaw, now).read(process, *since);
                if matches!(flaw, Flaw::ServesUnregistered | Flaw::IgnoresExpulsion) {
                    reading.registered = true;
                }
                return Reply::Read(reading);
            }
            Question::Register(process, lease) if flaw != Flaw::ServesUnregistered => {
                self.ledger.register(process, *lease);
            }
            Question::Register(..) => {}
            Question::Confirm(process, revision) => self.ledger.confirm(process, *revision),
            Question::Raise(_, action, scopes) => {
                let revision = self.ledger.raise(action, scopes, Revision(0));
                return Reply::Raised(revision);
            }
            Question::Roster => return Reply::Roster(self.roster(flaw)),
            Question::Expel(process) if flaw == Flaw::RemovesAtOnce => {
                self.ledger.remove(process);
            }
            Question::Expel(process) => self.ledger.expel(process),
            Question::Remove(process) => self.ledger.remove(process),
        }
        Reply::Done
    }

    /// For revisions out of a sequence: takes a number and shows nothing yet.
    pub(super) fn take_number(&mut self, action: &str) -> Option<Revision> {
        if self.ledger.actions.contains_key(action) {
            return None;
        }
        let taken = self.ledger.actions.values().max();
        let next = Revision(taken.copied().unwrap_or_default().0 + 1);
        self.ledger.actions.insert(action.to_owned(), next);
        Some(next)
    }

    /// For revisions out of a sequence: shows what was raised under a number.
    pub(super) fn show(&mut self, revision: Revision, scopes: Vec<Scope>) {
        self.ledger.raised.insert(revision, scopes);
        self.ledger.revision = self.ledger.revision.max(revision);
    }

    fn snapshot(&self, flaw: Flaw, now: Nanos) -> &Ledger {
        if flaw != Flaw::ReadFromEarlierSnapshot {
            return &self.ledger;
        }
        let old = |(at, _): &&(Nanos, Ledger)| *at + 20 * MILLI <= now;
        let earlier = self.earlier.iter().rev().find(old);
        earlier.map_or(&self.ledger, |(_, ledger)| ledger)
    }

    fn roster(&self, flaw: Flaw) -> Vec<Member> {
        let mut roster = self.ledger.roster();
        if flaw == Flaw::NoRateMargin {
            for member in &mut roster {
                // The revoker adds the margin that is taken away here.
                member.lease = member.lease.mul_f64(0.99 / 1.01);
            }
        }
        roster
    }
}
