//! Writes single objects: compares, applies when needed, counts.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use aws_lc_rs::hmac;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, ObjectMeta, Patch, PatchParams};
use kube::core::PartialObjectMeta;
use kube::{Resource, ResourceExt as _};
use reportapp_crds::ReportApp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{drift, handover};
use crate::api_error::{ApiError, ApiResult, resource};
use crate::context::Context;
use crate::reportapp::model::SecretBytes;
use crate::reportapp::naming::{APP_LABEL, APPLIED_ANNOTATION, FIELD_MANAGER, short_hash};
use crate::watch::Cache;

/// Requests at a time for one kind.
const AT_ONCE: usize = 4;
/// Hexadecimal digits of the hash in the annotation.
const HASH_DIGITS: usize = 16;

/// Objects that did not become what was applied, because somebody else (an admission webhook, a
/// policy) changes them back. Applying again before either side changes would never end.
#[derive(Debug, Default)]
pub struct Stubborn {
    seen: Mutex<BTreeMap<String, String>>,
}

impl Stubborn {
    /// Remembers that `uid` in `state` is as near to what is wanted as it gets.
    fn note(&self, uid: &str, state: String) -> bool {
        self.lock().insert(uid.to_owned(), state.clone()) != Some(state)
    }

    fn knows(&self, uid: &str, state: &str) -> bool {
        self.lock().get(uid).is_some_and(|known| known == state)
    }

    fn forget(&self, uid: &str) {
        self.lock().remove(uid);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, String>> {
        self.seen
            .lock()
            .expect("no code panics while it holds this lock")
    }
}

/// A kind the operator owns.
pub(super) trait Owned:
    Resource<DynamicType = (), Scope = NamespaceResourceScope>
    + Clone
    + Debug
    + DeserializeOwned
    + Serialize
    + Send
    + Sync
    + 'static
{
}

impl<K> Owned for K where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + DeserializeOwned
        + Serialize
        + Send
        + Sync
        + 'static
{
}

/// Writes the objects of one application.
pub(super) struct Writer<'a> {
    context: &'a Context,
    namespace: String,
    app: String,
    uid: String,
    name_key: &'a SecretBytes,
}

impl<'a> Writer<'a> {
    pub(super) fn new(app: &ReportApp, name_key: &'a SecretBytes, context: &'a Context) -> Self {
        Self {
            context,
            namespace: app.namespace().unwrap_or_default(),
            app: app.name_any(),
            uid: app.uid().unwrap_or_default(),
            name_key,
        }
    }

    /// Writes each of `desired` that differs.
    pub(super) async fn all<K: Owned>(
        &self,
        desired: Vec<K>,
        cache: &Cache<K>,
    ) -> ApiResult<Vec<K>> {
        stream::iter(desired)
            .map(|object| self.single(object, cache))
            .buffered(AT_ONCE)
            .try_collect()
            .await
    }

    /// Writes `desired` if there is one and it differs.
    pub(super) async fn one<K: Owned>(
        &self,
        desired: Option<K>,
        cache: &Cache<K>,
    ) -> ApiResult<Option<K>> {
        match desired {
            Some(desired) => self.single(desired, cache).await.map(Some),
            None => Ok(None),
        }
    }

    /// Writes Deployments; one whose number of pods an autoscaler decides keeps its number.
    pub(super) async fn deployments(
        &self,
        desired: Vec<Deployment>,
        cache: &Cache<Deployment>,
    ) -> ApiResult<Vec<Deployment>> {
        let mut applied = Vec::with_capacity(desired.len());
        for deployment in desired {
            let (value, hash) = self.stamped(&deployment);
            let live = self.live(&deployment, cache).await?;
            if let Some(live) = &live
                && self.is_current(live.as_ref(), &value, &hash)
            {
                applied.push(live.as_ref().clone());
                continue;
            }
            if live.is_some() {
                let api = self.api::<Deployment>();
                handover::keep_replicas(&api, &deployment).await?;
            }
            applied.push(self.write(&deployment, value, &hash).await?);
        }
        Ok(applied)
    }

    /// Writes Secrets. Their values are in no cache, so the hash alone tells whether one differs;
    /// it is keyed, since anybody who may read metadata sees it.
    pub(super) async fn secrets(
        &self,
        desired: Vec<Secret>,
        cache: &Cache<PartialObjectMeta<Secret>>,
    ) -> ApiResult<Vec<Secret>> {
        let mut applied = Vec::with_capacity(desired.len());
        for secret in desired {
            let (value, hash) = self.stamped(&secret);
            let name = secret.name_any();
            let live = match cache.get(&self.namespace, &name) {
                Some(live) => Some(live.as_ref().clone()),
                None => self
                    .api::<Secret>()
                    .get_metadata_opt(&name)
                    .await
                    .map_err(|error| ApiError::new::<Secret>("get", &name, &error))?,
            };
            if let Some(live) = &live {
                self.check_ours::<Secret>(&live.metadata, &name)?;
                let metadata = serde_json::to_value(&live.metadata).unwrap_or_default();
                let same_hash = annotation(&live.metadata) == Some(hash.as_str());
                if same_hash && drift::covers(&metadata, &value["metadata"]) {
                    applied.push(Secret {
                        metadata: live.metadata.clone(),
                        ..Secret::default()
                    });
                    continue;
                }
            }
            let written = self.patch(&secret, &value).await?;
            applied.push(Secret {
                metadata: written.metadata,
                ..Secret::default()
            });
        }
        Ok(applied)
    }

