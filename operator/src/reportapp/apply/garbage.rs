//! Removes what the spec no longer names. [`leftover`] decides, purely; [`collect`] deletes.
//!
//! Removed is only what carries our label *and* this ReportApp as owner. Ledgers and volumes have
//! no owner, so they are out of reach; the first administrator's Secret is exempt by name.
//! A versioned ConfigMap or Secret stays while any pod, ReplicaSet with pods or live Deployment
//! names it, and a tunnel stays until every other Deployment has rolled out, because the old pods
//! still use it. Of Jobs the one stays that tells how the migration went.

use std::collections::BTreeSet;
use std::sync::Arc;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{PodSpec, Secret};
use kube::api::{Api, DeleteParams, Preconditions};
use kube::{Resource, ResourceExt as _};
use reportapp_crds::ReportApp;

use super::writer::Owned;
use crate::api_error::{ApiError, ApiResult};
use crate::context::Context;
use crate::reportapp::fetch;
use crate::reportapp::model::{Applied, Live, Resources};
use crate::reportapp::naming::{self, COMPONENT_LABEL, Component};
use crate::reportapp::status::rollout;
use crate::watch::Cache;

/// Names of one kind.
type Names = BTreeSet<String>;

/// Deletes everything that is left over.
///
/// # Errors
/// At the first object that cannot be deleted.
pub async fn collect(
    app: &ReportApp,
    applied: &Resources<Applied>,
    context: &Context,
) -> ApiResult<()> {
    let live = fetch::live(app, context);
    let migration = applied.migration.as_ref();
    let awaited = migration.is_some_and(|migration| migration.is_awaited);
    let sweeper = Sweeper {
        context,
        namespace: app.namespace().unwrap_or_default(),
        app: app.name_any(),
        uid: app.uid().unwrap_or_default(),
        tunnels_stay: awaited || !applied.deployments.iter().all(is_rolled_out),
    };
    let caches = &context.caches;
    let mut used = Used::default();
    for deployment in applied
        .deployments
        .iter()
        .chain(applied.postponed.iter().map(Arc::as_ref))
    {
        used.add_deployment(deployment);
    }
    used.add_live(&live);
    used.config_maps.extend(names(&applied.config_maps));
    used.secrets.extend(names(&applied.secrets));
    used.secrets
        .insert(naming::first_administrator_secret(&sweeper.app));

    let deployments = names(&applied.deployments)
        .chain(
            applied
                .postponed
                .iter()
                .map(|deployment| deployment.name_any()),
        )
        .chain(names(migration.iter().filter_map(|m| m.kept.as_deref())))
        .collect();
    let jobs = names(&applied.jobs).chain(migration.map(|migration| migration.job.clone()));
    sweeper
        .sweep(&caches.ingresses, &names(&applied.ingress).collect())
        .await?;
    sweeper
        .sweep(&caches.autoscalers, &names(&applied.autoscaler).collect())
        .await?;
    sweeper
        .sweep(
            &caches.disruption_budgets,
            &names(&applied.disruption_budgets).collect(),
        )
        .await?;
    sweeper.sweep(&caches.deployments, &deployments).await?;
    sweeper.sweep(&caches.jobs, &jobs.collect()).await?;
    sweeper
        .sweep(&caches.services, &names(&applied.services).collect())
        .await?;
    sweeper
        .sweep(
            &caches.network_policies,
            &names(&applied.network_policies).collect(),
        )
        .await?;
    sweeper
        .sweep(
            &caches.service_accounts,
            &names(&applied.service_accounts).collect(),
        )
        .await?;
    sweeper
        .sweep(&caches.config_maps, &used.config_maps)
        .await?;
    sweeper.sweep_secrets(&used.secrets).await
}

/// Names of the given objects.
fn names<'a, K: Resource + 'a>(
    objects: impl IntoIterator<Item = &'a K>,
) -> impl Iterator<Item = String> {
    objects.into_iter().map(kube::ResourceExt::name_any)
}

/// ConfigMaps and Secrets that something still needs.
#[derive(Debug, Default)]
struct Used {
    config_maps: Names,
    secrets: Names,
}

impl Used {
    fn add_live(&mut self, live: &Live) {
        for deployment in live.deployments.values() {
            self.add_deployment(deployment);
        }
        for set in &live.replica_sets {
            let wanted = set
                .spec
                .as_ref()
                .and_then(|spec| spec.replicas)
                .unwrap_or(0);
            let running = set.status.as_ref().map_or(0, |status| status.replicas);
            if wanted > 0 || running > 0 {
                let template = set.spec.as_ref().and_then(|spec| spec.template.as_ref());
                self.add_pod(template.and_then(|template| template.spec.as_ref()));
            }
        }
        for pod in live.pods.iter().filter(|pod| !rollout::has_ended(pod)) {
            self.add_pod(pod.spec.as_ref());
        }
    }

