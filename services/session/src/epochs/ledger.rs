//! The rules of an epoch store, on plain data: all of the in-process store, and the model of the
//! others.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use super::store::{Member, ProcessId, Reading};
use super::{Revision, Scope};

/// Epochs in the order in which they were raised, and the registered processes.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger {
    pub(super) revision: Revision,
    pub(super) settled: Revision,
    pub(super) raised: BTreeMap<Revision, Vec<Scope>>,
    pub(super) actions: HashMap<String, Revision>,
    pub(super) members: BTreeMap<ProcessId, Member>,
}

impl Ledger {
    /// A ledger under which no token from before `start` is valid.
    pub(super) fn starting_at(start: Revision) -> Self {
        Self {
            revision: start,
            settled: start,
            ..Self::default()
        }
    }

    pub(super) fn read(&self, process: &ProcessId, since: Revision) -> Reading {
        let news = self.raised.range(Revision(since.0.saturating_add(1))..);
        let raised = news.flat_map(|(epoch, scopes)| scopes.iter().map(|s| (s.clone(), *epoch)));
        Reading {
            revision: self.revision,
            settled: self.settled,
            raised: raised.collect(),
            registered: self.members.get(process).is_some_and(|m| !m.expelled),
        }
    }

    /// `present` is the least revision a new one may get.
    pub(super) fn raise(&mut self, action: &str, scopes: &[Scope], present: Revision) -> Revision {
        if let Some(revision) = self.actions.get(action) {
            return *revision;
        }
        self.revision = present.max(Revision(self.revision.0 + 1));
        if scopes.contains(&Scope::All) {
            self.raised.clear();
        }
        self.raised.insert(self.revision, scopes.to_vec());
        self.actions.insert(action.to_owned(), self.revision);
        self.revision
    }

    pub(super) fn register(&mut self, process: &ProcessId, lease: Duration) {
        let member = || Member {
            process: process.clone(),
            lease,
            confirmed: Revision::default(),
            expelled: false,
        };
        self.members.entry(process.clone()).or_insert_with(member);
    }

    pub(super) fn confirm(&mut self, process: &ProcessId, revision: Revision) {
        if let Some(member) = self.members.get_mut(process) {
            member.confirmed = member.confirmed.max(revision);
        }
    }

    pub(super) fn roster(&self) -> Vec<Member> {
        self.members.values().cloned().collect()
    }

    pub(super) fn expel(&mut self, process: &ProcessId) {
        if let Some(member) = self.members.get_mut(process) {
            member.expelled = true;
        }
    }

    pub(super) fn remove(&mut self, process: &ProcessId) {
        self.members.remove(process);
    }

    /// The tokens still alive were issued under the last revision up to `until`, or a later one.
    pub(super) fn settle(&mut self, until: Revision) {
        let Some(last) = self.raised.range(..=until).next_back().map(|(r, _)| *r) else {
            return;
        };
        self.settled = self.settled.max(last);
        self.raised = self.raised.split_off(&Revision(last.0 + 1));
        self.actions.retain(|_, revision| *revision > last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str) -> Vec<Scope> {
        vec![Scope::User(name.to_owned())]
    }

    #[test]
    fn an_action_is_raised_once() {
        let mut ledger = Ledger::default();
        let first = ledger.raise("a", &user("ana"), Revision(0));
        let second = ledger.raise("b", &user("bob"), Revision(0));
        assert!(second > first);
        assert_eq!(ledger.raise("a", &user("ana"), Revision(0)), first);
        assert_eq!(ledger.revision, second);
    }

    #[test]
    fn an_expelled_process_stays_in_the_roster_and_cannot_come_back_under_the_same_name() {
        let mut ledger = Ledger::default();
        let process = ProcessId::new("api", 0);
        ledger.register(&process, Duration::from_secs(2));
        assert!(ledger.read(&process, Revision(0)).registered);
        ledger.expel(&process);
        ledger.register(&process, Duration::from_secs(2));
        assert!(!ledger.read(&process, Revision(0)).registered);
        assert_eq!(ledger.roster().len(), 1);
        ledger.remove(&process);
        assert!(ledger.roster().is_empty());
    }

    #[test]
    fn settling_forgets_revocations_and_spares_tokens_issued_after_them() {
        let mut ledger = Ledger::default();
        ledger.raise("a", &user("ana"), Revision(10));
        ledger.raise("b", &user("bob"), Revision(20));
        ledger.raise("c", &user("eve"), Revision(30));
        // A token issued at 25 carries 20 and must not be lost.
        ledger.settle(Revision(25));
        let reading = ledger.read(&ProcessId::new("api", 0), Revision(0));
        assert_eq!(reading.settled, Revision(20));
        assert_eq!(reading.raised, [(user("eve").remove(0), Revision(30))]);
    }
}
