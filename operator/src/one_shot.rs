//! What the kinds have in common that are carried out once, `SecretRotation` and `IncidentAction`: an
//! end by their deadline, conditions, transitions as events, a history of finished ones. Pure, but for
//! [`object`], which writes them.
//!
//! One that has begun belongs to its `ReportApp`, so that it goes with it. Its status is a report:
//! what is done next follows from what is seen outside, and from the metadata of the object.

pub mod history;
pub mod object;
pub mod trouble;

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, OwnerReference, Time};
use k8s_openapi::jiff::{Timestamp, ToSpan as _};
use kube::api::ObjectMeta;
use kube::runtime::events::EventType;
use kube::runtime::reflector::ObjectRef;
use kube::{Resource, ResourceExt as _};
use reportapp_crds::ReportApp;
use reportapp_crds::one_shot::Phase;

use crate::api_error::shortened;
use crate::context::Shared;
use crate::reportapp::status::{READY, RECONCILING, STALLED};

/// Most characters of a message.
const MESSAGE: usize = 1_000;

/// What something says that waits for the consent of a second person.
pub const AWAITS_APPROVAL: &str = "waiting for spec.approval, which somebody writes who may approve and is \
                                   not the one in spec.requestedBy; status.plan shows what will be done";

/// How something stands that is carried out once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Its phase.
    pub phase: Phase,
    /// Reason of every condition.
    pub reason: String,
    /// A sentence for people.
    pub message: String,
    /// Whether it needs a person to get on.
    pub stalled: bool,
}

impl Verdict {
    /// One that needs nobody.
    pub fn plain(phase: Phase, reason: &str, message: impl Into<String>) -> Self {
        Self {
            phase,
            reason: reason.to_owned(),
            message: message.into(),
            stalled: false,
        }
    }

    /// The message as a status holds it.
    pub fn message(&self) -> String {
        shortened(&self.message, MESSAGE).into_owned()
    }
}

/// The conditions of an object, in kstatus form; those of `before` that hold as before keep their
/// time.
pub fn conditions(
    verdict: &Verdict,
    before: &[Condition],
    generation: Option<i64>,
    now: Timestamp,
) -> Vec<Condition> {
    let ended = verdict.phase.is_final();
    let succeeded = verdict.phase == Phase::Succeeded;
    let states = [
        (READY, succeeded),
        (RECONCILING, !ended && !verdict.stalled),
        (STALLED, verdict.stalled || ended && !succeeded),
    ];
    let condition = |(kind, holds): (&str, bool)| {
        let state = if holds { "True" } else { "False" };
        let same = before
            .iter()
            .find(|found| found.type_ == kind && found.status == state);
        Condition {
            type_: kind.to_owned(),
            status: state.to_owned(),
            reason: verdict.reason.clone(),
            message: verdict.message(),
            observed_generation: generation,
            last_transition_time: same
                .map_or(Time(now), |found| found.last_transition_time.clone()),
        }
    };
    states.into_iter().map(condition).collect()
}

/// The reason why one that still runs is stalled.
pub fn stalled(phase: Option<Phase>, conditions: &[Condition]) -> Option<&str> {
    if phase.is_some_and(Phase::is_final) {
        return None;
    }
    let condition = conditions.iter().find(|found| found.type_ == STALLED)?;
    (condition.status == "True").then_some(condition.reason.as_str())
}

/// When its deadline is over; the wait `hold` does not count against it. It counts from the first
/// look at the object; one that nobody has looked at yet counts from its creation, so that an order
/// is not carried out when nobody expects it any more.
pub fn end(
    metadata: &ObjectMeta,
    started: Option<&Time>,
    deadline_seconds: i64,
    hold: Duration,
) -> Option<Timestamp> {
    let started = started.or(metadata.creation_timestamp.as_ref())?;
    let end = started.0.checked_add(deadline_seconds.seconds());
    end.and_then(|end| end.checked_add(hold)).ok()
}

/// What a status says, as far as transitions go.
#[derive(Clone, Debug, PartialEq)]
pub struct Stand<'a> {
    /// The phase.
    pub phase: Option<Phase>,
    /// The conditions.
    pub conditions: &'a [Condition],
    /// The step in hand: its name as the reason of an event, and what it works on.
    pub step: Option<(String, String)>,
}

/// Kind and reason of the event for what changed, if it is worth one.
pub fn transition(before: &Stand<'_>, after: &Stand<'_>) -> Option<(EventType, String)> {
    if let Some(phase) = after.phase.filter(|phase| phase.is_final())
        && before.phase != after.phase
    {
        let kind = match phase {
            Phase::Succeeded => EventType::Normal,
            _ => EventType::Warning,
        };
        return Some((kind, format!("{phase:?}")));
    }
    let reason = stalled(after.phase, after.conditions);
    if let Some(reason) = reason
        && stalled(before.phase, before.conditions) != Some(reason)
    {
        return Some((EventType::Warning, reason.to_owned()));
    }
    let (word, _) = after.step.as_ref().filter(|_| before.step != after.step)?;
    Some((EventType::Normal, word.clone()))
}

/// Why there is no `ReportApp` to work on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Absent {
    /// There is none of that name.
    #[error(
        "there is no ReportApp {app} in namespace {namespace}; apply it, or delete this {kind}"
    )]
    Missing {
        /// Its name.
        app: String,
        /// Where it would be.
        namespace: String,
        /// Kind of the object that names it.
        kind: String,
    },
    /// It is on its way out.
    #[error("ReportApp {app} is being deleted, and this {kind} goes with it")]
    Deleted {
        /// Its name.
        app: String,
        /// Kind of the object that names it.
        kind: String,
    },
}

/// The `ReportApp` that `object` names, from the watch cache.
///
/// # Errors
/// When there is none, or it is being deleted.
pub fn app_of<K>(object: &K, app: &str, shared: &Shared) -> Result<Arc<ReportApp>, Absent>
where
    K: Resource<DynamicType = ()>,
{
    let (app, kind) = (app.to_owned(), K::kind(&()).into_owned());
    let namespace = object.namespace().unwrap_or_default();
    let key = ObjectRef::<ReportApp>::new(&app).within(&namespace);
    let found = shared.apps().iter().find_map(|store| store.get(&key));
    match found {
        None => Err(Absent::Missing {
            app,
            namespace,
            kind,
        }),
        Some(found) if found.meta().deletion_timestamp.is_some() => {
            Err(Absent::Deleted { app, kind })
        }
        Some(found) => Ok(found),
    }
}

/// The owners of an object that has begun: those it has, and its `ReportApp`. What another object of
/// ours controls goes with that one instead; a second owner would keep it alive.
pub fn owners(metadata: &ObjectMeta, app: &ReportApp) -> Vec<OwnerReference> {
    let mut owners = metadata.owner_references.clone().unwrap_or_default();
    let controlled = owners.iter().any(|owner| owner.controller == Some(true));
    if let Some(owner) = app.owner_ref(&())
        && !controlled
        && !owners.iter().any(|known| known.uid == owner.uid)
    {
        owners.push(owner);
    }
    owners
}

/// Whether an object has been given to `app`: the mark of one that has begun.
pub fn belongs_to(metadata: &ObjectMeta, app: &ReportApp) -> bool {
    let owners = metadata.owner_references.iter().flatten();
    let uid = app.uid();
    { owners }.any(|owner| uid.as_ref() == Some(&owner.uid))
}

#[cfg(test)]
mod tests;
