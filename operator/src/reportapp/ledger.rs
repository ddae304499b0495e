//! The ledger: material the operator generates once for an application and keeps in the Secret
//! `<app>-ledger`. It carries no owner, so it outlives the ReportApp, and nothing in it is ever
//! replaced; a newer operator adds what is missing.
//!
//! Reading and writing are apart: [`read`] generates in memory what is missing, so that a spec can
//! be checked, and [`Entry::persist`] writes it when the first object is about to be applied. A
//! refused spec therefore leaves no trace.
//!
//! The password of the first administrator passes through: it stays in the ledger until the Secret
//! `<app>-first-admin` holds it, and is then removed, so that deleting that Secret is final.

pub mod certificate;

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, ObjectMeta, Patch, PatchParams, PostParams};
use kube::{Client, Resource as _, ResourceExt as _};
use rcgen::{KeyPair, PKCS_ED25519};
use reportapp_crds::ReportApp;
use serde_json::json;

use super::model::{Ledger, SecretBytes};
use super::naming::{self, APP_LABEL, FIELD_MANAGER};
use crate::api_error::{ApiError, ApiResult};

const NAME_KEY: &str = "name-key";
const INTERNAL_TOKEN: &str = "internal-token";
const SIGNING_KEY: &str = "signing.pem";
const AUTHORITY_CERTIFICATE: &str = "ca.crt";
const AUTHORITY_KEY: &str = "ca.key";
/// Present until the Secret of the first administrator holds it.
const FIRST_PASSWORD: &str = "first-admin-password";

/// Login name of the first administrator.
const FIRST_ADMINISTRATOR: &str = "admin";
/// Characters of its password.
const PASSWORD_LENGTH: usize = 20;

/// The ledger as read, with what is still to be written.
#[derive(Debug)]
pub struct Entry {
    /// The material.
    pub ledger: Ledger,
    missing: BTreeMap<&'static str, SecretBytes>,
    first_password: Option<SecretBytes>,
    version: Option<String>,
}

/// Reads the ledger of `app`, and generates in memory what it does not hold yet.
///
/// # Errors
/// When the Secret cannot be read, is somebody else's, or holds something unusable.
pub async fn read(client: &Client, namespace: &str, app: &str) -> ApiResult<Entry> {
    let name = naming::ledger_secret(app);
    let found = secrets(client, namespace)
        .get_opt(&name)
        .await
        .map_err(|error| ApiError::new::<Secret>("get", &name, &error))?;
    if let Some(secret) = &found
        && secret
            .labels()
            .get(APP_LABEL)
            .is_none_or(|label| label != app)
    {
        return Err(ApiError::NotOurs {
            resource: "secrets".to_owned(),
            name,
        });
    }
    let version = found.as_ref().and_then(kube::ResourceExt::resource_version);
    let data = found.and_then(|secret| secret.data).unwrap_or_default();
    entry(app, &data, version).map_err(|problem| ApiError::Ledger { name, problem })
}

fn entry(
    app: &str,
    data: &BTreeMap<String, ByteString>,
    version: Option<String>,
) -> Result<Entry, String> {
    let mut missing = BTreeMap::new();
    let mut take = |key: &'static str, make: &dyn Fn() -> Result<SecretBytes, String>| {
        if let Some(value) = data.get(key) {
            return Ok(SecretBytes::new(value.0.clone()));
        }
        let made = make()?;
        missing.insert(key, made.clone());
        Ok::<_, String>(made)
    };
    let name_key = take(NAME_KEY, &|| random(32))?;
    let internal_token = take(INTERNAL_TOKEN, &|| {
        Ok(SecretBytes::new(hex::encode(random(32)?.expose())))
    })?;
    let signing_key = take(SIGNING_KEY, &|| {
        let pair = KeyPair::generate_for(&PKCS_ED25519).map_err(|error| error.to_string())?;
        Ok(SecretBytes::new(pair.serialize_pem()))
    })?;
    let authority_key = take(AUTHORITY_KEY, &certificate::authority_key)?;
    let authority_certificate = take(AUTHORITY_CERTIFICATE, &|| {
        certificate::authority(app, &authority_key)
    })?;
    let first_password = match (data.get(FIRST_PASSWORD), &version) {
        (Some(value), _) => Some(SecretBytes::new(value.0.clone())),
        // Only with the ledger itself: later its absence means that it was handed out.
        (None, None) => Some(take(FIRST_PASSWORD, &password)?),
        (None, Some(_)) => None,
    };
    Ok(Entry {
        ledger: Ledger {
            name_key,
            internal_token,
            signing_key,
            authority_certificate: String::from_utf8(authority_certificate.expose().to_vec())
                .map_err(|_| format!("{AUTHORITY_CERTIFICATE} is not text"))?,
            authority_key,
        },
        missing,
        first_password,
        version,
    })
}

