//! Watch caches of everything the operator owns: one watch per kind and part of the scope, selected
//! by the label `reportapp.dev/app`, so that foreign objects are neither sent nor kept. Secrets are
//! watched as metadata only: their values never enter a cache.
//!
//! Every change is sent on as the ReportApp it belongs to. A watch that fails keeps its last
//! contents and its error: whoever decides on them asks [`Cache::check`] first.

use std::fmt::Debug;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures::future::{BoxFuture, join_all};
use futures::{FutureExt as _, StreamExt as _, pin_mut};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{
    ConfigMap, PersistentVolumeClaim, Pod, Secret, Service, ServiceAccount,
};
use k8s_openapi::api::networking::v1::{Ingress, NetworkPolicy};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::core::PartialObjectMeta;
use kube::runtime::reflector::{ObjectRef, Store, store};
use kube::runtime::utils::Backoff;
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt as _, reflector, watcher as watch};
use kube::{Client, Resource, ResourceExt as _};
use reportapp_crds::ReportApp;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;

use crate::api_error::{ApiError, ApiResult};
use crate::reportapp::naming::APP_LABEL;
use crate::scope::ScopePart;

/// Where changes of owned objects are sent.
pub type Touched = UnboundedSender<ObjectRef<ReportApp>>;

/// Pauses of a watch that fails.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// The cached objects of one kind.
pub struct Cache<K: Resource<DynamicType = ()> + Clone + 'static> {
    store: Store<K>,
    watched: Watched,
}

impl<K: Resource<DynamicType = ()> + Clone> Clone for Cache<K> {
    fn clone(&self) -> Self {
        Self {
            store: self.store.clone(),
            watched: self.watched.clone(),
        }
    }
}

/// What last went wrong with a watch, if anything did.
#[derive(Clone, Debug, Default)]
pub struct Watched(Arc<Mutex<Option<Failure>>>);

impl Watched {
    /// A watch of kind `K` failed.
    pub fn failed<K: Resource<DynamicType = ()>>(&self, error: &watcher::Error) {
        self.note(Some(failed::<K>(error)));
    }

    /// Whether RBAC lets the operator watch kind `K`.
    ///
    /// # Errors
    /// [`ApiError::Forbidden`].
    pub fn check_right<K: Resource<DynamicType = ()>>(&self) -> ApiResult<()> {
        match self.failure() {
            Some(failure) if failure.is_forbidden() => Err(ApiError::Forbidden {
                verb: failure.verb,
                resource: crate::api_error::resource::<K>(),
            }),
            _ => Ok(()),
        }
    }

    fn note(&self, failure: Option<Failure>) {
        *self.lock() = failure;
    }

    fn failure(&self) -> Option<Failure> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Failure>> {
        self.0
            .lock()
            .expect("no code panics while it holds this lock")
    }
}

#[derive(Clone, Debug)]
struct Failure {
    verb: &'static str,
    forbidden: bool,
    at: Instant,
}

impl Failure {
    /// Whether RBAC stands in the way now. A watch that is started again says nothing until an
    /// object changes, so a refusal that is not repeated is over.
    fn is_forbidden(&self) -> bool {
        self.forbidden && self.at.elapsed() < 2 * LONGEST_PAUSE
    }
}

/// Pauses of a watch that fails, kinder to the API server the longer it lasts.
pub struct Pauses(reportapp_telemetry::Backoff);

impl Default for Pauses {
    fn default() -> Self {
        Self(reportapp_telemetry::Backoff::new(
            FIRST_PAUSE,
            LONGEST_PAUSE,
        ))
    }
}

impl Iterator for Pauses {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        Some(self.0.next_pause())
    }
}

impl Backoff for Pauses {
    fn reset(&mut self) {
        self.0.reset();
    }
}

