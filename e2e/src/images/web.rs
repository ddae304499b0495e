//! The web pages, built by npm in a copy of their sources: the clone stays as it is, also when
//! somebody works in it with packages of their own.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use tokio::process::Command;

use super::content;
use super::watch::watch;
use super::workshop::{Workshop, prune, repository};
use crate::progress::Progress;

/// Parts of the source folder that are made by npm.
const MADE: [&str; 2] = ["node_modules", "dist"];

/// Builds the pages unless their sources are unchanged. Gives the folder to serve.
pub(super) async fn build(workshop: &Workshop, progress: &Progress) -> Result<PathBuf> {
    let sources = repository().join("services/web");
    let hash = content::tree_hash(&sources, &MADE)?;
    let finished = workshop.web().join(format!("dist-{}", &hash[..12]));
    if finished.is_dir() {
        return Ok(finished);
    }
    let place = workshop.web().join("build");
    refresh(&sources, &place)?;
    install(&place, progress).await?;
    let step = progress.step("building the web pages");
    watch(npm(&place).args(["run", "build"]), &step)
        .await
        .context("the web pages cannot be built")?;
    prune(&workshop.web(), "dist-", 1)?;
    std::fs::rename(place.join("dist"), &finished)
        .with_context(|| format!("failed to create {}", finished.display()))?;
    step.done("");
    Ok(finished)
}

/// Makes `place` a copy of the sources; keeps the installed packages.
fn refresh(sources: &Path, place: &Path) -> Result<()> {
    std::fs::create_dir_all(place)
        .with_context(|| format!("failed to create {}", place.display()))?;
    for old in content::files(place, &["node_modules", STAMP])? {
        std::fs::remove_file(&old)
            .with_context(|| format!("failed to remove {}", old.display()))?;
    }
    for source in content::files(sources, &MADE)? {
        let copy = place.join(
            source
                .strip_prefix(sources)
                .expect("every file is below the folder"),
        );
        let folder = copy.parent().expect("a file has a folder");
        std::fs::create_dir_all(folder)
            .with_context(|| format!("failed to create {}", folder.display()))?;
        std::fs::copy(&source, &copy)
            .with_context(|| format!("failed to copy {}", source.display()))?;
    }
    Ok(())
}

/// Says which lock file the installed packages belong to.
const STAMP: &str = ".installed";

/// Installs the packages the lock file names, unless they are there.
async fn install(place: &Path, progress: &Progress) -> Result<()> {
    let wanted = content::file_hash(&place.join("package-lock.json"))?;
    let stamp = place.join(STAMP);
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    let step = progress.step("installing the packages of the web pages");
    watch(npm(place).args(["ci", "--no-audit", "--no-fund"]), &step)
        .await
        .context("npm ci failed: Node 20 or newer and a reachable npm registry are needed")?;
    std::fs::write(&stamp, wanted)
        .with_context(|| format!("failed to write {}", stamp.display()))?;
    step.done("");
    Ok(())
}

fn npm(place: &Path) -> Command {
    let mut npm = Command::new("npm");
    npm.current_dir(place).env("CI", "true");
    npm
}
