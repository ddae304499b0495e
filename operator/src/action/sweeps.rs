//! Where removals of keys stand, in this process: one look goes on where the last one ended.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use super::caches::Sweep;

/// Removals under way, by the uid of the action.
#[derive(Debug, Default)]
pub struct Sweeps(Mutex<BTreeMap<String, Sweep>>);

impl Sweeps {
    /// Where the removal of an action stands.
    pub fn get(&self, uid: &str) -> Option<Sweep> {
        self.lock().get(uid).cloned()
    }

    /// Remembers where it stands; what has ended is forgotten.
    pub fn put(&self, uid: String, sweep: Sweep) {
        if sweep.is_clean() {
            self.lock().remove(&uid);
        } else {
            self.lock().insert(uid, sweep);
        }
    }

    /// Forgets removals whose actions are not there any more.
    pub fn retain(&self, is_there: impl Fn(&str) -> bool) {
        self.lock().retain(|uid, _| is_there(uid));
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Sweep>> {
        self.0
            .lock()
            .expect("no code panics while it holds this lock")
    }
}
