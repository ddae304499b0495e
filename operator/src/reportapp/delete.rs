//! The end of a ReportApp. Everything it owns goes with it, by owner references; what stays is told
//! in one last event, with the command that removes it. Nothing outside Kubernetes is asked, so a
//! database that is gone holds nothing up.

use std::sync::Arc;

use kube::ResourceExt as _;
use kube::api::{Api, Patch, PatchParams};
use kube::runtime::events::EventType;
use reportapp_crds::ReportApp;
use serde_json::json;

use super::naming::{FIELD_MANAGER, FINALIZER};
use super::{apply, publish};
use crate::api_error::{ApiError, ApiResult};
use crate::context::Context;

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
    let retained = apply::retained(app, context);
    let namespace = app.namespace().unwrap_or_default();
    if !retained.is_empty() {
        let note = format!(
            "kept for a ReportApp of the same name; to remove it: kubectl delete -n {namespace} {}",
            retained.join(" ")
        );
        publish::emit(
            app,
            publish::event(EventType::Normal, "Retained", &note),
            context,
        )
        .await;
    }
    let others: Vec<String> = app
        .finalizers()
        .iter()
        .filter(|finalizer| *finalizer != FINALIZER)
        .cloned()
        .collect();
    write(app, &others, context).await?;
    tracing::info!(
        namespace,
        app = app.name_any(),
        retained = retained.join(" "),
        "deleted"
    );
    Ok(())
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
