//! The base of all images: a minimal Debian made by debootstrap, in place of a registry's.
//!
//! It is the Debian this rig is made for, so the programs compiled here find the C library they
//! were linked with.

use std::path::Path;

use anyhow::{Context as _, Result};
use tokio::process::Command;

use super::buildah::Recipe;
use super::watch::watch;
use super::workshop::Workshop;
use crate::cluster::command;
use crate::progress::Progress;

const SUITE: &str = "bookworm";
/// Packages beyond Debian's minimum.
const INCLUDE: &str = "ca-certificates";
/// Documents and translations: half of the image, read by nobody in a container.
const LEFT_OUT: [&str; 8] = [
    "./dev/*",
    "./usr/share/doc/*",
    "./usr/share/man/*",
    "./usr/share/locale/*",
    "./usr/share/info/*",
    "./var/cache/apt/*",
    "./var/lib/apt/lists/*",
    "./var/log/*",
];
const DOCKERFILE: &str = "FROM scratch\nADD base.tar /\nCMD [\"/bin/sh\"]\n";

/// The name of the base image in buildah's store; made if it is not there yet.
pub(super) async fn ensure(workshop: &Workshop, progress: &Progress) -> Result<String> {
    let hash = command::short_hash(&[SUITE, INCLUDE, &LEFT_OUT.join(" "), DOCKERFILE]);
    let name = format!("localhost/reportapp-base:{SUITE}-{hash}");
    if workshop.buildah().has(&name).await? {
        return Ok(name);
    }
    let step = progress.step(format!(
        "making the base image from Debian {SUITE}, about 40 s"
    ));
    let place = workshop.temporary()?;
    let root = place.path().join("root");
    let mut debootstrap = Command::new("debootstrap");
    debootstrap
        .args(["--variant=minbase", &format!("--include={INCLUDE}"), SUITE])
        .arg(&root);
    watch(&mut debootstrap, &step)
        .await
        .context("debootstrap failed: root rights and a reachable Debian mirror are needed")?;

    let context = place.path().join("context");
    std::fs::create_dir_all(&context)?;
    pack(&root, &context.join("base.tar")).await?;
    let dockerfile = place.path().join("Dockerfile");
    std::fs::write(&dockerfile, DOCKERFILE)?;
    let recipe = Recipe {
        name: &name,
        dockerfile: &dockerfile,
        context: &context,
        base: None,
    };
    workshop.buildah().build(&recipe, &step).await?;
    step.done("");
    Ok(name)
}

async fn pack(root: &Path, archive: &Path) -> Result<()> {
    let mut tar = Command::new("tar");
    tar.args(["--sort=name", "--numeric-owner", "--wildcards"]);
    tar.args(
        LEFT_OUT
            .iter()
            .map(|pattern| format!("--exclude={pattern}")),
    );
    tar.arg("-C").arg(root).arg("-cf").arg(archive).arg(".");
    command::run(&mut tar).await.map(drop)
}
