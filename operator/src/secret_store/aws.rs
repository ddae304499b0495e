//! Ledgers in AWS Secrets Manager, one secret `<prefix>/<namespace>/<app>/<credential>` each.
//!
//! A secret is a row of versions with labels on them; the one labelled `AWSCURRENT` is its value, and
//! its id is the version of the entry. Secrets Manager itself writes without looking, so a write is two
//! calls: the new version is put beside the current one under a label of ours ([`STAGED`]), then
//! `AWSCURRENT` is moved *from* the version that was read *to* the new one. AWS refuses the move when
//! the label is elsewhere by now, so of two writers the later one is refused. Whoever dies between the
//! calls leaves a version that nobody reads; the next writer takes its label away, and AWS removes it.
//!
//! A call goes [`session`] (an access key that is good now) → [`request`] (one signed HTTP call) →
//! [`explain`] (what a failure means and what to do). A refused key is replaced once.

mod explain;
mod place;
mod region;
mod request;
mod session;
pub mod settings;

use serde_json::{Map, Value, json};

use super::{Patched, SecretStore, StoreError, Version};
use crate::random;
use crate::rotation::ledger::{Entry, SecretText};
use explain::Attempt;
use place::{Action, Place};
use request::Failure;
use session::Session;
pub use settings::{AccessKey, ID_KEY, Login, SECRET_KEY, SESSION_KEY, Settings};

/// Label of the value of a secret.
const CURRENT: &str = "AWSCURRENT";
/// Label of a version that is not the value yet.
const STAGED: &str = "REPORTAPP-STAGED";
/// Bytes of the id of a version.
const ID_BYTES: usize = 16;
/// Rounds of reading and writing a secret of others before its writers win.
const MOST_ROUNDS: usize = 8;

/// The ledgers of one `ReportApp` in AWS Secrets Manager.
pub struct AwsStore {
    session: Session,
    /// `<prefix>/<namespace>/<app>`.
    folder: String,
    kms_key_id: Option<String>,
}

/// The value of a secret.
struct Found {
    /// `None`: bytes, not text.
    text: Option<SecretText>,
    version: Version,
}

impl AwsStore {
    /// The ledgers of `app` in `namespace`; nothing is asked yet.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] when the settings cannot be used.
    pub fn new(settings: Settings, namespace: &str, app: &str) -> Result<Self, StoreError> {
        let session = Session::new(&settings, &format!("reportapp-{namespace}-{app}"))?;
        Ok(Self {
            session,
            folder: format!("{}/{namespace}/{app}", settings.prefix),
            kms_key_id: settings.kms_key_id,
        })
    }

    /// Sets `key` of the JSON object in the secret `name` and leaves its other keys as they are. A
    /// secret that does not exist is begun; of one that somebody else writes at the same time the
    /// newer version is read and the change repeated.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] when the secret holds no JSON object, [`StoreError::Raced`] when
    /// others wrote in between every time.
    pub async fn patch_key(
        &self,
        name: &str,
        key: &str,
        value: &SecretText,
    ) -> Result<Patched, StoreError> {
        let place = Place::of_others(name)?;
        for _ in 0..MOST_ROUNDS {
            let found = self.find(&place).await?;
            let mut data = match &found {
                Some(found) => object(&place, found)?,
                None => Map::new(),
            };
            let value = Value::String(value.expose().to_owned());
            if data.get(key) == Some(&value) {
                return Ok(Patched::Unchanged);
            }
            data.insert(key.to_owned(), value);
            let text = SecretText::new(Value::Object(data).to_string());
            let expected = found.map(|found| found.version);
            match self.replace(&place, &text, expected.as_ref(), "").await {
                Err(StoreError::Raced) => {}
                written => return written.map(|_| Patched::Written),
            }
        }
        Err(StoreError::Raced)
    }