    fn add_deployment(&mut self, deployment: &Deployment) {
        let template = deployment.spec.as_ref().map(|spec| &spec.template);
        self.add_pod(template.and_then(|template| template.spec.as_ref()));
    }

    fn add_pod(&mut self, pod: Option<&PodSpec>) {
        for volume in pod
            .and_then(|pod| pod.volumes.as_ref())
            .into_iter()
            .flatten()
        {
            if let Some(source) = &volume.config_map {
                self.config_maps.insert(source.name.clone());
            }
            if let Some(name) = volume
                .secret
                .as_ref()
                .and_then(|source| source.secret_name.clone())
            {
                self.secrets.insert(name);
            }
            let projected = volume
                .projected
                .as_ref()
                .and_then(|source| source.sources.as_ref());
            for source in projected.into_iter().flatten() {
                self.config_maps
                    .extend(source.config_map.iter().map(|source| source.name.clone()));
                self.secrets
                    .extend(source.secret.iter().map(|source| source.name.clone()));
            }
        }
    }
}

/// Whether every pod of the Deployment is of its newest template.
fn is_rolled_out(deployment: &Deployment) -> bool {
    let Some(status) = &deployment.status else {
        return false;
    };
    let wanted = deployment
        .spec
        .as_ref()
        .and_then(|spec| spec.replicas)
        .unwrap_or(1);
    status.observed_generation >= deployment.metadata.generation
        && status.updated_replicas.unwrap_or(0) >= wanted
        && status.replicas.unwrap_or(0) <= status.updated_replicas.unwrap_or(0)
}

/// Objects of `live` that are owned by `uid`, not in `kept`, and not on their way out already.
fn leftover<K: Resource>(
    live: Vec<Arc<K>>,
    uid: &str,
    kept: &Names,
    tunnels_stay: bool,
) -> Vec<Arc<K>> {
    live.into_iter()
        .filter(|object| {
            let meta = object.meta();
            let owners = meta.owner_references.as_deref().unwrap_or_default();
            let component = meta
                .labels
                .as_ref()
                .and_then(|labels| labels.get(COMPONENT_LABEL));
            let is_tunnel = component
                .and_then(|component| component.parse().ok())
                .is_some_and(|component| matches!(component, Component::Tunnel(_)));
            owners.iter().any(|owner| owner.uid == uid)
                && meta.deletion_timestamp.is_none()
                && !kept.contains(&object.name_any())
                && !(tunnels_stay && is_tunnel)
        })
        .collect()
}

struct Sweeper<'a> {
    context: &'a Context,
    namespace: String,
    app: String,
    uid: String,
    tunnels_stay: bool,
}

impl Sweeper<'_> {
    async fn sweep<K: Owned>(&self, cache: &Cache<K>, kept: &Names) -> ApiResult<()> {
        let live = cache.of(&self.namespace, &self.app);
        for object in leftover(live, &self.uid, kept, self.tunnels_stay) {
            self.delete::<K>(&object.name_any(), object.uid()).await?;
        }
        Ok(())
    }

    async fn sweep_secrets(&self, kept: &Names) -> ApiResult<()> {
        let live = self.context.caches.secrets.of(&self.namespace, &self.app);
        for object in leftover(live, &self.uid, kept, self.tunnels_stay) {
            self.delete::<Secret>(&object.name_any(), object.uid())
                .await?;
        }
        Ok(())
    }

    /// Deletes exactly the object that was seen; one that is gone or was replaced is left alone.
    async fn delete<K: Owned>(&self, name: &str, uid: Option<String>) -> ApiResult<()> {
        let exactly = Preconditions {
            uid,
            ..Preconditions::default()
        };
        let params = DeleteParams::background().preconditions(exactly);
        let api = Api::<K>::namespaced(self.context.shared.client.clone(), &self.namespace);
        match api.delete(name, &params).await {
            Ok(_) => {
                let kind = K::kind(&());
                self.context.shared.metrics.deleted(&kind);
                tracing::info!(%kind, namespace = self.namespace, name, app = self.app, "deleted");
                Ok(())
            }
            Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(()),
            Err(error) => Err(ApiError::new::<K>("delete", name, &error)),
        }
    }
}

#[cfg(test)]
mod tests;