impl<K: Resource<DynamicType = ()> + Clone + Debug + Send + Sync + 'static> Cache<K> {
    /// The objects of the ReportApp `app` in `namespace`.
    pub fn of(&self, namespace: &str, app: &str) -> Vec<Arc<K>> {
        self.store.state_filter(|object| {
            object.namespace().as_deref() == Some(namespace)
                && object
                    .labels()
                    .get(APP_LABEL)
                    .is_some_and(|label| label == app)
        })
    }

    /// The object `name` in `namespace`.
    pub fn get(&self, namespace: &str, name: &str) -> Option<Arc<K>> {
        self.store.get(&ObjectRef::new(name).within(namespace))
    }

    /// Whether the contents can be relied on: loaded once, and the watch is alive.
    ///
    /// # Errors
    /// [`ApiError::Forbidden`] when RBAC stands in the way, else [`ApiError::Call`].
    pub fn check(&self) -> ApiResult<()> {
        self.watched.check_right::<K>()?;
        let resource = crate::api_error::resource::<K>();
        match self.watched.failure() {
            // A broken watch that was loaded once resumes by itself; until then its contents are
            // as old as the fault, which every decision stands.
            _ if self.is_loaded() => Ok(()),
            Some(Failure { verb, .. }) => Err(ApiError::Call {
                verb,
                resource,
                name: String::new(),
                kind: "the watch has not been answered yet",
            }),
            None => Err(ApiError::Call {
                verb: "list",
                resource,
                name: String::new(),
                kind: "the watch has not been answered yet",
            }),
        }
    }

    fn is_loaded(&self) -> bool {
        self.store.wait_until_ready().now_or_never().is_some()
    }

    /// Returns when the contents are loaded, or `patience` is over.
    async fn loaded(&self, patience: Duration) {
        let _late = tokio::time::timeout(patience, self.store.wait_until_ready()).await;
    }
}

/// Watches kind `K`; the future runs until it is dropped.
fn cache<K>(
    client: &Client,
    part: &ScopePart,
    touched: &Touched,
) -> (Cache<K>, BoxFuture<'static, ()>)
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    K: Clone + Debug + DeserializeOwned + Send + Sync + Unpin + 'static,
    K::DynamicType: Eq + Hash,
{
    let (reader, writer) = store::<K>();
    let watched = Watched::default();
    let cache = Cache {
        store: reader,
        watched: watched.clone(),
    };
    let config = watcher::Config::default().labels(APP_LABEL);
    let stream =
        watch(part.api::<K>(client), config).modify(|object| object.managed_fields_mut().clear());
    let stream = reflector(writer, stream.backoff(Pauses::default()));
    let touched = touched.clone();
    let run = async move {
        pin_mut!(stream);
        while let Some(event) = stream.next().await {
            let now = match &event {
                // A list begins before it is answered.
                Ok(Event::Init) => continue,
                Ok(_) => None,
                Err(error) => Some(failed::<K>(error)),
            };
            watched.note(now);
            if let Ok(Event::Apply(object) | Event::Delete(object)) = event
                && let Some(owner) = owner(&object)
            {
                // The receiver ends first only when the operator ends.
                let _ending = touched.send(owner);
            }
        }
    };
    (cache, run.boxed())
}

/// The ReportApp an owned object belongs to.
fn owner<K: Resource>(object: &K) -> Option<ObjectRef<ReportApp>> {
    let app = object.meta().labels.as_ref()?.get(APP_LABEL)?;
    Some(ObjectRef::new(app).within(object.meta().namespace.as_deref()?))
}

fn failed<K: Resource<DynamicType = ()>>(error: &watcher::Error) -> Failure {
    let (verb, cause) = match error {
        watcher::Error::InitialListFailed(cause) => ("list", Some(cause)),
        watcher::Error::WatchStartFailed(cause) | watcher::Error::WatchFailed(cause) => {
            ("watch", Some(cause))
        }
        _ => ("watch", None),
    };
    let told = cause.map(|cause| ApiError::new::<K>(verb, "", cause));
    let forbidden = matches!(told, Some(ApiError::Forbidden { .. }));
    // Only kind and code: the text of a failure may repeat what was sent.
    match &told {
        Some(told) => tracing::warn!(kind = %K::kind(&()), "a watch failed: {told}"),
        None => tracing::debug!(kind = %K::kind(&()), "a watch is started again"),
    }
    Failure {
        verb,
        forbidden,
        at: Instant::now(),
    }
}

/// Caches of every kind the operator owns, for one part of the scope.
#[derive(Clone)]
#[expect(
    missing_docs,
    reason = "each field is the cache of the kind it is named after"
)]
pub struct Caches {
    pub deployments: Cache<Deployment>,
    pub replica_sets: Cache<ReplicaSet>,
    pub pods: Cache<Pod>,
    pub services: Cache<Service>,
    pub service_accounts: Cache<ServiceAccount>,
    pub config_maps: Cache<ConfigMap>,
    pub secrets: Cache<PartialObjectMeta<Secret>>,
    pub volume_claims: Cache<PersistentVolumeClaim>,
    pub network_policies: Cache<NetworkPolicy>,
    pub jobs: Cache<Job>,
    pub autoscalers: Cache<HorizontalPodAutoscaler>,
    pub disruption_budgets: Cache<PodDisruptionBudget>,
    pub ingresses: Cache<Ingress>,
}

