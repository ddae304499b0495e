//! `Undo`, and what an action with a `duration` does when that is over: what was changed is put back.
//! Pure.

use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt as _;
use reportapp_crds::IncidentAction;
use reportapp_crds::incident_action::{ActionType, Chosen, Figure};
use reportapp_crds::one_shot::Phase;
use reportapp_session::directory::{Snapshot, Undone as InStore};

use super::invalidate::{self, Invalidated};
use super::runner::{Found, State};
use super::trouble::{Reason, Trouble};
use super::user;
use crate::one_shot::Verdict;

/// Label of an undoing action with the uid of the one that it undoes.
pub const UNDOES: &str = "reportapp.dev/undoes";

/// The action that is undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undone {
    /// Its name.
    pub name: String,
    /// Its uid, under which its snapshot is kept.
    pub uid: String,
    /// Whom it changed, as its spec says it.
    pub user: String,
}

/// The action that an undoing one refers to, as far as turns go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Referred {
    /// Whom it changes.
    pub user: String,
    /// Whether it has ended; until then there is nothing to be undone.
    pub ended: bool,
}

impl Referred {
    /// `None` of an action that leaves nothing to be undone.
    pub fn of(action: &IncidentAction) -> Option<Self> {
        let phase = action.status.as_ref().and_then(|status| status.phase);
        Some(Self {
            user: Undone::of(action).ok()?.user,
            ended: phase.is_some_and(Phase::is_final),
        })
    }
}

/// What was put back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutBack {
    /// What the store did.
    pub undone: InStore,
    /// How far processes know.
    pub invalidated: Invalidated,
}

impl Undone {
    /// What there is to be undone of `action`, whether it has ended or not.
    ///
    /// # Errors
    /// Why its type leaves nothing.
    pub fn of(action: &IncidentAction) -> Result<Self, Trouble> {
        let user = match action.spec.action.chosen() {
            Some(Chosen::DisableUser(disable)) => &disable.user,
            Some(Chosen::ForcePasswordReset(reset)) => &reset.user,
            chosen => {
                let kind = chosen.map(|chosen| chosen.action_type());
                return Err(not_undoable(&action.name_any(), kind));
            }
        };
        Ok(Self {
            name: action.name_any(),
            uid: action.uid().unwrap_or_default(),
            user: user.clone(),
        })
    }

    /// What there is to be undone of `found`, which is looked for under `name` for `app`.
    ///
    /// # Errors
    /// Why nothing can be undone, or not yet.
    pub fn resolve(name: &str, app: &str, found: Option<&IncidentAction>) -> Result<Self, Trouble> {
        let ours = found.filter(|action| action.spec.app == app);
        let Some(action) = ours else {
            let message = format!(
                "spec.undo.actionRef: ReportApp {app} has no IncidentAction {name}; it may have been \
                 deleted. An administrator can put the user back in the web pages"
            );
            return Err(Trouble::new(Reason::ActionMissing, message));
        };
        let undone = Self::of(action)?;
        let phase = action.status.as_ref().and_then(|status| status.phase);
        if action.spec.dry_run {
            let message =
                format!("IncidentAction {name} only planned, so there is nothing to undo");
            return Err(Trouble::new(Reason::NotUndoable, message));
        }
        if !phase.is_some_and(Phase::is_final) {
            let message = format!(
                "IncidentAction {name} has not ended; it is undone then. Delete it if it is not to go on"
            );
            return Err(Trouble::new(Reason::ActionNotEnded, message));
        }
        Ok(undone)
    }
}

/// Why actions of this type leave nothing to be put back.
fn not_undoable(name: &str, kind: Option<ActionType>) -> Trouble {
    let why = match kind {
        Some(ActionType::RollingRestart) => "a restart leaves nothing to be undone",
        Some(ActionType::RotateCredential) => {
            "the old value was proven dead; rotate again for another one"
        }
        Some(ActionType::InvalidateSessions) => {
            "a session that ended does not come back; users sign in again"
        }
        Some(ActionType::InvalidatePermissions | ActionType::InvalidateCaches) => {
            "what was read anew is as good as before"
        }
        Some(ActionType::Undo) => "create the action that it undid again",
        Some(ActionType::DisableUser | ActionType::ForcePasswordReset) | None => {
            "it is of no type this operator knows"
        }
    };
    let kind = kind.map_or_else(String::new, |kind| format!(" ({kind})"));
    let message = format!("IncidentAction {name}{kind} cannot be undone: {why}");
    Trouble::new(Reason::NotUndoable, message)
}

/// The lines of a plan.
pub fn plan(undone: &Undone, snapshot: &Snapshot, place: &str, processes: usize) -> Vec<String> {
    let told = user::told(&undone.user, &snapshot.user);
    let first = match (snapshot.undone_at, snapshot.differs) {
        (Some(at), _) => format!(
            "1. nothing: IncidentAction {} was undone at {at}",
            undone.name
        ),
        (None, false) => format!(
            "1. nothing: {told} was so already before IncidentAction {}",
            undone.name
        ),
        (None, true) => format!(
            "1. in one transaction of the store at {place}: {told} {}, unless somebody changed that since. \
             Sessions that ended stay ended",
            user::as_before(snapshot.kind)
        ),
    };
    vec![first, invalidate::plan_of_waiting(2, processes)]
}

/// What a pass found, if the store answered.
pub fn found(undone: &Undone, put_back: &PutBack) -> Found {
    let state = match &put_back.invalidated {
        Invalidated::Committed { revision, in_doubt } => invalidate::awaiting(*revision, *in_doubt),
        Invalidated::Acknowledged(_) => {
            let message = told(undone, &put_back.undone);
            State::Stands(Verdict::plain(Phase::Succeeded, "Succeeded", message))
        }
    };
    let restored = Figure {
        name: "restored".to_owned(),
        measured: 1,
        expected: 1,
    };
    let mut figures = vec![restored];
    figures.extend(invalidate::figures(&put_back.invalidated));
    Found {
        figures,
        ..state.into()
    }
}

/// What was put back, in a sentence.
pub fn told(undone: &Undone, in_store: &InStore) -> String {
    let Undone { name, user, .. } = undone;
    match in_store {
        InStore::Restored(snapshot) => format!(
            "user {user} {}, as before IncidentAction {name}; sessions that ended stay ended",
            user::as_before(snapshot.kind)
        ),
        InStore::NothingDiffered(_) => {
            format!(
                "user {user} was so already before IncidentAction {name}: nothing was to be put back"
            )
        }
        InStore::Earlier(snapshot) => {
            let at = snapshot.undone_at.unwrap_or(Timestamp::UNIX_EPOCH);
            format!("user {user} is as before IncidentAction {name} since {at}")
        }
    }
}

/// How an undoing that is late ends, by what the store has of the action it was to undo.
pub fn too_late(undone: &Undone, snapshot: Option<&Snapshot>) -> Found {
    let put_back = snapshot.and_then(|snapshot| snapshot.undone_at);
    let message = match put_back {
        Some(at) => format!(
            "the deadline has passed. What IncidentAction {} changed was put back at {at}, but not every \
             process was seen to know",
            undone.name
        ),
        None => format!(
            "the deadline has passed; what IncidentAction {} changed was not put back",
            undone.name
        ),
    };
    let verdict = Verdict::plain(Phase::Expired, "DeadlineExceeded", message);
    State::Stands(verdict).into()
}

#[cfg(test)]
mod tests;
