//! What every reconcile is given: clients, caches, metrics. Built once by the controllers.

use std::sync::{Arc, RwLock};
use std::time::Duration;

use kube::Client;
use kube::ResourceExt as _;
use kube::runtime::events::Recorder;
use kube::runtime::reflector::Store;
use reportapp_crds::{IncidentAction, ReportApp, SecretRotation};
use tokio::sync::Mutex;

use crate::action::metrics::ActionMetrics;
use crate::action::sweeps::Sweeps;
use crate::canary::{Canary, Wake};
use crate::health::Progress;
use crate::latest::Latest;
use crate::metrics::Metrics;
use crate::reportapp::apply::Stubborn;
use crate::reportapp::model::OperatorFacts;
use crate::retries::Retries;
use crate::rotation::metrics::RotationMetrics;
use crate::secret_store::logins::Logins;
use crate::watch::{Caches, Watched};

/// What the controllers of all parts of the scope share.
pub struct Shared {
    /// Client of the API server.
    pub client: Client,
    /// Client of the pods' health ports.
    pub http: reqwest::Client,
    /// Publisher of events.
    pub events: Recorder,
    /// What the operator knows about itself.
    pub facts: OperatorFacts,
    /// Metrics.
    pub metrics: Metrics,
    /// Metrics of rotations.
    pub rotation_metrics: RotationMetrics,
    /// Metrics of actions.
    pub action_metrics: ActionMetrics,
    /// Logins in use, and whether they are accepted.
    pub canary: Canary,
    /// What the health port shows.
    pub progress: Progress,
    /// Pauses after failures, per object.
    pub retries: Retries,
    /// Newest versions this process wrote.
    pub latest: Latest,
    /// Objects that do not become what was applied.
    pub stubborn: Stubborn,
    /// Pause between looks at a healthy object.
    pub resync: Duration,
    /// ReportApps of every part, filled in while the controllers start.
    pub stores: RwLock<Vec<Store<ReportApp>>>,
    /// Logins to secret stores.
    pub logins: Logins,
    /// SecretRotations of every part, filled in while the controllers start.
    pub rotations: RwLock<Vec<Store<SecretRotation>>>,
    /// IncidentActions of every part, filled in while the controllers start.
    pub actions: RwLock<Vec<Store<IncidentAction>>>,
    /// Where removals of keys stand, by the uid of the action.
    pub sweeps: Sweeps,
    /// Held while an action begins, so that of two with one target one sees the other.
    pub beginning: Mutex<()>,
}

impl Shared {
    /// ReportApps of every part of the scope.
    pub fn apps(&self) -> Vec<Store<ReportApp>> {
        self.stores
            .read()
            .expect("no code panics while it holds this lock")
            .clone()
    }

    /// SecretRotations of every part of the scope.
    pub fn rotations(&self) -> Vec<Store<SecretRotation>> {
        self.rotations
            .read()
            .expect("no code panics while it holds this lock")
            .clone()
    }

    /// IncidentActions of every part of the scope.
    pub fn actions(&self) -> Vec<Store<IncidentAction>> {
        self.actions
            .read()
            .expect("no code panics while it holds this lock")
            .clone()
    }

    /// The actions of an application.
    pub fn actions_of(&self, app: &ReportApp) -> Vec<Arc<IncidentAction>> {
        let (namespace, name) = (app.namespace(), app.name_any());
        let ours =
            |action: &IncidentAction| action.spec.app == name && action.namespace() == namespace;
        let stores = self.actions();
        stores
            .iter()
            .flat_map(|store| store.state_filter(ours))
            .collect()
    }

    /// Forgets a ReportApp that is gone.
    pub fn forget(&self, namespace: &str, name: &str) {
        self.metrics.forget(namespace, name);
        self.rotation_metrics.forget(namespace, name);
        self.canary.forget(namespace, name);
        self.progress.forget(namespace, name);
        self.retries.forget(namespace, name);
        self.latest.forget(namespace, name);
        self.logins.forget(namespace, name);
    }
}

/// What one reconcile is given.
pub struct Context {
    /// Shared by all parts of the scope.
    pub shared: Arc<Shared>,
    /// Owned objects of this part.
    pub caches: Caches,
    /// Has a ReportApp of this part looked at.
    pub wake: Wake,
    /// How the watch of this part's SecretRotations is.
    pub rotations: Watched,
    /// How the watch of this part's IncidentActions is.
    pub actions: Watched,
}
