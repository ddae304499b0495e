//! The fourth step: writes what differs from what was built, and removes what nobody names any more.
//!
//! An object is written by server-side apply when it is absent, when the hash of what was last
//! applied differs, or when somebody changed a field that is ours. Otherwise nothing is sent: a
//! reconcile of an unchanged application makes no write. The comparison is in [`drift`], what may
//! be removed in [`garbage`], how an autoscaler takes over the number of pods in [`handover`].
//!
//! An object of the same name that belongs to somebody else is never touched.

pub mod drift;
pub mod garbage;
mod handover;
mod writer;

use std::marker::PhantomData;

use kube::ResourceExt as _;
use reportapp_crds::ReportApp;

use super::ledger::Entry;
use super::model::{Applied, Prepared, Resources};
use super::naming::volume_claim;
use crate::api_error::ApiResult;
use crate::context::Context;
pub use writer::Stubborn;
use writer::Writer;

/// Writes what differs, in the order of the fields, then removes what is left over.
///
/// # Errors
/// At the first object that cannot be written; the next reconcile goes on from there.
pub async fn apply(
    app: &ReportApp,
    prepared: Resources<Prepared>,
    entry: &Entry,
    context: &Context,
) -> ApiResult<Resources<Applied>> {
    if !entry.is_complete() {
        entry.persist(&context.shared.client, app).await?;
    }
    let Resources {
        service_accounts,
        config_maps,
        secrets,
        volume_claims,
        network_policies,
        services,
        jobs,
        deployments,
        autoscaler,
        disruption_budgets,
        ingress,
        postponed,
        migration,
        unread,
        refused,
        credentials,
        state: _,
    } = prepared;
    let caches = &context.caches;
    let writer = Writer::new(app, &entry.ledger.name_key, context);
    let applied = Resources {
        service_accounts: writer
            .all(service_accounts, &caches.service_accounts)
            .await?,
        config_maps: writer.all(config_maps, &caches.config_maps).await?,
        secrets: writer.secrets(secrets, &caches.secrets).await?,
        volume_claims: writer.all(volume_claims, &caches.volume_claims).await?,
        network_policies: writer
            .all(network_policies, &caches.network_policies)
            .await?,
        services: writer.all(services, &caches.services).await?,
        jobs: writer.all(jobs, &caches.jobs).await?,
        deployments: writer.deployments(deployments, &caches.deployments).await?,
        autoscaler: writer.one(autoscaler, &caches.autoscalers).await?,
        disruption_budgets: writer
            .all(disruption_budgets, &caches.disruption_budgets)
            .await?,
        ingress: writer.one(ingress, &caches.ingresses).await?,
        postponed,
        migration,
        unread,
        refused,
        credentials,
        state: PhantomData,
    };
    garbage::collect(app, &applied, context).await?;
    Ok(applied)
}

/// What stays when the application is deleted, as `kubectl` names it: ledgers and the volume.
///
/// # Errors
/// While it is not known yet. A right that is missing holds nothing up: what was seen is named.
pub fn retained(app: &ReportApp, context: &Context) -> ApiResult<Vec<String>> {
    let caches = &context.caches;
    for check in [caches.secrets.check(), caches.volume_claims.check()] {
        match check {
            Err(error) if error.is_passing() => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    let (namespace, name) = (app.namespace().unwrap_or_default(), app.name_any());
    // Those without an owner are the ledgers, also of credentials the spec no longer has.
    let secrets = caches.secrets.of(&namespace, &name);
    let mut retained: Vec<String> = secrets
        .iter()
        .filter(|secret| secret.owner_references().is_empty())
        .map(|ledger| format!("secret/{}", ledger.name_any()))
        .collect();
    retained.sort();
    let volume = volume_claim(&name);
    if caches.volume_claims.get(&namespace, &volume).is_some() {
        retained.push(format!("persistentvolumeclaim/{volume}"));
    }
    Ok(retained)
}
