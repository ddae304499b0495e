//! What a process remembers of users between requests, in bounded memory.
//!
//! A memory is as good as a read of the store while it is young and nothing that concerns it was raised
//! since ([`crate::epochs::Remembered`]). Each is kept with the revision the process knew of, and the time,
//! *before* the read was sent: whatever the read may have missed is then news to both.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use crate::epochs::Revision;

/// Memories by the id of the user.
#[derive(Debug)]
pub struct Memories<T> {
    life: Duration,
    capacity: usize,
    kept: RwLock<HashMap<String, Memory<T>>>,
}

#[derive(Debug)]
struct Memory<T> {
    what: Arc<T>,
    loaded: Revision,
    asked_at: Instant,
}

impl<T> Memories<T> {
    /// Nothing yet; at most `capacity` memories, each for at most `life`.
    pub fn new(life: Duration, capacity: usize) -> Self {
        Self {
            life,
            capacity,
            kept: RwLock::default(),
        }
    }

    /// What is remembered of a user, unless that is too long ago or `is_stale`.
    pub fn recall(
        &self,
        user: &str,
        now: Instant,
        is_stale: impl FnOnce(&T, Revision) -> bool,
    ) -> Option<Arc<T>> {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        let memory = kept.get(user)?;
        if now.saturating_duration_since(memory.asked_at) >= self.life {
            return None;
        }
        (!is_stale(&memory.what, memory.loaded)).then(|| Arc::clone(&memory.what))
    }

    /// Remembers what a read sent at `asked_at` brought, when the process knew of `loaded`.
    pub fn keep(&self, user: &str, what: Arc<T>, loaded: Revision, asked_at: Instant) {
        let memory = Memory {
            what,
            loaded,
            asked_at,
        };
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= self.capacity && !kept.contains_key(user) {
            make_room(&mut kept, asked_at, self.life);
        }
        match kept.get_mut(user) {
            // Two requests may ask at once; the later question wins, whichever answer comes last.
            Some(earlier) if earlier.asked_at > asked_at => {}
            Some(earlier) => *earlier = memory,
            None => {
                kept.insert(user.to_owned(), memory);
            }
        }
    }

    /// Forgets a user, of whom there is nothing to remember.
    pub fn forget(&self, user: &str) {
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        kept.remove(user);
    }

    /// How many are remembered.
    pub fn len(&self) -> usize {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        kept.len()
    }

    /// Whether nobody is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Drops what is too old; if nothing is, the older half.
fn make_room<T>(kept: &mut HashMap<String, Memory<T>>, now: Instant, life: Duration) {
    let before = kept.len();
    kept.retain(|_, memory| now.saturating_duration_since(memory.asked_at) < life);
    if kept.len() == before {
        let mut moments: Vec<Instant> = kept.values().map(|memory| memory.asked_at).collect();
        let middle = moments.len() / 2;
        let (_, median, _) = moments.select_nth_unstable(middle);
        let median = *median;
        kept.retain(|_, memory| memory.asked_at > median);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFE: Duration = Duration::from_secs(30);

    fn memories() -> Memories<&'static str> {
        Memories::new(LIFE, 4)
    }

    #[test]
    fn a_memory_lives_from_the_question_on_and_no_longer() {
        let (memories, asked) = (memories(), Instant::now());
        memories.keep("ana", Arc::new("reader"), Revision(1), asked);
        let at = |after| memories.recall("ana", asked + after, |_, _| false);
        assert_eq!(
            at(LIFE - Duration::from_nanos(1)).as_deref(),
            Some(&"reader")
        );
        assert_eq!(at(LIFE), None);
    }

    #[test]
    fn a_memory_is_judged_by_the_revision_it_was_read_under() {
        let (memories, now) = (memories(), Instant::now());
        memories.keep("ana", Arc::new("reader"), Revision(7), now);
        let raised_at = |epoch| memories.recall("ana", now, |_, loaded| epoch > loaded);
        assert!(raised_at(Revision(7)).is_some());
        assert!(raised_at(Revision(8)).is_none());
    }

    #[test]
    fn of_two_answers_the_one_that_was_asked_for_later_stays() {
        let (memories, now) = (memories(), Instant::now());
        let later = now + Duration::from_millis(1);
        memories.keep("ana", Arc::new("new"), Revision(2), later);
        memories.keep("ana", Arc::new("old"), Revision(1), now);
        let kept = memories.recall("ana", later, |_, _| false);
        assert_eq!(kept.as_deref(), Some(&"new"));
    }

    #[test]
    fn however_many_users_come_memory_is_bounded_and_the_latest_is_kept() {
        let (memories, begin) = (memories(), Instant::now());
        for number in 0..1_000_u64 {
            let now = begin + Duration::from_millis(number);
            let user = format!("user-{number}");
            memories.keep(&user, Arc::new("x"), Revision(1), now);
            assert!(memories.len() <= 4);
            assert!(memories.recall(&user, now, |_, _| false).is_some());
        }
    }
}
