//! One reconcile of a `SecretRotation`: resolves what it names, then passes over its credentials
//! while anything can be done, writing the status after each pass.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use kube::runtime::controller::Action;
use kube::{Resource as _, ResourceExt as _};
use reportapp_crds::secret_rotation::{Mode, Phase};
use reportapp_crds::{ReportApp, SecretRotation, SecretRotationStatus};
use serde_json::json;
use tokio::time::Instant;

use super::live::Live;
use super::machine::Order;
use super::runner::{self, Course, Progress, State};
use super::status::{self, Facts};
use super::target::Target;
use super::trouble::{Reason, Trouble};
use super::{approval, plan, report};
use crate::api_error::{ApiError, ApiResult};
use crate::clock;
use crate::context::Context;
use crate::one_shot::{self, object};
use crate::reportapp::{fetch, ledger};
use crate::secret_store::Store;

/// Keeps a rotation until what it began is at a safe end.
pub const FINALIZER: &str = "reportapp.dev/rotation";
/// Pause between looks while pods or sessions are waited for.
const WAITING: Duration = Duration::from_millis(1_000);
/// Pause while something stands in the way.
const STALLED: Duration = Duration::from_secs(5);
/// Longest time of one reconcile; the next goes on where it ended.
const TURN: Duration = Duration::from_secs(40);

/// Reconciles one rotation and says when to look again.
pub async fn reconcile(rotation: Arc<SecretRotation>, context: &Context) -> Action {
    let ended = rotation.status.as_ref().and_then(|status| status.phase);
    let deleted = rotation.meta().deletion_timestamp.is_some();
    if ended.is_some_and(Phase::is_final) {
        return settled(&rotation, context, deleted).await;
    }
    if deleted && !is_held(&rotation) {
        return Action::await_change();
    }
    match run(&rotation, context).await {
        Ok(pause) => pause.map_or_else(Action::await_change, Action::requeue),
        Err(error) => {
            let (namespace, name) = (
                rotation.namespace().unwrap_or_default(),
                rotation.name_any(),
            );
            match error {
                ApiError::Conflict { .. } => {
                    tracing::debug!(namespace, rotation = name, "looking again: {error}");
                }
                _ => tracing::error!(namespace, rotation = name, "failed to go on: {error}"),
            }
            Action::requeue(WAITING)
        }
    }
}

/// Nothing is left to do but to let it go.
async fn settled(rotation: &SecretRotation, context: &Context, deleted: bool) -> Action {
    if !is_held(rotation) {
        return Action::await_change();
    }
    match let_go(rotation, context).await {
        Ok(()) => Action::await_change(),
        Err(error) => {
            tracing::debug!(deleted, "the finalizer stays for now: {error}");
            Action::requeue(WAITING)
        }
    }
}

fn is_held(rotation: &SecretRotation) -> bool {
    rotation
        .finalizers()
        .iter()
        .any(|finalizer| finalizer == FINALIZER)
}

