//! The application's store: what proves that a revocation happens once under one name, and that a user is
//! changed, and put back, once.

use std::time::Duration;

use reportapp_operator::action::invalidate::Invalidated;
use reportapp_operator::action::trouble::{Reason, Trouble};
use reportapp_operator::action::undo::Undone;
use reportapp_operator::action::user::UserChange;
use reportapp_session::directory::{Kind, Measured, Snapshot, Undone as InStore};
use reportapp_session::epochs::{ProcessId, Revision, Revoked};

use super::{Cluster, Objects};

/// A user of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Person {
    pub active: bool,
    pub must_reset: bool,
    pub sessions: usize,
}

/// One that nobody changed.
pub const UNTOUCHED: Person = Person {
    active: true,
    must_reset: false,
    sessions: 2,
};

impl Objects {
    /// Whether it answers.
    pub(super) fn store(&self) -> Result<(), Trouble> {
        match self.store_away {
            true => Err(Trouble::new(Reason::StoreUnreachable, "it is away")),
            false => Ok(()),
        }
    }

    /// The revision under this name, if there is one.
    pub(super) fn revision_of(&self, action: &str) -> Option<Revision> {
        let mut names = self.revocations.iter();
        let place = names.position(|name| name == action)?;
        Some(Revision(u64::try_from(place).unwrap() + 1))
    }

    /// Raises something once under a name, and says how far it is.
    pub(super) fn raise(&mut self, name: &str) -> Invalidated {
        if self.revision_of(name).is_none() {
            self.revocations.push(name.to_owned());
        }
        let revision = self.revision_of(name).unwrap();
        if self.silent {
            let in_doubt = Some(1);
            return Invalidated::Committed { revision, in_doubt };
        }
        Invalidated::Acknowledged(Revoked {
            revision,
            commit: Duration::ZERO,
            acknowledgement: Duration::ZERO,
            confirmed: vec![ProcessId::new("api", 0)],
            outwaited: Vec::new(),
            roster_known: true,
        })
    }

    /// Sessions of all users.
    pub(super) fn open_sessions(&self) -> i64 {
        let sessions = self.users.values().map(|person| person.sessions);
        i64::try_from(sessions.sum::<usize>()).unwrap()
    }

    /// A user by name.
    pub(super) fn find(&mut self, user: &str) -> Result<&mut Person, Trouble> {
        let unknown = || Trouble::new(Reason::UnknownUser, "there is none");
        let key = user.trim().to_lowercase();
        self.users.get_mut(&key).ok_or_else(unknown)
    }

    /// Changes a user once under a name, and keeps what was there.
    pub(super) fn change(&mut self, name: &str, change: &UserChange) -> Result<Snapshot, Trouble> {
        if let Some(snapshot) = self.snapshots.get(name) {
            return Ok(snapshot.clone());
        }
        let (kind, now) = (change.change.kind(), self.now);
        let person = self.find(&change.user)?;
        let snapshot = Snapshot {
            kind,
            user: change.user.clone(),
            differs: !holds(kind, person),
            sessions: (0..person.sessions).map(|n| format!("s{n}")).collect(),
            revision: Revision(0),
            taken_at: now,
            undone_at: None,
        };
        set(kind, person, true);
        person.sessions = 0;
        self.changes += 1;
        self.snapshots.insert(name.to_owned(), snapshot.clone());
        Ok(snapshot)
    }

    /// Puts back what was changed, once.
    pub(super) fn undo(&mut self, undone: &Undone) -> Result<InStore, Trouble> {
        let missing = || Trouble::new(Reason::NotUndoable, "nothing was changed");
        let mut snapshot = { self.snapshots.get(&undone.uid).cloned() }.ok_or_else(missing)?;
        if snapshot.undone_at.is_some() {
            return Ok(InStore::Earlier(snapshot));
        }
        snapshot.undone_at = Some(self.now);
        let person = self.find(&snapshot.user)?;
        if !holds(snapshot.kind, person) {
            return Err(Trouble::new(Reason::ChangedSince, "somebody did"));
        }
        set(snapshot.kind, person, false);
        self.changes += 1;
        self.snapshots.insert(undone.uid.clone(), snapshot.clone());
        Ok(InStore::Restored(snapshot))
    }

    /// What is left of what a change was to end.
    pub(super) fn measure(&mut self, user: &str, snapshot: &Snapshot) -> Result<Measured, Trouble> {
        let person = self.find(user)?;
        Ok(Measured {
            active_sessions: i64::try_from(person.sessions).unwrap(),
            sign_in_possible: !holds(snapshot.kind, person),
        })
    }
}

fn holds(kind: Kind, person: &Person) -> bool {
    match kind {
        Kind::Disable => !person.active,
        Kind::ForceReset => person.must_reset,
    }
}

fn set(kind: Kind, person: &mut Person, holds: bool) {
    match kind {
        Kind::Disable => person.active = !holds,
        Kind::ForceReset => person.must_reset = holds,
    }
}

impl Cluster {
    /// Names of the revocations in the store.
    pub fn revocations(&self) -> Vec<String> {
        let objects = self.objects();
        objects.revocations.clone()
    }

    /// A user of the store.
    pub fn person(&self, name: &str) -> Person {
        self.objects().users[name]
    }

    /// Somebody changes a user.
    pub fn set_person(&self, name: &str, person: Person) {
        self.objects().users.insert(name.to_owned(), person);
    }

    /// How often users were changed or put back.
    pub fn changes(&self) -> usize {
        self.objects().changes
    }

    /// Has a process of the API fall silent, or its lease run out.
    pub fn silence(&self, silent: bool) {
        self.objects().silent = silent;
    }

    /// Takes the store away, or brings it back.
    pub fn take_store_away(&self, away: bool) {
        self.objects().store_away = away;
    }
}
