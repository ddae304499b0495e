//! The four roles of the runbook, which somebody made by hand, with one Secret that holds all their
//! passwords and another that others read: adopted as they are, rotated together, and every
//! workload that reads several of them starts again once.
//!
//! ```text
//! four logins by hand ── named in the spec: nothing moves ── one rotation ── four dead, four new,
//!                                                            each workload started once
//!                     ── one of them again ── only its workloads start
//!                     ── an action ── every workload starts once more
//! ```

mod workloads;

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::core::v1::Secret as KubeSecret;
use kube::ResourceExt as _;
use kube::api::{DeleteParams, PostParams};
use reportapp_config::Secret;
use reportapp_crds::one_shot::Phase;
use reportapp_crds::report_app::Credential;
use reportapp_crds::{ALLOW_ANNOTATION, ReportAppSpec};
use serde_json::json;

use super::order;
use crate::backends::random::password;
use crate::backends::{Attempt, Database};
use crate::demo::NAME;
use crate::scenarios::cluster::load::Load;
use crate::scenarios::cluster::subject::Subject;
use crate::scenarios::cluster::{actions, pods};
use crate::scenarios::world::World;
use workloads::Workloads;

const ROLES: [&str; 4] = ["frontend", "backend", "worker", "migrator"];
/// Holds the passwords as they were.
const FIRST: &str = "bisman-first";
/// Holds user names and passwords, and a key of somebody else.
const PUBLISHED: &str = "bisman-db-credentials";
const FOREIGN: (&str, &str) = ("SMTP_URL", "smtp://somebody-else");

/// Passwords by role, as they were before.
type Logins = BTreeMap<&'static str, Secret>;

pub(super) async fn rotates(world: &World) -> Result<()> {
    let subject = Subject::of(world).await?;
    let logins = make_logins(&subject).await?;
    let workloads = Workloads::start(&subject).await?;
    let before = subject.edit(is_adopted).await?;
    let outcome = scene(world, &subject, &logins, &workloads).await;
    subject.edit(|spec| spec.clone_from(&before)).await?;
    workloads.end(&subject).await?;
    for name in [FIRST, PUBLISHED] {
        let secrets = subject.objects::<KubeSecret>();
        secrets.delete(name, &DeleteParams::default()).await?;
    }
    outcome
}

async fn scene(
    world: &World,
    subject: &Subject<'_>,
    logins: &Logins,
    workloads: &Workloads,
) -> Result<()> {
    workloads.started(subject, [1, 1, 1]).await?;
    for (role, password) in logins {
        accepts(subject, &user(role), role, password).await?;
    }
    let load = Load::start(subject).await?;
    let took = order::rotate(subject, &ROLES).await?;
    for (role, password) in logins {
        refuses(subject, &user(role), password).await?;
        let new = published(subject, role).await?;
        accepts(subject, &format!("{}_a", user(role)), role, &new).await?;
    }
    workloads.started(subject, [2, 2, 2]).await?;

    order::rotate(subject, &["worker"]).await?;
    workloads.started(subject, [2, 3, 3]).await?;
    let new = published(subject, "worker").await?;
    accepts(subject, "bisman_worker_b", "worker", &new).await?;
    restart(subject).await?;
    workloads.started(subject, [3, 4, 4]).await?;
    let tally = load.none_failed().await?;
    world.progress().note(&format!(
        "four roles together: {:.1} s; {tally}",
        took.as_secs_f64()
    ));
    Ok(())
}

/// An action starts all of them again, and nothing of ours.
async fn restart(subject: &Subject<'_>) -> Result<()> {
    let before = pods::of(subject).await?;
    let restart = json!({ "components": [], "workloads": workloads::of("backend") });
    let spec = json!({ "app": NAME, "reason": "a test", "rollingRestart": restart });
    let created = actions::create(subject, spec).await?.name_any();
    actions::until_ended(subject, &created, Phase::Succeeded).await?;
    ensure!(
        pods::of(subject).await? == before,
        "pods of ours were replaced"
    );
    Ok(())
}

