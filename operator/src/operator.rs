//! One process of the operator, from its arguments to its end.

use std::sync::{Arc, RwLock};
use std::time::Duration;

use kube::Client;
use kube::runtime::events::{Recorder, Reporter};
use reportapp_telemetry::server::BindError;
use reportapp_telemetry::{Health, HealthServer, Shutdown};
use tokio::sync::Mutex;

use crate::action::metrics::ActionMetrics;
use crate::action::sweeps::Sweeps;
use crate::canary::Canary;
use crate::cli::RunArgs;
use crate::context::Shared;
use crate::controller;
use crate::health::Progress;
use crate::latest::Latest;
use crate::leader::election::Timing;
use crate::leader::lease::KubeLease;
use crate::leader::{LeaderError, lead};
use crate::metrics::Metrics;
use crate::reportapp::apply::Stubborn;
use crate::reportapp::{DEADLINE, naming::FIELD_MANAGER};
use crate::retries::Retries;
use crate::rotation::metrics::RotationMetrics;
use crate::secret_store::logins::Logins;

/// How long a pod may take to say how it is.
const POD_TIMEOUT: Duration = Duration::from_secs(2);
/// How long reconciles in hand may take after SIGTERM; shorter than the grace period of the pod.
const FINISH_WITHIN: Duration = Duration::from_secs(8);

/// The operator could not start, or lost the lead.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// No usable kubeconfig or ServiceAccount.
    #[error("failed to set up the client of the API server")]
    Client(#[source] Box<kube::Error>),
    /// The client for health ports could not be built.
    #[error("failed to set up the client of the pods' health ports")]
    Http(#[source] reqwest::Error),
    /// The health port could not be opened.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// Signals could not be listened to.
    #[error("failed to listen for signals")]
    Signals(#[source] std::io::Error),
    /// The lead was lost; the process ends so that a fresh one takes part again.
    #[error(transparent)]
    Leader(#[from] LeaderError),
}

/// Runs until a signal comes or the lead is lost.
///
/// # Errors
/// [`OperatorError`].
pub async fn run(args: RunArgs) -> Result<(), OperatorError> {
    let shutdown = Shutdown::listen().map_err(OperatorError::Signals)?;
    let stop = shutdown.token();
    let health = Health::new("reportapp-operator", env!("CARGO_PKG_VERSION"));
    let metrics = Metrics::new(&health);
    let registered = Registered {
        metrics: metrics.clone(),
        rotations: RotationMetrics::new(&health),
        actions: ActionMetrics::new(&health),
        canary: Canary::new(&health),
    };
    // The longest regular pause, plus one reconcile that takes all its time.
    let progress = Progress::new(args.resync().max(Duration::from_secs(30)) + DEADLINE);
    HealthServer::bind(args.health_address, health.clone())
        .await?
        .spawn();
    tokio::spawn(progress.clone().watch_over(health.clone()));

    let client = Client::try_default()
        .await
        .map_err(|error| OperatorError::Client(Box::new(error)))?;
    let shared = Arc::new(shared(&args, client.clone(), registered, progress.clone())?);
    let lease = KubeLease::new(client, &args.pod_namespace, &args.lease_name);
    health.set_ready(true);
    let leading = |leads| {
        metrics.leading(leads);
        progress.leading(leads);
    };
    let scope = args.scope();
    let work = || async {
        let controllers =
            controller::run(Arc::clone(&shared), &scope, args.concurrency, stop.clone());
        let deadline = async {
            stop.cancelled().await;
            tokio::time::sleep(FINISH_WITHIN).await;
        };
        tokio::select! {
            () = controllers => {}
            () = deadline => tracing::warn!("some reconciles did not end in time"),
        }
    };
    let ended = lead(
        &lease,
        &args.pod_name,
        Timing::default(),
        &stop,
        leading,
        work,
    )
    .await;
    health.start_draining();
    tracing::info!(?ended, "ending");
    Ok(ended.map(drop)?)
}

/// What writes metrics, each registered once.
struct Registered {
    metrics: Metrics,
    rotations: RotationMetrics,
    actions: ActionMetrics,
    canary: Canary,
}

fn shared(
    args: &RunArgs,
    client: Client,
    registered: Registered,
    progress: Progress,
) -> Result<Shared, OperatorError> {
    // Pods are asked directly, whatever proxy the environment names.
    let http = reqwest::Client::builder()
        .timeout(POD_TIMEOUT)
        .no_proxy()
        .build()
        .map_err(OperatorError::Http)?;
    let reporter = Reporter {
        controller: FIELD_MANAGER.to_owned(),
        instance: Some(args.pod_name.clone()),
    };
    Ok(Shared {
        events: Recorder::new(client.clone(), reporter),
        client,
        http,
        facts: args.facts(),
        metrics: registered.metrics,
        rotation_metrics: registered.rotations,
        action_metrics: registered.actions,
        canary: registered.canary,
        progress,
        retries: Retries::default(),
        latest: Latest::default(),
        stubborn: Stubborn::default(),
        resync: args.resync(),
        stores: RwLock::default(),
        logins: Logins::default(),
        rotations: RwLock::default(),
        actions: RwLock::default(),
        sweeps: Sweeps::default(),
        beginning: Mutex::default(),
    })
}
