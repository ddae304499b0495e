//! What the kinds have in common that are carried out once: [`SecretRotation`](crate::SecretRotation)
//! and [`IncidentAction`](crate::IncidentAction).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How far something is that is carried out once, in one word.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It waits for another one that has the same target.
    Pending,
    /// It waits for the consent of a second person.
    AwaitingApproval,
    /// It is under way.
    Running,
    /// It is done, and what it was for was seen to be so: of a rotation, the new value is in use and
    /// the old one is refused.
    Succeeded,
    /// It cannot succeed; `message` says what is left.
    Failed,
    /// Its deadline passed. What a rotation began is undone.
    Expired,
}

impl Phase {
    /// Whether nothing happens any more.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Expired)
    }
}