fn user(role: &str) -> String {
    format!("bisman_{role}")
}

/// Makes the roles, and the Secrets that were kept by hand so far.
async fn make_logins(subject: &Subject<'_>) -> Result<Logins> {
    let logins: Logins = ROLES.map(|role| (role, password())).into();
    let mut sql = String::new();
    for (role, password) in &logins {
        let (user, password) = (user(role), password.expose());
        sql += &format!(
            "CREATE ROLE {user} LOGIN PASSWORD '{password}';\n\
             GRANT CONNECT ON DATABASE reportapp TO {user};\n"
        );
    }
    subject.backends().psql(Database::Store, &sql).await?;
    let passwords: BTreeMap<_, _> = logins
        .iter()
        .map(|(role, password)| (*role, password.expose()))
        .collect();
    let (key, value) = FOREIGN;
    for (name, data) in [
        (FIRST, json!(passwords)),
        (PUBLISHED, json!({ key: value })),
    ] {
        let secret: KubeSecret = serde_json::from_value(json!({
            "metadata": { "name": name, "annotations": { ALLOW_ANNOTATION: NAME } },
            "stringData": data,
        }))?;
        let secrets = subject.objects::<KubeSecret>();
        secrets.create(&PostParams::default(), &secret).await?;
    }
    Ok(logins)
}

/// Names the roles, where their values are read, and by whom.
fn is_adopted(spec: &mut ReportAppSpec) {
    for role in ROLES {
        let credential = json!({
            "name": role,
            "from": { "secretRef": { "name": FIRST, "key": role } },
            "database": { "store": true, "role": user(role) },
            "rotation": { "retire": { "after": "1s" } },
            "publish": [{
                "kubernetesSecret": PUBLISHED,
                "key": key(role),
                "template": "{{ username }} {{ password }}",
            }],
            "restart": workloads::of(role),
        });
        let credential = serde_json::from_value::<Credential>(credential);
        spec.credentials.push(credential.expect("a credential"));
    }
}

/// The key in the published Secret.
fn key(role: &str) -> String {
    format!("{}_LOGIN", role.to_uppercase())
}

/// The password that is published for a role.
async fn published(subject: &Subject<'_>, role: &str) -> Result<Secret> {
    let secret = subject.objects::<KubeSecret>().get(PUBLISHED).await?;
    let data = secret.data.unwrap_or_default();
    let text = |key: &str| {
        let value = data.get(key)?;
        String::from_utf8(value.0.clone()).ok()
    };
    let (foreign, kept) = FOREIGN;
    ensure!(
        text(foreign).as_deref() == Some(kept),
        "{PUBLISHED} lost the key {foreign} of somebody else"
    );
    let login = text(&key(role)).with_context(|| format!("{PUBLISHED} has no login of {role}"))?;
    let password = login.split_once(' ').map(|(_, password)| password);
    password
        .map(Secret::from)
        .with_context(|| format!("{PUBLISHED} holds no user and password of {role}"))
}

async fn accepts(subject: &Subject<'_>, user: &str, role: &str, password: &Secret) -> Result<()> {
    let attempt = subject.backends().log_in(Database::Store, user, password);
    let attempt = attempt.await?;
    ensure!(
        attempt == Attempt::Accepted(format!("bisman_{role}")),
        "a login as {user} should run as bisman_{role}, but: {attempt:?}"
    );
    Ok(())
}

async fn refuses(subject: &Subject<'_>, user: &str, password: &Secret) -> Result<()> {
    let attempt = subject.backends().log_in(Database::Store, user, password);
    let attempt = attempt.await?;
    ensure!(
        matches!(attempt, Attempt::Refused(_)),
        "{user} is accepted still: {attempt:?}"
    );
    Ok(())
}
