//! From a valid application to every Kubernetes object it consists of. Pure: the same input gives
//! the same objects, byte for byte, and nothing here knows what time it is.
//!
//! One builder per kind of object below [`resource`], the configuration files of the services in
//! [`config`], what all pods share in [`pod`]. [`upgrade`] takes out the Deployments that only a new
//! operator would build differently, [`migration`] the API's while the store is not migrated.

mod config;
mod migration;
mod pod;
mod resource;
pub mod upgrade;

#[cfg(test)]
mod tests;

use std::marker::PhantomData;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::model::{Prepared, Resources};
use super::naming::{self, Component};
use super::validate::{
    PostgresStore, ValidatedApp, ValidatedMigrator, ValidatedServer, ValidatedStore,
    ValidatedTunnel, VersionedSecret,
};
use resource::{
    autoscaler, config_map, deployment, disruption_budget, ingress, network_policy, secret,
    service, service_account, volume_claim,
};

/// Every object of the application.
pub fn build(app: &ValidatedApp) -> Resources<Prepared> {
    let components = components(app);
    let built: Vec<_> = components
        .iter()
        .filter(|component| component.serves())
        .map(|component| deployment::build_deployment(app, component))
        .collect();
    let upgrade = upgrade::postpone(app.spec().upgrades, &app.live, built);
    let plan = migration::plan(app, upgrade.deployments);
    Resources {
        service_accounts: service_account::build_service_accounts(app, &components),
        config_maps: config_map::build_config_maps(app, &components, &upgrade.postponed),
        secrets: secret::build_secrets(app, &components),
        volume_claims: volume_claim::build_volume_claims(app),
        network_policies: network_policy::build_network_policies(app, &components),
        services: service::build_services(app),
        jobs: plan.jobs,
        deployments: plan.deployments,
        autoscaler: autoscaler::build_autoscaler(app),
        disruption_budgets: disruption_budget::build_disruption_budgets(app),
        ingress: ingress::build_ingress(app),
        postponed: upgrade.postponed,
        migration: plan.migration,
        unread: app.unread.clone(),
        refused: app.refused.clone(),
        credentials: app.credentials.clone(),
        state: PhantomData,
    }
}

/// Parts of the application that run, in the order in which they are applied.
fn components(app: &ValidatedApp) -> Vec<Component> {
    let tunnels = tunnels(app).map(|(server, _)| Component::Tunnel(server.name.clone()));
    let migrator = migrator(app).map(|_| Component::Migrator);
    let bot = app.bot_token.as_ref().map(|_| Component::Bot);
    let api = [Component::Api];
    tunnels.chain(migrator).chain(api).chain(bot).collect()
}

/// The store that a login of its own migrates, and that login.
fn migrator(app: &ValidatedApp) -> Option<(&PostgresStore, &ValidatedMigrator)> {
    match &app.store {
        ValidatedStore::Postgres(store) => Some((store, store.migrator.as_ref()?)),
        ValidatedStore::Sqlite { .. } => None,
    }
}

/// Servers with a tunnel.
fn tunnels(app: &ValidatedApp) -> impl Iterator<Item = (&ValidatedServer, &ValidatedTunnel)> {
    app.servers
        .iter()
        .filter_map(|server| server.tunnel.as_ref().map(|tunnel| (server, tunnel)))
}

/// Immutable Secrets the pods of a component mount, in a stable order.
fn secrets_of<'a>(app: &'a ValidatedApp, component: &Component) -> Vec<&'a VersionedSecret> {
    match component {
        Component::Api => api_secrets(app),
        Component::Bot => app.bot_token.iter().chain(&app.internal_token).collect(),
        Component::Migrator => migrator(app)
            .into_iter()
            .flat_map(|(store, migrator)| [Some(&migrator.login), store.tls.authority.as_ref()])
            .flatten()
            .collect(),
        Component::Tunnel(name) => tunnels(app)
            .filter(|(server, _)| server.name == *name)
            .map(|(_, tunnel)| &tunnel.key)
            .collect(),
    }
}

fn api_secrets(app: &ValidatedApp) -> Vec<&VersionedSecret> {
    let mut secrets = Vec::new();
    for server in &app.servers {
        secrets.push(&server.login);
        secrets.extend(&server.tls.authority);
    }
    if let ValidatedStore::Postgres(postgres) = &app.store {
        secrets.push(&postgres.login);
        secrets.extend(&postgres.tls.authority);
    }
    if let Some(redis) = &app.redis {
        secrets.push(&redis.login);
        secrets.extend(&redis.tls.authority);
    }
    secrets.push(&app.signing);
    secrets.extend(&app.internal_token);
    secrets
}

/// Name, labels and owner of an object of the application.
fn metadata(app: &ValidatedApp, name: String, component: Option<&Component>) -> ObjectMeta {
    let labels = match component {
        Some(component) => naming::component_labels(&app.name, component),
        None => naming::labels(&app.name),
    };
    ObjectMeta {
        name: Some(name),
        namespace: Some(app.namespace.clone()),
        labels: Some(labels),
        owner_references: Some(vec![app.owner.clone()]),
        ..ObjectMeta::default()
    }
}
