//! From the old value to the new one: what each stage does next, or waits for.

use k8s_openapi::jiff::Timestamp;
use reportapp_crds::secret_rotation::StepName;

use super::{Effect, Next, Order, Rollout, Seen, Sessions, Waiting};
use crate::backend::Login;
use crate::rotation::ledger::{Entry, Value};
use crate::rotation::target::{Round, Strategy, Target};
use crate::rotation::trouble::{Reason, Trouble};

/// The value that the last rotation left valid beside the one in use when it ended.
pub fn leftover<'a>(order: &Order, entry: &'a Entry) -> Option<&'a Value> {
    let closed = entry.closed.as_ref()?;
    let current = entry.current.as_ref()?;
    let left = !order.emergency
        && entry.rotation.is_none()
        && !closed.succeeded
        && current.rotation == closed.rotation;
    entry.previous.as_ref().filter(|_| left)
}

pub(super) fn generate(
    order: &Order,
    target: &Target,
    entry: &Entry,
    seen: &Seen,
    now: Timestamp,
) -> Next {
    if let Some(other) = &entry.rotation
        && !order.emergency
    {
        return Next::Wait(Waiting {
            step: StepName::Plan,
            message: format!(
                "waiting for rotation {}, which is rotating credential {}",
                seen.other.as_ref().unwrap_or(other),
                target.name
            ),
            until: None,
        });
    }
    if seen.current == Some(Login::Refused) && !order.repairs {
        let user = entry
            .current
            .as_ref()
            .and_then(|value| value.username.as_deref());
        return Next::Stall(
            StepName::Plan,
            Trouble::new(
                Reason::CurrentRejected,
                format!(
                    "the backend refuses the value in use of credential {}{}: somebody changed it. \
                     Create a SecretRotation with mode Manual to replace it",
                    target.name,
                    user.map(|user| format!(" (user {user})"))
                        .unwrap_or_default(),
                ),
            ),
        );
    }
    if let Some(left) = leftover(order, entry)
        && seen.previous != Some(Login::Refused)
        && let Some(first) = settle(target, entry, left, seen, now)
    {
        return first;
    }
    match &seen.sessions {
        Some(sessions) if sessions.count > 0 && !order.emergency => Next::Stall(
            StepName::Plan,
            Trouble::new(
                Reason::OldSessionsRemain,
                still_used(target, target.successor(entry).as_deref(), sessions),
            ),
        ),
        _ => Next::Act(Effect::Generate),
    }
}

/// What has to happen to a value that an earlier rotation left valid, before the ledger forgets it.
fn settle(
    target: &Target,
    entry: &Entry,
    left: &Value,
    seen: &Seen,
    now: Timestamp,
) -> Option<Next> {
    if seen.rollout != Some(Rollout::Complete) {
        return Some(rolling_out(seen.rollout.as_ref()));
    }
    let sessions = seen.sessions.clone().unwrap_or_default();
    if sessions.count > 0 {
        let text = still_used(target, left.username.as_deref(), &sessions);
        let trouble = Trouble::new(Reason::OldSessionsRemain, text);
        return Some(Next::Stall(StepName::Plan, trouble));
    }
    let ended = entry.closed.as_ref().map_or(now, |closed| closed.at);
    let until = ended.checked_add(target.hold).unwrap_or(Timestamp::MAX);
    if now < until {
        return Some(Next::Wait(Waiting {
            step: StepName::Plan,
            message: format!(
                "the last rotation left its old value valid, which is kept until {until:.0}"
            ),
            until: Some(until),
        }));
    }
    seen.previous.is_some().then_some(Next::Act(Effect::Settle))
}

pub(super) fn introduce(order: &Order, target: &Target, seen: &Seen) -> Next {
    match &seen.pending {
        Some(Login::Accepted) if target.strategy == Strategy::KeyOverlap && !order.emergency => {
            Next::ReadyToPublish(Round::Announced)
        }
        Some(Login::Accepted) => Next::Act(Effect::Promote),
        Some(refusal) if seen.prepared => Next::Stall(StepName::Test, lacking(target, refusal)),
        _ => Next::Act(Effect::Prepare),
    }
}

/// What stands in the way when a value is not accepted right after it was set.
pub fn lacking(target: &Target, refusal: &Login) -> Trouble {
    let message = match refusal {
        Login::Lacking(what) => what.clone(),
        _ => format!(
            "the backend refuses the new value of credential {} right after it was set: something \
             else changes it, or logins take another path than changes",
            target.name
        ),
    };
    Trouble::new(Reason::PrivilegesLacking, message)
}

