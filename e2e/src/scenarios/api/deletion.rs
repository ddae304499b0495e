//! Deleting a ReportApp: its objects go, what is retained is listed by its last events. No host of the
//! sample exists, so every deletion here ends with the databases gone.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Secret};
use k8s_openapi::api::events::v1::Event;
use kube::ResourceExt as _;
use kube::api::{Api, DeleteParams, DynamicObject, ListParams};
use reportapp_crds::secret_rotation::Phase;
use serde_json::{Value, json};

use super::stage::{PATIENCE, Stage};
use super::{rotations, sample, snapshot};
use crate::scenarios::cluster::rotation::order;
use crate::scenarios::watch;
use crate::scenarios::world::World;

/// What stays of the sample on SQLite after one of its credentials was rotated.
const RETAINED: [&str; 4] = [
    "persistentvolumeclaim/sample-store",
    "secret/sample-ledger",
    "secret/sample-ledger-partner",
    "secret/sample-published",
];

pub(super) async fn leaves_only_retained(world: &World) -> Result<()> {
    let stage = rotations::stage(world, "deletion").await?;
    let operator = stage.operator("one", &[]).await?;
    stage.put_app(&on_sqlite()).await?;
    stage.until_applied(sample::NAME).await?;
    let rotation = rotations::create(&stage, "partner").await?;
    rotations::until(&stage, &rotation, "Succeeded", |seen| {
        order::phase_of(seen) == Some(Phase::Succeeded)
    })
    .await?;

    let uid = delete(&stage).await?;
    let retained: BTreeSet<_> = RETAINED.map(str::to_owned).into();
    until_left(&stage, &retained).await?;
    for lent in [
        "erp",
        "store",
        "redis",
        "telegram",
        "bastion-key",
        "partner",
    ] {
        let secrets: Api<Secret> = Api::namespaced(stage.client(), &stage.namespace);
        ensure!(
            secrets.get_opt(lent).await?.is_some(),
            "the Secret {lent}, which is not ours, was deleted"
        );
    }
    let notes = retained_notes(&stage, &uid).await?;
    let newest = notes.last().context("no event says what stays")?;
    let (_, listed) = newest
        .split_once("kubectl delete -n deletion ")
        .with_context(|| format!("the newest event has no command: {newest:?}"))?;
    let listed: BTreeSet<_> = listed.split(' ').map(str::to_owned).collect();
    ensure!(
        listed == retained,
        "the newest event lists {listed:?} and not {retained:?}"
    );
    // The command is whole: what it names is all that is left.
    let mut kubectl = vec!["delete", "--namespace", &stage.namespace];
    kubectl.extend(listed.iter().map(String::as_str));
    stage.kubectl(&kubectl).await?;
    until_left(&stage, &BTreeSet::new()).await?;
    operator.stop().await?;
    stage.remove().await
}

/// The sample with a volume of its own and a credential whose rotation needs no backend.
fn on_sqlite() -> Value {
    let mut app = rotations::with_credentials();
    let spec = &mut app["spec"];
    spec["store"] = json!({ "engine": "Sqlite" });
    spec["api"]["replicas"] = json!(1);
    if let Some(credentials) = spec["credentials"].as_array_mut() {
        credentials.retain(|credential| credential["name"] != "store");
    }
    app
}

/// Deletes the sample and waits until it is gone; gives its uid.
async fn delete(stage: &Stage<'_>) -> Result<String> {
    let uid = stage.apps().get(sample::NAME).await?.uid();
    let uid = uid.context("the ReportApp has a uid")?;
    stage
        .apps()
        .delete(sample::NAME, &DeleteParams::default())
        .await?;
    let gone = watch::until_gone(stage.apps(), sample::NAME, &uid, PATIENCE).await;
    gone.context("the deletion does not end")?;
    Ok(uid)
}

/// Waits until of the sample's objects only these are left; another is waited for, since the garbage
/// collector needs a moment, and one that goes too far is an error at once.
async fn until_left(stage: &Stage<'_>, wanted: &BTreeSet<String>) -> Result<()> {
    for (kind, object) in snapshot::objects(stage).await? {
        let name = object.name_any();
        if wanted.contains(&format!("{}/{name}", kind.to_lowercase())) {
            continue;
        }
        let (group, version, _) = snapshot::KINDS
            .into_iter()
            .find(|(_, _, of)| *of == kind)
            .context("a known kind")?;
        let objects: Api<DynamicObject> = stage.objects(group, version, kind);
        let uid = object.uid().unwrap_or_default();
        let gone = watch::until_gone(objects, &name, &uid, PATIENCE).await;
        gone.with_context(|| format!("{kind} {name} is left over"))?;
    }
    let ours = ListParams::default().labels("reportapp.dev/app=sample");
    let secrets: Api<Secret> = Api::namespaced(stage.client(), &stage.namespace);
    let volumes: Api<PersistentVolumeClaim> = Api::namespaced(stage.client(), &stage.namespace);
    let secrets = secrets.list(&ours).await?.into_iter();
    let volumes = volumes.list(&ours).await?.into_iter();
    let left: BTreeSet<_> = secrets
        .map(|secret| format!("secret/{}", secret.name_any()))
        .chain(volumes.map(|volume| format!("persistentvolumeclaim/{}", volume.name_any())))
        .collect();
    ensure!(left == *wanted, "left are {left:?} and not {wanted:?}");
    Ok(())
}

/// What the events of a deleted ReportApp say about what stays, the newest last.
async fn retained_notes(stage: &Stage<'_>, uid: &str) -> Result<Vec<String>> {
    let events: Api<Event> = Api::namespaced(stage.client(), &stage.namespace);
    let mut told: Vec<_> = events
        .list(&ListParams::default())
        .await?
        .into_iter()
        .filter(|event| event.reason.as_deref() == Some("Retained"))
        .filter(|event| {
            let about = event.regarding.as_ref();
            about.and_then(|about| about.uid.as_deref()) == Some(uid)
        })
        .collect();
    told.sort_by_key(|event| event.event_time.as_ref().map(|time| time.0));
    Ok(told.into_iter().filter_map(|event| event.note).collect())
}

pub(super) async fn ends_without_backends(world: &World) -> Result<()> {
    let stage = Stage::new(world, "deletion-alone").await?;
    let operator = stage.operator("one", &[]).await?;
    let mut app = sample::report_app();
    app["spec"]["secretStore"] = json!({
        "vault": {"address": "https://vault.invalid:8200", "auth": {"kubernetes": {"role": "r"}}},
    });
    stage.put_app(&app).await?;
    stage.until_applied(sample::NAME).await?;
    let uid = delete(&stage).await?;
    let told = retained_notes(&stage, &uid).await?.join("\n");
    for credential in ["erp", "bastion-key", "store", "redis", "telegram"] {
        let command = format!(
            "vault kv metadata delete -mount=secret reportapp/deletion-alone/sample/{credential}"
        );
        ensure!(told.contains(&command), "no {command:?} in: {told}");
    }
    ensure!(
        told.contains("kubectl delete -n deletion-alone secret/sample-ledger"),
        "no event says how to remove the ledger: {told}"
    );
    operator.stop().await?;
    stage.remove().await
}
