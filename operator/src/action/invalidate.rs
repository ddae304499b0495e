//! `InvalidateSessions` and `InvalidatePermissions`: what raised epochs in the application's store mean
//! for the action. Pure.
//!
//! The revocation bears the action's uid as its name, and the store gives one name one revision: whoever
//! asks again after a crash goes on with the revocation that is there.

use reportapp_crds::ReportApp;
use reportapp_crds::incident_action::{Figure, Holders, RevocationProgress, Whose};
use reportapp_crds::one_shot::Phase;
use reportapp_crds::report_app::StoreEngine;
use reportapp_session::epochs::{Revision, Revoked};

use super::runner::{Found, State};
use super::trouble::{Reason, Trouble};
use crate::one_shot::Verdict;

/// What is invalidated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Sessions: their tokens are not accepted any more.
    Sessions(Whose),
    /// Permissions: what processes remember of them is read anew.
    Permissions(Holders),
}

impl Target {
    /// What was done, when it is.
    fn done(&self) -> String {
        match self {
            Self::Sessions(whose) => format!("sessions of {whose} ended"),
            Self::Permissions(holders) => format!("permissions of {holders} are read anew"),
        }
    }

    /// The same of what was not.
    fn not_done(&self) -> String {
        match self {
            Self::Sessions(whose) => format!("no session of {whose} was ended"),
            Self::Permissions(holders) => {
                format!("permissions of {holders} are read anew when they are due, as ever")
            }
        }
    }

    /// What a process does once it knows.
    fn of_a_process(&self) -> String {
        match self {
            Self::Sessions(whose) => format!("ends sessions of {whose}"),
            Self::Permissions(holders) => format!("reads permissions of {holders} anew"),
        }
    }

    /// What holds of all processes afterwards.
    fn outcome(&self) -> &'static str {
        match self {
            Self::Sessions(_) => ENDED,
            Self::Permissions(_) => "none goes by what it remembered",
        }
    }
}

/// What holds of all processes when tokens were ended.
pub const ENDED: &str = "none accepts older tokens";

/// How far a revocation is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Invalidated {
    /// No process accepts what it covers.
    Acknowledged(Revoked),
    /// It is written down and takes effect, but some process may not know yet.
    Committed {
        /// Its place among all revocations.
        revision: Revision,
        /// How many processes may not know; `None`: the store did not tell which there are.
        in_doubt: Option<usize>,
    },
}

/// Whether the store of the application can be reached at all.
///
/// # Errors
/// What makes it impossible, whoever waits.
pub fn check_store(app: &ReportApp) -> Result<(), Trouble> {
    match app.spec.store.engine {
        StoreEngine::Postgres => Ok(()),
        StoreEngine::Sqlite => Err(Trouble::new(
            Reason::StoreNotReachable,
            "spec.store.engine of the ReportApp is Sqlite: its file is inside the API's pod, where the \
             operator cannot reach it. An administrator does this in the web pages, and each user signs out \
             everywhere by POST /api/auth/logout?everywhere=true; for this action move the store to Postgres",
        )),
    }
}

/// The lines of a plan. `told` is what is invalidated as the store knows it, and `place` where the store
/// is.
pub fn plan(target: &Target, told: &str, place: &str, processes: usize) -> Vec<String> {
    let first = match target {
        Target::Sessions(_) => format!(
            "1. raise the epoch of {told} in the store at {place}: tokens issued before are not accepted \
             any more. This cannot be undone"
        ),
        Target::Permissions(_) => format!(
            "1. raise the epoch of the permissions of {told} in the store at {place}: each process reads \
             them anew with the next request. Nobody is signed out"
        ),
    };
    vec![first, plan_of_waiting(2, processes)]
}

/// The line of a plan about processes.
pub fn plan_of_waiting(number: usize, processes: usize) -> String {
    format!(
        "{number}. wait until each process of the API, of which {} registered now, has confirmed it or its \
         lease is over",
        match processes {
            1 => "1 is".to_owned(),
            count => format!("{count} are"),
        }
    )
}