    /// Writes in place of version `expected` (`None`: there must be no value), and gives the new one.
    async fn replace(
        &self,
        place: &Place,
        text: &SecretText,
        expected: Option<&Version>,
        description: &str,
    ) -> Result<Version, StoreError> {
        let Some(expected) = expected else {
            return self.begin(place, text, description).await;
        };
        match self.stage(place, text).await {
            Ok((version, _)) => self.promote(place, Some(expected), version).await,
            // Deleted since it was read: the reader sees that next time.
            Err(Failure::Missing) => Err(StoreError::Raced),
            Err(failure) => Err(self.told(&failure, Action::PutSecretValue, place)),
        }
    }

    async fn begin(
        &self,
        place: &Place,
        text: &SecretText,
        description: &str,
    ) -> Result<Version, StoreError> {
        let mut body = json!({
            "Name": place.name,
            "ClientRequestToken": new_id()?.0,
            "SecretString": text.expose(),
        });
        if !description.is_empty() {
            body["Description"] = json!(description);
        }
        if let Some(key) = &self.kms_key_id {
            body["KmsKeyId"] = json!(key);
        }
        match self.ask(Action::CreateSecret, &body).await {
            Ok(answer) => version(&answer),
            Err(Failure::Exists) => self.fill(place, text).await,
            Err(failure) => Err(failure),
        }
        .map_err(|failure| self.told(&failure, Action::CreateSecret, place))
    }

    /// Gives its first value to a secret that was made without one, as infrastructure tools do.
    async fn fill(&self, place: &Place, text: &SecretText) -> Result<Version, Failure> {
        if self.current(place).await?.is_some() {
            return Err(Failure::Exists);
        }
        let (version, is_current) = match self.stage(place, text).await {
            // Deleted in between, which the next look sees.
            Err(Failure::Missing) => return Err(Failure::Exists),
            staged => staged?,
        };
        if is_current {
            return Ok(version);
        }
        let promoted = self.promote(place, None, version).await;
        promoted.map_err(Failure::Told)
    }

    /// Puts a version beside the current one; with it, whether it is the first and so the value.
    async fn stage(&self, place: &Place, text: &SecretText) -> Result<(Version, bool), Failure> {
        let id = new_id().map_err(Failure::Told)?;
        let body = json!({
            "SecretId": place.name,
            "ClientRequestToken": id.0,
            "SecretString": text.expose(),
            "VersionStages": [STAGED],
        });
        let answer = self.ask(Action::PutSecretValue, &body).await?;
        let labels = answer.get("VersionStages").and_then(Value::as_array);
        let is_current = labels.is_some_and(|labels| labels.iter().any(|label| label == CURRENT));
        Ok((version(&answer)?, is_current))
    }

    /// Makes `new` the value if `expected` is it.
    async fn promote(
        &self,
        place: &Place,
        expected: Option<&Version>,
        new: Version,
    ) -> Result<Version, StoreError> {
        let mut body = json!({
            "SecretId": place.name,
            "VersionStage": CURRENT,
            "MoveToVersionId": new.0,
        });
        if let Some(expected) = expected {
            body["RemoveFromVersionId"] = json!(expected.0);
        }
        let failure = match self.ask(Action::UpdateSecretVersionStage, &body).await {
            Ok(_) => return Ok(new),
            Err(failure) => failure,
        };
        // AWS does not say in a word that the label is elsewhere: where it is tells.
        if matches!(failure, Failure::Refused { .. } | Failure::Missing) {
            let now = self.find(place).await?.map(|found| found.version);
            if now.as_ref() == Some(&new) {
                return Ok(new);
            }
            if now.as_ref() != expected {
                return Err(StoreError::Raced);
            }
        }
        Err(self.told(&failure, Action::UpdateSecretVersionStage, place))
    }

