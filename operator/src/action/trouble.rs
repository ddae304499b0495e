//! What stands in the way of an action, told so that a person knows what to do. A value, not an error:
//! the action waits, and the condition `Stalled` carries it.

use std::fmt;

use crate::api_error::ApiError;
use crate::one_shot::Absent;

/// Why an action does not go on. These words are reasons of the condition `Stalled`, so they are part
/// of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    /// This version does not do it.
    NotImplemented,
    /// The API server refuses or does not answer.
    ApiServer,
    /// Somebody else wrote at the same time; the next look decides.
    Raced,
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
            Self::StoreNotReachable | Self::UnknownUser | Self::NotImplemented
        )
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, formatter)
    }
}

/// Something stands in the way.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Trouble {
    /// Kind of trouble.
    pub reason: Reason,
    /// A sentence with a remedy.
    pub message: String,
}

impl Trouble {
    /// Something stands in the way.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
        }
    }
}

impl From<ApiError> for Trouble {
    fn from(error: ApiError) -> Self {
        let reason = match &error {
            ApiError::Conflict { .. } => Reason::Raced,
            _ => Reason::ApiServer,
        };
        Self::new(reason, error.to_string())
    }
}

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
    use super::Reason;

    /// Every reason a person may see.
    const SEEN: [Reason; 17] = [
        Reason::AppMissing,
        Reason::AppDeleting,
        Reason::AppSuspended,
        Reason::UnknownComponent,
        Reason::UnknownCredential,
        Reason::WorkloadMissing,
        Reason::WorkloadNotLent,
        Reason::WorkloadHeld,
        Reason::PodsUnhealthy,
        Reason::RotationNotPlanned,
        Reason::RotationNotOurs,
        Reason::StoreUnreachable,
        Reason::StoreNotUsable,
        Reason::StoreNotReachable,
        Reason::UnknownUser,
        Reason::NotImplemented,
        Reason::ApiServer,
    ];

    #[test]
    fn every_reason_has_its_row_among_the_remedies() {
        let page = include_str!("../../../docs/reference/action-stalls.md");
        for reason in SEEN {
            assert!(page.contains(&format!("| `{reason}` |")), "{reason}");
        }
        let rows = page.lines().filter(|line| line.starts_with("| `")).count();
        assert_eq!(rows, SEEN.len(), "a row for a reason that does not exist");
    }
}
