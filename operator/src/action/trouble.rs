//! Reasons of actions, and what makes one of them.

use crate::one_shot::Absent;
use crate::one_shot::trouble::{self, AskingReasons, reasons};

reasons! {
    /// Why an action does not go on. These words are reasons of the condition `Stalled`, so they are part
    /// of the API.
    pub enum Reason {
        /// There is no `ReportApp` of that name.
        AppMissing,
        /// The `ReportApp` is on its way out.
        AppDeleting,
        /// The `ReportApp` is suspended.
        AppSuspended,
        /// The application has no such component.
        UnknownComponent,
        /// The `ReportApp` has no such credential.
        UnknownCredential,
        /// There is no such workload.
        WorkloadMissing,
        /// The workload does not lend itself.
        WorkloadNotLent,
        /// Its owner keeps the workload from replacing its pods.
        WorkloadHeld,
        /// New pods do not become ready.
        PodsUnhealthy,
        /// What the rotation needs is not there, so that it cannot be planned.
        RotationNotPlanned,
        /// The `SecretRotation` of this action is somebody else's.
        RotationNotOurs,
        /// The application's store does not answer.
        StoreUnreachable,
        /// The application's store answers and does not do what is asked, or its login is not known.
        StoreNotUsable,
        /// The application's store is no server, so an action never reaches it.
        StoreNotReachable,
        /// The application's store knows no such user.
        UnknownUser,
        /// The application's store knows no such role.
        UnknownRole,
        /// The application's store knows no such tenant.
        UnknownTenant,
        /// Nobody could manage the platform afterwards.
        LastAdministrator,
        /// The password is kept by an ERP server.
        ErpAccount,
        /// Somebody has changed since what is to be put back, or has changed back what was done.
        ChangedSince,
        /// The application's Redis does not answer.
        RedisUnreachable,
        /// The application has no Redis, or it does not do what is asked.
        RedisNotUsable,
        /// There is no action that could be undone.
        ActionMissing,
        /// The action that is to be undone has not ended.
        ActionNotEnded,
        /// The action leaves nothing that could be put back.
        NotUndoable,
        /// An approval is needed, and the action does not say who asks for it.
        RequesterMissing,
        /// The API server refuses or does not answer.
        ApiServer,
        /// Somebody else wrote at the same time; the next look decides.
        Raced,
    }
}

impl Reason {
    /// Whether the next look may well find it gone: not worth a condition at once.
    pub fn is_passing(self) -> bool {
        matches!(self, Self::Raced)
    }

    /// Whether no look will ever find it gone, so that waiting for the deadline helps nobody.
    pub fn is_lasting(self) -> bool {
        matches!(
            self,
            Self::StoreNotReachable
                | Self::UnknownUser
                | Self::UnknownRole
                | Self::UnknownTenant
                | Self::LastAdministrator
                | Self::ErpAccount
                | Self::ChangedSince
                | Self::ActionMissing
                | Self::NotUndoable
                | Self::RequesterMissing
        )
    }
}

impl AskingReasons for Reason {
    const API_SERVER: Self = Self::ApiServer;
    const RACED: Self = Self::Raced;
}

/// Something stands in the way.
pub type Trouble = trouble::Trouble<Reason>;

impl From<Absent> for Trouble {
    fn from(absent: Absent) -> Self {
        let reason = match &absent {
            Absent::Missing { .. } => Reason::AppMissing,
            Absent::Deleted { .. } => Reason::AppDeleting,
        };
        Self::new(reason, absent.to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Display;

    use super::{Reason, trouble};

    #[test]
    fn every_reason_has_its_row_among_the_remedies() {
        let page = include_str!("../../../docs/reference/action-stalls.md");
        let seen = Reason::ALL.iter().filter(|reason| !reason.is_passing());
        trouble::assert_documented(page, seen.map(|reason| reason as &dyn Display));
    }
}
