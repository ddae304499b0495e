//! A password that was changed behind the operator's back is found before a new pod needs it, and what
//! the operator does about it is the spec's choice.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use futures::{StreamExt as _, TryStreamExt as _};
use kube::ResourceExt as _;
use kube::api::ListParams;
use kube::runtime::{WatchStreamExt as _, watcher};
use reportapp_crds::report_app::credential::Rotation;
use reportapp_crds::secret_rotation::Phase;
use reportapp_crds::{ReportApp, ReportAppSpec, SecretRotation};

use super::held::Held;
use super::order;
use crate::backends::Database;
use crate::scenarios::cluster::credentials::Credential;
use crate::scenarios::cluster::subject::Subject;
use crate::scenarios::watch;
use crate::scenarios::world::World;

const CREDENTIAL: Credential = Credential::Store;

/// How long the operator may take to act on a refusal.
const PATIENCE: Duration = Duration::from_secs(120);

/// What somebody sets by hand.
const BY_HAND: &str = "set-behind-the-operators-back";

pub(super) async fn is_rejected(world: &World) -> Result<()> {
    let subject = Subject::of(world).await?;
    let held = Held::take(&subject, CREDENTIAL).await?;
    let verifier = verifier(&subject, &held).await?;
    set_password(&subject, &held, BY_HAND).await?;
    let said = says_rejected(&subject, &held).await;
    set_password(&subject, &held, &verifier).await?;
    said?;
    held.works(&subject).await?;
    subject.restart_operator().await?;
    until_accepted(&subject).await?;
    subject.until_ready().await
}

/// A new operator tries every login at once.
async fn says_rejected(subject: &Subject<'_>, held: &Held) -> Result<()> {
    subject.restart_operator().await?;
    let app = until_rejected(subject).await?;
    let message = message(&app);
    let statement = format!("ALTER ROLE \"{}\"", held.login().username);
    ensure!(
        message.contains(&statement),
        "it does not name the statement {statement}: {message}"
    );
    let rotations = repairs(subject).await?;
    ensure!(
        rotations.is_empty(),
        "it was repaired although nobody asked for that"
    );
    Ok(())
}

pub(super) async fn is_repaired(world: &World) -> Result<()> {
    let subject = Subject::of(world).await?;
    let held = Held::take(&subject, CREDENTIAL).await?;
    let verifier = verifier(&subject, &held).await?;
    set_password(&subject, &held, BY_HAND).await?;
    let before = subject.change(|spec| repair(spec, true)).await?;
    let outcome = replaces(&subject, &held).await;
    if outcome.is_err() {
        set_password(&subject, &held, &verifier).await?;
    }
    subject
        .edit(|spec| spec.credentials.clone_from(&before.credentials))
        .await?;
    outcome?;
    subject.restart_operator().await?;
    until_accepted(&subject).await?;
    subject.until_ready().await
}

/// Whoever asks for a repair gets another login, as soon as this one is known to be refused.
async fn replaces(subject: &Subject<'_>, held: &Held) -> Result<()> {
    until_rejected(subject).await?;
    let rotation = until_repaired_by(subject).await?;
    order::until_ended(subject, &rotation, Phase::Succeeded).await?;
    held.is_replaced(subject).await?;
    let rotations = repairs(subject).await?;
    ensure!(
        rotations.len() == 1,
        "{} rotations were created instead of one",
        rotations.len()
    );
    Ok(())
}

/// Waits for the rotation the operator creates.
async fn until_repaired_by(subject: &Subject<'_>) -> Result<SecretRotation> {
    let mut rotations = watcher(subject.objects(), watcher::Config::default())
        .default_backoff()
        .applied_objects()
        .boxed();
    let created = async {
        while let Some(rotation) = rotations.try_next().await? {
            if is_repair(&rotation) {
                return Ok(rotation);
            }
        }
        bail!("the watch ended")
    };
    let created = tokio::time::timeout(PATIENCE, created).await;
    created.context("nothing is done about a refused login although the spec asks for it")?
}

/// Rotations the operator created because a login was refused.
async fn repairs(subject: &Subject<'_>) -> Result<Vec<SecretRotation>> {
    let all = subject.objects::<SecretRotation>();
    let all = all.list(&ListParams::default()).await?;
    Ok(all.into_iter().filter(is_repair).collect())
}

fn is_repair(rotation: &SecretRotation) -> bool {
    let ours = format!("{}-repair-", CREDENTIAL.name());
    rotation.name_any().contains(&ours)
}

fn repair(spec: &mut ReportAppSpec, wished: bool) {
    let credential = spec.credentials.iter_mut();
    for credential in credential.filter(|c| c.name == CREDENTIAL.name()) {
        let rotation = credential.rotation.get_or_insert_with(Rotation::default);
        rotation.repair_rejected = wished;
    }
}

async fn until_rejected(subject: &Subject<'_>) -> Result<ReportApp> {
    let rejected = |app: &ReportApp| {
        watch::condition(app, "CredentialsAccepted")
            .is_some_and(|c| c.status == "False" && c.reason == "CredentialRejected")
    };
    subject
        .until("saying that a login is refused", rejected)
        .await
}

async fn until_accepted(subject: &Subject<'_>) -> Result<()> {
    let accepted = |app: &ReportApp| watch::says(app, "CredentialsAccepted", "True");
    let accepted = subject.until("saying that every login is accepted", accepted);
    accepted.await.map(drop)
}

fn message(app: &ReportApp) -> &str {
    watch::condition(app, "CredentialsAccepted").map_or("", |condition| &condition.message)
}

/// Sets a password, or the verifier of one, so that no log ever holds it.
async fn set_password(subject: &Subject<'_>, held: &Held, password: &str) -> Result<()> {
    let role = &held.login().username;
    let sql = format!("ALTER ROLE \"{role}\" PASSWORD '{password}';");
    subject.backends().psql(Database::Store, &sql).await?;
    Ok(())
}

/// What the database keeps of the password.
async fn verifier(subject: &Subject<'_>, held: &Held) -> Result<String> {
    let role = &held.login().username;
    let sql = format!("SELECT rolpassword FROM pg_authid WHERE rolname = '{role}';");
    let found = subject.backends().psql(Database::Store, &sql).await?;
    let verifier = found.starts_with("SCRAM-SHA-256$").then_some(found);
    verifier.context("the database keeps no SCRAM verifier of the login in use")
}
