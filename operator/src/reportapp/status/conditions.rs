//! The ordered checks behind the conditions, in kstatus form.

use std::sync::Arc;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::ResourceExt as _;
use reportapp_crds::report_app::CredentialStatus;

use super::super::model::{Outcome, Problem, Problems, Resources};
use super::super::naming::COMPONENT_LABEL;
use super::dependencies::{self, Rank};
use super::{Finding, StatusInput, bounded, logins, migration, reports, rollout};

/// Whether the application serves.
pub const READY: &str = "Ready";
/// Whether the operator is still changing something.
pub const RECONCILING: &str = "Reconciling";
/// Whether only a person can get it further.
pub const STALLED: &str = "Stalled";
/// Whether the pods are as this operator builds them.
pub const UP_TO_DATE: &str = "UpToDate";

/// Whether the backends accept the logins in use.
pub const CREDENTIALS_ACCEPTED: &str = "CredentialsAccepted";
/// Whether the store is up to date for the present image; of a spec with a migrator.
pub const MIGRATED: &str = "Migrated";
/// Whether the API answers every report file; of a spec that names some.
pub const REPORTS_READY: &str = "ReportsReady";

/// Reason while a named Secret cannot be read.
const SECRET_UNREADABLE: &str = "SecretUnreadable";
/// Upper bound of a condition's message in the API server.
const MESSAGE_BYTES: usize = 32_768;

/// Status of a condition with its reason.
pub(super) struct Verdict {
    pub(super) status: &'static str,
    pub(super) finding: Finding,
}

pub(super) fn yes(reason: &'static str, message: impl Into<String>) -> Verdict {
    Verdict {
        status: "True",
        finding: Finding::new(reason, message),
    }
}

pub(super) fn no(finding: Finding) -> Verdict {
    Verdict {
        status: "False",
        finding,
    }
}

pub(super) fn unknown(reason: &'static str, message: impl Into<String>) -> Verdict {
    Verdict {
        status: "Unknown",
        finding: Finding::new(reason, message),
    }
}

/// The conditions, in a stable order.
pub fn conditions(
    input: &StatusInput<'_>,
    deployments: &[Arc<Deployment>],
    credentials: &[CredentialStatus],
) -> Vec<Condition> {
    let verdicts = match input.outcome {
        Outcome::Suspended => suspended(input, deployments),
        Outcome::Applied(resources) => applied(input, deployments, resources),
        Outcome::Invalid(problems) => {
            let finding = Finding::new(problems.reason(), problems.to_string());
            stalled(finding, "the running application does not follow this spec")
        }
        Outcome::Forbidden { verb, resource } => stalled(
            Finding::new(
                "Forbidden",
                format!(
                    "the operator may not {verb} {resource}; its Role must grant it: see \
                     charts/reportapp-operator/templates/role.yaml"
                ),
            ),
            "the operator lacks a right",
        ),
        Outcome::Unread(message) => unread(input, deployments, message),
        Outcome::Failed(message) => failed(message),
    };
    verdicts
        .into_iter()
        .chain([(CREDENTIALS_ACCEPTED, logins::accepted(input, credentials))])
        .map(|(kind, verdict)| condition(input, kind, verdict))
        .chain(migrated(input))
        .chain(reports_ready(input))
        .collect()
}

/// As just seen, else as last reported, since nothing was changed.
fn migrated(input: &StatusInput<'_>) -> Option<Condition> {
    let app = input.app;
    app.spec.store.migrator.as_ref()?;
    if let Some(migration) = migration::seen(input) {
        let verdict = migration::migrated(app, migration);
        return Some(condition(input, MIGRATED, verdict));
    }
    let mut before = app.status.iter().flat_map(|status| &status.conditions);
    before.find(|before| before.type_ == MIGRATED).cloned()
}

fn reports_ready(input: &StatusInput<'_>) -> Option<Condition> {
    input.app.spec.reports.as_ref()?;
    Some(condition(input, REPORTS_READY, reports::ready(input)))
}

