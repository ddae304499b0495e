//! What the pods say about databases, bastions, Redis and Telegram, ranked so that a cause comes
//! before what it brings about.

use std::sync::Arc;

use k8s_openapi::api::apps::v1::Deployment;
use kube::ResourceExt as _;
use reportapp_config::status::{DependencyState, DependencyStatus, Reason};
use reportapp_crds::report_app::{Server, ServerStatus};

use super::super::naming::{self, Component};
use super::{Finding, StatusInput, bounded, rollout};

/// Most bytes of one service's sentence.
pub(super) const MESSAGE_BYTES: usize = 1_024;

/// Whether a failing dependency explains pods that are not ready, or only follows from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rank {
    /// It lies outside the application.
    Cause,
    /// It may come from pods that are still starting.
    Consequence,
}

/// Order of reasons; the first one that holds is told.
pub(super) const ORDER: [(Reason, Rank); 22] = [
    (Reason::TunnelHostKeyMismatch, Rank::Cause),
    (Reason::BastionLoginRefused, Rank::Cause),
    (Reason::BastionUnreachable, Rank::Cause),
    (Reason::TunnelForwardRefused, Rank::Cause),
    (Reason::DatabaseTlsInvalid, Rank::Cause),
    (Reason::DatabaseLoginRefused, Rank::Cause),
    (Reason::DatabaseUnreachable, Rank::Cause),
    (Reason::ErpSignInUnavailable, Rank::Cause),
    (Reason::StoreTlsInvalid, Rank::Cause),
    (Reason::StoreLoginRefused, Rank::Cause),
    (Reason::StorePutBack, Rank::Cause),
    (Reason::StoreUnreachable, Rank::Cause),
    (Reason::StoreMigrationFailed, Rank::Cause),
    (Reason::StoreMigrationAwaited, Rank::Cause),
    (Reason::StoreLoginNotPlatform, Rank::Cause),
    (Reason::RedisLoginRefused, Rank::Cause),
    (Reason::RedisUnreachable, Rank::Cause),
    (Reason::TelegramTokenRefused, Rank::Cause),
    (Reason::TelegramConflict, Rank::Cause),
    (Reason::TelegramUnreachable, Rank::Cause),
    (Reason::ApiUnreachable, Rank::Consequence),
    (Reason::CertificateInvalid, Rank::Consequence),
];

/// The failing dependency that comes first in the order.
pub fn worst(
    input: &StatusInput<'_>,
    deployments: &[Arc<Deployment>],
    rank: Rank,
) -> Option<Finding> {
    let order = ORDER.iter().filter(|(_, of)| *of == rank);
    order
        .filter_map(|(reason, _)| first_with(input, deployments, *reason))
        .next()
}

fn first_with(
    input: &StatusInput<'_>,
    deployments: &[Arc<Deployment>],
    reason: Reason,
) -> Option<Finding> {
    dependencies(input)
        .filter(|(_, dependency)| failing(dependency) == Some(reason))
        .find(|(_, dependency)| !waits_for_tunnel(input, deployments, dependency, reason))
        .map(|(component, dependency)| {
            let message = bounded(&dependency.message, MESSAGE_BYTES);
            let text = format!("{component}, {}: {message}", dependency.name);
            Finding::new(reason.as_str(), text)
        })
}

/// Every dependency of every pod that is meant to stay.
pub(super) fn dependencies<'a>(
    input: &StatusInput<'a>,
) -> impl Iterator<Item = (&'a Component, &'a DependencyStatus)> {
    let ending: Vec<_> = input
        .live
        .pods
        .iter()
        .filter(|pod| pod.metadata.deletion_timestamp.is_some())
        .map(|pod| pod.name_any())
        .collect();
    input
        .reports
        .iter()
        .filter(move |report| !ending.contains(&report.pod))
        .filter_map(|report| Some((&report.component, report.result.as_ref().ok()?)))
        .flat_map(|(component, status)| {
            status
                .dependencies
                .iter()
                .map(move |dependency| (component, dependency))
        })
}

fn failing(dependency: &DependencyStatus) -> Option<Reason> {
    match dependency.state {
        DependencyState::Failing => dependency.reason,
        DependencyState::Ok | DependencyState::Unknown => None,
    }
}

/// A database behind a tunnel whose pod is not there yet cannot be reached, and that is no news.
fn waits_for_tunnel(
    input: &StatusInput<'_>,
    deployments: &[Arc<Deployment>],
    dependency: &DependencyStatus,
    reason: Reason,
) -> bool {
    let server = dependency
        .name
        .strip_prefix("server/")
        .and_then(|name| {
            input
                .app
                .spec
                .servers
                .iter()
                .find(|server| server.name == name)
        })
        .filter(|server| server.tunnel.is_some());
    let Some(server) = server else { return false };
    let component = Component::Tunnel(server.name.clone());
    let name = naming::workload(&input.app.name_any(), &component);
    let tunnel = deployments
        .iter()
        .find(|deployment| deployment.name_any() == name);
    reason == Reason::DatabaseUnreachable
        && !tunnel.is_some_and(|tunnel| rollout::is_serving(tunnel))
}

/// Each ERP server as the pods see it, in the order of the spec.
pub fn servers(input: &StatusInput<'_>) -> Vec<ServerStatus> {
    input
        .app
        .spec
        .servers
        .iter()
        .map(|server| server_status(input, server))
        .collect()
}

fn server_status(input: &StatusInput<'_>, server: &Server) -> ServerStatus {
    let names = [
        format!("tunnel/{}", server.name),
        format!("server/{}", server.name),
    ];
    let about = || dependencies(input).filter(|(_, dependency)| names.contains(&dependency.name));
    let failure = ORDER.iter().find_map(|(reason, _)| {
        about().find(|(_, dependency)| failing(dependency) == Some(*reason))
    });
    let reached = about().any(|(_, dependency)| {
        dependency.name == names[1] && dependency.state == DependencyState::Ok
    });
    let (reason, message) = match failure {
        Some((_, dependency)) => (
            dependency.reason.map(Reason::as_str),
            Some(bounded(&dependency.message, MESSAGE_BYTES)),
        ),
        None if reached => (None, None),
        None => (
            Some("NotReported"),
            Some("no pod has said anything about it yet".to_owned()),
        ),
    };
    ServerStatus {
        name: server.name.clone(),
        reachable: reason.is_none(),
        reason: reason.map(str::to_owned),
        message,
    }
}
