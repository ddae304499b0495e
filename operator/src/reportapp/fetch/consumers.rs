//! Secrets and workloads of others that `publish` and `restart` name: each read by name and as
//! metadata only, so that the ReportApp itself can say which does not lend itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use futures::StreamExt as _;
use futures::stream;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, StatefulSet};
use k8s_openapi::api::core::v1::Secret;
use kube::api::Api;
use kube::{Client, Resource, ResourceExt as _};
use reportapp_crds::report_app::credential::WorkloadKind;
use reportapp_crds::{ALLOW_ANNOTATION, ReportApp};
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::secrets::{AT_ONCE, LONGEST};
use crate::api_error::ApiError;
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
    let api = Api::<K>::namespaced(client.clone(), namespace);
    let answer = timeout(LONGEST, api.get_metadata_opt(name)).await.ok()?;
    match answer {
        Ok(None) => Some(ConsumerLookup::Missing),
        Ok(Some(found)) => {
            let annotation = found.annotations().get(ALLOW_ANNOTATION).cloned();
            Some(if is_lent(annotation.as_deref(), app) {
                ConsumerLookup::Lent
            } else {
                ConsumerLookup::NotLent { annotation }
            })
        }
        Err(error) => {
            let told = ApiError::new::<K>("get", name, &error);
            tracing::debug!(namespace, app, "not known whether it is lent: {told}");
            matches!(told, ApiError::Forbidden { .. })
                .then(|| ConsumerLookup::Forbidden(told.to_string()))
        }
    }
}
