//! Several exported images as one OCI archive in which shared layers are stored once.
//!
//! An export (buildah's `dir:` format) is a manifest beside blobs named by their digest; an OCI
//! image layout is the same blobs in one folder with an index of manifests.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Value, json};
use tokio::process::Command;

use super::product::link;
use super::workshop::{Workshop, prune};
use super::{Image, Set};
use crate::cluster::command;

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// The archive of `set`, with images named for `registry`; made if it is not there yet.
pub(super) async fn ensure(workshop: &Workshop, set: &Set, registry: &str) -> Result<PathBuf> {
    let finished = workshop
        .archives()
        .join(format!("{}-{}.tar", set.name, set.tag));
    if finished.is_file() {
        return Ok(finished);
    }
    let place = workshop.temporary()?;
    let layout = place.path().join("layout");
    let blobs = layout.join("blobs/sha256");
    std::fs::create_dir_all(&blobs)?;
    let manifests: Vec<Value> = set
        .images
        .iter()
        .map(|image| add(image, set, registry, &blobs))
        .collect::<Result<_>>()?;
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests});
    std::fs::write(layout.join("index.json"), index.to_string())?;
    std::fs::write(
        layout.join("oci-layout"),
        r#"{"imageLayoutVersion":"1.0.0"}"#,
    )?;

    let archive = place.path().join("archive.tar");
    let mut tar = Command::new("tar");
    tar.arg("-C")
        .arg(&layout)
        .arg("-cf")
        .arg(&archive)
        .args(["oci-layout", "index.json", "blobs"]);
    command::run(&mut tar).await?;
    std::fs::rename(&archive, &finished)
        .with_context(|| format!("failed to create {}", finished.display()))?;
    prune(&workshop.archives(), &format!("{}-", set.name), 2)?;
    Ok(finished)
}

/// Adds an image's blobs to the layout; gives its entry of the index.
fn add(image: &Image, set: &Set, registry: &str, blobs: &Path) -> Result<Value> {
    let manifest = std::fs::read(image.folder.join("manifest.json"))
        .with_context(|| format!("{} is no exported image", image.folder.display()))?;
    let parsed: Value =
        serde_json::from_slice(&manifest).context("an exported image has a broken manifest")?;
    let layers = parsed["layers"].as_array().into_iter().flatten();
    for blob in layers.chain([&parsed["config"]]) {
        let name = blob["digest"]
            .as_str()
            .and_then(|digest| digest.strip_prefix("sha256:"));
        let name = name.context("an exported image has a blob without a digest")?;
        if !blobs.join(name).exists() {
            link(&image.folder.join(name), &blobs.join(name))?;
        }
    }
    let name = hex::encode(digest(&SHA256, &manifest));
    std::fs::write(blobs.join(&name), &manifest)?;
    Ok(json!({
        "mediaType": MANIFEST,
        "digest": format!("sha256:{name}"),
        "size": manifest.len(),
        "annotations": {
            "io.containerd.image.name": format!("{registry}/{}:{}", image.repository, set.tag),
        },
    }))
}
