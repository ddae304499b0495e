//! Ledgers as Kubernetes Secrets: one Secret `<app>-ledger-<credential>` per credential, in the
//! namespace of the ReportApp. Its resourceVersion is the version of the entry, so that the API
//! server itself refuses the later of two writers. It has no owner and outlives the ReportApp.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, ObjectMeta, Patch, PatchParams, PostParams};
use kube::{Client, ResourceExt as _};
use serde_json::json;

use super::{SecretStore, StoreError, Version};
use crate::api_error::ApiError;
use crate::reportapp::naming::{self, APP_LABEL, FIELD_MANAGER};
use crate::rotation::ledger::Entry;

/// Key of the entry inside the Secret.
const ENTRY_KEY: &str = "entry.json";

/// The ledgers of one `ReportApp` in the Secrets of its namespace.
pub struct KubernetesStore {
    api: Api<Secret>,
    app: String,
}

impl KubernetesStore {
    /// The ledgers of `app` in `namespace`; nothing is read yet.
    pub fn new(client: Client, namespace: &str, app: &str) -> Self {
        Self {
            api: Api::namespaced(client, namespace),
            app: app.to_owned(),
        }
    }

    async fn create(&self, name: &str, data: Data) -> Result<Secret, StoreError> {
        let secret = Secret {
            metadata: ObjectMeta {
                name: Some(name.to_owned()),
                labels: Some(naming::labels(&self.app)),
                ..ObjectMeta::default()
            },
            data: Some(data),
            ..Secret::default()
        };
        let params = PostParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PostParams::default()
        };
        let created = self.api.create(&params, &secret).await;
        created.map_err(|error| failure("create", name, &error))
    }

    async fn replace(
        &self,
        name: &str,
        data: Data,
        expected: &Version,
    ) -> Result<Secret, StoreError> {
        let patch = json!({ "metadata": { "resourceVersion": expected.0 }, "data": data });
        let params = PatchParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PatchParams::default()
        };
        match self.api.patch(name, &params, &Patch::Merge(&patch)).await {
            Ok(secret) => Ok(secret),
            // Deleted since it was read: the reader sees that next time.
            Err(kube::Error::Api(status)) if status.code == 404 => Err(StoreError::Raced),
            Err(error) => Err(failure("patch", name, &error)),
        }
    }
}

type Data = BTreeMap<String, ByteString>;

impl SecretStore for KubernetesStore {
    async fn read(&self, credential: &str) -> Result<Option<(Entry, Version)>, StoreError> {
        let name = naming::credential_ledger(&self.app, credential);
        let found = self.api.get_opt(&name).await;
        found
            .map_err(|error| failure("get", &name, &error))?
            .map(|secret| entry(&self.app, &secret))
            .transpose()
    }

    async fn write(
        &self,
        credential: &str,
        entry: &Entry,
        expected: Option<&Version>,
    ) -> Result<Version, StoreError> {
        let name = naming::credential_ledger(&self.app, credential);
        let text = serde_json::to_vec(entry).expect("an entry has only text, numbers and times");
        let data = Data::from([(ENTRY_KEY.to_owned(), ByteString(text))]);
        let written = match expected {
            None => self.create(&name, data).await?,
            Some(expected) => self.replace(&name, data, expected).await?,
        };
        version(&written)
    }
}

/// The entry a Secret holds, if it is a ledger of `app`.
fn entry(app: &str, secret: &Secret) -> Result<(Entry, Version), StoreError> {
    let name = secret.name_any();
    if secret.labels().get(APP_LABEL).is_none_or(|of| of != app) {
        let resource = "secrets".to_owned();
        return Err(unusable(&ApiError::NotOurs { resource, name }));
    }
    let unusable = |problem: &str| {
        let problem = format!(
            "{problem}; restore it from a backup, or delete the Secret to begin a new ledger with the value the spec names"
        );
        let name = name.clone();
        unusable(&ApiError::Ledger { name, problem })
    };
    let data = secret.data.as_ref().and_then(|data| data.get(ENTRY_KEY));
    let data = data.ok_or_else(|| unusable(&format!("it has no key {ENTRY_KEY}")))?;
    // The parser's own words may repeat a part of the value.
    let entry = serde_json::from_slice(&data.0)
        .map_err(|_| unusable(&format!("{ENTRY_KEY} is no ledger entry")))?;
    Ok((entry, version(secret)?))
}

fn version(secret: &Secret) -> Result<Version, StoreError> {
    let version = secret.resource_version().map(Version);
    version.ok_or_else(|| {
        StoreError::Unusable(format!(
            "the API server gave Secret {} without a resourceVersion",
            secret.name_any()
        ))
    })
}

fn unusable(error: &ApiError) -> StoreError {
    StoreError::Unusable(error.to_string())
}

/// What a failed request means for a rotation.
fn failure(verb: &'static str, name: &str, error: &kube::Error) -> StoreError {
    let error = ApiError::new::<Secret>(verb, name, error);
    match &error {
        ApiError::Conflict { .. } => StoreError::Raced,
        ApiError::Forbidden { .. } => StoreError::Denied(format!(
            "{error}; add the verb to the Role of the operator in this namespace"
        )),
        ApiError::Refused { .. } if !error.is_passing() => StoreError::Denied(format!(
            "{error}; look for a quota or an admission policy that forbids it"
        )),
        passing if passing.is_passing() => StoreError::Unavailable(error.to_string()),
        _ => unusable(&error),
    }
}

#[cfg(test)]
mod tests;
