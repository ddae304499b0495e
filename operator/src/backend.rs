//! What a rotation or an action changes outside Kubernetes: one module per kind of backend, each
//! with the same few verbs, each idempotent, each telling what it found instead of what it did.
//!
//! Names and passwords are quoted by the backend's own rules; passwords go out hashed (SCRAM
//! verifiers, SHA-256) wherever the protocol allows, so that no statement log ever holds one.

pub mod postgres;
pub mod redis;

use std::collections::BTreeSet;

use reportapp_config::database::TlsMode;

use crate::rotation::ledger::SecretText;

/// A backend could not do what it was asked. Texts are sentences with a remedy and no secrets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BackendError {
    /// It does not answer; worth another try.
    #[error("{0}")]
    Unreachable(String),
    /// The administrator's login is refused.
    #[error("{0}")]
    AdminRefused(String),
    /// The administrator lacks a right; the text names the statement that gives it.
    #[error("{0}")]
    RightMissing(String),
    /// A newer rotation has changed this credential: this one must not.
    #[error("a newer rotation changed {0} already")]
    Fenced(String),
    /// The backend is in a state this rotation must not touch.
    #[error("{0}")]
    Refused(String),
}

/// What a login with a value gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Login {
    /// Accepted, with the privileges of the application.
    Accepted,
    /// The backend refuses the user or the password.
    Refused,
    /// Accepted, but something differs from the application's role; the text says what.
    Lacking(String),
}

/// Sessions of a user, as the backend shows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Who: application name or address.
    pub client: String,
    /// How many.
    pub count: u32,
}

/// The statements of a rotation for a person to read: in order, without values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outline {
    /// They make the backend accept the new value.
    pub accept: Vec<String>,
    /// They make it refuse the old one, once nobody uses that any more.
    pub retire: Vec<String>,
}

/// Where a backend is.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Host to dial.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Transport security.
    pub tls: TlsMode,
    /// Accepted authorities (PEM); absent: the public ones.
    pub authority: Option<String>,
    /// Name the certificate must carry; absent: the dialled host.
    pub server_name: Option<String>,
}

/// The login that may change others.
#[derive(Clone, Debug)]
pub struct Admin {
    /// Login name.
    pub username: String,
    /// Password.
    pub password: SecretText,
}

/// Names of the users that take turns for `role`: `<role>_a` and `<role>_b`.
pub fn twins(role: &str) -> [String; 2] {
    ["a", "b"].map(|twin| format!("{role}_{twin}"))
}

/// Every name under which `role` may be known: itself, as it was adopted, and its twins.
pub fn identities(role: &str) -> BTreeSet<String> {
    twins(role).into_iter().chain([role.to_owned()]).collect()
}

/// The user whose turn it is after `current`.
pub fn next_twin(role: &str, current: Option<&str>) -> String {
    let [a, b] = twins(role);
    if current == Some(a.as_str()) { b } else { a }
}
