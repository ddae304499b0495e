//! Ledgers in Vault KV version 2, at `<mount>/<prefix>/<namespace>/<app>/<credential>`, each as one
//! field. The version of the secret is the version of the entry: Vault itself refuses the later of
//! two writers (check-and-set).
//!
//! The same login also reads first values ([`VaultStore::read_key`]) and publishes new ones into
//! secrets of others ([`VaultStore::patch_key`]).
//!
//! A request goes [`session`] (a token that is good now) → [`request`] (one HTTP call) → [`explain`]
//! (what a failure means and what to do). A refused token is replaced once by logging in again.

mod explain;
pub mod path;
mod request;
mod session;
pub mod settings;

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex};

use serde_json::{Map, Value};
use vaultrs::client::VaultClient;

use super::{Patched, SecretStore, StoreError, Version};
use crate::rotation::ledger::{Entry, SecretText};
use explain::Attempt;
use path::Place;
use request::{Failure, Found};
use session::Session;
pub use settings::{Login, Settings};

/// Field of a secret that holds the entry.
const ENTRY_FIELD: &str = "entry";
/// Rounds of reading and writing a secret of others before its writers win.
const MOST_ROUNDS: usize = 8;

/// The ledgers of one `ReportApp` in Vault.
pub struct VaultStore {
    session: Session,
    mount: String,
    /// `<prefix>/<namespace>/<app>`.
    folder: String,
    /// Texts of others as they were last read, by path and key.
    read: Mutex<HashMap<(String, String), SecretText>>,
}

impl VaultStore {
    /// The ledgers of `app` in `namespace`; nothing is asked yet.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] when the settings cannot be used.
    pub fn new(settings: Settings, namespace: &str, app: &str) -> Result<Self, StoreError> {
        let mount = path::checked(&settings.mount)?;
        let folder = path::checked(&format!("{}/{namespace}/{app}", settings.prefix))?;
        Ok(Self {
            session: Session::new(settings)?,
            mount,
            folder,
            read: Mutex::default(),
        })
    }

    /// Logs in or renews the token if it is time. Called at every look at the `ReportApp`, it keeps
    /// a token alive that nothing uses for a long time.
    ///
    /// # Errors
    /// As reading.
    pub async fn tend(&self) -> Result<(), StoreError> {
        self.session.client().await.map(drop)
    }

    /// The text under `key` of the secret at `path`, which is given as for [`Place`].
    ///
    /// # Errors
    /// [`StoreError::Unusable`] when there is no such secret, key or text.
    pub async fn read_key(&self, path: &str, key: &str) -> Result<SecretText, StoreError> {
        let place = Place::of_others(&self.mount, path)?;
        let found = self.read_place(&place, &["read"]).await?;
        let unusable = |problem: &str| StoreError::Unusable(format!("{place} {problem}"));
        let data = found.data.ok_or_else(|| {
            unusable("does not exist in Vault; write it with `vault kv put`, or correct the path")
        })?;
        match data.get(key) {
            Some(Value::String(text)) => {
                let text = SecretText::new(text);
                let place = (path.to_owned(), key.to_owned());
                self.known().insert(place, text.clone());
                Ok(text)
            }
            Some(_) => Err(unusable(&format!("has something other than text as {key}"))),
            None => Err(unusable(&format!(
                "has no key {key} in Vault; add it with `vault kv patch`, or name the key after `#`"
            ))),
        }
    }