    async fn single<K: Owned>(&self, desired: K, cache: &Cache<K>) -> ApiResult<K> {
        let (value, hash) = self.stamped(&desired);
        match self.live(&desired, cache).await? {
            Some(live) if self.is_current(live.as_ref(), &value, &hash) => {
                Ok(live.as_ref().clone())
            }
            _ => self.write(&desired, value, &hash).await,
        }
    }

    /// The live object of the same name; asks the API server when the cache has none, because an
    /// object without our label is in no cache and must not be taken over.
    async fn live<K: Owned>(&self, desired: &K, cache: &Cache<K>) -> ApiResult<Option<Arc<K>>> {
        let name = desired.name_any();
        let live = match cache.get(&self.namespace, &name) {
            Some(live) => Some(live),
            None => self
                .api::<K>()
                .get_opt(&name)
                .await
                .map_err(|error| ApiError::new::<K>("get", &name, &error))?
                .map(Arc::new),
        };
        if let Some(live) = &live {
            self.check_ours::<K>(live.meta(), &name)?;
        }
        Ok(live)
    }

    /// Ours is what we own, and what carries our label without any owner: a retained volume.
    fn check_ours<K: Resource<DynamicType = ()>>(
        &self,
        live: &ObjectMeta,
        name: &str,
    ) -> ApiResult<()> {
        let owners = live.owner_references.as_deref().unwrap_or_default();
        let labelled = live
            .labels
            .as_ref()
            .and_then(|labels| labels.get(APP_LABEL))
            == Some(&self.app);
        let ours =
            owners.iter().any(|owner| owner.uid == self.uid) || owners.is_empty() && labelled;
        if ours {
            return Ok(());
        }
        Err(ApiError::NotOurs {
            resource: resource::<K>(),
            name: name.to_owned(),
        })
    }

    fn is_current<K: Owned>(&self, live: &K, desired: &Value, hash: &str) -> bool {
        if annotation(live.meta()) != Some(hash) {
            return false;
        }
        let value = serde_json::to_value(live).unwrap_or_default();
        if drift::covers(&value, desired) {
            return true;
        }
        let uid = live.uid().unwrap_or_default();
        self.context
            .shared
            .stubborn
            .knows(&uid, &state(live.meta(), hash))
    }

    async fn write<K: Owned>(&self, desired: &K, value: Value, hash: &str) -> ApiResult<K> {
        let written = self.patch(desired, &value).await?;
        let uid = written.uid().unwrap_or_default();
        let stubborn = &self.context.shared.stubborn;
        if drift::covers(&serde_json::to_value(&written).unwrap_or_default(), &value) {
            stubborn.forget(&uid);
        } else if stubborn.note(&uid, state(written.meta(), hash)) {
            tracing::warn!(
                kind = %K::kind(&()),
                namespace = self.namespace,
                name = written.name_any(),
                "somebody else changes what was applied; leaving it until either side changes"
            );
        }
        Ok(written)
    }

    async fn patch<K: Owned>(&self, desired: &K, value: &Value) -> ApiResult<K> {
        let name = desired.name_any();
        let params = PatchParams::apply(FIELD_MANAGER).force();
        let mut written = self
            .api::<K>()
            .patch(&name, &params, &Patch::Apply(value))
            .await
            .map_err(|error| ApiError::new::<K>("patch", &name, &error))?;
        let kind = K::kind(&());
        self.context.shared.metrics.applied(&kind);
        tracing::info!(%kind, namespace = self.namespace, name, app = self.app, "applied");
        written.managed_fields_mut().clear();
        Ok(written)
    }

    /// The object as it is sent, with the hash of itself, and that hash.
    fn stamped<K: Owned>(&self, desired: &K) -> (Value, String) {
        let mut value = serde_json::to_value(desired).expect("Kubernetes types are valid JSON");
        let hash = match annotation(desired.meta()) {
            Some(hash) => hash.to_owned(),
            None => self.hash::<K>(&value),
        };
        value["metadata"]["annotations"][APPLIED_ANNOTATION] = Value::String(hash.clone());
        (value, hash)
    }

    fn hash<K: Resource<DynamicType = ()>>(&self, value: &Value) -> String {
        let content = drift::canonical(value);
        if K::kind(&()) != "Secret" {
            return short_hash(content.as_bytes());
        }
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.name_key.expose());
        let mut text = hex::encode(hmac::sign(&key, content.as_bytes()));
        text.truncate(HASH_DIGITS);
        text
    }

    fn api<K: Owned>(&self) -> Api<K> {
        Api::namespaced(self.context.shared.client.clone(), &self.namespace)
    }
}

fn annotation(metadata: &ObjectMeta) -> Option<&str> {
    metadata
        .annotations
        .as_ref()?
        .get(APPLIED_ANNOTATION)
        .map(String::as_str)
}

/// What changes when either side of a quarrel changes something: not the status.
fn state(metadata: &ObjectMeta, hash: &str) -> String {
    match (metadata.generation, &metadata.resource_version) {
        (Some(generation), _) => format!("{generation}/{hash}"),
        (None, Some(version)) => format!("{version}/{hash}"),
        (None, None) => hash.to_owned(),
    }
}
