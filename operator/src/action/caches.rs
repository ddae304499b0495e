//! `InvalidateCaches`: rounds over all keys of Redis, each removing what it finds of the chosen
//! namespaces, until a round finds nothing; then the memories of the API's processes. Pure.
//!
//! Where a round stands is remembered in this process alone. A crash begins a new one, which finds less:
//! what ends the action is a whole round without a find, and that is looked for anew.

use reportapp_crds::IncidentAction;
use reportapp_crds::incident_action::{CacheNamespace, CacheProgress, Figure};
use reportapp_crds::one_shot::Phase;

use super::invalidate::{self, Invalidated};
use super::runner::{Found, State};
use crate::backend::redis::caches::Step;
use crate::one_shot::Verdict;

/// Where a removal stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sweep {
    /// Where the round goes on, as Redis calls it.
    pub cursor: u64,
    /// Keys that this round found.
    pub found: i64,
    /// Keys that the last whole round found; absent before its end.
    pub left: Option<i64>,
    /// What is told.
    pub progress: CacheProgress,
}

/// How far a removal is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Swept {
    /// Keys that the last whole round found; absent before its end.
    pub left: Option<i64>,
    /// What is told.
    pub progress: CacheProgress,
}

impl Sweep {
    /// The beginning, or what follows a crash: the status tells what was removed before.
    pub fn of(action: &IncidentAction) -> Self {
        let before = action.status.as_ref();
        let mut progress = { before.and_then(|status| status.caches.clone()) }.unwrap_or_default();
        progress.round += 1;
        Self {
            progress,
            ..Self::default()
        }
    }

    /// Some keys were looked at.
    pub fn step(&mut self, step: Step) {
        self.cursor = step.cursor;
        self.found += step.found;
        self.progress.scanned += step.scanned;
        self.progress.removed += step.removed;
        if step.cursor == 0 {
            self.left = Some(self.found);
            if self.found > 0 {
                self.found = 0;
                self.progress.round += 1;
            }
        }
    }

    /// Whether a whole round found nothing.
    pub fn is_clean(&self) -> bool {
        self.left == Some(0)
    }

    /// How far it is.
    pub fn swept(&self) -> Swept {
        Swept {
            left: self.left,
            progress: self.progress.clone(),
        }
    }
}

/// Beginnings of the keys of these namespaces: the originals' own, and those of `app`.
pub fn prefixes(app: &str, namespaces: &[CacheNamespace]) -> Vec<String> {
    let both =
        |namespace: &CacheNamespace| [format!("{namespace}:"), format!("{app}:{namespace}:")];
    namespaces.iter().flat_map(both).collect()
}

/// Whether processes keep such answers in their own memories, too.
pub fn reach_memories(namespaces: &[CacheNamespace]) -> bool {
    namespaces.iter().any(|namespace| match namespace {
        CacheNamespace::Perm | CacheNamespace::Session => false,
        CacheNamespace::Dash
        | CacheNamespace::Report
        | CacheNamespace::Party
        | CacheNamespace::Meta => true,
    })
}

/// The lines of a plan. `place` is where Redis is; `memories`: whether those of processes are emptied.
pub fn plan(prefixes: &[String], place: &str, memories: bool) -> Vec<String> {
    let mut lines = vec![
        format!(
            "1. look at every key of the Redis at {place} in batches (SCAN) and remove those that begin \
             with {} (UNLINK). Nothing else is removed, and it cannot be undone",
            prefixes.join(" or ")
        ),
        "2. again, until a round over all keys finds none".to_owned(),
    ];
    if memories {
        let third = "3. raise the epoch of kept answers in the store, and wait until no process of the API \
                     gives one from its own memory that was read before";
        lines.push(third.to_owned());
    }
    lines
}

/// What holds of all processes when their memories were emptied.
const EMPTIED: &str = "none gives an answer it kept";

/// What a pass found, if Redis and the store answered. `memories`: what became of those of processes.
pub fn found(
    namespaces: &[CacheNamespace],
    swept: &Swept,
    memories: Option<&Invalidated>,
) -> Found {
    let CacheProgress {
        scanned,
        removed,
        round,
    } = swept.progress;
    let state = match (swept.left, memories) {
        (Some(0), Some(Invalidated::Committed { revision, in_doubt })) => {
            invalidate::awaiting(*revision, *in_doubt)
        }
        (Some(0), memories) => {
            let keys = format!(
                "{removed} keys of {} removed; round {round} over all keys found none",
                told(namespaces)
            );
            let message = match memories {
                Some(Invalidated::Acknowledged(revoked)) => {
                    format!("{keys}; {}", invalidate::told(revoked, EMPTIED))
                }
                _ => keys,
            };
            State::Stands(Verdict::plain(Phase::Succeeded, "Succeeded", message))
        }
        _ => State::Acted(format!(
            "round {round} over all keys: {scanned} looked at so far, {removed} removed"
        )),
    };
    let keys = swept.left.map(|left| Figure::none("keysLeft", left));
    let processes = memories.map(invalidate::figures).unwrap_or_default();
    Found {
        caches: Some(swept.progress.clone()),
        revocation: memories.map(invalidate::progress),
        figures: keys.into_iter().chain(processes).collect(),
        ..state.into()
    }
}

