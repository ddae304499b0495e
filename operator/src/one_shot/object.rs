//! Writes an object that is carried out once: its status on change, its metadata, and its end. One
//! that is gone is never an error: somebody deleted it, and nothing is left to be said.

use std::fmt::Debug;

use k8s_openapi::NamespaceResourceScope;
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use kube::runtime::events::EventType;
use kube::{Client, Resource, ResourceExt as _};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::api_error::{ApiError, ApiResult};
use crate::context::Context;
use crate::reportapp::naming::FIELD_MANAGER;
use crate::reportapp::publish;

/// A kind that is carried out once.
pub trait OneShot:
    Resource<DynamicType = (), Scope = NamespaceResourceScope>
    + Clone
    + Debug
    + Serialize
    + DeserializeOwned
{
}

impl<K> OneShot for K where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + Serialize
        + DeserializeOwned
{
}

fn api<K: OneShot>(client: &Client, object: &K) -> Api<K> {
    Api::namespaced(client.clone(), &object.namespace().unwrap_or_default())
}

/// Writes `status` of exactly this object; whether it is still there. That it cannot be written shows in
/// the operator's health, for nobody would look into its log.
///
/// # Errors
/// When the API server refuses it.
pub async fn write_status<K: OneShot>(
    context: &Context,
    object: &K,
    status: &impl Serialize,
) -> ApiResult<bool> {
    let written = try_status(&context.shared.client, object, status).await;
    let progress = &context.shared.progress;
    progress.status_written(object, written.is_ok());
    written
}

async fn try_status<K: OneShot>(
    client: &Client,
    object: &K,
    status: &impl Serialize,
) -> ApiResult<bool> {
    let name = object.name_any();
    let whole = json!({
        "apiVersion": K::api_version(&()),
        "kind": K::kind(&()),
        "metadata": { "name": name, "uid": object.uid() },
        "status": status,
    });
    let params = PatchParams::apply(FIELD_MANAGER).force();
    let written = api(client, object)
        .patch_status(&name, &params, &Patch::Apply(&whole))
        .await;
    match written {
        Ok(_) => Ok(true),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(false),
        Err(error) => Err(ApiError::new::<K>("patch", &name, &error).on("status")),
    }
}

/// Changes metadata of exactly this object.
///
/// # Errors
/// When the API server refuses it.
pub async fn patch_metadata<K: OneShot>(
    client: &Client,
    object: &K,
    mut metadata: Value,
) -> ApiResult<()> {
    let name = object.name_any();
    metadata["uid"] = json!(object.uid());
    let patch = Patch::Merge(json!({ "metadata": metadata }));
    let params = PatchParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PatchParams::default()
    };
    match api(client, object).patch(&name, &params, &patch).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        Err(error) => Err(ApiError::new::<K>("patch", &name, &error)),
    }
}

/// Creates an object; whether it did. One of that name that exists already will do.
///
/// # Errors
/// When the API server refuses it.
pub async fn create<K: OneShot>(client: &Client, namespace: &str, object: &K) -> ApiResult<bool> {
    let params = PostParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PostParams::default()
    };
    let objects = Api::<K>::namespaced(client.clone(), namespace);
    match objects.create(&params, object).await {
        Ok(_) => Ok(true),
        // Made by an earlier look, which the cache does not show yet.
        Err(kube::Error::Api(status)) if status.is_already_exists() => Ok(false),
        Err(error) => Err(ApiError::new::<K>("create", &object.name_any(), &error)),
    }
}

/// Deletes exactly this object.
///
/// # Errors
/// When the API server refuses it.
pub async fn delete<K: OneShot>(client: &Client, object: &K) -> ApiResult<()> {
    let name = object.name_any();
    let params = DeleteParams {
        preconditions: Some(Preconditions {
            uid: object.uid(),
            resource_version: None,
        }),
        ..DeleteParams::default()
    };
    match api(client, object).delete(&name, &params).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(()),
        Err(error) => Err(ApiError::new::<K>("delete", &name, &error)),
    }
}

/// Tells a transition of an object that works on `app`: as an event and in the log.
pub async fn tell<K: OneShot>(
    object: &K,
    app: &str,
    (kind, reason): (EventType, String),
    message: &str,
    context: &Context,
) {
    tracing::info!(
        kind = %K::kind(&()),
        namespace = object.namespace().unwrap_or_default(),
        name = object.name_any(),
        app,
        reason,
        "{message}"
    );
    let event = publish::event(kind, &reason, message);
    publish::emit_about(&object.object_ref(&()), event, context).await;
}
