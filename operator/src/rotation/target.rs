//! One credential as a rotation sees it: how it is rotated, and how long its old value is waited for.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use rcgen::{KeyPair, PKCS_ED25519};
use reportapp_config::credential as file;

use super::ledger::{Entry, SecretText, Value};
use super::trouble::{Reason, Trouble};
use crate::backend::{identities, next_twin};

/// Characters of a generated password: about 228 bits.
const PASSWORD_LENGTH: usize = 40;

/// How a credential is rotated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// Two users in turn; both work while consumers move from one to the other.
    AlternatingUsers,
    /// One user with two passwords while consumers move.
    TwoPasswords,
    /// One user, one password: the old one dies before consumers have the new one.
    InPlace,
    /// Two signing keys: both verify while tokens of the old one live.
    KeyOverlap,
    /// Nothing to change but the published places.
    ValueOnly,
}

/// A credential to rotate.
#[derive(Clone, Debug)]
pub struct Target {
    /// Name under `spec.credentials`.
    pub name: String,
    /// How it is rotated.
    pub strategy: Strategy,
    /// The role or ACL user of the spec, where there is one.
    pub role: Option<String>,
    /// File of the value in the pods' folder.
    pub file: &'static str,
    /// How long the old value must have been out of use before it is retired.
    pub hold: Duration,
    /// Its position when several rotate, and the key of maps.
    pub index: usize,
}

/// Which version of a credential consumers are given.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub enum Round {
    /// The old key signs, the new one verifies.
    Announced,
    /// The new value is used; of keys, the old one still verifies.
    Switched,
    /// The new key alone.
    Alone,
}

impl Target {
    /// A new value, as rotation `id` introduces it.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn generate(&self, id: &str, entry: &Entry, now: Timestamp) -> Result<Value, Trouble> {
        let secret = match self.strategy {
            Strategy::KeyOverlap => signing_key()?,
            _ => password()?,
        };
        Ok(Value {
            rotation: id.to_owned(),
            username: self.successor(entry),
            secret,
            created: now,
        })
    }

    /// The login name of the next value, where there is one.
    pub fn successor(&self, entry: &Entry) -> Option<String> {
        let in_use = entry.current.as_ref().and_then(|v| v.username.as_deref());
        self.role.as_ref().map(|role| match self.strategy {
            Strategy::AlternatingUsers => next_twin(role, in_use),
            _ => role.clone(),
        })
    }

    /// Whether the ledger holds a value of another role: the spec named another one when it was
    /// made.
    pub fn is_foreign(&self, entry: &Entry) -> bool {
        let Some(role) = &self.role else { return false };
        let ours = identities(role);
        let values = [&entry.current, &entry.pending];
        let mut names = values
            .into_iter()
            .flatten()
            .filter_map(|value| value.username.as_ref());
        names.any(|name| !ours.contains(name))
    }

    /// What pods find in the folder of this credential in `round`; `None` when the ledger has no
    /// value for it.
    ///
    /// # Errors
    /// When a key cannot be read.
    pub fn files(
        &self,
        entry: &Entry,
        round: Round,
    ) -> Result<BTreeMap<String, SecretText>, Trouble> {
        let lost = || {
            Trouble::new(
                Reason::LedgerUnusable,
                format!(
                    "the ledger of credential {} has no value to publish",
                    self.name
                ),
            )
        };
        let current = entry.current.as_ref().ok_or_else(lost)?;
        let mut files = BTreeMap::from([(self.file.to_owned(), current.secret.clone())]);
        if let Some(username) = &current.username {
            files.insert(file::USERNAME.to_owned(), SecretText::new(username.clone()));
        }
        if self.strategy == Strategy::KeyOverlap {
            let other = match round {
                Round::Announced => entry.pending.as_ref(),
                Round::Switched => entry.previous.as_ref(),
                Round::Alone => None,
            };
            if let Some(other) = other {
                let name = format!("{}1.pem", file::VERIFY_KEY_PREFIX);
                files.insert(name, public_key(&other.secret)?);
            }
        }
        Ok(files)
    }
}

fn password() -> Result<SecretText, Trouble> {
    crate::random::text(PASSWORD_LENGTH)
        .map(SecretText::new)
        .map_err(|error| Trouble::new(Reason::ApiServer, error.to_string()))
}

fn signing_key() -> Result<SecretText, Trouble> {
    let pair = KeyPair::generate_for(&PKCS_ED25519)
        .map_err(|error| Trouble::new(Reason::LedgerUnusable, error.to_string()))?;
    Ok(SecretText::new(pair.serialize_pem()))
}

/// The public half (SPKI PEM) of a signing key.
fn public_key(private: &SecretText) -> Result<SecretText, Trouble> {
    let pair = KeyPair::from_pem(private.expose()).map_err(|_| {
        Trouble::new(
            Reason::LedgerUnusable,
            "a signing key in the ledger is no PKCS#8 PEM",
        )
    })?;
    Ok(SecretText::new(pair.public_key_pem()))
}
