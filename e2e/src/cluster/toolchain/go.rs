//! Builds one group of Go programs into the cache.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use tokio::process::Command;

use super::UNFINISHED;
use super::versions::Group;
use crate::cluster::command;
use crate::progress::Progress;

/// Static programs that do not depend on where they were built.
const FLAGS: [&str; 2] = ["-trimpath", "-mod=readonly"];

/// Removes what killed builds left. The caller holds the lock of the tools folder.
pub(super) fn remove_unfinished(root: &Path) {
    for entry in std::fs::read_dir(root).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            // A leftover costs room, nothing else.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// The folder of the group's programs, named after everything that goes into them.
pub(super) fn folder(root: &Path, group: &Group) -> PathBuf {
    let programs: Vec<&str> = group
        .programs
        .iter()
        .map(|(_, package, _)| *package)
        .collect();
    let inputs = [
        group.module,
        group.version,
        group.go_mod,
        group.go_sum,
        group.tags,
        group.ldflags,
        &FLAGS.join(" "),
        &programs.join(" "),
    ];
    root.join(format!(
        "{}-{}-{}",
        group.name,
        group.version,
        command::short_hash(&inputs)
    ))
}

/// Whether the group is complete: its folder appears by one rename at the end of the build.
pub(super) fn is_built(root: &Path, group: &Group) -> bool {
    folder(root, group).is_dir()
}

/// Builds all programs of the group. The caller holds the lock of the tools folder.
pub(super) async fn build(root: &Path, group: &Group, progress: &Progress) -> Result<()> {
    check_go().await?;
    let place = tempfile::Builder::new()
        .prefix(UNFINISHED)
        .tempdir_in(root)
        .with_context(|| format!("failed to create a folder in {}", root.display()))?;
    std::fs::write(place.path().join("go.mod"), group.go_mod)?;
    std::fs::write(place.path().join("go.sum"), group.go_sum)?;
    let out = place.path().join("out");
    std::fs::create_dir(&out)?;

    let count = group.programs.len();
    for (position, (name, package, seconds)) in group.programs.iter().enumerate() {
        let position = position + 1;
        let step = progress.step(format!(
            "building {name} {} from source, {position} of {count}, about {seconds} s when cold",
            group.version
        ));
        let mut go = Command::new("go");
        go.current_dir(place.path())
            .env("CGO_ENABLED", "0")
            .env_remove("GOFLAGS")
            .arg("build")
            .args(FLAGS)
            .args(["-tags", group.tags, "-ldflags", group.ldflags, "-o"])
            .arg(out.join(name))
            .arg(package);
        command::run(&mut go).await.with_context(|| {
            format!(
                "failed to build {name}: check that the Go module proxy is reachable \
                 (`go env GOPROXY`) and that the disk has room"
            )
        })?;
        step.done("");
    }
    let target = folder(root, group);
    std::fs::rename(&out, &target).with_context(|| format!("failed to create {}", target.display()))
}

async fn check_go() -> Result<()> {
    let mut go = Command::new("go");
    command::run(go.arg("version")).await.context(
        "Go 1.25 or newer must be in PATH to build the cluster's programs: see https://go.dev/dl",
    )?;
    Ok(())
}
