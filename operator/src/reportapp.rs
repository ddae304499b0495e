//! One reconcile of a `ReportApp`, in this order:
//!
//! 1. [`fetch`] reads everything named by the spec → [`model::FetchedReportApp`].
//! 2. [`validate`] → `ValidatedApp`, the single input of the builders, or every problem in one list.
//! 3. [`build`] → `Resources<Prepared>`: pure.
//! 4. [`apply`] writes what differs → `Resources<Applied>`.
//! 5. [`status`] → `ReportAppStatus`: ordered pure checks; [`publish`] writes it only on change.
//!
//! Only `fetch`, `apply` and `publish` hold a client (and [`ledger`] and [`delete`] on their behalf).
//! Waiting, refusal and success are values ([`Outcome`]); an error of the API server becomes one
//! too, so that every reconcile ends in a status. Each has a deadline.

pub mod apply;
pub mod build;
pub mod delete;
pub mod fetch;
pub mod ledger;
pub mod lending;
pub mod model;
pub mod naming;
pub mod publish;
pub mod published;
pub mod status;
#[cfg(test)]
pub mod testing;
pub mod validate;

use std::sync::Arc;
use std::time::Duration;

use kube::runtime::controller::Action;
use kube::{Resource as _, ResourceExt as _};
use reportapp_crds::{ReportApp, ReportAppStatus};
use reportapp_telemetry::Backoff;
use tokio::time::{Instant, timeout};

use crate::action::keep;
use crate::api_error::{ApiError, ApiResult};
use crate::canary::in_use::Sources;
use crate::clock;
use crate::context::Context;
use crate::rotation::trigger;
use fetch::Observed;
use model::{FetchedReportApp, Outcome};
use status::StatusInput;

/// Longest time of one reconcile.
pub const DEADLINE: Duration = Duration::from_secs(60);
/// Pause while something is still moving.
const MOVING: Duration = Duration::from_secs(3);
/// Longest pause while a person has something to mend that no watch shows, such as a Secret.
const REFUSED: Duration = Duration::from_secs(10);
/// Failures in a row before an unreachable API server is worth a status.
const PATIENCE: u32 = 3;

/// How a reconcile ended; the label of its metric and the pause before the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    Gone,
    Settled,
    Moving,
    Refused,
    Forbidden,
    Failed,
    Raced,
    Late,
}

impl Ended {
    fn label(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::Settled => "settled",
            Self::Moving => "moving",
            Self::Refused => "refused",
            Self::Forbidden => "forbidden",
            Self::Failed => "failed",
            Self::Raced => "raced",
            Self::Late => "late",
        }
    }
}

/// Reconciles one ReportApp and says when to look again.
pub async fn reconcile(seen: Arc<ReportApp>, context: &Context) -> Action {
    let shared = &context.shared;
    let app = shared.latest.of(seen);
    let (namespace, name) = (app.namespace().unwrap_or_default(), app.name_any());
    let started = Instant::now();
    shared.progress.touched(&namespace, &name);
    let ended = timeout(DEADLINE, run(&app, context))
        .await
        .unwrap_or_else(|_| {
            tracing::error!(namespace, app = name, "a reconcile did not end in time");
            Ended::Late
        });
    shared.metrics.reconciled(ended.label(), started.elapsed());
    tracing::debug!(namespace, app = name, ended = ended.label(), took = ?started.elapsed(), "reconciled");
    if ended == Ended::Gone {
        shared.forget(&namespace, &name);
        return Action::await_change();
    }
    shared.progress.touched(&namespace, &name);
    let pause = match ended {
        Ended::Forbidden | Ended::Failed | Ended::Raced | Ended::Late => {
            return Action::requeue(shared.retries.pause(&namespace, &name));
        }
        Ended::Moving => MOVING.min(shared.resync),
        Ended::Refused => REFUSED.min(shared.resync),
        Ended::Settled | Ended::Gone => shared.resync,
    };
    shared.retries.forget(&namespace, &name);
    // Between half and the whole, so that many objects do not move in step.
    Action::requeue(Backoff::new(pause, pause).next_pause())
}

async fn run(app: &Arc<ReportApp>, context: &Context) -> Ended {
    if app.meta().deletion_timestamp.is_some() {
        return match delete::release(app, context).await {
            Ok(()) => Ended::Gone,
            Err(error) => failed(app, &error),
        };
    }
    let observed = fetch::observe(app, context).await;
    let outcome = match outcome(app, observed.clone(), context).await {
        Ok(outcome) => outcome,
        Err(error) => {
            let ended = failed(app, &error);
            match error {
                ApiError::Forbidden { verb, resource } => Outcome::Forbidden {
                    verb: verb.to_owned(),
                    resource,
                },
                // The object changed under our hands: the next reconcile sees how.
                ApiError::Conflict { .. } => return ended,
                error if error.is_passing() && !is_lasting(app, context) => return ended,
                error => Outcome::Failed(error.to_string()),
            }
        }
    };
    if let Outcome::Unread(message) = &outcome {
        let (namespace, name) = (app.namespace().unwrap_or_default(), app.name_any());
        tracing::error!(
            namespace,
            app = name,
            "named Secrets cannot be read now: {message}"
        );
        if !is_lasting(app, context) {
            return Ended::Failed;
        }
    }
    let status = status_of(app, &observed, &outcome);
    let ended = ended(&outcome, &status);
    write(app, status, context).await.unwrap_or(ended)
}