    /// The value of a secret; `None` when there is no secret or it has none.
    async fn current(&self, place: &Place) -> Result<Option<Found>, Failure> {
        let body = json!({ "SecretId": place.name, "VersionStage": CURRENT });
        match self.ask(Action::GetSecretValue, &body).await {
            Ok(answer) => Ok(Some(Found {
                text: answer
                    .get("SecretString")
                    .and_then(Value::as_str)
                    .map(SecretText::new),
                version: version(&answer)?,
            })),
            Err(Failure::Missing) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    async fn find(&self, place: &Place) -> Result<Option<Found>, StoreError> {
        let found = self.current(place).await;
        found.map_err(|failure| self.told(&failure, Action::GetSecretValue, place))
    }

    /// Makes a call, and makes it again with a new access key if AWS refuses the one that is held.
    async fn ask(&self, action: Action, body: &Value) -> Result<Value, Failure> {
        let key = self.session.key().await.map_err(Failure::Told)?;
        let answer = self.session.call(&key, action, body).await;
        if !matches!(answer, Err(Failure::Login { .. })) {
            return answer;
        }
        let other = self.session.replacement(&key).await;
        match other.map_err(Failure::Told)? {
            Some(key) => self.session.call(&key, action, body).await,
            None => answer,
        }
    }

    fn told(&self, failure: &Failure, action: Action, place: &Place) -> StoreError {
        self.session.explain(failure, &Attempt::Call(action, place))
    }

    fn ledger(&self, credential: &str) -> Result<Place, StoreError> {
        Place::in_folder(&self.folder, credential)
    }
}

impl SecretStore for AwsStore {
    async fn read(&self, credential: &str) -> Result<Option<(Entry, Version)>, StoreError> {
        let place = self.ledger(credential)?;
        let Some(found) = self.find(&place).await? else {
            return Ok(None);
        };
        Ok(Some((entry(&place, &found)?, found.version)))
    }

    async fn write(
        &self,
        credential: &str,
        entry: &Entry,
        expected: Option<&Version>,
    ) -> Result<Version, StoreError> {
        let place = self.ledger(credential)?;
        let text = serde_json::to_string(entry).expect("an entry has only text, numbers and times");
        let description = format!("Ledger of reportapp-operator for {}", self.folder);
        self.replace(&place, &SecretText::new(text), expected, &description)
            .await
    }
}

/// An id for a new version: AWS takes it as given, and takes a repeated one as the same request.
fn new_id() -> Result<Version, StoreError> {
    let bytes = random::bytes(ID_BYTES);
    let bytes = bytes.map_err(|error| StoreError::Unavailable(error.to_string()))?;
    Ok(Version(hex::encode(bytes)))
}

fn version(answer: &Value) -> Result<Version, Failure> {
    let id = answer.get("VersionId").and_then(Value::as_str);
    id.map(|id| Version(id.to_owned())).ok_or(Failure::Strange)
}

/// The entry in a secret of ours.
fn entry(place: &Place, found: &Found) -> Result<Entry, StoreError> {
    let text = found.text.as_ref();
    // The parser's own words may repeat a part of the value.
    text.and_then(|text| serde_json::from_str(text.expose()).ok())
        .ok_or_else(|| {
            StoreError::Unusable(format!(
                "{place} in AWS holds no ledger entry; make its previous version the current one with `aws secretsmanager update-secret-version-stage`, or delete the secret with `--force-delete-without-recovery` to begin a new ledger with the value the spec names"
            ))
        })
}

/// The JSON object in a secret of others.
fn object(place: &Place, found: &Found) -> Result<Map<String, Value>, StoreError> {
    let text = found.text.as_ref();
    text.and_then(|text| serde_json::from_str(text.expose()).ok())
        .ok_or_else(|| {
            StoreError::Unusable(format!(
                "{place} in AWS holds something other than a JSON object of keys; publish to another secret, or make it one with `aws secretsmanager put-secret-value --secret-id {place} --secret-string '{{}}'`"
            ))
        })
}

#[cfg(test)]
mod tests;
