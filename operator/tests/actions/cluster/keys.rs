//! Keys in Redis: what proves that those of a namespace go, the others stay, and the end is a round that
//! finds none.

use reportapp_operator::action::caches::Sweep;
use reportapp_operator::backend::redis::caches::Step;

use super::{Cluster, Objects};

impl Objects {
    /// Looks at one key, from the place where `sweep` stands.
    pub(super) fn sweep(&mut self, sweep: &mut Sweep, prefixes: &[String]) {
        // 0 is the beginning, and the end.
        let place = usize::try_from(sweep.cursor.saturating_sub(1)).unwrap();
        let key = self.keys.iter().nth(place).cloned();
        let goes = |key: &String| prefixes.iter().any(|prefix| key.starts_with(prefix));
        let found = key.filter(goes);
        let removed = found.as_ref().is_some_and(|key| self.keys.remove(key));
        let next = place + usize::from(!removed);
        let cursor = if next < self.keys.len() { next + 1 } else { 0 };
        let number = |truth| i64::from(truth);
        sweep.step(Step {
            cursor: u64::try_from(cursor).unwrap(),
            scanned: 1,
            found: number(found.is_some()),
            removed: number(removed),
        });
        if self.busy {
            self.keys.insert("dash:new".to_owned());
        }
    }
}

impl Cluster {
    /// Keys that are in Redis.
    pub fn keys(&self) -> Vec<String> {
        self.objects().keys.iter().cloned().collect()
    }

    /// Has a process write a key of the namespace with every look, or none.
    pub fn write_keys(&self, busy: bool) {
        self.objects().busy = busy;
    }
}
