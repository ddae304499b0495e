//! buildah with a store of its own in the cache: the machine's images stay untouched.
//!
//! Each call runs in a mount namespace of its own, so that nothing it mounts can outlive it.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use tokio::process::Command;

use super::watch::watch;
use crate::cluster::command;
use crate::progress::Step;

/// The store and the driver that works on this file system.
pub(super) struct Buildah {
    store: PathBuf,
    driver: &'static str,
}

/// One image to build.
pub(super) struct Recipe<'a> {
    /// Name of the result in the store.
    pub(super) name: &'a str,
    pub(super) dockerfile: &'a Path,
    pub(super) context: &'a Path,
    /// Value of the argument `BASE`; absent for an image from scratch.
    pub(super) base: Option<&'a str>,
}

impl Buildah {
    /// Opens the store below `root`. Overlay is far quicker; vfs works everywhere.
    pub(super) async fn open(root: &Path) -> Result<Self> {
        let overlay = Self {
            store: root.join("store"),
            driver: "overlay",
        };
        if command::run(overlay.command("images").arg("--quiet"))
            .await
            .is_ok()
        {
            return Ok(overlay);
        }
        let vfs = Self {
            store: root.join("store-vfs"),
            driver: "vfs",
        };
        command::run(vfs.command("images").arg("--quiet"))
            .await
            .context("buildah can use neither of its storage drivers here")?;
        Ok(vfs)
    }

    /// Whether the store has the image.
    pub(super) async fn has(&self, name: &str) -> Result<bool> {
        let mut images = self.command("images");
        images
            .args(["--quiet", "--filter"])
            .arg(format!("reference={name}"));
        Ok(!command::run(&mut images).await?.trim().is_empty())
    }

    /// Builds an image. The same content gives the same layers, whenever it is built.
    pub(super) async fn build(&self, recipe: &Recipe<'_>, step: &Step) -> Result<()> {
        let mut build = self.command("build");
        build.args([
            "--isolation",
            "chroot",
            "--pull-never",
            "--timestamp",
            "0",
            "--tag",
            recipe.name,
        ]);
        if let Some(base) = recipe.base {
            build.arg("--build-arg").arg(format!("BASE={base}"));
        }
        build
            .arg("--file")
            .arg(recipe.dockerfile)
            .arg(recipe.context);
        watch(&mut build, step)
            .await
            .with_context(|| format!("failed to build the image {}", recipe.name))
    }

    /// Writes the image's blobs, uncompressed, into `folder`, which must not exist.
    pub(super) async fn export(&self, name: &str, folder: &Path) -> Result<()> {
        let mut push = self.command("push");
        push.args(["--quiet", "--disable-compression", name])
            .arg(format!("dir:{}", folder.display()));
        command::run(&mut push).await.map(drop)
    }

    /// Sends an exported image to a registry.
    pub(super) async fn publish(&self, folder: &Path, name: &str) -> Result<()> {
        let mut pull = self.command("pull");
        pull.arg("--quiet").arg(format!("dir:{}", folder.display()));
        let id = command::run(&mut pull).await?;
        let mut push = self.command("push");
        push.arg("--quiet");
        if is_on_loopback(name) {
            push.arg("--tls-verify=false");
        }
        push.arg(id.trim()).arg(format!("docker://{name}"));
        command::run(&mut push)
            .await
            .with_context(|| format!("failed to push {name}: log in first with `buildah login`"))?;
        self.remove(id.trim()).await
    }

    /// Forgets an image.
    pub(super) async fn remove(&self, name: &str) -> Result<()> {
        command::run(self.command("rmi").args(["--force", name]))
            .await
            .map(drop)
    }

    fn command(&self, verb: &str) -> Command {
        let mut command = Command::new("unshare");
        command.args([
            "--mount",
            "--propagation",
            "private",
            "buildah",
            "--storage-driver",
            self.driver,
        ]);
        command
            .arg("--root")
            .arg(&self.store)
            .arg("--runroot")
            .arg(self.store.with_extension("run"))
            .arg(verb);
        command
    }
}

/// Whether an image goes to a registry on this machine's loopback. Such a registry has no certificate,
/// and container runtimes do not ask it for one either.
fn is_on_loopback(image: &str) -> bool {
    let registry = image.split('/').next().unwrap_or_default();
    let host = match registry.rsplit_once(':') {
        Some((host, port)) if port.parse::<u16>().is_ok() => host,
        _ => registry,
    };
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_registry_on_the_loopback_is_spoken_to_without_tls() {
        for image in [
            "localhost/a:1",
            "localhost:5000/a/b:1",
            "127.0.0.1:5000/a:1",
            "[::1]:5000/a:1",
        ] {
            assert!(is_on_loopback(image), "{image}");
        }
        for image in [
            "registry.example.com/a:1",
            "localhost.example.com:5000/a:1",
            "10.0.0.1:5000/a:1",
            "127.example.com/a:1",
        ] {
            assert!(!is_on_loopback(image), "{image}");
        }
    }
}