/// How a removal that is late ends.
pub fn too_late(namespaces: &[CacheNamespace]) -> Found {
    let message = format!(
        "the deadline has passed before a round over all keys found none of {} and every process of the API \
         had forgotten what it kept; the figures say what is missing, and status.caches how many keys were \
         removed. Those that are left are as old as they were, or were written anew meanwhile",
        told(namespaces)
    );
    let verdict = Verdict::plain(Phase::Expired, "DeadlineExceeded", message);
    State::Stands(verdict).into()
}

fn told(namespaces: &[CacheNamespace]) -> String {
    let names: Vec<_> = namespaces.iter().map(ToString::to_string).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use reportapp_session::epochs::Revision;

    use super::*;

    fn step(cursor: u64, found: i64) -> Step {
        Step {
            cursor,
            scanned: 10,
            found,
            removed: found,
        }
    }

    fn begun() -> Sweep {
        let action = serde_json::json!({
            "apiVersion": "reportapp.dev/v1alpha1", "kind": "IncidentAction",
            "metadata": { "name": "a" },
            "spec": {
                "app": "demo", "reason": "test", "invalidateCaches": { "namespaces": ["dash"] },
            },
            "status": { "caches": { "scanned": 100, "removed": 7, "round": 1 } },
        });
        Sweep::of(&serde_json::from_value(action).unwrap())
    }

    #[test]
    fn only_a_whole_round_without_a_find_ends_it() {
        let mut sweep = begun();
        for (place, found, clean) in [
            (5, 3, false),
            (0, 0, false), // The round is over, and it found three.
            (5, 0, false),
            (0, 1, false), // One was written meanwhile.
            (5, 0, false),
            (0, 0, true),
        ] {
            sweep.step(step(place, found));
            assert_eq!(sweep.is_clean(), clean, "{sweep:?}");
        }
        let expected = CacheProgress {
            scanned: 160,
            removed: 11,
            round: 4,
        };
        assert_eq!(sweep.progress, expected, "it counts on after a crash");
    }

    #[test]
    fn keys_of_the_originals_and_of_the_application_go_and_no_others() {
        let namespaces = [CacheNamespace::Perm, CacheNamespace::Dash];
        assert_eq!(
            prefixes("demo", &namespaces),
            ["perm:", "demo:perm:", "dash:", "demo:dash:"]
        );
    }

    #[test]
    fn memories_of_processes_are_emptied_of_answers_and_of_nothing_else() {
        use CacheNamespace::{Meta, Perm, Report, Session};
        for (namespaces, expected) in [
            (&[Perm, Session][..], false),
            (&[Perm, Report], true),
            (&[Meta], true),
        ] {
            assert_eq!(reach_memories(namespaces), expected, "{namespaces:?}");
            let lines = plan(&prefixes("demo", namespaces), "redis:6379", expected);
            assert_eq!(lines.len(), if expected { 3 } else { 2 });
        }
    }

    #[test]
    fn what_is_left_is_told_with_the_figure() {
        let namespaces = [CacheNamespace::Dash];
        let mut sweep = begun();
        assert!(found(&namespaces, &sweep.swept(), None).figures.is_empty());
        sweep.step(step(0, 2));
        let running = found(&namespaces, &sweep.swept(), None);
        assert!(matches!(running.state, State::Acted(_)));
        assert_eq!(running.figures, [Figure::none("keysLeft", 2)]);
        sweep.step(step(0, 0));
        let State::Stands(verdict) = found(&namespaces, &sweep.swept(), None).state else {
            panic!("it has ended");
        };
        assert_eq!(verdict.phase, Phase::Succeeded);
        assert_eq!(
            verdict.message,
            "9 keys of dash removed; round 3 over all keys found none"
        );
    }

    #[test]
    fn it_ends_when_no_process_is_in_doubt_about_its_memory() {
        let namespaces = [CacheNamespace::Dash];
        let mut sweep = begun();
        sweep.step(step(0, 0));
        let waiting = Invalidated::Committed {
            revision: Revision(7),
            in_doubt: Some(2),
        };
        let found = found(&namespaces, &sweep.swept(), Some(&waiting));
        let State::Stands(verdict) = found.state else {
            panic!("it waits");
        };
        assert_eq!(verdict.phase, Phase::Running);
        let expected = [
            Figure::none("keysLeft", 0),
            Figure::none("processesInDoubt", 2),
        ];
        assert_eq!(found.figures, expected);
        assert_eq!(found.revocation.unwrap().revision, 7);
    }
}