impl Entry {
    /// Whether [`Self::persist`] has anything to write.
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty() && self.first_password.is_none()
    }

    /// Writes what was generated, and hands the first administrator's password out. Each step may
    /// be the last before a crash; the next reconcile goes on from there.
    ///
    /// # Errors
    /// When the API server refuses, or somebody else wrote at the same time.
    pub async fn persist(&self, client: &Client, app: &ReportApp) -> ApiResult<()> {
        let (namespace, app_name) = (app.namespace().unwrap_or_default(), app.name_any());
        let name = naming::ledger_secret(&app_name);
        let api = secrets(client, &namespace);
        if !self.missing.is_empty() {
            self.write(&api, &name, &app_name).await?;
        }
        let Some(password) = &self.first_password else {
            return Ok(());
        };
        create_first_administrator(&api, app, &app_name, password).await?;
        let handed_out = json!({ "data": { FIRST_PASSWORD: null } });
        let written = api
            .patch(&name, &manager(), &Patch::Merge(&handed_out))
            .await;
        written
            .map(drop)
            .map_err(|error| ApiError::new::<Secret>("patch", &name, &error))
    }

    async fn write(&self, api: &Api<Secret>, name: &str, app: &str) -> ApiResult<()> {
        let data: BTreeMap<String, ByteString> = self
            .missing
            .iter()
            .map(|(key, value)| ((*key).to_owned(), ByteString(value.expose().to_vec())))
            .collect();
        if let Some(version) = &self.version {
            let added = json!({ "metadata": { "resourceVersion": version }, "data": data });
            let written = api.patch(name, &manager(), &Patch::Merge(&added)).await;
            return written
                .map(drop)
                .map_err(|error| ApiError::new::<Secret>("patch", name, &error));
        }
        let secret = Secret {
            metadata: ObjectMeta {
                name: Some(name.to_owned()),
                labels: Some(naming::labels(app)),
                ..ObjectMeta::default()
            },
            data: Some(data),
            ..Secret::default()
        };
        let written = api.create(&creation(), &secret).await;
        written
            .map(drop)
            .map_err(|error| ApiError::new::<Secret>("create", name, &error))
    }
}

async fn create_first_administrator(
    api: &Api<Secret>,
    app: &ReportApp,
    app_name: &str,
    password: &SecretBytes,
) -> ApiResult<()> {
    let name = naming::first_administrator_secret(app_name);
    let secret = Secret {
        metadata: ObjectMeta {
            name: Some(name.clone()),
            labels: Some(naming::labels(app_name)),
            owner_references: app.controller_owner_ref(&()).map(|owner| vec![owner]),
            ..ObjectMeta::default()
        },
        data: Some(BTreeMap::from([
            (
                "username".to_owned(),
                ByteString(FIRST_ADMINISTRATOR.as_bytes().to_vec()),
            ),
            (
                "password".to_owned(),
                ByteString(password.expose().to_vec()),
            ),
        ])),
        ..Secret::default()
    };
    match api.create(&creation(), &secret).await {
        Ok(_) => Ok(()),
        // A crash between this step and the next one.
        Err(kube::Error::Api(status)) if status.is_already_exists() => Ok(()),
        Err(error) => Err(ApiError::new::<Secret>("create", &name, &error)),
    }
}

fn secrets(client: &Client, namespace: &str) -> Api<Secret> {
    Api::namespaced(client.clone(), namespace)
}

fn manager() -> PatchParams {
    PatchParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PatchParams::default()
    }
}

fn creation() -> PostParams {
    PostParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PostParams::default()
    }
}

fn random(bytes: usize) -> Result<SecretBytes, String> {
    crate::random::bytes(bytes)
        .map(SecretBytes::new)
        .map_err(|error| error.to_string())
}

fn password() -> Result<SecretBytes, String> {
    crate::random::text(PASSWORD_LENGTH)
        .map(SecretBytes::new)
        .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(entry: &Entry) -> BTreeMap<String, ByteString> {
        let stored = |(key, value): (&&str, &SecretBytes)| {
            ((*key).to_owned(), ByteString(value.expose().to_vec()))
        };
        entry.missing.iter().map(stored).collect()
    }

    #[test]
    fn a_new_ledger_generates_everything_and_a_complete_one_nothing() {
        let new = entry("reports", &BTreeMap::new(), None).unwrap();
        assert!(!new.is_complete());
        let mut data = stored(&new);
        assert_eq!(data.len(), 6);
        assert_eq!(data[FIRST_PASSWORD].0.len(), PASSWORD_LENGTH);
        data.remove(FIRST_PASSWORD);
        let old = entry("reports", &data, Some("7".to_owned())).unwrap();
        assert!(old.is_complete());
        assert_eq!(old.ledger.name_key, new.ledger.name_key);
        assert_eq!(
            old.ledger.authority_certificate,
            new.ledger.authority_certificate
        );
    }

    #[test]
    fn a_password_that_was_not_handed_out_yet_is_kept() {
        let new = entry("reports", &BTreeMap::new(), None).unwrap();
        let again = entry("reports", &stored(&new), Some("7".to_owned())).unwrap();
        assert!(again.missing.is_empty());
        assert!(!again.is_complete());
        assert_eq!(again.first_password, new.first_password);
    }

    #[test]
    fn nothing_generated_shows_in_debug_output() {
        let new = entry("reports", &BTreeMap::new(), None).unwrap();
        let shown = format!("{new:?}");
        let password = new.first_password.unwrap();
        assert!(!shown.contains(std::str::from_utf8(password.expose()).unwrap()));
        assert!(!shown.contains("PRIVATE KEY"));
    }
}
