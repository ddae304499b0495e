//! Where images are made: a folder of the cache that one command uses at a time.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::buildah::Buildah;
use crate::cluster::{Toolchain, paths};
use crate::progress::Progress;

/// What making images needs, with the reason shown to the user.
const PACKAGES: &[(&str, &str)] = &[
    ("buildah", "builds images from Dockerfiles"),
    ("debootstrap", "makes the base image"),
    ("ca-certificates", "fetches packages"),
];

/// The folder of images in the making, held until dropped.
pub(super) struct Workshop {
    root: PathBuf,
    buildah: Buildah,
    _lock: File,
}

impl Workshop {
    /// Installs what is missing and waits for other commands that make images.
    pub(super) async fn open(progress: &Progress) -> Result<Self> {
        Toolchain::debian_packages(PACKAGES, progress).await?;
        let root = paths::cache()?.join("images");
        for folder in ["built", "archives", "web"] {
            let folder = root.join(folder);
            std::fs::create_dir_all(&folder)
                .with_context(|| format!("failed to create {}", folder.display()))?;
        }
        let lock = lock(&root, progress).await?;
        let buildah = Buildah::open(&root).await?;
        Ok(Self {
            root,
            buildah,
            _lock: lock,
        })
    }

    pub(super) fn buildah(&self) -> &Buildah {
        &self.buildah
    }

    /// Folders of finished images, named `<repository>-<hash>`.
    pub(super) fn built(&self) -> PathBuf {
        self.root.join("built")
    }

    /// Archives of finished sets, named `<set>-<tag>.tar`.
    pub(super) fn archives(&self) -> PathBuf {
        self.root.join("archives")
    }

    /// Copies of the built web pages, named after the hash of their sources.
    pub(super) fn web(&self) -> PathBuf {
        self.root.join("web")
    }

    /// A folder on the same file system as everything else here, so that links and renames work.
    pub(super) fn temporary(&self) -> Result<tempfile::TempDir> {
        tempfile::Builder::new()
            .prefix(".making-")
            .tempdir_in(&self.root)
            .with_context(|| format!("failed to create a folder in {}", self.root.display()))
    }
}

/// The root of the clone this program was built from.
pub(super) fn repository() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Removes the entries of `folder` that begin with `prefix`, apart from the newest ones: nobody
/// goes back far, and images are large.
pub(super) fn prune(folder: &Path, prefix: &str, keep: usize) -> Result<()> {
    let mut found: Vec<_> = std::fs::read_dir(folder)
        .with_context(|| format!("failed to list {}", folder.display()))?
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    found.sort();
    let surplus = found.len().saturating_sub(keep);
    for (_, path) in found.drain(..surplus) {
        let removed = if path.is_dir() {
            std::fs::remove_dir_all(&path)
        } else {
            std::fs::remove_file(&path)
        };
        removed.with_context(|| format!("failed to remove {}", path.display()))?;
    }
    Ok(())
}

async fn lock(root: &Path, progress: &Progress) -> Result<File> {
    let path = root.join(".lock");
    let file =
        File::create(&path).with_context(|| format!("failed to create {}", path.display()))?;
    if file.try_lock().is_err() {
        progress.note("another command is building images; waiting for it");
        let waiting = file.try_clone()?;
        tokio::task::spawn_blocking(move || waiting.lock())
            .await?
            .context("failed to lock the images folder")?;
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pruning_keeps_the_newest_and_leaves_others_alone() {
        let folder = tempfile::tempdir().unwrap();
        for (name, seconds) in [("api-1", 1), ("api-2", 2), ("api-3", 3), ("bot-1", 0)] {
            let file = File::create(folder.path().join(name)).unwrap();
            file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds))
                .unwrap();
        }
        prune(folder.path(), "api-", 2).unwrap();
        let mut left: Vec<_> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|e| e.unwrap().file_name())
            .collect();
        left.sort();
        assert_eq!(left, ["api-2", "api-3", "bot-1"]);
    }
}