/// Nothing is published that was not accepted a moment ago: an emergency may have blocked it, or
/// somebody altered it, since it became the current value.
pub(super) fn publish(order: &Order, target: &Target, seen: &Seen) -> Next {
    match &seen.current {
        Some(Login::Accepted) => Next::ReadyToPublish(match target.strategy {
            Strategy::KeyOverlap if order.emergency => Round::Alone,
            _ => Round::Switched,
        }),
        Some(refusal) if seen.prepared => Next::Stall(StepName::Test, lacking(target, refusal)),
        _ => Next::Act(Effect::Repair),
    }
}

pub(super) fn rolling_out(rollout: Option<&Rollout>) -> Next {
    match rollout {
        Some(Rollout::Unhealthy { message, .. }) => Next::Stall(
            StepName::RollOut,
            Trouble::new(Reason::PodsUnhealthy, message.clone()),
        ),
        Some(Rollout::Moving { message, .. }) => Next::Wait(Waiting {
            step: StepName::RollOut,
            message: message.clone(),
            until: None,
        }),
        Some(Rollout::Complete) | None => Next::Wait(Waiting {
            step: StepName::RollOut,
            message: "waiting for the pods".to_owned(),
            until: None,
        }),
    }
}

pub(super) fn converge(
    order: &Order,
    target: &Target,
    entry: &Entry,
    seen: &Seen,
    now: Timestamp,
) -> Next {
    if seen.rollout != Some(Rollout::Complete) {
        // Pods that merely restart use the new value; only those with the old one begin the wait anew.
        return match entry.quiet_since {
            Some(_) if old_pods(seen.rollout.as_ref()) > 0 => Next::Act(Effect::NoteBusy),
            _ => rolling_out(seen.rollout.as_ref()),
        };
    }
    let sessions = seen.sessions.clone().unwrap_or_default();
    if sessions.count > 0 && !order.emergency {
        if entry.quiet_since.is_some() {
            return Next::Act(Effect::NoteBusy);
        }
        return Next::Stall(
            StepName::Converge,
            Trouble::new(
                Reason::OldSessionsRemain,
                still_used(target, username(entry.previous.as_ref()), &sessions),
            ),
        );
    }
    match kept(order, target, entry, now) {
        Some(first) => first,
        None => Next::ReadyToRetire,
    }
}

/// The time a value that is out of use is still kept, if it is not over. An emergency keeps nothing.
pub(super) fn kept(order: &Order, target: &Target, entry: &Entry, now: Timestamp) -> Option<Next> {
    let hold = target.hold;
    if order.emergency || hold.is_zero() {
        return None;
    }
    let Some(since) = entry.quiet_since else {
        return Some(Next::Act(Effect::NoteQuiet));
    };
    let until = since.checked_add(hold).unwrap_or(Timestamp::MAX);
    (now < until).then(|| {
        Next::Wait(Waiting {
            step: StepName::Converge,
            message: match target.strategy {
                Strategy::KeyOverlap => {
                    format!(
                        "waiting until the last token of the other key has expired, at {until:.0}"
                    )
                }
                _ => format!(
                    "nobody uses the other value; it is kept until {until:.0} for readers outside"
                ),
            },
            until: Some(until),
        })
    })
}

fn username(value: Option<&Value>) -> Option<&str> {
    value.and_then(|value| value.username.as_deref())
}

pub(super) fn old_pods(rollout: Option<&Rollout>) -> u32 {
    match rollout {
        Some(Rollout::Complete) | None => 0,
        Some(Rollout::Moving { old_pods, .. } | Rollout::Unhealthy { old_pods, .. }) => *old_pods,
    }
}

fn still_used(target: &Target, user: Option<&str>, sessions: &Sessions) -> String {
    format!(
        "{} session(s) of credential {}{} are left, of: {}. Move these clients to the new value, or end them",
        sessions.count,
        target.name,
        user.map(|user| format!(" (user {user})"))
            .unwrap_or_default(),
        sessions.clients,
    )
}

/// After the barrier, or for a key that stands alone and only its pods are waited for.
pub(super) fn retire(seen: &Seen) -> Next {
    match &seen.rollout {
        Some(Rollout::Complete) => retired(seen),
        other => rolling_out(other.as_ref()),
    }
}

/// What follows when the old value is to be disabled now.
pub fn retired(seen: &Seen) -> Next {
    match (&seen.previous, seen.retired) {
        (None | Some(Login::Refused), true) => Next::Act(Effect::Close { succeeded: true }),
        (_, false) => Next::Act(Effect::Retire),
        (Some(_), true) => Next::Stall(StepName::Retire, still_accepted()),
    }
}

/// What stands in the way when a value is accepted right after it was disabled.
pub fn still_accepted() -> Trouble {
    Trouble::new(
        Reason::OldStillAccepted,
        "the backend still accepts the old value right after it was disabled: something else changes \
         it, or logins take another path than changes",
    )
}
