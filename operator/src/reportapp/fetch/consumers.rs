//! Secrets and workloads of others that `publish` and `restart` name, and the ConfigMap of `reports`: each
//! read by name and as metadata only, so that the ReportApp itself can say which does not lend itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use futures::StreamExt as _;
use futures::stream;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, StatefulSet};
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::api::Api;
use kube::{Client, Resource, ResourceExt as _};
use reportapp_crds::report_app::credential::WorkloadKind;
use reportapp_crds::{ALLOW_ANNOTATION, ReportApp};
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::secrets::{AT_ONCE, LONGEST};
use crate::api_error::{ApiError, ApiResult, resource};
use crate::reportapp::lending::is_lent;
use crate::reportapp::model::{Consumer, ConsumerKind, ConsumerLookup};

/// Looks up everything of others that the credentials of `app` name. What the API server does not
/// give now is left out.
pub async fn named(
    client: &Client,
    namespace: &str,
    app: &ReportApp,
) -> BTreeMap<Consumer, ConsumerLookup> {
    let app_name = app.name_any();
    stream::iter(consumers(app))
        .map(|consumer| {
            let app_name = &app_name;
            async move {
                let found = look_up(client, namespace, &consumer, app_name).await?;
                Some((consumer, found))
            }
        })
        .buffer_unordered(AT_ONCE)
        .filter_map(std::future::ready)
        .collect()
        .await
}

fn consumers(app: &ReportApp) -> BTreeSet<Consumer> {
    let credentials = &app.spec.credentials;
    let places = credentials.iter().flat_map(Consumer::places);
    let workloads = credentials.iter().flat_map(Consumer::workloads);
    places
        .chain(workloads)
        .map(|(_, consumer)| consumer)
        .collect()
}

async fn look_up(
    client: &Client,
    namespace: &str,
    consumer: &Consumer,
    app: &str,
) -> Option<ConsumerLookup> {
    let name = &consumer.name;
    match consumer.kind {
        ConsumerKind::Secret => read::<Secret>(client, namespace, name, app).await,
        ConsumerKind::Workload(WorkloadKind::Deployment) => {
            read::<Deployment>(client, namespace, name, app).await
        }
        ConsumerKind::Workload(WorkloadKind::StatefulSet) => {
            read::<StatefulSet>(client, namespace, name, app).await
        }
        ConsumerKind::Workload(WorkloadKind::DaemonSet) => {
            read::<DaemonSet>(client, namespace, name, app).await
        }
    }
}

async fn read<K>(client: &Client, namespace: &str, name: &str, app: &str) -> Option<ConsumerLookup>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
        + Clone
        + Debug
        + DeserializeOwned,
{
    match lookup::<K>(client, namespace, name, app).await {
        Ok(found) => Some(found),
        Err(error) => {
            tracing::debug!(namespace, app, "not known whether it is lent: {error}");
            matches!(error, ApiError::Forbidden { .. })
                .then(|| ConsumerLookup::Forbidden(error.to_string()))
        }
    }
}

/// The `ConfigMap` of `spec.reports`. Pods mount it, so what is not known of it is an error: the
/// application stays as it is.
pub async fn report_files(
    client: &Client,
    namespace: &str,
    app: &ReportApp,
) -> ApiResult<Option<ConsumerLookup>> {
    let Some(reports) = &app.spec.reports else {
        return Ok(None);
    };
    let name = &reports.config_map;
    let found = lookup::<ConfigMap>(client, namespace, name, &app.name_any()).await?;
    Ok(Some(found))
}

/// Whether an object exists and lends itself to `app`.
async fn lookup<K>(
    client: &Client,
    namespace: &str,
    name: &str,
    app: &str,
) -> ApiResult<ConsumerLookup>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
        + Clone
        + Debug
        + DeserializeOwned,
{
    let api = Api::<K>::namespaced(client.clone(), namespace);
    let silent = |_| ApiError::Call {
        verb: "get",
        resource: resource::<K>(),
        name: name.to_owned(),
        kind: "the API server did not answer in time",
    };
    let answer = timeout(LONGEST, api.get_metadata_opt(name)).await;
    let found = answer.map_err(silent)?;
    let found = found.map_err(|error| ApiError::new::<K>("get", name, &error))?;
    let Some(found) = found else {
        return Ok(ConsumerLookup::Missing);
    };
    let annotation = found.annotations().get(ALLOW_ANNOTATION).cloned();
    Ok(if is_lent(annotation.as_deref(), app) {
        ConsumerLookup::Lent
    } else {
        ConsumerLookup::NotLent { annotation }
    })
}