/// What a pass found, if the store answered. `before` are the sessions it counted before it ended them.
pub fn found(target: &Target, invalidated: &Invalidated, before: Option<i64>) -> Found {
    let state = match invalidated {
        Invalidated::Acknowledged(revoked) => {
            let message = format!("{}: {}", target.done(), told(revoked, target.outcome()));
            State::Stands(Verdict::plain(Phase::Succeeded, "Succeeded", message))
        }
        Invalidated::Committed { revision, in_doubt } => awaiting(*revision, *in_doubt),
    };
    Found {
        revocation: Some(RevocationProgress {
            sessions_before: before,
            ..progress(invalidated)
        }),
        figures: figures(invalidated),
        ..state.into()
    }
}

/// What is committed waits for processes.
pub fn awaiting(revision: Revision, in_doubt: Option<usize>) -> State {
    let message = format!(
        "revision {} is committed; waiting for {} to confirm it",
        revision.0,
        in_doubt.map_or_else(|| "processes the store does not name".to_owned(), counted)
    );
    State::Stands(Verdict::plain(Phase::Running, "AwaitingProcesses", message))
}

/// How an invalidation that is late ends, by what the store has under its name.
pub fn too_late(target: &Target, revision: Option<Revision>) -> Found {
    let message = match revision {
        None => format!("the deadline has passed; {}", target.not_done()),
        Some(revision) => format!(
            "the deadline has passed. Revision {} is committed: each process {} with its next read of the \
             store, but not all were seen to; create the action again to have that confirmed",
            revision.0,
            target.of_a_process()
        ),
    };
    let verdict = Verdict::plain(Phase::Expired, "DeadlineExceeded", message);
    State::Stands(verdict).into()
}

/// What stands in a status about processes, for the event and the message.
pub fn told(revoked: &Revoked, outcome: &str) -> String {
    let after = revoked.acknowledgement.as_secs_f64();
    let outcome = format!("{outcome}, {after:.1} s after the commit");
    if !revoked.roster_known {
        return format!(
            "the store did not say which processes there are, so the longest lease was waited for; {outcome}"
        );
    }
    let confirmed = counted(revoked.confirmed.len());
    match (revoked.confirmed.len(), revoked.outwaited.len()) {
        (0, 0) => {
            "no process of the API is registered; those that start know it from the beginning"
                .to_owned()
        }
        (_, 0) => format!("{confirmed} confirmed; {outcome}"),
        (_, late) => format!(
            "{confirmed} confirmed, the leases of {} were waited for; {outcome}",
            counted(late)
        ),
    }
}

fn counted(processes: usize) -> String {
    match processes {
        1 => "1 process".to_owned(),
        count => format!("{count} processes"),
    }
}

/// How far it is, for the status.
pub fn progress(invalidated: &Invalidated) -> RevocationProgress {
    let number = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
    match invalidated {
        Invalidated::Committed { revision, .. } => RevocationProgress {
            revision: shown(*revision),
            ..RevocationProgress::default()
        },
        Invalidated::Acknowledged(revoked) => {
            let known = |count: usize| revoked.roster_known.then(|| number(count));
            let after = revoked.acknowledgement.as_millis();
            RevocationProgress {
                revision: shown(revoked.revision),
                processes_confirmed: known(revoked.confirmed.len()),
                processes_outwaited: known(revoked.outwaited.len()),
                acknowledged_after_ms: Some(i64::try_from(after).unwrap_or(i64::MAX)),
                ..RevocationProgress::default()
            }
        }
    }
}

/// Revisions are microseconds since 1970: the last one that fits lies 290,000 years ahead.
fn shown(revision: Revision) -> i64 {
    i64::try_from(revision.0).unwrap_or(i64::MAX)
}

/// What was measured. Without a list of processes nothing is, until all their leases are over.
pub fn figures(invalidated: &Invalidated) -> Vec<Figure> {
    let in_doubt = match invalidated {
        Invalidated::Acknowledged(_) => Some(0),
        Invalidated::Committed { in_doubt, .. } => *in_doubt,
    };
    let figure = |count| Figure::none("processesInDoubt", i64::try_from(count).unwrap_or(i64::MAX));
    in_doubt.map(figure).into_iter().collect()
}

#[cfg(test)]
mod tests;
