//! One reconcile of an `IncidentAction`: has what it names resolved, then passes over it while anything
//! can be done, writing the status after each pass. One that has ended is looked at again when its
//! `duration` is over, to put back what it changed.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use kube::runtime::controller::Action;
use kube::{Resource as _, ResourceExt as _};
use reportapp_crds::one_shot::Phase;
use reportapp_crds::{IncidentAction, IncidentActionStatus};
use tokio::time::Instant;

use super::live::Live;
use super::resolve::{app_of, resolve};
use super::revert;
use super::runner::{self, State};
use super::status::{self, Facts};
use super::undo::Undone;
use super::world::World as _;
use crate::api_error::{ApiError, ApiResult};
use crate::clock;
use crate::context::Context;
use crate::one_shot::{self, object};

/// Pause between looks while pods or a rotation are waited for.
const WAITING: Duration = Duration::from_secs(1);
/// Pause while something stands in the way, or another action goes first.
const STALLED: Duration = Duration::from_secs(5);
/// Longest time of one reconcile; the next goes on where it ended.
const TURN: Duration = Duration::from_secs(40);

/// Reconciles one action and says when to look again.
pub async fn reconcile(action: Arc<IncidentAction>, context: &Context) -> Action {
    // One that is deleted leaves nothing to be undone: what it owns goes with it, and whom it locked
    // stays locked.
    if action.meta().deletion_timestamp.is_some() {
        return Action::await_change();
    }
    let phase = action.status.as_ref().and_then(|status| status.phase);
    let worked = match phase.is_some_and(Phase::is_final) {
        true => put_back_when_due(&action, context).await,
        false => run(&action, context).await,
    };
    match worked {
        Ok(pause) => pause.map_or_else(Action::await_change, Action::requeue),
        Err(error) => {
            let (namespace, name) = (action.namespace().unwrap_or_default(), action.name_any());
            match error {
                ApiError::Conflict { .. } => {
                    tracing::debug!(namespace, action = name, "looking again: {error}");
                }
                _ => tracing::error!(namespace, action = name, "failed to go on: {error}"),
            }
            Action::requeue(WAITING)
        }
    }
}

/// Puts back what an action that has ended changed, if its time is over; gives the pause until it is.
async fn put_back_when_due(
    action: &IncidentAction,
    context: &Context,
) -> ApiResult<Option<Duration>> {
    let left = revert::left(action.status.as_ref(), Timestamp::now());
    let Some(left) = left else {
        return Ok(None);
    };
    if left > SignedDuration::ZERO {
        return Ok(Some(Duration::try_from(left).unwrap_or(STALLED)));
    }
    let outcome = match (app_of(action, context), Undone::of(action)) {
        (Ok(app), Ok(own)) => {
            let live = Live::new(app, action.clone(), None, context);
            live.put_back(&own).await.map(|done| (own, done))
        }
        (Err(trouble), _) | (_, Err(trouble)) => Err(trouble),
    };
    let (status, told) = revert::after(&facts(action, None), outcome);
    context.shared.action_metrics.looked(action, &status);
    let pending = status.reverts_at.is_some();
    if action.status.as_ref() != Some(&status)
        && object::write_status(context, action, &status).await?
        && let Some(told) = told
    {
        let message = status.message.as_deref().unwrap_or_default();
        object::tell(action, &action.spec.app, told, message, context).await;
    }
    Ok(pending.then_some(STALLED))
}

/// Works until it must wait; gives the pause, or `None` when it has ended.
async fn run(action: &IncidentAction, context: &Context) -> ApiResult<Option<Duration>> {
    let mut action = action.clone();
    let started = Instant::now();
    let end = end(&action);
    let (live, order) = match resolve(&action, end, context).await {
        Ok(resolved) => resolved,
        Err(trouble) => {
            let status = status::in_trouble(&facts(&action, end), &trouble);
            return publish(&mut action, status, context, STALLED).await;
        }
    };
    loop {
        let found = runner::pass(&live, &order, Timestamp::now()).await;
        let acted = matches!(found.state, State::Acted(_));
        let pause = match &found.state {
            State::Queued(_) => STALLED,
            // Its approval is a change, which is felt at once.
            State::Stands(verdict) if verdict.phase == Phase::AwaitingApproval => STALLED,
            State::Stalled(trouble) if !trouble.reason.is_passing() => STALLED,
            _ => WAITING,
        };
        let status = status::after_pass(&facts(&action, end), found);
        let pause = publish(&mut action, status, context, pause).await?;
        if pause.is_none() || !acted || started.elapsed() >= TURN {
            return Ok(pause);
        }
    }
}

fn end(action: &IncidentAction) -> Option<Timestamp> {
    let status = action.status.as_ref();
    let started = status.and_then(|status| status.started_at.as_ref());
    let deadline = action.spec.active_deadline_seconds;
    one_shot::end(&action.metadata, started, deadline, Duration::ZERO)
}

fn facts(action: &IncidentAction, end: Option<Timestamp>) -> Facts<'_> {
    let now = clock::now();
    Facts {
        action,
        now,
        late: end.is_some_and(|end| now >= end),
    }
}

/// Writes the status if it differs, and tells a transition as an event. Gives the pause before the
/// next look, `None` when there is none.
async fn publish(
    action: &mut IncidentAction,
    status: IncidentActionStatus,
    context: &Context,
    pause: Duration,
) -> ApiResult<Option<Duration>> {
    let ended = status.phase.is_some_and(Phase::is_final);
    let pause = (!ended).then_some(pause);
    let before = action.status.clone().unwrap_or_default();
    if action.status.as_ref() == Some(&status) {
        context.shared.action_metrics.looked(action, &status);
        context.shared.progress.status_written(action, true);
        return Ok(pause);
    }
    if !object::write_status(context, action, &status).await? {
        return Ok(None);
    }
    context.shared.action_metrics.looked(action, &status);
    if let Some(told) = one_shot::transition(&status::stand(&before), &status::stand(&status)) {
        let message = status.message.as_deref().unwrap_or_default();
        object::tell(action, &action.spec.app, told, message, context).await;
    }
    action.status = Some(status);
    Ok(pause)
}
