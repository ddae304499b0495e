//! What the ledger of one credential holds: the memory of its rotations. A [`SecretStore`] keeps it
//! and refuses to overwrite what it has not shown before (check-and-set).
//!
//! `pending` is written before anything is changed, `previous` is kept until the next rotation, so
//! that at every instant some value in here is accepted by the backend.
//!
//! [`SecretStore`]: crate::secret_store::SecretStore

use std::fmt;

use k8s_openapi::jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A text that must not show: `Debug` prints `***`. Serialised only into a secret store.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretText(String);

impl SecretText {
    /// Wraps a value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself; for logging in and for the objects that carry it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

/// One value of a credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Value {
    /// Uid of the rotation that made it; [`ADOPTED`] for the first one, which somebody else made.
    pub rotation: String,
    /// Login name, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Password or private key.
    pub secret: SecretText,
    /// When it was made.
    pub created: Timestamp,
}

impl Value {
    /// Whether it logs in with the name of `other`: then it goes with its password alone.
    pub fn shares_login(&self, other: Option<&Self>) -> bool {
        self.username.is_some() && other.is_some_and(|other| other.username == self.username)
    }
}

/// `rotation` of a value the operator did not make.
pub const ADOPTED: &str = "adopted";

/// The ledger of one credential.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Rises with every rotation that begins; a backend refuses a change with a smaller one.
    pub fence: u64,
    /// Uid of the rotation that is open; absent when none is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation: Option<String>,
    /// Whether the open rotation is an emergency, whose old value must never come back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub emergency: bool,
    /// The value that is being introduced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<Value>,
    /// The value in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<Value>,
    /// The value that was in use before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Value>,
    /// Since when nobody was seen to use `previous`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet_since: Option<Timestamp>,
    /// Whether the open rotation is being taken back: `current` is the old value again, `pending`
    /// the one to disable.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub undoing: bool,
    /// How the last rotation ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<Closed>,
    /// Uids of the last rotations that were open when an emergency took over; they never go on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub superseded: Vec<String>,
}

impl Entry {
    /// Whether rotation `id` is open and has made its value the current one.
    pub fn is_promoted(&self, id: &str) -> bool {
        self.rotation.as_deref() == Some(id)
            && !self.undoing
            && self
                .current
                .as_ref()
                .is_some_and(|value| value.rotation == id)
    }
}

/// How a rotation ended, in the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Closed {
    /// Its uid.
    pub rotation: String,
    /// When.
    pub at: Timestamp,
    /// Whether the new value is in use and the old one was seen to be refused.
    pub succeeded: bool,
}
