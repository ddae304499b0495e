//! What stands in the way of something that is carried out once, told so that a person knows what to do.
//! A value, not an error: it waits, and the condition `Stalled` carries the reason.
//!
//! Each kind has reasons of its own, made by [`reasons`], and holds them against its page of the
//! reference.

use crate::api_error::ApiError;

/// An enum of reasons that knows all of them: one that is added cannot be left out of `ALL`, and so not
/// out of the documentation.
macro_rules! reasons {
    ($(#[$about:meta])* pub enum $name:ident { $($(#[$means:meta])* $reason:ident,)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$means])* $reason,)+
        }

        impl $name {
            /// Every one of them.
            pub const ALL: &'static [Self] = &[$(Self::$reason),+];
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::fmt::Debug::fmt(self, formatter)
            }
        }
    };
}

pub(crate) use reasons;

/// Reasons every kind has: each asks the API server.
pub trait AskingReasons {
    /// The API server refuses or does not answer.
    const API_SERVER: Self;
    /// Somebody else wrote at the same time; the next look decides.
    const RACED: Self;
}

/// Something stands in the way.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Trouble<R> {
    /// Kind of trouble.
    pub reason: R,
    /// A sentence with a remedy, without secrets.
    pub message: String,
}

impl<R> Trouble<R> {
    /// Something stands in the way.
    pub fn new(reason: R, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
        }
    }
}

impl<R: AskingReasons> From<ApiError> for Trouble<R> {
    fn from(error: ApiError) -> Self {
        let reason = match &error {
            ApiError::Conflict { .. } => R::RACED,
            _ => R::API_SERVER,
        };
        Self::new(reason, error.to_string())
    }
}

/// Holds a page of the reference against the reasons it has to explain, one row each.
#[cfg(test)]
pub(crate) fn assert_documented<'a>(
    page: &str,
    reasons: impl Iterator<Item = &'a dyn std::fmt::Display>,
) {
    use std::collections::BTreeSet;
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    let documented: Vec<_> = rows.filter_map(|row| row.split('`').next()).collect();
    let known: BTreeSet<_> = reasons.map(ToString::to_string).collect();
    let once: BTreeSet<_> = documented.iter().map(|word| (*word).to_owned()).collect();
    assert_eq!(once, known, "left: documented, right: in the code");
    assert_eq!(documented.len(), once.len(), "a reason has two rows");
}