/// Works until it must wait; gives the pause, or `None` when it has ended.
async fn run(rotation: &Arc<SecretRotation>, context: &Context) -> ApiResult<Option<Duration>> {
    let mut rotation = rotation.as_ref().clone();
    let started = Instant::now();
    let now = Timestamp::now();
    let live = match resolve(&rotation, context).await {
        Ok(live) => live,
        Err(trouble) => {
            let course = course(&rotation, Duration::ZERO, now);
            let status =
                status::in_trouble(&facts(&rotation, course), trouble.reason, &trouble.message);
            let ended = status.phase.is_some_and(Phase::is_final);
            publish(&mut rotation, status, context).await?;
            if course == Course::Cancelled {
                // Without its ReportApp nothing can be undone; both values stay as they are.
                let_go(&rotation, context).await?;
                return Ok(None);
            }
            return Ok((!ended).then_some(STALLED));
        }
    };
    let targets: Vec<Target> = live
        .planned
        .iter()
        .map(|planned| planned.target.clone())
        .collect();
    let hold = targets.iter().map(|target| target.hold).max();
    let course = course(&rotation, hold.unwrap_or_default(), now);
    if rotation.spec.dry_run {
        let plan = report::plan(&live, rotation.spec.mode == Mode::Emergency).await;
        let status = status::dry_run(&facts(&rotation, course), plan);
        publish(&mut rotation, status, context).await?;
        return Ok(None);
    }
    if let Some(status) = held_up(&rotation, &live, &targets, course).await {
        let ended = status.phase.is_some_and(Phase::is_final);
        publish(&mut rotation, status, context).await?;
        if ended && is_held(&rotation) {
            let_go(&rotation, context).await?;
        }
        return Ok((!ended).then_some(STALLED));
    }
    if !is_held(&rotation) {
        rotation = begin(&rotation, &live, context).await?;
    }
    let order = order(&rotation);
    loop {
        let found = runner::pass(&live, &order, &targets, course).await;
        let status = status::after_pass(&facts(&rotation, course), &targets, &found);
        let ended = status.phase.is_some_and(Phase::is_final);
        if status.phase == Some(Phase::Succeeded) {
            live.note_success(&targets).await?;
        }
        publish(&mut rotation, status, context).await?;
        if ended {
            let_go(&rotation, context).await?;
            return Ok(None);
        }
        if let Some(pause) = pause(&found, started) {
            return Ok(Some(pause));
        }
    }
}

/// The status of a rotation that may not begin: for want of a consent, or because something would stand in
/// its way later on.
async fn held_up(
    rotation: &SecretRotation,
    live: &Live<'_>,
    targets: &[Target],
    course: Course,
) -> Option<SecretRotationStatus> {
    let facts = facts(rotation, course);
    let emergency = rotation.spec.mode == Mode::Emergency;
    let unapproved = approval::is_missing(rotation, &live.app);
    // What has begun goes on, whoever changes the list meanwhile: to stop half-way would be the greater risk.
    // The ledger tells it, for finalizer and owners are whatever its creator wrote.
    if unapproved != Ok(false) && live.has_begun(targets, &order(rotation)).await {
        return None;
    }
    match unapproved {
        Ok(false) => {}
        Ok(true) => {
            let planned = rotation.status.clone().unwrap_or_default().plan;
            let plan = match planned.is_empty() {
                true => report::plan(live, emergency).await,
                false => planned,
            };
            return Some(status::unapproved(&facts, plan));
        }
        Err(trouble) => {
            return Some(status::in_trouble(&facts, trouble.reason, &trouble.message));
        }
    }
    if is_held(rotation) || emergency {
        return None;
    }
    let obstacles = live.obstacles().await;
    let first = obstacles.first()?;
    let messages: Vec<_> = obstacles.iter().map(|o| o.message.as_str()).collect();
    Some(status::in_trouble(
        &facts,
        first.reason,
        &messages.join("; "),
    ))
}

/// How long to wait, unless something was done and the turn is not over.
fn pause(found: &[Progress], started: Instant) -> Option<Duration> {
    let acted = found.iter().any(|progress| progress.state == State::Acted);
    if acted && started.elapsed() < TURN {
        return None;
    }
    let stalled = found.iter().any(|progress| {
        matches!(&progress.state, State::Stalled(trouble) if !trouble.reason.is_passing())
    });
    Some(if stalled && !acted { STALLED } else { WAITING })
}

fn facts(rotation: &SecretRotation, course: Course) -> Facts<'_> {
    Facts {
        rotation,
        now: clock::now(),
        course,
    }
}

/// The wait `hold`, which the spec asks for, does not count against the deadline.
fn course(rotation: &SecretRotation, hold: Duration, now: Timestamp) -> Course {
    if rotation.meta().deletion_timestamp.is_some() {
        return Course::Cancelled;
    }
    let status = rotation.status.as_ref();
    let started = status.and_then(|status| status.started_at.as_ref());
    let deadline = rotation.spec.active_deadline_seconds;
    match one_shot::end(&rotation.metadata, started, deadline, hold) {
        Some(end) if now >= end => Course::Late,
        _ => Course::Forward,
    }
}

