//! Sessions of this process, for runs without Redis. They end with the process.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::{Answer, Session, SessionStore};

/// A map from id to session. Expired ones are dropped whenever a session begins.
#[derive(Debug, Default)]
pub struct MemoryStore {
    sessions: Mutex<HashMap<String, Session>>,
}

impl MemoryStore {
    /// No session yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Session>> {
        // Each change is one statement, so a panic elsewhere leaves the map whole.
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn ready<'a, T: Send + 'a>(value: T) -> Answer<'a, T> {
    Box::pin(std::future::ready(Ok(value)))
}

impl SessionStore for MemoryStore {
    fn begin<'a>(&'a self, session: &'a Session) -> Answer<'a, ()> {
        let now = Timestamp::now();
        let mut sessions = self.lock();
        sessions.retain(|_, session| session.expires_at > now);
        sessions.insert(session.id.clone(), session.clone());
        ready(())
    }

    fn find<'a>(&'a self, id: &'a str) -> Answer<'a, Option<Session>> {
        let now = Timestamp::now();
        ready(
            self.lock()
                .get(id)
                .filter(|session| session.expires_at > now)
                .cloned(),
        )
    }

    fn end<'a>(&'a self, session: &'a Session) -> Answer<'a, ()> {
        self.lock().remove(&session.id);
        ready(())
    }

    fn list<'a>(&'a self, user: &'a str) -> Answer<'a, Vec<Session>> {
        let now = Timestamp::now();
        let sessions = self.lock();
        let living = sessions
            .values()
            .filter(|s| s.user == user && s.expires_at > now);
        let mut living: Vec<Session> = living.cloned().collect();
        living.sort_by_key(|session| session.created_at);
        ready(living)
    }

    fn end_others<'a>(&'a self, user: &'a str, keep: Option<&'a str>) -> Answer<'a, usize> {
        let mut sessions = self.lock();
        let before = sessions.len();
        sessions.retain(|id, session| session.user != user || Some(id.as_str()) == keep);
        ready(before - sessions.len())
    }

    fn probe(&self) -> Answer<'_, ()> {
        ready(())
    }
}
