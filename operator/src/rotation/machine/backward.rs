//! A rotation that may not go on: whether it is taken back, and how.

use k8s_openapi::jiff::Timestamp;
use reportapp_crds::secret_rotation::StepName;

use super::forward::{kept, lacking, old_pods, still_accepted};
use super::{Effect, Next, Order, Published, Rollout, Seen, Stage, Waiting};
use crate::backend::Login;
use crate::rotation::ledger::Entry;
use crate::rotation::target::{Round, Strategy, Target};

/// What becomes of a rotation that may not go on, because its deadline has passed or it was deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The ledger does not know it: nothing is to be done.
    Forget,
    /// The old value works and is in use or can be again: go back to it.
    TakeBack,
    /// The new value is in use; the old one stays valid beside it.
    StopHere,
    /// What is left to do is safer than to stop.
    GoOn,
}

/// How a rotation that may not go on ends. With pods that run the new value there is no way back
/// that is safer than staying, whoever still uses the old one; in an emergency there is none at all.
pub fn ending(order: &Order, stage: Stage, seen: &Seen, next: &Next, cancelled: bool) -> Ending {
    match stage {
        Stage::Generate | Stage::Closed => Ending::Forget,
        Stage::Undo => Ending::GoOn,
        Stage::Introduce | Stage::Announce => Ending::TakeBack,
        // The old value is blocked: what nobody was given yet is all there is.
        Stage::Publish if order.emergency => Ending::GoOn,
        Stage::Publish => Ending::TakeBack,
        Stage::Converge | Stage::Retire
            if !cancelled && matches!(next, Next::ReadyToRetire | Next::Act(Effect::Retire)) =>
        {
            Ending::GoOn
        }
        Stage::Converge if order.emergency => Ending::StopHere,
        Stage::Converge => match &seen.rollout {
            Some(Rollout::Complete) => Ending::StopHere,
            Some(Rollout::Moving { .. }) if cancelled => Ending::StopHere,
            _ => Ending::TakeBack,
        },
        Stage::Retire => Ending::StopHere,
    }
}

/// Back to the old value, in an order that leaves the new one valid while anybody may hold it.
pub(super) fn undo(
    order: &Order,
    target: &Target,
    entry: &Entry,
    seen: &Seen,
    published: Option<&Published>,
    now: Timestamp,
) -> Next {
    let in_use = published.is_some_and(|published| published.rotation == order.id);
    // Otherwise pods never stopped using the old value, or it was refused before this rotation.
    let restores = !order.emergency && (in_use || target.strategy == Strategy::InPlace);
    match &seen.current {
        Some(Login::Accepted) | None => {}
        Some(refusal) if restores && seen.prepared => {
            return Next::Stall(StepName::Test, lacking(target, refusal));
        }
        Some(_) if restores => return Next::Act(Effect::Repair),
        Some(_) => {}
    }
    if in_use {
        return Next::ReadyToPublish(Round::Announced);
    }
    let left = old_pods(seen.rollout.as_ref());
    if left > 0 {
        return Next::Wait(Waiting {
            step: StepName::RollOut,
            message: format!(
                "going back to the old value: {left} pod(s) with the new one are left"
            ),
            until: None,
        });
    }
    if let Some(Rollout::Moving { message, .. }) = &seen.rollout {
        return Next::Wait(Waiting {
            step: StepName::RollOut,
            message: format!("going back to the old value: {message}"),
            until: None,
        });
    }
    match kept(order, target, entry, now) {
        Some(first) => first,
        None => withdrawn(seen),
    }
}

/// What follows when the value that is taken back is to be disabled now.
pub fn withdrawn(seen: &Seen) -> Next {
    match &seen.pending {
        Some(Login::Refused) | None => Next::Act(Effect::Close { succeeded: false }),
        Some(_) if seen.retired => Next::Stall(StepName::Retire, still_accepted()),
        Some(_) => Next::Act(Effect::Withdraw),
    }
}
