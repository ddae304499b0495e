//! The decisions of a rotation. Pure: from what is durable (ledger, publication) and what was just
//! seen (logins, pods, sessions) to the next effect or the thing to wait for.
//!
//! [`stage`] tells from durable facts alone how far a credential is, so that a rotation goes on after
//! a crash at any point without asking its own status. [`next`] then decides within the stage:
//! [`forward`] to the new value, or [`backward`] to the old one.

mod backward;
mod forward;
mod seen;

#[cfg(test)]
mod tests;

use k8s_openapi::jiff::Timestamp;
use reportapp_crds::secret_rotation::StepName;

use super::ledger::Entry;
use super::target::{Round, Target};
use super::trouble::Trouble;
use forward::{converge, generate, introduce, publish, retire, rolling_out};

pub use backward::{Ending, ending, withdrawn};
pub use forward::{lacking, leftover, retired, still_accepted};
pub use seen::{Published, Rollout, Seen, Sessions};

/// How far a credential is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// The ledger does not know this rotation yet.
    Generate,
    /// `pending` is durable; the backend is made to accept it.
    Introduce,
    /// Consumers are told to accept the new key.
    Announce,
    /// `current` is the new value; waiting for the other credentials.
    Publish,
    /// Consumers are moving.
    Converge,
    /// Nobody uses the old value any more; waiting for the other credentials.
    Retire,
    /// What was begun is taken back.
    Undo,
    /// The ledger says that it has ended, or that an emergency took over.
    Closed,
}

/// The identity and manner of a rotation.
#[derive(Clone, Debug)]
pub struct Order {
    /// Uid of the `SecretRotation`.
    pub id: String,
    /// Larger than that of every rotation made before it.
    pub fence: u64,
    /// Whether old values are blocked first.
    pub emergency: bool,
    /// Whether a value that is not accepted any more is replaced all the same.
    pub repairs: bool,
}

impl Order {
    /// The fence of this rotation's changes: greater than that of every change before it, also where
    /// two rotations were made within one second of the API's clock.
    pub fn fence_over(&self, entry: &Entry) -> u64 {
        if entry.rotation.as_ref() == Some(&self.id) {
            entry.fence
        } else {
            self.fence.max(entry.fence + 1)
        }
    }
}

/// What to do next for one credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Do this, then look again.
    Act(Effect),
    /// Nothing can be done now.
    Wait(Waiting),
    /// Something stands in the way.
    Stall(StepName, Trouble),
    /// Ready to publish; all credentials are published together.
    ReadyToPublish(Round),
    /// Ready to retire; all credentials are retired together.
    ReadyToRetire,
    /// Ended, successfully or not.
    Done,
}

/// What is waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The step in hand.
    pub step: StepName,
    /// A sentence.
    pub message: String,
    /// When it is over at the latest, if that is known.
    pub until: Option<Timestamp>,
}

/// A change of the outside world. Each can be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Disable what an earlier rotation left valid beside the value in use.
    Settle,
    /// Write a new value as `pending`.
    Generate,
    /// Make the backend accept `pending`.
    Prepare,
    /// Make `pending` the current value.
    Promote,
    /// Make the backend accept `current` again.
    Repair,
    /// Make the old value the current one again.
    TakeBack,
    /// Note since when nobody uses the old value.
    NoteQuiet,
    /// Note that somebody uses the old value again.
    NoteBusy,
    /// Disable the old value and end what is left of its sessions.
    Retire,
    /// Disable the value that is taken back.
    Withdraw,
    /// Write the end to the ledger.
    Close {
        /// Whether the old value is dead.
        succeeded: bool,
    },
}

/// How far a credential is, from durable facts alone.
pub fn stage(order: &Order, entry: &Entry, published: Option<&Published>) -> Stage {
    let id = order.id.as_str();
    if entry
        .closed
        .as_ref()
        .is_some_and(|closed| closed.rotation == id)
        || entry.superseded.iter().any(|other| other == id)
    {
        return Stage::Closed;
    }
    if entry.rotation.as_deref() != Some(id) {
        return Stage::Generate;
    }
    if entry.undoing {
        return Stage::Undo;
    }
    let round = published
        .filter(|published| published.rotation == id)
        .map(|published| published.round);
    if !entry.is_promoted(id) {
        return match round {
            Some(Round::Announced) => Stage::Announce,
            _ => Stage::Introduce,
        };
    }
    match round {
        Some(Round::Alone) => Stage::Retire,
        Some(Round::Switched) => Stage::Converge,
        _ => Stage::Publish,
    }
}

/// What to do next.
pub fn next(
    order: &Order,
    target: &Target,
    entry: &Entry,
    published: Option<&Published>,
    seen: &Seen,
    now: Timestamp,
) -> Next {
    match stage(order, entry, published) {
        Stage::Generate => generate(order, target, entry, seen, now),
        Stage::Introduce => introduce(order, target, seen),
        Stage::Announce => match &seen.rollout {
            Some(Rollout::Complete) => Next::Act(Effect::Promote),
            other => rolling_out(other.as_ref()),
        },
        Stage::Publish => publish(order, target, seen),
        Stage::Converge => converge(order, target, entry, seen, now),
        Stage::Retire => retire(seen),
        Stage::Undo => backward::undo(order, target, entry, seen, published, now),
        Stage::Closed => Next::Done,
    }
}
