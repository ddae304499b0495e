//! What the operator knows about the logins in use, in this process alone: which value is in use, when
//! it is tried next, what the last try gave. A new leader begins with tries of its own.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use reportapp_crds::report_app::CanaryStatus;

use super::timing::{Answer, DAY, JITTER, Timing};
use super::verdict::Verdict;
use crate::clock;

/// One credential of one application.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Namespace of the ReportApp.
    pub namespace: String,
    /// Its name.
    pub app: String,
    /// Name under `spec.credentials`.
    pub credential: String,
}

/// Tells a value and the place it opens from others, and tells nothing about the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Name of the rotation that replaces this value if it is refused: the same for one value.
    pub repair: String,
    /// Hash of what the spec says about the credential and its backend.
    pub place: String,
}

/// A verdict and when it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// What the try gave.
    pub verdict: Verdict,
    /// When.
    pub at: Timestamp,
}

#[derive(Debug)]
struct Known {
    mark: Mark,
    timing: Timing,
    seen: Option<Seen>,
}

/// Every login in use.
#[derive(Debug, Default)]
pub struct Memory {
    known: BTreeMap<Key, Known>,
}

impl Memory {
    /// These are the logins of one application; gives those that are known no more. `seed` tells
    /// applications apart and never changes.
    pub fn note(
        &mut self,
        (namespace, app): (&str, &str),
        marks: BTreeMap<String, Mark>,
        seed: &str,
        now: Timestamp,
    ) -> Vec<Key> {
        let gone = self.remove(namespace, app, |credential| !marks.contains_key(credential));
        for (credential, mark) in marks {
            let seed = format!("{seed}/{credential}");
            let key = Key {
                namespace: namespace.to_owned(),
                app: app.to_owned(),
                credential,
            };
            let known = self.known.entry(key).or_insert_with(|| Known {
                mark: mark.clone(),
                timing: Timing::new(&seed),
                seen: None,
            });
            if known.mark != mark {
                known.mark = mark;
                known.timing.changed(now);
            }
        }
        gone
    }

    /// Forgets an application; gives its logins.
    pub fn forget(&mut self, namespace: &str, app: &str) -> Vec<Key> {
        self.remove(namespace, app, |_| true)
    }

    fn remove(&mut self, namespace: &str, app: &str, which: impl Fn(&str) -> bool) -> Vec<Key> {
        let is_gone =
            |key: &Key| key.namespace == namespace && key.app == app && which(&key.credential);
        let gone: Vec<Key> = self
            .known
            .keys()
            .filter(|key| is_gone(key))
            .cloned()
            .collect();
        for key in &gone {
            self.known.remove(key);
        }
        gone
    }

    /// Logins that are to be tried now, without those in hand.
    pub fn due(&self, in_hand: &BTreeSet<&Key>, now: Timestamp) -> Vec<Key> {
        let due = self
            .known
            .iter()
            .filter(|(key, known)| known.timing.is_due(now) && !in_hand.contains(key));
        due.map(|(key, _)| key.clone()).collect()
    }

    /// A try gave `verdict`, or nothing was learnt. Whether the status may have something new to say.
    pub fn answered(&mut self, key: &Key, verdict: Option<Verdict>, now: Timestamp) -> bool {
        let Some(known) = self.known.get_mut(key) else {
            return false;
        };
        let answer = match &verdict {
            Some(Verdict::Accepted) => Answer::Accepted,
            Some(_) => Answer::Refused,
            None => Answer::Silence,
        };
        known.timing.answered(answer, now);
        let Some(verdict) = verdict else { return false };
        known.seen = Some(Seen { verdict, at: now });
        true
    }

    /// What the last try of a login gave.
    pub fn seen(&self, key: &Key) -> Option<&Seen> {
        self.known.get(key)?.seen.as_ref()
    }
}