type Verdicts = [(&'static str, Verdict); 4];

fn suspended(input: &StatusInput<'_>, deployments: &[Arc<Deployment>]) -> Verdicts {
    let message = "spec.suspend is true: nothing is changed or repaired";
    let ready = match first_obstacle(input, deployments) {
        Some(finding) => no(finding),
        None => yes("Suspended", message),
    };
    [
        (READY, ready),
        (RECONCILING, no(Finding::new("Suspended", message))),
        (STALLED, no(Finding::new("Suspended", message))),
        (UP_TO_DATE, unknown("Suspended", message)),
    ]
}

fn stalled(finding: Finding, outdated: &str) -> Verdicts {
    let reason = finding.reason;
    [
        (READY, no(finding.clone())),
        (
            RECONCILING,
            no(Finding::new(reason, "waits for a person; see Stalled")),
        ),
        (
            STALLED,
            Verdict {
                status: "True",
                finding,
            },
        ),
        (UP_TO_DATE, unknown(reason, outdated)),
    ]
}

fn failed(message: &str) -> Verdicts {
    let finding = Finding::new("ReconcileFailed", message);
    [
        (READY, no(finding.clone())),
        (RECONCILING, yes("ReconcileFailed", "trying again")),
        (STALLED, no(Finding::new("Progressing", "trying again"))),
        (
            UP_TO_DATE,
            unknown(finding.reason, "not known before it succeeds"),
        ),
    ]
}

/// Not to know a Secret for a while says nothing about what runs: an application whose present spec
/// was carried out is told as it is.
fn unread(input: &StatusInput<'_>, deployments: &[Arc<Deployment>], message: &str) -> Verdicts {
    let finding = Finding::new(SECRET_UNREADABLE, message);
    let (ready, up_to_date) = match carried_out(input) {
        Some(up_to_date) => (served(input, deployments), up_to_date),
        None => {
            let outdated = "not known before the Secrets can be read";
            (no(finding.clone()), unknown(SECRET_UNREADABLE, outdated))
        }
    };
    let trying = format!("trying again: {message}");
    [
        (READY, ready),
        (RECONCILING, yes(SECRET_UNREADABLE, trying)),
        (STALLED, no(Finding::new("Progressing", "trying again"))),
        (UP_TO_DATE, up_to_date),
    ]
}

/// What `UpToDate` said when the present spec was last carried out; nothing when it never was.
fn carried_out(input: &StatusInput<'_>) -> Option<Verdict> {
    let conditions = &input.app.status.as_ref()?.conditions;
    let find = |kind| conditions.iter().find(|condition| condition.type_ == kind);
    let (before, stalled) = (find(UP_TO_DATE)?, find(STALLED)?);
    if before.observed_generation != input.app.metadata.generation {
        return None;
    }
    match (before.status.as_str(), before.reason.as_str()) {
        ("True", _) => Some(yes("UpToDate", &before.message)),
        ("False", _) => Some(no(Finding::new("UpgradePending", &before.message))),
        // Of a spec that was refused for it, it says the same.
        (_, "StoreUnavailable") if stalled.status == "False" => {
            Some(unknown("StoreUnavailable", &before.message))
        }
        _ => None,
    }
}

fn applied<T>(
    input: &StatusInput<'_>,
    deployments: &[Arc<Deployment>],
    resources: &Resources<T>,
) -> Verdicts {
    let ready = served(input, deployments);
    let failed = migration::failed(input);
    let moving = migration::running(input);
    let moving = moving.or_else(|| rollout::first_incomplete(input, deployments));
    let reconciling = match (moving, &failed) {
        (Some(finding), _) => yes(finding.reason, finding.message),
        (None, Some(failed)) => {
            let waits = "waits for a person; see Stalled";
            no(Finding::new(failed.reason, waits))
        }
        (None, None) => no(Finding::new("Done", "everything is as the spec wants it")),
    };
    let stalled = match failed {
        Some(failed) => yes(failed.reason, failed.message),
        None => refused(&resources.refused),
    };
    let up_to_date = if !resources.unread.is_empty() {
        unknown("StoreUnavailable", resources.unread.join("\n"))
    } else if resources.postponed.is_empty() {
        yes("UpToDate", "the pods are as this operator builds them")
    } else {
        let names: Vec<_> = resources
            .postponed
            .iter()
            .filter_map(|deployment| deployment.labels().get(COMPONENT_LABEL))
            .map(String::as_str)
            .collect();
        no(Finding::new(
            "UpgradePending",
            format!(
                "this operator would build {} differently; the pods follow with the next change of the spec, or at \
                 once with spec.upgrades: Automatic",
                names.join(", ")
            ),
        ))
    };
    [
        (READY, ready),
        (RECONCILING, reconciling),
        (STALLED, stalled),
        (UP_TO_DATE, up_to_date),
    ]
}

/// Whether a person is waited for, although the application itself runs.
fn refused(consumers: &[Problem]) -> Verdict {
    if consumers.is_empty() {
        return no(Finding::new("Progressing", "nothing waits for a person"));
    }
    let problems = Problems(consumers.to_vec());
    yes(problems.reason(), problems.to_string())
}

/// Whether the pods serve, as far as they and the cluster say.
fn served(input: &StatusInput<'_>, deployments: &[Arc<Deployment>]) -> Verdict {
    match first_obstacle(input, deployments) {
        Some(finding) => no(finding),
        None => yes("Available", "every pod is ready and reaches what it needs"),
    }
}

/// First reason why the application does not serve: a cause outside, then the store that is not migrated,
/// then the pods, then what only follows from pods that are not there yet.
fn first_obstacle(input: &StatusInput<'_>, deployments: &[Arc<Deployment>]) -> Option<Finding> {
    dependencies::worst(input, deployments, Rank::Cause)
        .or_else(|| migration::awaited(input))
        .or_else(|| rollout::first_incomplete(input, deployments))
        .or_else(|| dependencies::worst(input, deployments, Rank::Consequence))
}

/// Keeps the transition time of a condition whose status stays.
fn condition(input: &StatusInput<'_>, kind: &str, verdict: Verdict) -> Condition {
    let before = input
        .app
        .status
        .iter()
        .flat_map(|status| &status.conditions)
        .find(|condition| condition.type_ == kind && condition.status == verdict.status);
    Condition {
        type_: kind.to_owned(),
        status: verdict.status.to_owned(),
        reason: verdict.finding.reason.to_owned(),
        message: bounded(&verdict.finding.message, MESSAGE_BYTES),
        observed_generation: input.app.metadata.generation,
        last_transition_time: before.map_or(Time(input.now), |condition| {
            condition.last_transition_time.clone()
        }),
    }
}
