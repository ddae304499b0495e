//! The images the cluster itself needs, made without a registry: `pause`, which holds a pod's
//! namespaces, CoreDNS, and `probe`, which tries the network in tests. Each has one layer with
//! one static program; all are in one archive.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::json;
use tokio::process::Command;

use super::Toolchain;
use super::versions::COREDNS;
use crate::cluster::{LOCAL_REGISTRY, command};
use crate::progress::Progress;

/// Holds the namespaces of a pod and collects what its containers leave behind.
const PAUSE_SOURCE: &str = include_str!("pause.c");

/// Opens and accepts connections from inside pods.
const PROBE_SOURCE: &str = include_str!("probe.c");

/// The archive with both images, named after what it is made of.
pub(crate) fn archive(toolchain: &Toolchain) -> PathBuf {
    let coredns = toolchain.coredns();
    let hash = command::short_hash(&[
        PAUSE_SOURCE,
        PROBE_SOURCE,
        &coredns.to_string_lossy(),
        LOCAL_REGISTRY,
    ]);
    toolchain.root().join(format!("rig-images-{hash}.tar"))
}

/// The name of the `pause` image.
pub(crate) fn pause_image() -> String {
    format!("{LOCAL_REGISTRY}/pause:1")
}

/// The name of the `probe` image.
pub(crate) fn probe_image() -> String {
    format!("{LOCAL_REGISTRY}/probe:1")
}

/// The name of the CoreDNS image.
pub(crate) fn coredns_image() -> String {
    format!("{LOCAL_REGISTRY}/coredns:{}", COREDNS.version)
}

/// Makes the archive if it is not in the cache yet.
pub(super) async fn ensure(toolchain: &Toolchain, progress: &Progress) -> Result<()> {
    let target = archive(toolchain);
    if target.is_file() {
        return Ok(());
    }
    let step = progress.step("making the images of pause, probe and CoreDNS");
    let place = tempfile::Builder::new()
        .prefix(".images-")
        .tempdir_in(toolchain.root())?;
    let place = place.path();

    compile(place, "pause", PAUSE_SOURCE).await?;
    compile(place, "probe", PROBE_SOURCE).await?;
    std::fs::create_dir_all(place.join("coredns-root"))?;
    std::fs::copy(toolchain.coredns(), place.join("coredns-root/coredns"))?;

    let images = place.join("images");
    std::fs::create_dir_all(&images)?;
    let manifest = json!([
        image(place, &images, "pause", &pause_image()).await?,
        image(place, &images, "probe", &probe_image()).await?,
        image(place, &images, "coredns", &coredns_image()).await?,
    ]);
    std::fs::write(images.join("manifest.json"), manifest.to_string())?;
    let finished = place.join("images.tar");
    pack(&images, &finished).await?;
    std::fs::rename(&finished, &target)
        .with_context(|| format!("failed to create {}", target.display()))?;
    step.done("");
    Ok(())
}

/// Compiles a static program into its image's root folder.
async fn compile(place: &Path, program: &str, source: &str) -> Result<()> {
    let root = place.join(format!("{program}-root"));
    let file = place.join(format!("{program}.c"));
    std::fs::create_dir_all(&root)?;
    std::fs::write(&file, source)?;
    let mut cc = Command::new("cc");
    cc.args(["-static", "-Os", "-s", "-o"])
        .arg(root.join(program))
        .arg(file);
    command::run(&mut cc)
        .await
        .with_context(|| format!("failed to compile {program}: it needs gcc and libc6-dev"))
        .map(drop)
}

/// Writes layer and configuration of one image into `images`; gives its manifest entry.
async fn image(
    place: &Path,
    images: &Path,
    program: &str,
    name: &str,
) -> Result<serde_json::Value> {
    let layer = images.join(format!("{program}-layer.tar"));
    pack(&place.join(format!("{program}-root")), &layer).await?;
    let mut sum = Command::new("sha256sum");
    let digest = command::run(sum.arg(&layer)).await?;
    let digest = digest.split_whitespace().next().unwrap_or_default();
    let config = json!({
        "architecture": std::env::consts::ARCH.replace("x86_64", "amd64").replace("aarch64", "arm64"),
        "os": "linux",
        "config": {"Entrypoint": [format!("/{program}")]},
        "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{digest}")]},
    });
    std::fs::write(images.join(format!("{program}.json")), config.to_string())?;
    Ok(json!({
        "Config": format!("{program}.json"),
        "RepoTags": [name],
        "Layers": [format!("{program}-layer.tar")],
    }))
}

/// Packs the content of a folder so that the same content gives the same bytes.
async fn pack(folder: &Path, archive: &Path) -> Result<()> {
    let mut tar = Command::new("tar");
    tar.args([
        "--sort=name",
        "--mtime=@0",
        "--owner=0",
        "--group=0",
        "--numeric-owner",
        "-C",
    ])
    .arg(folder)
    .arg("-cf")
    .arg(archive)
    .arg(".");
    command::run(&mut tar).await.map(drop)
}
