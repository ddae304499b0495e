//! `DisableUser` and `ForcePasswordReset`: what a change in the application's store means for the action.
//! Pure.
//!
//! Change, snapshot and revocation bear the action's uid and happen in one transaction: whoever asks again
//! after a crash finds all of them or none.

use std::fmt;

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use reportapp_crds::Period;
use reportapp_crds::incident_action::Figure;
use reportapp_crds::one_shot::Phase;
use reportapp_session::directory::{Change, Kind, Measured, Person, Snapshot};

use super::invalidate::{self, ENDED, Invalidated};
use super::runner::{Found, State};
use super::trouble::{Reason, Trouble};
use crate::one_shot::Verdict;

/// Whom to change, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserChange {
    /// The user's name or id.
    pub user: String,
    /// What is done.
    pub change: Change,
    /// After how long it is put back.
    pub duration: Option<Period>,
}

/// A user who was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// What was there before.
    pub snapshot: Snapshot,
    /// How far the end of the user's sessions is.
    pub invalidated: Invalidated,
    /// What is left.
    pub measured: Measured,
}

impl UserChange {
    /// When what the snapshot tells of is put back by itself; `None`: nobody asked for it, or somebody has
    /// put it back.
    pub fn reverts_at(&self, snapshot: &Snapshot) -> Option<Timestamp> {
        let after = SignedDuration::try_from(self.duration?.as_duration()).ok()?;
        let due = snapshot.taken_at.checked_add(after).ok()?;
        snapshot.undone_at.is_none().then_some(due)
    }

    fn done(&self) -> String {
        match self.change {
            Change::Disable { .. } => format!("user {} may not sign in", self.user),
            Change::ForceReset => format!("user {} has to choose a new password", self.user),
        }
    }
}

impl fmt::Display for UserChange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "user {}", self.user)
    }
}

/// The lines of a plan.
pub fn plan(change: &UserChange, person: &Person, place: &str, processes: usize) -> Vec<String> {
    let told = told(&change.user, &person.id);
    let (now, what) = match change.change {
        Change::Disable { .. } => (
            person.is_active,
            "may not sign in any more, and the sessions of now end",
        ),
        Change::ForceReset => (
            !person.must_reset_password,
            "has to choose a new password with a code that an administrator issues, and the sessions of \
             now end",
        ),
    };
    let already = if now { "" } else { ". That is so already" };
    let mut lines = vec![
        format!("1. in one transaction of the store at {place}: {told} {what}{already}"),
        invalidate::plan_of_waiting(2, processes),
        "3. count the sessions that are left, and look whether signing in is possible".to_owned(),
    ];
    if let Some(duration) = change.duration {
        lines.push(format!("4. put that back {duration} later"));
    }
    lines
}

/// A user by the name somebody wrote, and by id.
pub fn told(user: &str, id: &str) -> String {
    match user == id {
        true => format!("user {user}"),
        false => format!("user {user} (id {id})"),
    }
}

/// What a pass found, if the store answered.
pub fn found(change: &UserChange, changed: &Changed) -> Found {
    let state = match &changed.invalidated {
        Invalidated::Committed { revision, in_doubt } => invalidate::awaiting(*revision, *in_doubt),
        Invalidated::Acknowledged(_) if changed.measured.sign_in_possible => {
            State::Stalled(changed_back(change))
        }
        Invalidated::Acknowledged(_) if changed.measured.active_sessions > 0 => {
            let message = "somebody who was just signing in got a session, whose token nobody accepts; it \
                           is ended with the next look";
            State::Stands(Verdict::plain(Phase::Running, "EndingSessions", message))
        }
        Invalidated::Acknowledged(revoked) => {
            let before = if changed.snapshot.differs {
                ""
            } else {
                ", as before"
            };
            let ended = match changed.snapshot.sessions.len() {
                1 => "1 session ended".to_owned(),
                count => format!("{count} sessions ended"),
            };
            let message = format!(
                "{}{before}; {ended}: {}",
                change.done(),
                invalidate::told(revoked, ENDED)
            );
            State::Stands(Verdict::plain(Phase::Succeeded, "Succeeded", message))
        }
    };
    let mut figures = vec![
        Figure::none("activeSessions", changed.measured.active_sessions),
        Figure::none(
            "signInPossible",
            i64::from(changed.measured.sign_in_possible),
        ),
    ];
    figures.extend(invalidate::figures(&changed.invalidated));
    Found {
        revocation: Some(invalidate::progress(&changed.invalidated)),
        figures,
        reverts_at: change.reverts_at(&changed.snapshot),
        ..state.into()
    }
}

/// Somebody has undone the change while it was confirmed.
fn changed_back(change: &UserChange) -> Trouble {
    let message = format!(
        "user {} was changed, and somebody has changed that back since: signing in is possible; create the \
         action again if that is not wanted",
        change.user
    );
    Trouble::new(Reason::ChangedSince, message)
}

/// How a change that is late ends, by what the store has under its name.
pub fn too_late(change: &UserChange, snapshot: Option<&Snapshot>) -> Found {
    let message = match snapshot {
        None => format!("the deadline has passed; {change} was not changed"),
        Some(_) => format!(
            "the deadline has passed. {}, and each process ends the sessions with its next read of the \
             store, but not all were seen to; create the action again to have that confirmed, or undo it",
            change.done()
        ),
    };
    let verdict = Verdict::plain(Phase::Expired, "DeadlineExceeded", message);
    Found {
        reverts_at: snapshot.and_then(|snapshot| change.reverts_at(snapshot)),
        ..State::Stands(verdict).into()
    }
}

/// What a kind of change is undone to.
pub fn as_before(kind: Kind) -> &'static str {
    match kind {
        Kind::Disable => "may sign in again",
        Kind::ForceReset => "may use the old password again",
    }
}

#[cfg(test)]
mod tests;
