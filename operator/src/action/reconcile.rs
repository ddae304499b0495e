//! One reconcile of an `IncidentAction`: resolves what it names, then passes over it while anything
//! can be done, writing the status after each pass.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use kube::runtime::controller::Action;
use kube::{Resource as _, ResourceExt as _};
use reportapp_crds::incident_action::Chosen;
use reportapp_crds::one_shot::Phase;
use reportapp_crds::{IncidentAction, IncidentActionStatus, ReportApp};
use tokio::time::Instant;

use super::claim::{components, deployment};
use super::invalidate;
use super::live::Live;
use super::rotate;
use super::runner::{self, Order, State, Task};
use super::status::{self, Facts};
use super::trouble::{Reason, Trouble};
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
    let phase = action.status.as_ref().and_then(|status| status.phase);
    // One that is deleted leaves nothing to be undone: what it owns goes with it.
    if phase.is_some_and(Phase::is_final) || action.meta().deletion_timestamp.is_some() {
        return Action::await_change();
    }
    match run(&action, context).await {
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

/// Works until it must wait; gives the pause, or `None` when it has ended.
async fn run(action: &IncidentAction, context: &Context) -> ApiResult<Option<Duration>> {
    let mut action = action.clone();
    let started = Instant::now();
    let end = end(&action);
    let (live, order) = match resolve(&action, end, context) {
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

/// Everything the action names.
fn resolve<'a>(
    action: &IncidentAction,
    end: Option<Timestamp>,
    context: &'a Context,
) -> Result<(Live<'a>, Order), Trouble> {
    let app = one_shot::app_of(action, &action.spec.app, &context.shared)?;
    if app.spec.suspend {
        return Err(Trouble::new(
            Reason::AppSuspended,
            format!(
                "ReportApp {} is suspended, so nothing of it is changed; set spec.suspend: false",
                app.name_any()
            ),
        ));
    }
    let task = match action.spec.action.chosen() {
        Some(Chosen::RollingRestart(restart)) => {
            let chosen = restart.components.as_deref();
            check_components(&app, chosen.unwrap_or_default())?;
            let ours = components(&app, chosen);
            let ours = ours.iter().map(|part| deployment(&app.name_any(), part));
            Task::Restart(ours.chain(restart.workloads.iter().cloned()).collect())
        }
        Some(Chosen::RotateCredential(rotate)) => {
            rotate::check(&app, rotate)?;
            Task::Rotate(rotate.clone())
        }
        Some(Chosen::InvalidateSessions(invalidate)) => {
            let whose = invalidate.whose().ok_or_else(of_no_type)?;
            invalidate::check(&app, &whose)?;
            Task::Invalidate(whose)
        }
        None => return Err(of_no_type()),
    };
    let order = Order {
        task,
        dry_run: action.spec.dry_run,
        end,
    };
    Ok((Live::new(app, action.clone(), end, context), order))
}

fn of_no_type() -> Trouble {
    Trouble::new(
        Reason::ApiServer,
        "the API server accepted an action of no type this operator knows; install the definitions of \
         this version: helm upgrade reportapp-crds",
    )
}

/// Whether the application has every component that is named.
fn check_components(app: &ReportApp, named: &[String]) -> Result<(), Trouble> {
    let known: Vec<_> = components(app, None)
        .iter()
        .map(ToString::to_string)
        .collect();
    match named.iter().find(|name| !known.contains(name)) {
        None => Ok(()),
        Some(name) => Err(Trouble::new(
            Reason::UnknownComponent,
            format!(
                "spec.rollingRestart.components: ReportApp {} has no component {name}; it has: {}",
                app.name_any(),
                known.join(", ")
            ),
        )),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_component_is_named_beside_those_there_are() {
        let app = crate::reportapp::testing::example_app();
        let named = |names: &[&str]| -> Vec<_> { names.iter().map(ToString::to_string).collect() };
        assert_eq!(check_components(&app, &named(&["bot", "api"])), Ok(()));
        let trouble = check_components(&app, &named(&["api", "tunnel-x"])).unwrap_err();
        assert_eq!(trouble.reason, Reason::UnknownComponent);
        for word in ["component tunnel-x;", "tunnel-main, api, bot"] {
            assert!(trouble.message.contains(word), "{trouble}");
        }
    }
}