    /// What [`Self::read_key`] last gave, for as long as Vault does not answer.
    pub fn last_read(&self, path: &str, key: &str) -> Option<SecretText> {
        let place = (path.to_owned(), key.to_owned());
        self.known().get(&place).cloned()
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<(String, String), SecretText>> {
        self.read
            .lock()
            .expect("no code panics while it holds this lock")
    }

    /// Sets `key` of the secret at `path` and leaves its other keys as they are. A secret that does
    /// not exist or whose last version was deleted is begun; of one that somebody else writes at
    /// the same time the newer version is read and the change repeated.
    ///
    /// # Errors
    /// [`StoreError::Raced`] when others wrote in between every time.
    pub async fn patch_key(
        &self,
        path: &str,
        key: &str,
        value: &SecretText,
    ) -> Result<Patched, StoreError> {
        let place = Place::of_others(&self.mount, path)?;
        for _ in 0..MOST_ROUNDS {
            let found = self.read_place(&place, path::READ_AND_WRITE).await?;
            let mut data = found.data.unwrap_or_default();
            let value = Value::String(value.expose().to_owned());
            if data.get(key) == Some(&value) {
                return Ok(Patched::Unchanged);
            }
            data.insert(key.to_owned(), value);
            match self.write_place(&place, data, found.version).await {
                Err(StoreError::Raced) => {}
                written => return written.map(|_| Patched::Written),
            }
        }
        Err(StoreError::Raced)
    }

    fn ledger(&self, credential: &str) -> Result<Place, StoreError> {
        Place::in_folder(&self.mount, &self.folder, credential)
    }

    async fn read_place(&self, place: &Place, needs: &[&str]) -> Result<Found, StoreError> {
        let attempt = Attempt::Read(place, needs);
        self.attempt(&attempt, |client| async move {
            request::read(&client, place).await
        })
        .await
    }

    async fn write_place(
        &self,
        place: &Place,
        data: Map<String, Value>,
        replaces: u32,
    ) -> Result<u32, StoreError> {
        let data = &Value::Object(data);
        self.attempt(&Attempt::Write(place), |client| async move {
            request::write(&client, place, data, replaces).await
        })
        .await
    }

    /// Makes a request, and makes it again with a new token if Vault refuses the one that is held.
    async fn attempt<T, F>(
        &self,
        attempt: &Attempt<'_>,
        request: impl Fn(Arc<VaultClient>) -> F,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let client = self.session.client().await?;
        let mut answer = request(Arc::clone(&client)).await;
        if matches!(answer, Err(Failure::Denied(_)))
            && let Some(client) = self.session.replacement(&client).await?
        {
            answer = request(client).await;
        }
        answer.map_err(|failure| self.session.explain(&failure, attempt))
    }
}

impl SecretStore for VaultStore {
    async fn read(&self, credential: &str) -> Result<Option<(Entry, Version)>, StoreError> {
        let place = self.ledger(credential)?;
        let found = self.read_place(&place, path::READ_AND_WRITE).await?;
        match found.data {
            Some(data) => Ok(Some((
                entry(&place, &data)?,
                Version(found.version.to_string()),
            ))),
            None => {
                if found.version > 0 {
                    let version = found.version;
                    tracing::warn!(%place, version, "the last version of a ledger was deleted in Vault; a new one begins");
                }
                Ok(None)
            }
        }
    }

    async fn write(
        &self,
        credential: &str,
        entry: &Entry,
        expected: Option<&Version>,
    ) -> Result<Version, StoreError> {
        let place = self.ledger(credential)?;
        let text = serde_json::to_string(entry).expect("an entry has only text, numbers and times");
        let data = Map::from_iter([(ENTRY_FIELD.to_owned(), Value::String(text))]);
        let replaces = match expected {
            Some(version) => number(version)?,
            None => 0,
        };
        let mut written = self.write_place(&place, data.clone(), replaces).await;
        if expected.is_none() && written == Err(StoreError::Raced) {
            // Versions go on counting after a deletion.
            let found = self.read_place(&place, path::READ_AND_WRITE).await?;
            if found.data.is_none() {
                written = self.write_place(&place, data, found.version).await;
            }
        }
        written.map(|version| Version(version.to_string()))
    }
}

fn number(version: &Version) -> Result<u32, StoreError> {
    let number = version.0.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| StoreError::Unusable(format!("{:?} is no version of Vault", version.0)))
}

/// The entry in a secret of ours.
fn entry(place: &Place, data: &Map<String, Value>) -> Result<Entry, StoreError> {
    let text = data.get(ENTRY_FIELD).and_then(Value::as_str);
    // The parser's own words may repeat a part of the value.
    text.and_then(|text| serde_json::from_str(text).ok())
        .ok_or_else(|| {
            StoreError::Unusable(format!(
                "{place} in Vault holds no ledger entry in its field {ENTRY_FIELD}; bring an older version back with `vault kv rollback`, or remove it with `vault kv metadata delete` to begin a new ledger with the value the spec names"
            ))
        })
}

#[cfg(test)]
mod tests;
