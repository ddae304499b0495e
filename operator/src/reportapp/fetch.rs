//! The first step: reads everything a reconcile needs and decides nothing.
//!
//! [`observe`] takes what is at hand without a request that can be refused (watch caches, pods'
//! reports), so that a status can be written whatever else fails. [`fetch`] adds what only the API
//! server knows: the Secrets the spec names, each by its own `get`, what of others it names, and the
//! ledger; and the values that are in Vault.

mod consumers;
mod reports;
pub mod secrets;
pub mod vault;

use std::sync::Arc;

use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::jiff::Timestamp;
use kube::api::Api;
use kube::runtime::reflector::Store;
use kube::{Resource, ResourceExt as _};
use reportapp_crds::report_app::Credential;
use reportapp_crds::{IncidentAction, ReportApp, SecretRotation};

use super::ledger::{self, Entry, certificate};
use super::model::{FetchedReportApp, HostClaim, Live, PodReport, SecretBytes, ServingCertificate};
use super::{naming, published};
use crate::api_error::{ApiError, ApiResult};
use crate::context::Context;

/// What is at hand without a request to the API server.
#[derive(Clone, Debug)]
pub struct Observed {
    /// Live objects of the application.
    pub live: Live,
    /// What its pods say about their dependencies.
    pub reports: Vec<PodReport>,
}

/// Looks into the watch caches and asks the pods.
pub async fn observe(app: &ReportApp, context: &Context) -> Observed {
    let live = live(app, context);
    let reports = reports::ask(&context.shared.http, &live.pods).await;
    Observed { live, reports }
}

/// Live objects of the application, from the watch caches.
pub fn live(app: &ReportApp, context: &Context) -> Live {
    let (namespace, name) = (app.namespace().unwrap_or_default(), app.name_any());
    let caches = &context.caches;
    let deployments = caches.deployments.of(&namespace, &name);
    Live {
        deployments: deployments
            .into_iter()
            .map(|found| (found.name_any(), found))
            .collect(),
        replica_sets: sorted(caches.replica_sets.of(&namespace, &name)),
        pods: sorted(caches.pods.of(&namespace, &name)),
        jobs: sorted(caches.jobs.of(&namespace, &name)),
    }
}

/// By name: caches give no order, and a status must not change with it.
fn sorted<K: Resource>(mut objects: Vec<Arc<K>>) -> Vec<Arc<K>> {
    objects.sort_by_key(|object| object.name_any());
    objects
}

/// Adds what only the API server knows. The ledger entry says what is still to be written.
///
/// # Errors
/// When the watch caches, the ledger or the report files' `ConfigMap` cannot be read. A named Secret that cannot be read is a
/// value, not an error: it is one of the problems a person sees in one list.
pub async fn fetch(
    app: &Arc<ReportApp>,
    observed: Observed,
    context: &Context,
) -> ApiResult<(FetchedReportApp, Entry)> {
    context.caches.check()?;
    // Schedules are followed by what is known of rotations. Actions have nobody else who could say that
    // none of them is seen.
    context.rotations.check_right::<SecretRotation>()?;
    context.actions.check_right::<IncidentAction>()?;
    let (namespace, name) = (app.namespace().unwrap_or_default(), app.name_any());
    let client = &context.shared.client;
    let (mut named, consumers, report_files, entry, live_certificate, published) = tokio::join!(
        secrets::named(client, &namespace, app),
        consumers::named(client, &namespace, app),
        consumers::report_files(client, &namespace, app),
        ledger::read(client, &namespace, &name),
        live_certificate(context, &namespace, &name),
        published::read(client, &namespace, &name),
    );
    let (entry, live_certificate, published) = (entry?, live_certificate?, published?);
    let report_files = report_files?;
    let published = published.credentials;
    let is_first = |credential: &Credential| {
        let given = published.get(&credential.name);
        given.is_none_or(|given| !given.is_of(credential))
    };
    let in_vault = [
        vault::first_values(app, is_first),
        vault::of_administrators(app),
    ];
    let read = vault::read(app, in_vault.concat(), &named, context).await;
    named.extend(read);
    let kept = vault::kept(app, &named, context).await?;
    let host = app.spec.web.as_ref().map(|web| web.host.as_str());
    let names = naming::certificate_names(&name, &namespace, host);
    let certificate = certificate::serving(
        &name,
        &entry.ledger,
        &names,
        live_certificate,
        Timestamp::now(),
    )
    .map_err(|problem| ApiError::Ledger {
        name: naming::ledger_secret(&name),
        problem,
    })?;
    let fetched = FetchedReportApp {
        app: Arc::clone(app),
        secrets: named,
        kept,
        consumers,
        report_files,
        older_hosts: older_hosts(app, &context.shared.apps()),
        ledger: entry.ledger.clone(),
        published,
        certificate,
        operator: context.shared.facts.clone(),
        live: observed.live,
        reports: observed.reports,
    };
    Ok((fetched, entry))
}

/// The certificate the API serves now, when it is the operator's own.
async fn live_certificate(
    context: &Context,
    namespace: &str,
    app: &str,
) -> ApiResult<Option<ServingCertificate>> {
    let name = naming::certificate_secret(app);
    let api = Api::<Secret>::namespaced(context.shared.client.clone(), namespace);
    let found = api
        .get_opt(&name)
        .await
        .map_err(|error| ApiError::new::<Secret>("get", &name, &error))?;
    Ok(found
        .filter(|secret| {
            secret
                .labels()
                .get(naming::APP_LABEL)
                .is_some_and(|label| label == app)
        })
        .and_then(|secret| {
            let data = secret.data?;
            Some(ServingCertificate {
                chain: String::from_utf8(data.get("tls.crt")?.0.clone()).ok()?,
                key: SecretBytes::new(data.get("tls.key")?.0.clone()),
            })
        }))
}

/// Older ReportApps that claim the host of `app`. One that is being deleted claims nothing.
fn older_hosts(app: &ReportApp, stores: &[Store<ReportApp>]) -> Vec<HostClaim> {
    let Some(web) = &app.spec.web else {
        return Vec::new();
    };
    let age = |app: &ReportApp| {
        let created = app.creation_timestamp().map(|time| time.0);
        (created, app.uid())
    };
    let mine = age(app);
    let is_rival = |other: &ReportApp| {
        other.uid() != app.uid()
            && other.meta().deletion_timestamp.is_none()
            && other
                .spec
                .web
                .as_ref()
                .is_some_and(|theirs| theirs.host == web.host)
            && age(other) < mine
    };
    let claim = |other: Arc<ReportApp>| HostClaim {
        host: web.host.clone(),
        namespace: other.namespace().unwrap_or_default(),
        name: other.name_any(),
    };
    stores
        .iter()
        .flat_map(|store| store.state_filter(is_rival))
        .map(claim)
        .collect()
}
