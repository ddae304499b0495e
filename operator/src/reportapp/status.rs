//! From what is seen of an application to what its status says. Pure: time is an input.
//!
//! [`conditions`] holds the ordered checks behind `Ready`, `Reconciling`, `Stalled` and `UpToDate`,
//! [`logins`] the one behind `CredentialsAccepted`, [`migration`] the one behind `Migrated`, [`reports`] the one behind `ReportsReady`, [`dependencies`] ranks what the pods say about databases, bastions, Redis and Telegram, [`rollout`]
//! reads Deployments and pods.
//!
//! A suspended application keeps an honest `Ready`: it says what runs, with reason `Suspended` where all
//! is well, while `Reconciling` says that nothing is changed.

mod conditions;
mod dependencies;
mod logins;
mod migration;
mod reports;
pub mod rollout;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::Deployment;
use kube::ResourceExt as _;
use reportapp_crds::report_app::CredentialStatus;
use reportapp_crds::{ReportApp, ReportAppStatus};

use super::model::{Live, Outcome, PodReport};
use super::naming;

pub use conditions::{
    CREDENTIALS_ACCEPTED, MIGRATED, READY, RECONCILING, REPORTS_READY, STALLED, UP_TO_DATE,
};
pub use migration::RUNNING as MIGRATION_RUNNING;

/// What a status is made from.
#[derive(Clone, Copy, Debug)]
pub struct StatusInput<'a> {
    /// The object, with its present status.
    pub app: &'a ReportApp,
    /// Live objects; empty when they could not be read.
    pub live: &'a Live,
    /// What the pods say.
    pub reports: &'a [PodReport],
    /// How far the reconcile came.
    pub outcome: &'a Outcome,
    /// Becomes the transition time of conditions that change.
    pub now: Timestamp,
}

/// One word and one sentence about a state.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Finding {
    reason: &'static str,
    message: String,
}

impl Finding {
    fn new(reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
        }
    }
}

/// The whole status. Equal inputs but for `now` give equal statuses, so that an unchanged
/// application causes no write.
pub fn status(input: &StatusInput<'_>) -> ReportAppStatus {
    let deployments = deployments(input);
    let credentials = credentials(input);
    ReportAppStatus {
        observed_generation: input.app.metadata.generation,
        conditions: conditions::conditions(input, &deployments, &credentials),
        url: Some(url(input.app)),
        components: rollout::components(&deployments),
        servers: dependencies::servers(input),
        credentials,
    }
}

/// Deployments that carry the application, as last seen: what was applied, what was postponed and what waits
/// for a migration, or all live ones when nothing was applied.
fn deployments(input: &StatusInput<'_>) -> Vec<Arc<Deployment>> {
    match input.outcome {
        Outcome::Applied(resources) => resources
            .deployments
            .iter()
            .cloned()
            .map(Arc::new)
            .chain(resources.postponed.iter().cloned())
            .chain(resources.migration.iter().filter_map(|m| m.kept.clone()))
            .collect(),
        _ => input.live.deployments.values().cloned().collect(),
    }
}

/// Address of the application: the host of the spec, or the Service for callers in the cluster.
fn url(app: &ReportApp) -> String {
    match &app.spec.web {
        Some(web) => format!("https://{}{}", web.host, web.path_prefix),
        None => format!(
            "https://{}.{}.svc/",
            naming::api_service(&app.name_any()),
            app.namespace().unwrap_or_default()
        ),
    }
}

/// Each credential: as just applied, else as last reported, since nothing was changed.
fn credentials(input: &StatusInput<'_>) -> Vec<CredentialStatus> {
    match input.outcome {
        Outcome::Applied(resources) => resources.credentials.clone(),
        _ => input
            .app
            .status
            .as_ref()
            .map(|status| status.credentials.clone())
            .unwrap_or_default(),
    }
}

/// Cuts a text at a character boundary, so that with its mark it has at most `max_bytes`.
pub fn bounded(text: &str, max_bytes: usize) -> String {
    if text.len() <= max_bytes {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(max_bytes - 3);
    format!("{}...", &text[..end])
}
