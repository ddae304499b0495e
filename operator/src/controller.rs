//! Wires watches, caches and reconciles together: one controller for each part of the scope, all
//! sharing one [`Shared`]. Runs only while this replica leads.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::fmt::Debug;
use std::future::ready;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use futures::future::join_all;
use futures::{FutureExt as _, StreamExt as _, stream};
use k8s_openapi::NamespaceResourceScope;
use kube::runtime::controller::{Action, Config, Controller, Error};
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::watcher;
use kube::{Resource, ResourceExt as _};
use reportapp_crds::ReportApp;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc::unbounded_channel;
use tokio::time::interval;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::action;
use crate::canary;
use crate::context::{Context, Shared};
use crate::health::Progress;
use crate::reportapp::reconcile;
use crate::rotation;
use crate::scope::{Scope, ScopePart};
use crate::watch::{Caches, Pauses, Watched};

/// How long the first look at owned objects may take before reconciles begin without it.
const LOAD_WITHIN: Duration = Duration::from_secs(5);
/// How often objects that were deleted behind our back are forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(10);

/// Reconciles every ReportApp in `scope` until `stop`, then finishes those in hand.
pub async fn run(shared: Arc<Shared>, scope: &Scope, concurrency: u16, stop: CancellationToken) {
    let parts = scope.parts();
    tracing::info!(?parts, "reconciling");
    let controllers = parts
        .into_iter()
        .map(|part| run_part(Arc::clone(&shared), part, concurrency, stop.clone()));
    tokio::select! {
        _ = join_all(controllers) => {}
        () = forget_deleted(&shared) => {}
        () = canary::run(Arc::clone(&shared)) => {}
    }
}

async fn run_part(shared: Arc<Shared>, part: ScopePart, concurrency: u16, stop: CancellationToken) {
    let (touched, mut changes) = unbounded_channel::<ObjectRef<ReportApp>>();
    let (caches, keep_fresh) = Caches::new(&shared.client, &part, &touched);
    let controller = Controller::new(api(&shared, &part), watcher::Config::default())
        .with_config(Config::default().concurrency(concurrency))
        .trigger_backoff(Pauses::default())
        .reconcile_on(stream::poll_fn(move |task| changes.poll_recv(task)))
        .graceful_shutdown_on(stop.clone().cancelled_owned());
    shared
        .stores
        .write()
        .expect("no code panics while it holds this lock")
        .push(controller.store());
    let context = Arc::new(Context {
        shared: Arc::clone(&shared),
        caches: caches.clone(),
        wake: touched,
        rotations: Watched::default(),
        actions: Watched::default(),
    });
    // A task of its own: what it reads must not hold up renewals of the lead. It lives exactly as
    // long as the reconciles that read the caches.
    let _keep_fresh = AbortOnDropHandle::new(tokio::spawn(keep_fresh));
    tokio::select! {
        () = caches.loaded(LOAD_WITHIN) => {}
        () = stop.cancelled() => return,
    }
    let applications = controller
        .run(
            |app, context| async move { Ok::<_, Infallible>(reconcile(app, &context).await) },
            |_, never, _| -> Action { match *never {} },
            Arc::clone(&context),
        )
        .for_each(|result| {
            note(&shared, &part, result);
            ready(())
        });
    tokio::join!(
        applications,
        carry_out(
            &part,
            concurrency,
            stop.clone(),
            Arc::clone(&context),
            (&shared.rotations, context.rotations.clone()),
            |rotation, context| async move { rotation::reconcile::reconcile(rotation, &context).await },
        ),
        carry_out(
            &part,
            concurrency,
            stop,
            Arc::clone(&context),
            (&shared.actions, context.actions.clone()),
            |action, context| async move { action::reconcile::reconcile(action, &context).await },
        ),
    );
}

/// Carries objects of a kind out that are carried out once, one reconcile of each at a time. Others find
/// their cache in `stores`, and whether the watch gets on in `watched`.
async fn carry_out<K, R>(
    part: &ScopePart,
    concurrency: u16,
    stop: CancellationToken,
    context: Arc<Context>,
    (stores, watched): (&RwLock<Vec<Store<K>>>, Watched),
    mut reconcile: impl FnMut(Arc<K>, Arc<Context>) -> R,
) where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + DeserializeOwned
        + Send
        + Sync
        + 'static,
    R: Future<Output = Action> + Send + 'static,
{
    let watch = watcher::Config::default();
    let controller = Controller::new(api::<K>(&context.shared, part), watch);
    stores
        .write()
        .expect("no code panics while it holds this lock")
        .push(controller.store());
    controller
        .with_config(Config::default().concurrency(concurrency))
        .trigger_backoff(Pauses::default())
        .graceful_shutdown_on(stop.cancelled_owned())
        .run(
            |object, context| reconcile(object, context).map(Ok::<_, Infallible>),
            |_, never, _| -> Action { match *never {} },
            context,
        )
        .for_each(|result| {
            if let Err(Error::QueueError(error)) = result {
                watched.failed::<K>(&error);
            }
            ready(())
        })
        .await;
}

fn api<K>(shared: &Shared, part: &ScopePart) -> kube::Api<K>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
{
    part.api(&shared.client)
}

fn note(
    shared: &Shared,
    part: &ScopePart,
    result: Result<(ObjectRef<ReportApp>, Action), Error<Infallible, watcher::Error>>,
) {
    match result {
        // An owned object changed after its ReportApp was deleted.
        Ok(_) | Err(Error::ObjectNotFound(_)) => {}
        Err(Error::QueueError(error)) => {
            shared.progress.blind(&part.to_string());
            tracing::warn!(%part, "the watch of ReportApps failed: {}", brief::<ReportApp>(&error));
        }
        Err(error) => tracing::error!(%part, %error, "the controller failed"),
    }
}

/// A watch error without what was sent.
fn brief<K: Resource<DynamicType = ()>>(error: &watcher::Error) -> String {
    use crate::api_error::ApiError;
    match error {
        watcher::Error::InitialListFailed(cause) => {
            ApiError::new::<K>("list", "", cause).to_string()
        }
        watcher::Error::WatchStartFailed(cause) | watcher::Error::WatchFailed(cause) => {
            ApiError::new::<K>("watch", "", cause).to_string()
        }
        other => other.to_string(),
    }
}

async fn forget_deleted(shared: &Shared) {
    let mut ticks = interval(FORGET_EVERY);
    loop {
        ticks.tick().await;
        let stores = shared.apps();
        let gone = shared.progress.retain(|namespace, name| {
            let key = ObjectRef::<ReportApp>::new(name).within(namespace);
            stores.iter().any(|store| store.get(&key).is_some())
        });
        for (namespace, name) in gone {
            shared.forget(&namespace, &name);
        }
        forget_reports(&shared.progress, &shared.rotations());
        let actions = shared.actions();
        forget_reports(&shared.progress, &actions);
        let uids: BTreeSet<_> = { actions.iter() }
            .flat_map(Store::state)
            .filter_map(|action| action.uid())
            .collect();
        shared.action_metrics.retain(|uid| uids.contains(uid));
        shared.sweeps.retain(|uid| uids.contains(uid));
    }
}

/// Forgets what was said of objects of one kind that are gone.
fn forget_reports<K>(progress: &Progress, stores: &[Store<K>])
where
    K: Resource<DynamicType = ()> + Clone + 'static,
{
    progress.retain_reports::<K>(|namespace, name| {
        let key = ObjectRef::<K>::new(name).within(namespace);
        stores.iter().any(|store| store.get(&key).is_some())
    });
}