/// The steps that decide and write; every refusal of the API server is an error.
async fn outcome(
    app: &Arc<ReportApp>,
    observed: Observed,
    context: &Context,
) -> ApiResult<Outcome> {
    if app.spec.suspend {
        return Ok(Outcome::Suspended);
    }
    let (fetched, entry) = fetch::fetch(app, observed, context).await?;
    let valid = match validate::validate(&fetched) {
        Ok(valid) => valid,
        Err(problems) => {
            let unread = problems.unread();
            return Ok(unread.map_or(Outcome::Invalid(problems), Outcome::Unread));
        }
    };
    delete::hold(app, context).await?;
    let mut applied = apply::apply(app, build::build(&valid), &entry, context).await?;
    let times = trigger::trigger(app, &fetched.published, context, clock::now()).await?;
    keep::prune(app, &context.shared, clock::now()).await?;
    let canary = &context.shared.canary;
    canary.note(&in_use(&fetched), &context.wake, clock::now());
    for credential in &mut applied.credentials {
        credential.canary = canary.status(app, &credential.name);
        if let Some(times) = times.get(&credential.name) {
            credential.last_rotation.clone_from(&times.last);
            credential.next_rotation.clone_from(&times.next);
        }
    }
    Ok(Outcome::Applied(Box::new(applied)))
}

/// Where the values in use are.
fn in_use(fetched: &FetchedReportApp) -> Sources<'_> {
    Sources {
        app: &fetched.app,
        secrets: &fetched.secrets,
        published: &fetched.published,
        name_key: &fetched.ledger.name_key,
    }
}

fn status_of(app: &Arc<ReportApp>, observed: &Observed, outcome: &Outcome) -> ReportAppStatus {
    status::status(&StatusInput {
        app,
        live: &observed.live,
        reports: &observed.reports,
        outcome,
        now: clock::now(),
    })
}

fn ended(outcome: &Outcome, status: &ReportAppStatus) -> Ended {
    let is = |kind: &str, wanted: &str| {
        status
            .conditions
            .iter()
            .any(|found| found.type_ == kind && found.status == wanted)
    };
    match outcome {
        Outcome::Invalid(_) => Ended::Refused,
        Outcome::Forbidden { .. } => Ended::Forbidden,
        Outcome::Failed(_) | Outcome::Unread(_) => Ended::Failed,
        Outcome::Suspended => Ended::Settled,
        // No watch tells when Vault gives the value, or when something of others is lent. A person who
        // mends a migration changes something that is watched, or a Secret.
        Outcome::Applied(resources)
            if !resources.unread.is_empty()
                || !resources.refused.is_empty()
                || is(status::STALLED, "True") =>
        {
            Ended::Refused
        }
        Outcome::Applied(_) if is(status::READY, "True") && is(status::RECONCILING, "False") => {
            Ended::Settled
        }
        Outcome::Applied(_) => Ended::Moving,
    }
}

/// Writes the status; how the reconcile ended instead, when it cannot be written.
async fn write(app: &Arc<ReportApp>, status: ReportAppStatus, context: &Context) -> Option<Ended> {
    let written = publish::publish(app, status, context).await;
    let progress = &context.shared.progress;
    progress.status_written(app.as_ref(), written.is_ok());
    written.err().map(|error| failed(app, &error))
}

/// Logs an error once, where it is handled.
fn failed(app: &ReportApp, error: &ApiError) -> Ended {
    let (namespace, name) = (app.namespace().unwrap_or_default(), app.name_any());
    match error {
        ApiError::Conflict { .. } => {
            tracing::debug!(namespace, app = name, "reconciling again: {error}");
            Ended::Raced
        }
        ApiError::Forbidden { .. } => {
            tracing::error!(namespace, app = name, "a right is missing: {error}");
            Ended::Forbidden
        }
        _ => {
            tracing::error!(namespace, app = name, "failed to reconcile: {error}");
            Ended::Failed
        }
    }
}

/// Whether failures have gone on for so long that the status must say so.
fn is_lasting(app: &ReportApp, context: &Context) -> bool {
    let (namespace, name) = (app.namespace().unwrap_or_default(), app.name_any());
    context.shared.retries.failures(&namespace, &name) >= PATIENCE
}
