//! Rotations that need no backend, so that nothing but the API server is in their way: a generic
//! value, which is only published, and a signing key, whose pods never start here.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail, ensure};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use reportapp_crds::secret_rotation::{Mode, Phase};
use reportapp_crds::{SecretRotation, SecretRotationSpec, secret_rotation};
use serde_json::{Value, json};

use super::faulty_way::{Fault, FaultyWay};
use super::sample;
use super::stage::{PATIENCE, Stage};
use crate::scenarios::cluster::rotation::order;
use crate::scenarios::watch;
use crate::scenarios::world::World;

/// The generic value, which only places outside hold.
pub const PARTNER_VALUE: &str = "partner";

/// The Secret of somebody else that carries the generic value.
const PARTNER: &str = "partner-settings";

pub(super) async fn through_faults(world: &World) -> Result<()> {
    let stage = stage(world, "faulty").await?;
    let way = FaultyWay::open(stage.kubeconfig()).await?;
    let operator = stage.operator_by(way.kubeconfig(), "one").await?;
    stage.put_app(&with_credentials()).await?;
    stage.until_applied(sample::NAME).await?;

    way.fails(true);
    let rotation = create(&stage, PARTNER_VALUE).await?;
    let ended = until(&stage, &rotation, "at its end", |seen| {
        order::phase_of(seen).is_some_and(Phase::is_final)
    })
    .await?;
    way.fails(false);
    ensure!(
        order::phase_of(&ended) == Some(Phase::Succeeded),
        "it ended otherwise: {}",
        watch::told(&ended)
    );
    holds_one_new_value(&stage, &rotation).await?;
    let failed = way.failed();
    ensure!(
        failed.len() == Fault::ALL.len(),
        "not every fault happened: {failed:?}"
    );
    world.progress().note(&format!("failed: {failed:?}"));
    operator.stop().await?;
    stage.remove().await
}

/// The rotation that was made, of which there is one.
///
/// # Errors
/// When there is another number of them.
pub(super) async fn only_one(stage: &Stage<'_>) -> Result<SecretRotation> {
    let mut made = all(stage).list(&ListParams::default()).await?.items;
    ensure!(made.len() == 1, "{} rotations were made", made.len());
    Ok(made.remove(0))
}

/// Sees ledger and published place agree on a value of this rotation, and what else is there
/// stay.
///
/// # Errors
/// When one of them does not.
pub async fn holds_one_new_value(stage: &Stage<'_>, rotation: &SecretRotation) -> Result<()> {
    let secrets: Api<Secret> = Api::namespaced(stage.client(), &stage.namespace);
    let ledger = data(&secrets, "sample-ledger-partner").await?;
    let entry: Value = serde_json::from_str(&ledger["entry.json"])
        .ok()
        .context("the ledger is no JSON")?;
    ensure!(
        entry["pending"].is_null() && entry["rotation"].is_null(),
        "the ledger of a finished rotation is open"
    );
    ensure!(
        entry["current"]["rotation"] == json!(rotation.metadata.uid),
        "the value in use is of another rotation"
    );
    let current = entry["current"]["secret"].as_str().unwrap_or_default();
    let published = data(&secrets, PARTNER).await?;
    ensure!(
        published.get("token").map(String::as_str) == Some(&format!("v1:{current}")),
        "the published place does not hold the value in use"
    );
    ensure!(
        published.get("theirs").map(String::as_str) == Some("kept"),
        "a key of somebody else is gone"
    );
    Ok(())
}

async fn data(secrets: &Api<Secret>, name: &str) -> Result<BTreeMap<String, String>> {
    let data = secrets.get(name).await?.data.unwrap_or_default();
    data.into_iter()
        .map(|(key, value)| Ok((key, String::from_utf8(value.0)?)))
        .collect()
}

pub(super) async fn end_with_their_app(world: &World) -> Result<()> {
    let stage = stage(world, "abandoned").await?;
    let operator = stage.operator("one", &[]).await?;
    stage.put_app(&with_credentials()).await?;
    stage.until_applied(sample::NAME).await?;
    let rotation = create(&stage, "tokens").await?;
    let running = until(&stage, &rotation, "waiting for pods", order::rolls_out).await?;
    ensure!(
        running.metadata.finalizers.is_some(),
        "a rotation that has begun could be deleted at any point"
    );

    let uid = running.metadata.uid.unwrap_or_default();
    let name = running.metadata.name.unwrap_or_default();
    stage
        .apps()
        .delete(sample::NAME, &DeleteParams::default())
        .await?;
    let gone = watch::until_gone(all(&stage), &name, &uid, PATIENCE).await;
    gone.context("the rotation outlives its ReportApp")?;
    let left = all(&stage).list(&ListParams::default()).await?;
    ensure!(left.items.is_empty(), "rotations are left: {left:?}");
    let secrets: Api<Secret> = Api::namespaced(stage.client(), &stage.namespace);
    let ledger = data(&secrets, "sample-ledger-tokens").await?;
    ensure!(
        ledger["entry.json"].contains(&uid),
        "the ledger lost the value that was being introduced"
    );
    operator.stop().await?;
    stage.remove().await
}