impl Caches {
    /// Caches of `part`, and the future that keeps them fresh until it is dropped.
    pub fn new(
        client: &Client,
        part: &ScopePart,
        touched: &Touched,
    ) -> (Self, BoxFuture<'static, ()>) {
        let mut runs = Vec::new();
        let caches = Self {
            deployments: started(cache(client, part, touched), &mut runs),
            replica_sets: started(cache(client, part, touched), &mut runs),
            pods: started(cache(client, part, touched), &mut runs),
            services: started(cache(client, part, touched), &mut runs),
            service_accounts: started(cache(client, part, touched), &mut runs),
            config_maps: started(cache(client, part, touched), &mut runs),
            secrets: started(cache(client, part, touched), &mut runs),
            volume_claims: started(cache(client, part, touched), &mut runs),
            network_policies: started(cache(client, part, touched), &mut runs),
            jobs: started(cache(client, part, touched), &mut runs),
            autoscalers: started(cache(client, part, touched), &mut runs),
            disruption_budgets: started(cache(client, part, touched), &mut runs),
            ingresses: started(cache(client, part, touched), &mut runs),
        };
        (caches, join_all(runs).map(drop).boxed())
    }

    /// Returns when all are loaded, or `patience` is over: a kind the operator may not list is
    /// reported by [`Caches::check`] and must not hold up the others.
    pub async fn loaded(&self, patience: Duration) {
        let Self {
            deployments,
            replica_sets,
            pods,
            services,
            service_accounts,
            config_maps,
            secrets,
            volume_claims,
            network_policies,
            jobs,
            autoscalers,
            disruption_budgets,
            ingresses,
        } = self;
        tokio::join!(
            deployments.loaded(patience),
            replica_sets.loaded(patience),
            pods.loaded(patience),
            services.loaded(patience),
            service_accounts.loaded(patience),
            config_maps.loaded(patience),
            secrets.loaded(patience),
            volume_claims.loaded(patience),
            network_policies.loaded(patience),
            jobs.loaded(patience),
            autoscalers.loaded(patience),
            disruption_budgets.loaded(patience),
            ingresses.loaded(patience),
        );
    }

    /// Whether every kind can be relied on.
    ///
    /// # Errors
    /// What is wrong with the first that cannot.
    pub fn check(&self) -> ApiResult<()> {
        self.deployments.check()?;
        self.replica_sets.check()?;
        self.pods.check()?;
        self.services.check()?;
        self.service_accounts.check()?;
        self.config_maps.check()?;
        self.secrets.check()?;
        self.volume_claims.check()?;
        self.network_policies.check()?;
        self.jobs.check()?;
        self.autoscalers.check()?;
        self.disruption_budgets.check()?;
        self.ingresses.check()
    }
}

fn started<K: Resource<DynamicType = ()> + Clone>(
    (cache, run): (Cache<K>, BoxFuture<'static, ()>),
    runs: &mut Vec<BoxFuture<'static, ()>>,
) -> Cache<K> {
    runs.push(run);
    cache
}