fn order(rotation: &SecretRotation) -> Order {
    let created = rotation
        .creation_timestamp()
        .map_or(0, |time| time.0.as_millisecond());
    Order {
        id: rotation.uid().unwrap_or_default(),
        fence: u64::try_from(created).unwrap_or_default(),
        emergency: rotation.spec.mode == Mode::Emergency,
        repairs: rotation.spec.mode != Mode::Scheduled,
    }
}

/// Everything the rotation names.
///
/// # Errors
/// The first thing that is missing or does not answer.
pub(crate) async fn resolve<'a>(
    rotation: &SecretRotation,
    context: &'a Context,
) -> Result<Live<'a>, Trouble> {
    let namespace = rotation.namespace().unwrap_or_default();
    let name = &rotation.spec.app;
    let app = one_shot::app_of(rotation, name, &context.shared)
        .map_err(|absent| Trouble::new(Reason::AppNotReady, absent.to_string()))?;
    context.caches.check()?;
    let client = &context.shared.client;
    let (mut secrets, entry) = tokio::join!(
        fetch::secrets::named(client, &namespace, &app),
        ledger::read(client, &namespace, name),
    );
    let entry = entry?;
    if !entry.is_complete() {
        return Err(Trouble::new(
            Reason::AppNotReady,
            format!(
                "ReportApp {name} has not been applied yet; look at: kubectl describe reportapp {name}"
            ),
        ));
    }
    let administrators = fetch::vault::of_administrators(&app);
    let read = fetch::vault::read(&app, administrators, &secrets, context).await;
    secrets.extend(read);
    let mut planned = Vec::new();
    for (index, credential) in rotation.spec.credentials.iter().enumerate() {
        planned.push(plan::plan(&app, &secrets, credential, index)?);
    }
    let store = Store::of(&app, &secrets, client, &context.shared.logins)?;
    Ok(Live {
        context,
        secrets,
        name_key: entry.ledger.name_key.clone(),
        signing_key: entry.ledger.signing_key.clone(),
        store,
        planned,
        app,
    })
}

/// Checks the rights, writes the plan, and holds the object: all before the first outside effect.
async fn begin(
    rotation: &SecretRotation,
    live: &Live<'_>,
    context: &Context,
) -> ApiResult<SecretRotation> {
    let mut begun = rotation.clone();
    let mut status = rotation.status.clone().unwrap_or_default();
    status.plan = report::plan(live, rotation.spec.mode == Mode::Emergency).await;
    status.phase = Some(Phase::Running);
    publish(&mut begun, status, context).await?;
    hold(&begun, &live.app, context).await?;
    begun.finalizers_mut().push(FINALIZER.to_owned());
    Ok(begun)
}

/// Writes the status if it differs, and tells a transition as an event.
async fn publish(
    rotation: &mut SecretRotation,
    status: SecretRotationStatus,
    context: &Context,
) -> ApiResult<()> {
    context.shared.rotation_metrics.looked(rotation, &status);
    if rotation.status.as_ref() == Some(&status) {
        context.shared.progress.status_written(rotation, true);
        return Ok(());
    }
    if !object::write_status(context, rotation, &status).await? {
        return Ok(());
    }
    report::tell(rotation, &status, context).await;
    rotation.status = Some(status);
    Ok(())
}

/// Keeps the rotation until it is at a safe end, and has it go with its ReportApp.
async fn hold(rotation: &SecretRotation, app: &ReportApp, context: &Context) -> ApiResult<()> {
    let mut finalizers = rotation.finalizers().to_vec();
    finalizers.push(FINALIZER.to_owned());
    let owners = one_shot::owners(&rotation.metadata, app);
    let metadata = json!({ "finalizers": finalizers, "ownerReferences": owners });
    object::patch_metadata(&context.shared.client, rotation, metadata).await
}

/// Gives the rotation up: whoever deletes it is not kept waiting.
async fn let_go(rotation: &SecretRotation, context: &Context) -> ApiResult<()> {
    let mut finalizers = rotation.finalizers().to_vec();
    finalizers.retain(|finalizer| finalizer != FINALIZER);
    let metadata = json!({ "finalizers": finalizers });
    object::patch_metadata(&context.shared.client, rotation, metadata).await
}