/// Of the successful ones as many are kept as the credential says, the newest.
pub(super) async fn are_kept_by_count(world: &World) -> Result<()> {
    let stage = stage(world, "kept").await?;
    let operator = stage.operator("one", &[]).await?;
    let mut app = with_credentials();
    let credentials = app["spec"]["credentials"].as_array_mut();
    let partner = credentials.and_then(|all| all.last_mut());
    partner.context("there is no credential")?["rotation"]["history"] = json!({ "successful": 1 });
    stage.put_app(&app).await?;
    stage.until_applied(sample::NAME).await?;
    let mut ended = Vec::new();
    for name in ["first", "second"] {
        let rotation = create_as(&stage, name, PARTNER_VALUE).await?;
        let succeeded = |seen: &SecretRotation| order::phase_of(seen) == Some(Phase::Succeeded);
        ended.push(until(&stage, &rotation, "at its end", succeeded).await?);
    }
    let uid = ended[0].metadata.uid.as_deref().unwrap_or_default();
    let gone = watch::until_gone(all(&stage), "first", uid, PATIENCE).await;
    gone.context("the older of two is kept, and one is asked for")?;
    all(&stage).get("second").await?;
    operator.stop().await?;
    stage.remove().await
}

/// A rotation is an order: nothing of it changes once it is given.
pub(super) async fn never_change(world: &World) -> Result<()> {
    let stage = Stage::new(world, "fixed").await?;
    let given = create(&stage, PARTNER_VALUE).await?;
    let spec = serde_json::to_value(&given.spec)?;
    let name = given.metadata.name.unwrap_or_default();
    let other = json!({
        "app": "other", "credentials": ["store"], "mode": "Emergency", "reason": "another one",
        "requestedBy": "jane@example.com", "dryRun": true, "activeDeadlineSeconds": 60,
    });
    let patch = async |field: &str, value: &Value| {
        let patch = Patch::Merge(json!({ "spec": { field: value } }));
        let params = PatchParams::default();
        refusal(all(&stage).patch(&name, &params, &patch).await)
    };
    for field in secret_rotation::FIXED {
        ensure!(other[field] != spec[field], "{field} would not change");
        let said = patch(field, &other[field]).await.context(field)?;
        ensure!(said.contains("never changes"), "{field}: {said}");
    }
    let consent = json!({ "approvedBy": "eve@example.com" });
    let said = patch("approval", &consent).await.context("approval")?;
    ensure!(said.contains("spec.requestedBy"), "approval: {said}");

    for (field, value, word) in [
        ("credentials", json!(["store", "store"]), "twice"),
        ("credentials", json!([]), "spec.credentials"),
        ("activeDeadlineSeconds", json!(5), "activeDeadlineSeconds"),
        ("reason", json!(""), "spec.reason"),
    ] {
        let mut spec = spec.clone();
        spec[field] = value;
        let rotation = SecretRotation::new("senseless", serde_json::from_value(spec)?);
        let made = all(&stage).create(&PostParams::default(), &rotation).await;
        let said = refusal(made).context(field)?;
        ensure!(said.contains(word), "{field}: {said}");
    }
    stage.remove().await
}

/// What the API server says to an object that breaks a rule of the definition.
fn refusal<T>(answer: Result<T, kube::Error>) -> Result<String> {
    match answer {
        Err(kube::Error::Api(refused)) if refused.code == 422 => Ok(refused.message),
        Err(error) => Err(error.into()),
        Ok(_) => bail!("it was let through"),
    }
}

/// A namespace with the Secrets of [`with_credentials`].
///
/// # Errors
/// When the cluster refuses something.
pub async fn stage<'w>(world: &'w World, namespace: &str) -> Result<Stage<'w>> {
    let stage = Stage::new(world, namespace).await?;
    for secret in [
        sample::secret("partner", "value", "partner-secret-value"),
        sample::secret(PARTNER, "theirs", "kept"),
    ] {
        stage.put_secret(&secret).await?;
    }
    Ok(stage)
}

/// The sample with a signing key and a value for a partner besides.
pub fn with_credentials() -> Value {
    let mut app = sample::report_app();
    app["spec"]["api"]["signingCredential"] = json!("tokens");
    if let Some(credentials) = app["spec"]["credentials"].as_array_mut() {
        credentials.push(json!({ "name": "tokens", "jwt": {} }));
        credentials.push(json!({
            "name": PARTNER_VALUE, "generic": {}, "from": { "secretRef": { "name": "partner" } },
            "rotation": { "retire": { "after": "1s" } },
            "publish": [
                { "kubernetesSecret": PARTNER, "key": "token", "template": "v1:{{ value }}" },
            ],
        }));
    }
    app
}

/// Rotations of the stage's namespace.
pub(super) fn all(stage: &Stage<'_>) -> Api<SecretRotation> {
    Api::namespaced(stage.client(), &stage.namespace)
}

pub(super) async fn create(stage: &Stage<'_>, credential: &str) -> Result<SecretRotation> {
    create_as(stage, credential, credential).await
}

async fn create_as(stage: &Stage<'_>, name: &str, credential: &str) -> Result<SecretRotation> {
    let spec = SecretRotationSpec {
        app: sample::NAME.to_owned(),
        credentials: vec![credential.to_owned()],
        mode: Mode::Manual,
        reason: "a test".to_owned(),
        requested_by: None,
        approval: None,
        dry_run: false,
        active_deadline_seconds: 600,
    };
    let rotation = SecretRotation::new(name, spec);
    let created = all(stage).create(&PostParams::default(), &rotation).await;
    created.context("the SecretRotation was refused")
}

pub(super) async fn until(
    stage: &Stage<'_>,
    rotation: &SecretRotation,
    what: &str,
    holds: impl FnMut(&SecretRotation) -> bool,
) -> Result<SecretRotation> {
    let name = rotation.metadata.name.as_deref().unwrap_or_default();
    watch::until(all(stage), name, what, PATIENCE, holds).await
}
