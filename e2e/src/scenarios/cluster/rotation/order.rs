//! Ordering a rotation and watching it.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use kube::ResourceExt as _;
use kube::api::PostParams;
use reportapp_crds::secret_rotation::{Mode, Phase, StepName};
use reportapp_crds::{SecretRotation, SecretRotationSpec};

use crate::demo::NAME;
use crate::scenarios::cluster::subject::Subject;
use crate::scenarios::watch;
use crate::scenarios::world::World;

/// How long a rotation may take from its creation to its end.
const PATIENCE: Duration = Duration::from_secs(300);

/// A manual rotation of the demo's credentials, to be changed at will before it is created.
pub fn manual(credentials: &[&str]) -> SecretRotationSpec {
    SecretRotationSpec {
        app: NAME.to_owned(),
        credentials: credentials.iter().map(|&name| name.to_owned()).collect(),
        mode: Mode::Manual,
        reason: "a test".to_owned(),
        requested_by: None,
        approval: None,
        dry_run: false,
        active_deadline_seconds: 3_600,
    }
}

/// Creates a rotation.
///
/// # Errors
/// When the API server refuses it.
pub async fn create(subject: &Subject<'_>, spec: SecretRotationSpec) -> Result<SecretRotation> {
    let mut rotation = SecretRotation::new("", spec);
    rotation.metadata.name = None;
    rotation.metadata.generate_name = Some("e2e-".to_owned());
    let api = subject.objects::<SecretRotation>();
    let created = api.create(&PostParams::default(), &rotation).await;
    created.context("the SecretRotation was refused")
}

pub(super) async fn in_ones_own_name(world: &World) -> Result<()> {
    let subject = Subject::of(world).await?;
    let own = subject.whoami().await?;
    let ask = async |name: &str| {
        let mut spec = manual(&["store"]);
        spec.requested_by = Some(name.to_owned());
        spec.dry_run = true;
        create(&subject, spec).await
    };
    let refused = ask("somebody-else")
        .await
        .err()
        .context("it was accepted")?;
    let why = format!("{refused:#}");
    ensure!(
        why.contains("spec.requestedBy") && why.contains(&own),
        "the refusal does not say what to write: {why}"
    );
    let accepted = ask(&own).await?;
    until_ended(&subject, &accepted, Phase::Succeeded)
        .await
        .map(drop)
}

/// Waits until a rotation fulfils `holds`.
///
/// # Errors
/// When it ends first, or does not in time; the message shows its conditions.
pub async fn until(
    subject: &Subject<'_>,
    rotation: &SecretRotation,
    what: &str,
    mut holds: impl FnMut(&SecretRotation) -> bool,
) -> Result<SecretRotation> {
    let mut held = false;
    let seen = watched(subject, rotation, what, |seen| {
        held = holds(seen);
        held || phase_of(seen).is_some_and(Phase::is_final)
    })
    .await?;
    ensure!(
        held,
        "the rotation ended without being {what}; conditions: {}",
        watch::told(&seen)
    );
    Ok(seen)
}

async fn watched(
    subject: &Subject<'_>,
    rotation: &SecretRotation,
    what: &str,
    holds: impl FnMut(&SecretRotation) -> bool,
) -> Result<SecretRotation> {
    watch::until(
        subject.objects(),
        &rotation.name_any(),
        what,
        PATIENCE,
        holds,
    )
    .await
}

/// Waits until a rotation has ended in `phase`.
///
/// # Errors
/// When it ends otherwise, or not in time.
pub async fn until_ended(
    subject: &Subject<'_>,
    rotation: &SecretRotation,
    phase: Phase,
) -> Result<SecretRotation> {
    let ended = watched(subject, rotation, "at its end", |seen| {
        phase_of(seen).is_some_and(Phase::is_final)
    })
    .await?;
    ensure!(
        phase_of(&ended) == Some(phase),
        "the rotation of {} ended {:?} instead of {phase:?}; conditions: {}",
        ended.spec.credentials.join(", "),
        phase_of(&ended),
        watch::told(&ended)
    );
    Ok(ended)
}

/// Rotates these credentials together; gives the time it took.
///
/// # Errors
/// When the rotation does not succeed.
pub async fn rotate(subject: &Subject<'_>, credentials: &[&str]) -> Result<Duration> {
    let started = Instant::now();
    let rotation = create(subject, manual(credentials)).await?;
    until_ended(subject, &rotation, Phase::Succeeded).await?;
    Ok(started.elapsed())
}

/// The phase of a rotation, once it has one.
pub fn phase_of(rotation: &SecretRotation) -> Option<Phase> {
    rotation.status.as_ref()?.phase
}

/// Whether a rotation waits for pods.
pub fn rolls_out(rotation: &SecretRotation) -> bool {
    let step = rotation.status.as_ref().and_then(|status| status.step);
    step == Some(StepName::RollOut)
}

/// Whether something stands in the way for this reason.
pub fn is_stalled(rotation: &SecretRotation, reason: &str) -> bool {
    watch::condition(rotation, "Stalled")
        .is_some_and(|stalled| stalled.status == "True" && stalled.reason == reason)
}

/// What a rotation says for people.
pub fn message_of(rotation: &SecretRotation) -> &str {
    let message = rotation.status.as_ref().and_then(|s| s.message.as_deref());
    message.unwrap_or_default()
}
