//! Brings finished images to a cluster, and lets the cluster remember which it has.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::{Patch, PatchParams};

use super::workshop::Workshop;
use super::{Set, archive};
use crate::cluster::Cluster;
use crate::progress::Progress;

/// The ConfigMap in which a cluster remembers the tags it has, by namespace and name; it lives exactly as
/// long as the images do.
pub(crate) const MEMORY: (&str, &str) = ("kube-system", "e2e-images");

/// Imports the images into the local node, or pushes them to the registry of a foreign cluster.
pub(super) async fn deliver(
    cluster: &Cluster,
    workshop: &Workshop,
    set: &Set,
    progress: &Progress,
) -> Result<()> {
    let (namespace, name) = MEMORY;
    let memory: Api<ConfigMap> = Api::namespaced(cluster.client(), namespace);
    let known = memory
        .get_opt(name)
        .await
        .context("failed to ask the cluster which images it has")?;
    let known = known.and_then(|known| known.data).unwrap_or_default();
    if known.get(set.name) == Some(&set.tag) {
        return Ok(());
    }
    if cluster.is_local() {
        let step = progress.step(format!(
            "importing the images of the {} into the node",
            set.name
        ));
        let archive = archive::ensure(workshop, set, cluster.registry()).await?;
        cluster.import_image(&archive).await?;
        step.done("");
    } else {
        let step = progress.step(format!(
            "pushing the images of the {} to {}",
            set.name,
            cluster.registry()
        ));
        for image in &set.images {
            let name = format!("{}/{}:{}", cluster.registry(), image.repository, set.tag);
            step.detail(name.clone());
            workshop.buildah().publish(&image.folder, &name).await?;
        }
        step.done("");
    }
    remember(&memory, set).await
}

async fn remember(memory: &Api<ConfigMap>, set: &Set) -> Result<()> {
    let patch = ConfigMap {
        metadata: kube::api::ObjectMeta {
            name: Some(MEMORY.1.to_owned()),
            ..Default::default()
        },
        data: Some(BTreeMap::from([(set.name.to_owned(), set.tag.clone())])),
        ..Default::default()
    };
    // One field manager per set, so that remembering one does not forget the other.
    let manager = PatchParams::apply(&format!("e2e-images-{}", set.name));
    memory
        .patch(MEMORY.1, &manager, &Patch::Apply(patch))
        .await
        .context("failed to note the imported images")?;
    Ok(())
}
