//! `InvalidateSessions`: what a revocation in the application's store means for the action. Pure.
//!
//! The revocation bears the action's uid as its name, and the store gives one name one revision: whoever
//! asks again after a crash goes on with the revocation that is there.

use reportapp_crds::ReportApp;
use reportapp_crds::incident_action::{Figure, RevocationProgress, Whose};
use reportapp_crds::one_shot::Phase;
use reportapp_crds::report_app::StoreEngine;
use reportapp_session::epochs::{Revision, Revoked};

use super::runner::{Found, State};
use super::trouble::{Reason, Trouble};
use crate::one_shot::Verdict;

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

/// Whether sessions of `whose` can be ended from here at all.
///
/// # Errors
/// What makes it impossible, whoever waits.
pub fn check(app: &ReportApp, whose: &Whose) -> Result<(), Trouble> {
    if app.spec.store.engine == StoreEngine::Sqlite {
        return Err(Trouble::new(
            Reason::StoreNotReachable,
            "spec.store.engine of the ReportApp is Sqlite: its file is inside the API's pod, where the \
             operator cannot reach it. Each user signs out everywhere by POST \
             /api/auth/logout?everywhere=true; for this action move the store to Postgres",
        ));
    }
    if let Whose::Tenant(id) = whose {
        let message = format!(
            "spec.invalidateSessions.tenant: tokens of this version belong to no tenant, so nothing of \
             tenant {id} would end; name users, or all"
        );
        return Err(Trouble::new(Reason::NotImplemented, message));
    }
    Ok(())
}

/// The lines of a plan. `whose` is told as the store knows it, and `place` is where the store is.
pub fn plan(whose: &str, place: &str, processes: usize) -> Vec<String> {
    vec![
        format!(
            "1. raise the epoch of {whose} in the store at {place}: tokens issued before are not \
             accepted any more. This cannot be undone"
        ),
        format!(
            "2. wait until each process of the API, of which {} registered now, has confirmed it or its \
             lease is over",
            match processes {
                1 => "1 is".to_owned(),
                count => format!("{count} are"),
            }
        ),
    ]
}

/// What a pass found, if the store answered.
pub fn found(whose: &Whose, invalidated: &Invalidated) -> Found {
    let verdict = match invalidated {
        Invalidated::Acknowledged(revoked) => {
            let message = format!("sessions of {whose} ended: {}", told(revoked));
            Verdict::plain(Phase::Succeeded, "Succeeded", message)
        }
        Invalidated::Committed { revision, in_doubt } => {
            let message = format!(
                "revision {} is committed; waiting for {} to confirm it",
                revision.0,
                in_doubt.map_or_else(|| "processes the store does not name".to_owned(), counted)
            );
            Verdict::plain(Phase::Running, "AwaitingProcesses", message)
        }
    };
    Found {
        revocation: Some(progress(invalidated)),
        figures: figures(invalidated),
        ..State::Stands(verdict).into()
    }
}

/// How an invalidation that is late ends, by what the store has under its name.
pub fn too_late(whose: &Whose, revision: Option<Revision>) -> Found {
    let message = match revision {
        None => format!("the deadline has passed; no session of {whose} was ended"),
        Some(revision) => format!(
            "the deadline has passed. Revision {} is committed: each process ends sessions of {whose} \
             with its next read of the store, but not all were seen to; create the action again to have \
             that confirmed",
            revision.0
        ),
    };
    let verdict = Verdict::plain(Phase::Expired, "DeadlineExceeded", message);
    State::Stands(verdict).into()
}

/// What stands in a status about processes, for the event and the message.
fn told(revoked: &Revoked) -> String {
    let after = revoked.acknowledgement.as_secs_f64();
    let outcome = format!("none accepts older tokens, {after:.1} s after the commit");
    if !revoked.roster_known {
        return format!(
            "the store did not say which processes there are, so the longest lease was waited for; {outcome}"
        );
    }
    let confirmed = counted(revoked.confirmed.len());
    match (revoked.confirmed.len(), revoked.outwaited.len()) {
        (0, 0) => "no process of the API is registered; those that start accept none".to_owned(),
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
fn progress(invalidated: &Invalidated) -> RevocationProgress {
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
            }
        }
    }
}

/// Revisions are microseconds since 1970: the last one that fits lies 290,000 years ahead.
fn shown(revision: Revision) -> i64 {
    i64::try_from(revision.0).unwrap_or(i64::MAX)
}

/// What was measured. Without a list of processes nothing is, until all their leases are over.
fn figures(invalidated: &Invalidated) -> Vec<Figure> {
    let in_doubt = match invalidated {
        Invalidated::Acknowledged(_) => Some(0),
        Invalidated::Committed { in_doubt, .. } => *in_doubt,
    };
    let figure = |count| Figure {
        name: "processesInDoubt".to_owned(),
        measured: i64::try_from(count).unwrap_or(i64::MAX),
        expected: 0,
    };
    in_doubt.map(figure).into_iter().collect()
}

#[cfg(test)]
mod tests;
