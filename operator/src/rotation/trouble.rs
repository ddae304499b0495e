//! What stands in the way of a rotation, told so that a person knows what to do. A value, not an
//! error: the rotation waits, everything still serves, and the condition `Stalled` carries it.

use crate::backend::BackendError;
use crate::one_shot::trouble::{self, AskingReasons, reasons};
use crate::secret_store::StoreError;

reasons! {
    /// Why a rotation does not go on. These words are reasons of the condition `Stalled`, so they are
    /// part of the API.
    pub enum Reason {
        /// The secret store does not answer or is sealed.
        StoreUnavailable,
        /// The old values are blocked already, and the secret store does not answer: the outage lasts
        /// until it does.
        BlockedAwaitingStore,
        /// The secret store refuses the login or a right.
        StoreDenied,
        /// What the secret store holds cannot be used.
        LedgerUnusable,
        /// The backend does not answer.
        BackendUnreachable,
        /// The administrator's login is refused.
        AdminRefused,
        /// The administrator lacks a right.
        RightMissing,
        /// The backend is in a state this rotation must not touch.
        BackendRefused,
        /// A newer rotation took over.
        Superseded,
        /// The value in use is not accepted: somebody changed it behind the operator's back.
        CurrentRejected,
        /// The backend accepts the new value but grants less than to the application's role.
        PrivilegesLacking,
        /// Pods with the new value do not become ready.
        PodsUnhealthy,
        /// The backend still shows sessions of the old value.
        OldSessionsRemain,
        /// The backend still accepts the old value after it was retired.
        OldStillAccepted,
        /// The ReportApp is missing, suspended or refused.
        AppNotReady,
        /// An approval is needed, and the rotation does not say who asks for it.
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
        matches!(self, Self::RequesterMissing)
    }
}

impl AskingReasons for Reason {
    const API_SERVER: Self = Self::ApiServer;
    const RACED: Self = Self::Raced;
}

/// Something stands in the way.
pub type Trouble = trouble::Trouble<Reason>;

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        let reason = match &error {
            StoreError::Unavailable(_) => Reason::StoreUnavailable,
            StoreError::Denied(_) => Reason::StoreDenied,
            StoreError::Raced => Reason::Raced,
            StoreError::Unusable(_) => Reason::LedgerUnusable,
        };
        Self::new(reason, error.to_string())
    }
}

impl From<BackendError> for Trouble {
    fn from(error: BackendError) -> Self {
        let reason = match &error {
            BackendError::Unreachable(_) => Reason::BackendUnreachable,
            BackendError::AdminRefused(_) => Reason::AdminRefused,
            BackendError::RightMissing(_) => Reason::RightMissing,
            BackendError::Fenced(_) => Reason::Superseded,
            BackendError::Refused(_) => Reason::BackendRefused,
        };
        Self::new(reason, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Display;

    use super::super::status::standing::Standing;
    use super::{Reason, trouble};

    #[test]
    fn every_reason_has_its_row_in_the_reference_and_every_row_its_reason() {
        let page = include_str!("../../../docs/reference/rotation-stalls.md");
        let seen = Reason::ALL.iter().filter(|reason| !reason.is_passing());
        let seen = seen.map(|reason| reason as &dyn Display);
        let standing = Standing::ALL.iter().map(|reason| reason as &dyn Display);
        trouble::assert_documented(page, seen.chain(standing));
    }
}
