//! Whether a user may have a session at all, whatever they can prove.

use crate::store::User;

/// What stands against a session of a user, if anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Eligibility {
    /// Nothing.
    Eligible,
    /// The user or their tenant is locked.
    Locked,
    /// The password has to be replaced first.
    MustReset,
}

impl Eligibility {
    /// Judges a user who was read after the stamp of the tokens was taken.
    pub(crate) fn of(user: &User) -> Self {
        match (user.is_active, user.must_reset_password) {
            (false, _) => Self::Locked,
            // No code gives them another password: it is kept by an ERP.
            (true, true) if user.erp.is_some() => Self::Locked,
            (true, true) => Self::MustReset,
            (true, false) => Self::Eligible,
        }
    }
}
