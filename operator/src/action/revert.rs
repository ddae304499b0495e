//! What an action with a `duration` does when that is over: it puts back what it changed, as an `Undo` does.
//! Pure.
//!
//! The action has ended by then and stays what it ended as. `status.revertsAt` is there while something
//! has to be put back, also for an operator that was down when it was due; `status.revertedAt` when it was.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use kube::runtime::events::EventType;
use reportapp_crds::IncidentActionStatus;
use reportapp_crds::one_shot::Phase;
use reportapp_session::directory;

use super::invalidate::Invalidated;
use super::status::{Facts, conclude, seen};
use super::trouble::Trouble;
use super::undo::{self, PutBack, Undone};
use crate::one_shot::Verdict;
use crate::reportapp::status::STALLED;

/// Reason of the conditions of an action whose change was put back.
const REVERTED: &str = "Reverted";

/// How long until something has to be put back; `None`: nothing has.
pub fn left(status: Option<&IncidentActionStatus>, now: Timestamp) -> Option<SignedDuration> {
    let due = status?.reverts_at.as_ref()?;
    Some(due.0.duration_since(now))
}

/// Why what is due is not put back.
pub fn blocked(status: &IncidentActionStatus) -> Option<&str> {
    status.reverts_at.as_ref()?;
    let mut conditions = status.conditions.iter();
    let stalled = conditions.find(|found| found.type_ == STALLED && found.status == "True")?;
    (status.phase == Some(Phase::Succeeded)).then_some(stalled.reason.as_str())
}

/// The status after a try, and the event that is worth one.
pub fn after(
    facts: &Facts<'_>,
    outcome: Result<(Undone, PutBack), Trouble>,
) -> (IncidentActionStatus, Option<(EventType, String)>) {
    let mut status = seen(facts);
    // It stays what it ended as.
    let phase = status.phase.unwrap_or(Phase::Succeeded);
    let before = blocked(&status).map(str::to_owned);
    match outcome {
        Ok((own, put_back)) => {
            if matches!(put_back.invalidated, Invalidated::Committed { .. }) {
                return (status, None);
            }
            status.reverts_at = None;
            status.reverted_at = undone_at(&put_back.undone).map(Time);
            let message = undo::told(&own, &put_back.undone);
            let verdict = Verdict::plain(phase, REVERTED, message);
            let event = (EventType::Normal, REVERTED.to_owned());
            (conclude(facts, status, &verdict), Some(event))
        }
        Err(trouble) if trouble.reason.is_passing() => (status, None),
        Err(trouble) => {
            let given_up = trouble.reason.is_lasting();
            if given_up {
                status.reverts_at = None;
            }
            let reason = trouble.reason.to_string();
            let told = if given_up {
                "its time is over, and what it changed is not put back"
            } else {
                "its time is over, and what it changed has still to be put back"
            };
            let verdict = Verdict {
                phase,
                reason: reason.clone(),
                message: format!("{told}: {}", trouble.message),
                stalled: !given_up,
            };
            let is_news = given_up || before.as_deref() != Some(&reason);
            let event = is_news.then_some((EventType::Warning, reason));
            (conclude(facts, status, &verdict), event)
        }
    }
}

fn undone_at(undone: &directory::Undone) -> Option<Timestamp> {
    let (directory::Undone::Restored(snapshot)
    | directory::Undone::NothingDiffered(snapshot)
    | directory::Undone::Earlier(snapshot)) = undone;
    let at = snapshot.undone_at?;
    // A status holds whole seconds.
    Timestamp::from_second(at.as_second()).ok()
}

#[cfg(test)]
mod tests;
