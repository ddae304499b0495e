//! The end of a ReportApp. Everything it owns goes with it, by owner references; what stays
//! ([`inventory`]) is told in its last events, with the commands that remove it. Nothing outside
//! Kubernetes is asked, so a database or a Vault that is gone holds nothing up.

mod inventory;

use std::sync::Arc;

use kube::ResourceExt as _;
use kube::api::{Api, Patch, PatchParams};
use kube::runtime::events::{Event, EventType};
use reportapp_crds::ReportApp;
use serde_json::json;

use super::naming::{FIELD_MANAGER, FINALIZER};
use super::publish::MAX_NOTE;
use super::{apply, publish, published};
use crate::api_error::{ApiError, ApiResult};
use crate::context::Context;
use inventory::{Kept, Published};

/// Adds the finalizer, which must be there before the first object is applied.
///
/// # Errors
/// When the API server refuses, or the object changed since it was read.
pub async fn hold(app: &ReportApp, context: &Context) -> ApiResult<()> {
    if app
        .finalizers()
        .iter()
        .any(|finalizer| finalizer == FINALIZER)
    {
        return Ok(());
    }
    let mut finalizers = app.finalizers().to_vec();
    finalizers.push(FINALIZER.to_owned());
    write(app, &finalizers, context).await
}

/// Tells what stays, and lets the object go.
///
/// # Errors
/// When the API server refuses, or the object changed since it was read.
pub async fn release(app: &Arc<ReportApp>, context: &Context) -> ApiResult<()> {
    if !app
        .finalizers()
        .iter()
        .any(|finalizer| finalizer == FINALIZER)
    {
        return Ok(());
    }
    let retained = apply::retained(app, context)?;
    let told = retained.join(" ");
    let published = published(app, context).await?;
    for kept in inventory::inventory(app, retained, &published) {
        tell(app, &kept, context).await;
    }
    let others: Vec<String> = app
        .finalizers()
        .iter()
        .filter(|finalizer| *finalizer != FINALIZER)
        .cloned()
        .collect();
    write(app, &others, context).await?;
    let namespace = app.namespace().unwrap_or_default();
    tracing::info!(namespace, app = app.name_any(), retained = told, "deleted");
    Ok(())
}

/// What was rotated. One that cannot be read for good must not hold the deletion up.
async fn published(app: &ReportApp, context: &Context) -> ApiResult<Published> {
    let (namespace, name) = (app.namespace().unwrap_or_default(), app.name_any());
    match published::read(&context.shared.client, &namespace, &name).await {
        Ok(published) => Ok(published.credentials),
        Err(error) if error.is_passing() => Err(error),
        Err(error) => {
            tracing::warn!(
                namespace,
                app = name,
                "not all that stays is known: {error}"
            );
            Ok(Published::new())
        }
    }
}

async fn tell(app: &ReportApp, kept: &Kept, context: &Context) {
    for (index, note) in kept.notes(MAX_NOTE).into_iter().enumerate() {
        let action = match index {
            0 => kept.action.to_owned(),
            _ => format!("{}{}", kept.action, index + 1),
        };
        let event = Event {
            action,
            ..publish::event(EventType::Normal, "Retained", &note)
        };
        publish::emit(app, event, context).await;
    }
}

/// Replaces the finalizers of exactly the version that was read: a list cannot be patched safely
/// otherwise.
async fn write(app: &ReportApp, finalizers: &[String], context: &Context) -> ApiResult<()> {
    let name = app.name_any();
    let namespace = app.namespace().unwrap_or_default();
    let api = Api::<ReportApp>::namespaced(context.shared.client.clone(), &namespace);
    let patch = json!({
        "metadata": { "resourceVersion": app.resource_version(), "finalizers": finalizers },
    });
    let params = PatchParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PatchParams::default()
    };
    match api.patch(&name, &params, &Patch::Merge(&patch)).await {
        Ok(written) => {
            context.shared.latest.remember(written);
            Ok(())
        }
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        Err(error) => Err(ApiError::new::<ReportApp>("patch", &name, &error)),
    }
}