/// What a status says: the last verdict, or what it said `before` while there is none or while it is
/// the same and not a day old, so that a new leader and a lasting refusal cause no writes.
pub fn shown(before: Option<&CanaryStatus>, seen: Option<&Seen>) -> Option<CanaryStatus> {
    let Some(seen) = seen else {
        return before.cloned();
    };
    let (reason, message) = seen.verdict.told();
    let mut status = CanaryStatus {
        ok: seen.verdict == Verdict::Accepted,
        checked_at: clock::time(seen.at),
        reason,
        message,
    };
    let is_fresh = |before: &&CanaryStatus| {
        let age = seen.at.duration_since(before.checked_at.0);
        let day = DAY.saturating_sub(2 * JITTER);
        age < SignedDuration::try_from(day).unwrap_or(SignedDuration::MAX)
    };
    if let Some(before) = before.filter(is_fresh) {
        let now = std::mem::replace(&mut status.checked_at, before.checked_at.clone());
        if status != *before {
            status.checked_at = now;
        }
    }
    Some(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).expect("an instant")
    }

    fn marks(credentials: &[(&str, &str)]) -> BTreeMap<String, Mark> {
        let mark = |value: &str| Mark {
            repair: value.to_owned(),
            place: "here".to_owned(),
        };
        let all = credentials.iter();
        all.map(|(name, value)| ((*name).to_owned(), mark(value)))
            .collect()
    }

    fn due(memory: &Memory, second: i64) -> Vec<String> {
        let keys = memory.due(&BTreeSet::new(), at(second));
        keys.into_iter().map(|key| key.credential).collect()
    }

    fn key(credential: &str) -> Key {
        Key {
            namespace: "erp".to_owned(),
            app: "demo".to_owned(),
            credential: credential.to_owned(),
        }
    }

    const APP: (&str, &str) = ("erp", "demo");

    fn refused() -> Verdict {
        Verdict::Refused("why".to_owned())
    }

    #[test]
    fn a_login_is_tried_when_it_is_noted_and_when_its_value_changes() {
        let mut memory = Memory::default();
        memory.note(APP, marks(&[("erp", "v1"), ("store", "v1")]), "uid", at(0));
        assert_eq!(due(&memory, 0), ["erp", "store"]);
        let erp = key("erp");
        assert_eq!(memory.due(&BTreeSet::from([&erp]), at(0)), [key("store")]);
        for credential in ["erp", "store"] {
            assert!(memory.answered(&key(credential), Some(Verdict::Accepted), at(0)));
        }
        memory.note(APP, marks(&[("erp", "v1"), ("store", "v2")]), "uid", at(1));
        assert_eq!(due(&memory, 1), ["store"]);
    }

    #[test]
    fn what_is_no_more_in_the_spec_is_forgotten() {
        let mut memory = Memory::default();
        memory.note(APP, marks(&[("erp", "v1"), ("store", "v1")]), "uid", at(0));
        memory.note(("erp", "other"), marks(&[("erp", "v1")]), "uid", at(0));
        assert_eq!(
            memory.note(APP, marks(&[("store", "v1")]), "uid", at(1)),
            [key("erp")]
        );
        assert_eq!(memory.forget("erp", "demo"), [key("store")]);
        assert!(!memory.answered(&key("store"), Some(refused()), at(2)));
        assert_eq!(due(&memory, 2).len(), 1);
    }

    #[test]
    fn a_silent_backend_changes_no_verdict() {
        let mut memory = Memory::default();
        memory.note(APP, marks(&[("erp", "v1")]), "uid", at(0));
        memory.answered(&key("erp"), Some(refused()), at(0));
        assert!(!memory.answered(&key("erp"), None, at(60)));
        let seen = memory.seen(&key("erp")).expect("a verdict");
        assert_eq!((&seen.verdict, seen.at), (&refused(), at(0)));
    }

    #[test]
    fn a_status_changes_with_the_verdict_and_once_a_day() {
        let seen = |verdict: Verdict, second| Seen {
            verdict,
            at: at(second),
        };
        assert_eq!(shown(None, None), None);
        let first = shown(None, Some(&seen(Verdict::Accepted, 0)));
        assert!(first.as_ref().is_some_and(|status| status.ok));
        // A new leader, before and after its own first try.
        assert_eq!(shown(first.as_ref(), None), first);
        let again = seen(Verdict::Accepted, 3_600);
        assert_eq!(shown(first.as_ref(), Some(&again)), first);
        let next_day = shown(first.as_ref(), Some(&seen(Verdict::Accepted, 82_800)));
        assert_ne!(next_day, first);
        let broken = shown(first.as_ref(), Some(&seen(refused(), 3_600))).expect("a status");
        assert!(!broken.ok);
        assert_eq!(broken.checked_at, clock::time(at(3_600)));
        let later = seen(refused(), 7_200);
        assert_eq!(shown(Some(&broken), Some(&later)), Some(broken.clone()));
    }
}
