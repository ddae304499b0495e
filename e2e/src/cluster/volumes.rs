//! Gives claims of the storage class `standard` a folder of the node each.
//!
//! Volumes are of the kind `local`, as only those honour a pod's `fsGroup` like a real disk
//! does. A volume and its folder go when the claim is deleted.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use futures::{StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim};
use kube::api::{DeleteParams, PostParams};
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, Client, ResourceExt as _};
use serde_json::json;

use super::kube_client;
use super::node::NODE_NAME;

/// The default storage class; see the addons.
const CLASS: &str = "standard";

const PROVISIONER: &str = "reportapp.dev/local";

/// Where the folders are, inside the box.
const FOLDERS: &str = "/var/lib/volumes";

/// Serves claims for ever.
///
/// # Errors
/// When a watch ends.
pub(crate) async fn run(kubeconfig: &Path) -> Result<()> {
    let client = kube_client(kubeconfig).await?;
    let claims = watcher(
        Api::<PersistentVolumeClaim>::all(client.clone()),
        watcher::Config::default(),
    );
    let volumes = watcher(
        Api::<PersistentVolume>::all(client.clone()),
        watcher::Config::default(),
    );
    let claims = claims
        .default_backoff()
        .applied_objects()
        .map_ok(|claim| Changed::Claim(Box::new(claim)));
    let volumes = volumes
        .default_backoff()
        .applied_objects()
        .map_ok(|volume| Changed::Volume(Box::new(volume)));
    let mut changes = std::pin::pin!(futures::stream::select(claims, volumes));
    while let Some(change) = changes.next().await {
        let outcome = match change {
            Ok(Changed::Claim(claim)) if is_waiting(&claim) => provide(&client, &claim).await,
            Ok(Changed::Volume(volume)) if is_released(&volume) => withdraw(&client, &volume).await,
            Ok(_) => Ok(()),
            Err(error) => Err(error).context("a watch broke off and starts again"),
        };
        if let Err(error) = outcome {
            tracing::warn!(error = format!("{error:#}"), "a volume was not served");
        }
    }
    anyhow::bail!("the watches ended")
}

enum Changed {
    Claim(Box<PersistentVolumeClaim>),
    Volume(Box<PersistentVolume>),
}

fn is_waiting(claim: &PersistentVolumeClaim) -> bool {
    claim.metadata.deletion_timestamp.is_none()
        && claim.spec.as_ref().is_some_and(|spec| {
            spec.storage_class_name.as_deref() == Some(CLASS) && spec.volume_name.is_none()
        })
}

fn is_released(volume: &PersistentVolume) -> bool {
    volume
        .annotations()
        .get("pv.kubernetes.io/provisioned-by")
        .map(String::as_str)
        == Some(PROVISIONER)
        && volume
            .status
            .as_ref()
            .and_then(|status| status.phase.as_deref())
            == Some("Released")
}

fn folder(volume: &str) -> PathBuf {
    Path::new(FOLDERS).join(volume)
}

async fn provide(client: &Client, claim: &PersistentVolumeClaim) -> Result<()> {
    let name = format!("pvc-{}", claim.uid().context("a claim has no uid")?);
    let folder = folder(&name);
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("failed to create {}", folder.display()))?;
    let spec = claim.spec.as_ref().context("a claim has no spec")?;
    let requested = spec
        .resources
        .as_ref()
        .and_then(|resources| resources.requests.clone());
    let volume = serde_json::from_value(json!({
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name, "annotations": {"pv.kubernetes.io/provisioned-by": PROVISIONER}},
        "spec": {
            "capacity": requested,
            "accessModes": spec.access_modes,
            "storageClassName": CLASS,
            "persistentVolumeReclaimPolicy": "Delete",
            "local": {"path": folder},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [
                {"key": "kubernetes.io/hostname", "operator": "In", "values": [NODE_NAME]},
            ]}]}},
            "claimRef": {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "namespace": claim.namespace(),
                "name": claim.name_any(),
                "uid": claim.uid(),
            },
        },
    }))?;
    match Api::<PersistentVolume>::all(client.clone())
        .create(&PostParams::default(), &volume)
        .await
    {
        Err(kube::Error::Api(status)) if status.is_already_exists() => Ok(()),
        other => other
            .with_context(|| format!("failed to create the volume {name}"))
            .map(drop),
    }
}

async fn withdraw(client: &Client, volume: &PersistentVolume) -> Result<()> {
    let name = volume.name_any();
    let folder = folder(&name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder)
            .with_context(|| format!("failed to remove {}", folder.display()))?;
    }
    match Api::<PersistentVolume>::all(client.clone())
        .delete(&name, &DeleteParams::default())
        .await
    {
        Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
        other => other
            .with_context(|| format!("failed to delete the volume {name}"))
            .map(drop),
    }
}
