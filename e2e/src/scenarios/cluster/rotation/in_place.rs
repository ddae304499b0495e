//! One user whose password changes: what that costs is measured, and the old password is dead at the end.
//! The first time after two users took turns costs nothing, for the other user works on until nobody has it.

use anyhow::{Context as _, Result, ensure};
use reportapp_crds::ReportAppSpec;
use reportapp_crds::report_app::credential::Strategy;
use reportapp_crds::secret_rotation::{CredentialProgress, Phase};

use super::held::Held;
use super::order;
use crate::scenarios::cluster::credentials::Credential;
use crate::scenarios::cluster::subject::Subject;
use crate::scenarios::world::World;

const STORE: Credential = Credential::Store;

pub(super) async fn measures_its_outage(world: &World) -> Result<()> {
    let subject = Subject::of(world).await?;
    // One of two users that take turns, whatever was done to the store before.
    order::rotate(&subject, &[STORE.name()]).await?;
    let before = subject.edit(is_in_place).await?;
    let outcome = scene(world, &subject).await;
    subject.edit(|spec| spec.clone_from(&before)).await?;
    outcome
}

async fn scene(world: &World, subject: &Subject<'_>) -> Result<()> {
    let twin = Held::take(subject, STORE).await?;
    let (first, _) = rotate(subject).await?;
    twin.is_replaced(subject).await?;
    ensure!(
        first.outage_seconds.is_none(),
        "it says that the other user was refused: {first:?}"
    );

    let held = Held::take(subject, STORE).await?;
    ensure!(
        held.login().username == STORE.role(),
        "{} is in use instead of {}",
        held.login().username,
        STORE.role()
    );
    let (second, message) = rotate(subject).await?;
    let now = Held::take(subject, STORE).await?;
    ensure!(
        now.login().username == held.login().username,
        "another user is in use: {}",
        now.login().username
    );
    held.is_refused(subject).await?;
    let outage = second.outage_seconds;
    let outage = outage.with_context(|| format!("nothing was measured: {second:?}"))?;
    ensure!(
        message.contains(&format!("for {outage} s no new login")),
        "the message does not tell it: {message}"
    );
    world.progress().note(&format!(
        "in place: {outage} s in which pods with the old password could open no connection"
    ));
    Ok(())
}

/// What a rotation of the store measured and said.
async fn rotate(subject: &Subject<'_>) -> Result<(CredentialProgress, String)> {
    let rotation = order::create(subject, order::manual(&[STORE.name()])).await?;
    let ended = order::until_ended(subject, &rotation, Phase::Succeeded).await?;
    let message = order::message_of(&ended).to_owned();
    let credentials = ended.status.unwrap_or_default().credentials;
    let found = credentials.into_iter().next().context("no credential")?;
    ensure!(found.strategy == "InPlace", "rotated by {}", found.strategy);
    Ok((found, message))
}

fn is_in_place(spec: &mut ReportAppSpec) {
    let mut credentials = spec.credentials.iter_mut();
    let store = credentials.find(|credential| credential.name == STORE.name());
    if let Some(database) = store.and_then(|store| store.opens.database.as_mut()) {
        database.strategy = Strategy::InPlace;
    }
}
