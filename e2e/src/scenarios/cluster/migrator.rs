//! The store's tables get a login of their own while the application serves, by the steps of
//! `docs/how-to/store-two-roles.md`. From then on a Job migrates them, before pods that rely on it.
//!
//! ```text
//! one role ─ tables given to the owner ─ wrong password: told, pods serve on
//!          ─ right password: migrated, not one pod replaced ─ the serving role may change nothing
//! ```

use std::collections::BTreeMap;

use anyhow::{Result, bail, ensure};
use k8s_openapi::api::core::v1::Secret as KubeSecret;
use kube::api::DeleteParams;
use reportapp_config::Secret;
use reportapp_crds::report_app::{Credential, Migrator};
use reportapp_crds::{ALLOW_ANNOTATION, ReportApp, ReportAppSpec};
use serde_json::json;

use super::pods::{self, Pods};
use super::subject::Subject;
use crate::backends::Database;
use crate::backends::random::password;
use crate::backends::secrets::{Values, write};
use crate::demo::NAME;
use crate::scenarios::watch::{condition, is_observed, says};
use crate::scenarios::world::World;

/// What the guide has its reader run.
const TWO_ROLES: &str = include_str!("../../../../docs/examples/store-two-roles.sql");
/// Credential and role of the owner.
const CREDENTIAL: &str = "store-owner";
const OWNER: &str = "reportapp_owner";
/// The role that serves.
const SERVING: &str = "reportapp_store";
/// Secret with the owner's password.
const LOGIN: &str = "store-owner-login";

pub(super) async fn comes_first(world: &World) -> Result<()> {
    let subject = Subject::of(world).await?;
    let before = subject.spec().await?;
    let owner = password();
    give_tables_away(&subject, &owner).await?;
    let outcome = scene(&subject, &owner).await;
    subject.edit(|spec| spec.clone_from(&before)).await?;
    take_tables_back(&subject).await?;
    let secrets = subject.objects::<KubeSecret>();
    secrets.delete(LOGIN, &DeleteParams::default()).await?;
    outcome?;
    subject.until_ready().await
}

async fn scene(subject: &Subject<'_>, owner: &Secret) -> Result<()> {
    let running = api_pods(subject).await?;
    wrong_password(subject).await?;
    serves(subject, &running).await?;
    log_in_with(subject, owner).await?;
    migrated(subject).await?;
    serves(subject, &running).await?;
    is_confined(subject).await
}

/// A superuser does what the guide says.
async fn give_tables_away(subject: &Subject<'_>, owner: &Secret) -> Result<()> {
    let sql = format!(
        "CREATE ROLE {OWNER} LOGIN PASSWORD '{}';\n\
         GRANT CONNECT ON DATABASE reportapp TO {OWNER};\n\
         \\set owner {OWNER}\n\\set serving {SERVING}\n{TWO_ROLES}",
        owner.expose()
    );
    subject.backends().psql(Database::Store, &sql).await?;
    Ok(())
}

async fn take_tables_back(subject: &Subject<'_>) -> Result<()> {
    let twins = [OWNER.to_owned(), format!("{OWNER}_a"), format!("{OWNER}_b")];
    let sql = format!(
        "BEGIN;\n\
         REASSIGN OWNED BY {OWNER} TO {SERVING};\n\
         DELETE FROM platform_roles WHERE role = '{SERVING}';\n\
         DROP OWNED BY {OWNER};\n\
         COMMIT;\n\
         DROP ROLE IF EXISTS {};\n",
        twins.join(", ")
    );
    subject.backends().psql(Database::Store, &sql).await?;
    Ok(())
}

/// Names the owner's login in the spec.
fn has_migrator(spec: &mut ReportAppSpec) {
    let credential = json!({
        "name": CREDENTIAL,
        "from": { "secretRef": { "name": LOGIN } },
        "database": { "store": true, "role": OWNER },
    });
    let credential = serde_json::from_value::<Credential>(credential);
    spec.credentials.push(credential.expect("a credential"));
    let migrator = json!({ "credential": CREDENTIAL });
    spec.store.migrator = serde_json::from_value::<Migrator>(migrator).ok();
}

async fn log_in_with(subject: &Subject<'_>, password: &Secret) -> Result<()> {
    let lent = BTreeMap::from([(ALLOW_ANNOTATION.to_owned(), NAME.to_owned())]);
    let values = Values::from([("password", password.clone())]);
    write(&subject.objects(), LOGIN, &values, lent).await
}

async fn wrong_password(subject: &Subject<'_>) -> Result<()> {
    log_in_with(subject, &Secret::from("not-the-password")).await?;
    subject.change(has_migrator).await?;
    let failed = |app: &ReportApp| {
        let migrated = condition(app, "Migrated");
        is_observed(app) && migrated.is_some_and(|c| c.reason == "MigrationFailed")
    };
    let app = subject
        .until("told that the migration failed", failed)
        .await?;
    let words = condition(&app, "Migrated").map(|c| c.message.clone());
    let words = words.unwrap_or_default();
    for needed in [
        "refuses the login",
        "kubectl -n reports delete job demo-migrate-",
    ] {
        ensure!(words.contains(needed), "no {needed:?} in: {words}");
    }
    ensure!(
        says(&app, "Stalled", "True"),
        "nobody is told to do something"
    );
    Ok(())
}

async fn migrated(subject: &Subject<'_>) -> Result<()> {
    subject
        .until("migrated and Ready", |app| {
            is_observed(app) && says(app, "Migrated", "True") && says(app, "Ready", "True")
        })
        .await
        .map(drop)
}

/// The API answers, and from the same pods.
async fn serves(subject: &Subject<'_>, running: &Pods) -> Result<()> {
    let now = api_pods(subject).await?;
    ensure!(
        now == *running,
        "pods of the API were {running:?} and are {now:?}"
    );
    let companies = subject.session().await?.get("/api/companies").await?;
    ensure!(
        companies.as_array().is_some_and(|list| !list.is_empty()),
        "no companies"
    );
    Ok(())
}

async fn api_pods(subject: &Subject<'_>) -> Result<Pods> {
    let mut pods = pods::of(subject).await?;
    pods.retain(|name, _| name.starts_with("demo-api-"));
    ensure!(!pods.is_empty(), "the API has no pods");
    Ok(pods)
}

/// The tables are the owner's, and the role that serves can switch nothing off.
async fn is_confined(subject: &Subject<'_>) -> Result<()> {
    let backends = subject.backends();
    let owners = "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'";
    let owners = backends.psql(Database::Store, owners).await?;
    ensure!(owners == OWNER, "the tables belong to {owners}");
    for (statement, words) in [
        (
            "ALTER TABLE users_enhanced DISABLE TRIGGER ALL",
            "must be owner of table users_enhanced",
        ),
        (
            "INSERT INTO audit_logs_dml DEFAULT VALUES",
            "permission denied for table audit_logs_dml",
        ),
    ] {
        let sql = format!("SET ROLE {SERVING};\n{statement};\n");
        match backends.psql(Database::Store, &sql).await {
            Ok(_) => bail!("{SERVING} may {statement}"),
            Err(refused) => {
                let said = format!("{refused:#}");
                ensure!(said.contains(words), "{statement}: {said}");
            }
        }
    }
    Ok(())
}
