//! What the application's pods are given of each credential that was rotated: one Secret per
//! application, `<app>-published`, written by rotations and read by every reconcile. So pods start
//! and roll out with the secret store sealed or gone, and a `ReportApp` that is created again after
//! it was deleted goes on with the values that work.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::jiff::Timestamp;
use kube::api::{Api, ObjectMeta, Patch, PatchParams, PostParams};
use kube::{Client, ResourceExt as _};
use reportapp_config::credential as file;
use reportapp_crds::report_app::Credential;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::naming::{self, APP_LABEL, FIELD_MANAGER};
use crate::api_error::{ApiError, ApiResult};
use crate::backend;
use crate::rotation::ledger::{ADOPTED, SecretText, Value};
use crate::rotation::target::Round;

/// A credential as pods see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PublishedCredential {
    /// Uid of the rotation that made the value in use.
    pub rotation: String,
    /// Which version of it.
    pub round: Round,
    /// When it was published.
    pub at: Timestamp,
    /// When the last rotation succeeded; absent before the first one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotated_at: Option<Timestamp>,
    /// Files of the folder in the pods.
    pub files: BTreeMap<String, SecretText>,
}

impl PublishedCredential {
    /// The value as a ledger would hold it; `file` is the one of its secret.
    pub fn value(&self, file: &str) -> Option<Value> {
        Some(Value {
            rotation: ADOPTED.to_owned(),
            username: self
                .files
                .get(file::USERNAME)
                .map(|name| name.expose().to_owned()),
            secret: self.files.get(file)?.clone(),
            created: self.at,
        })
    }

    /// Whether it still belongs to what the spec says: another role in the spec starts anew from the
    /// first value.
    pub fn is_of(&self, credential: &Credential) -> bool {
        let Some(role) = credential.opens.login() else {
            return true;
        };
        let username = self.files.get(file::USERNAME);
        username.is_some_and(|name| backend::identities(role).contains(name.expose()))
    }
}

/// Every rotated credential of an application, with the version of the Secret.
#[derive(Clone, Debug, Default)]
pub struct PublishedCredentials {
    /// By name of the credential.
    pub credentials: BTreeMap<String, PublishedCredential>,
    version: Option<String>,
}

/// Reads what is published.
///
/// # Errors
/// When the Secret cannot be read, is somebody else's, or holds something unusable.
pub async fn read(client: &Client, namespace: &str, app: &str) -> ApiResult<PublishedCredentials> {
    let name = naming::published_secret(app);
    let found = secrets(client, namespace)
        .get_opt(&name)
        .await
        .map_err(|error| ApiError::new::<Secret>("get", &name, &error))?;
    let Some(secret) = found else {
        return Ok(PublishedCredentials::default());
    };
    if secret
        .labels()
        .get(APP_LABEL)
        .is_none_or(|label| label != app)
    {
        return Err(ApiError::NotOurs {
            resource: "secrets".to_owned(),
            name,
        });
    }
    let version = secret.resource_version();
    let data = secret.data.unwrap_or_default();
    let credentials = data
        .into_iter()
        .map(|(key, value)| {
            // The words of the parser may repeat what it read.
            let parsed = serde_json::from_slice(&value.0).map_err(|_| ApiError::Ledger {
                name: name.clone(),
                problem: format!("key {key} is no published credential"),
            })?;
            Ok((key, parsed))
        })
        .collect::<ApiResult<_>>()?;
    Ok(PublishedCredentials {
        credentials,
        version,
    })
}

/// Replaces what was read by `changed`.
///
/// # Errors
/// When the API server refuses, or somebody else wrote in between.
pub async fn write(
    client: &Client,
    namespace: &str,
    app: &str,
    read: &PublishedCredentials,
    changed: &BTreeMap<String, PublishedCredential>,
) -> ApiResult<()> {
    let name = naming::published_secret(app);
    let api = secrets(client, namespace);
    let data: BTreeMap<String, ByteString> = changed
        .iter()
        .map(|(credential, value)| {
            let json = serde_json::to_vec(value).expect("maps with string keys have a JSON form");
            (credential.clone(), ByteString(json))
        })
        .collect();
    if let Some(version) = &read.version {
        let params = PatchParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PatchParams::default()
        };
        let patch = json!({ "metadata": { "resourceVersion": version }, "data": data });
        let written = api.patch(&name, &params, &Patch::Merge(&patch)).await;
        return written
            .map(drop)
            .map_err(|error| ApiError::new::<Secret>("patch", &name, &error));
    }
    let secret = Secret {
        metadata: ObjectMeta {
            name: Some(name.clone()),
            labels: Some(naming::labels(app)),
            ..ObjectMeta::default()
        },
        data: Some(data),
        ..Secret::default()
    };
    let params = PostParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PostParams::default()
    };
    let written = api.create(&params, &secret).await;
    written
        .map(drop)
        .map_err(|error| ApiError::new::<Secret>("create", &name, &error))
}

fn secrets(client: &Client, namespace: &str) -> Api<Secret> {
    Api::namespaced(client.clone(), namespace)
}
