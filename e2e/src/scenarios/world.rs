//! What scenarios share: the cluster, the demo application on it and the tools. Each is made when
//! a scenario first asks for it, so that `--tier unit` starts no cluster.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use tokio::process::Command;
use tokio::sync::OnceCell;

use super::guest::Guest;
use super::{TestArgs, Where};
use crate::cluster::{Cluster, Options, Toolchain};
use crate::demo::Demo;
use crate::images::programs;
use crate::progress::Progress;

/// Everything scenarios share.
pub struct World {
    args: TestArgs,
    progress: Progress,
    toolchain: OnceCell<Toolchain>,
    cluster: OnceCell<Running>,
    demo: OnceCell<Demo>,
}

struct Running {
    cluster: Cluster,
    /// Whether it ran before, so that it is left running.
    borrowed: bool,
    /// What was there, on a cluster of others.
    guest: Option<Guest>,
}

impl World {
    /// An empty world; nothing is started.
    pub fn new(args: &TestArgs) -> Self {
        Self {
            args: args.clone(),
            progress: Progress::new(),
            toolchain: OnceCell::new(),
            cluster: OnceCell::new(),
            demo: OnceCell::new(),
        }
    }

    /// The display of long steps.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// The pinned tools, built on first use.
    ///
    /// # Errors
    /// When a tool cannot be built.
    pub async fn toolchain(&self) -> Result<&Toolchain> {
        self.toolchain
            .get_or_try_init(|| Toolchain::ensure(&self.progress))
            .await
    }

    /// Compiles the programs of the workspace.
    ///
    /// # Errors
    /// When the workspace does not compile.
    pub async fn compile(&self) -> Result<()> {
        programs::ensure(&self.progress).await.map(drop)
    }

    /// The program `name` of the workspace, compiled on first use.
    ///
    /// # Errors
    /// When the workspace does not compile.
    pub async fn program(&self, name: &str) -> Result<PathBuf> {
        programs::ensure(&self.progress).await?.path(name)
    }

    /// This program, to be run as another process. It uses the programs there are: asking cargo again would wait for
    /// what is compiled beside.
    ///
    /// # Errors
    /// When the workspace does not compile.
    pub async fn itself(&self) -> Result<Command> {
        let operator = self.program("reportapp-operator").await?;
        let programs = operator.parent().context("a program is in a folder")?;
        let mut itself = Command::new(std::env::current_exe()?);
        itself.env(programs::PREBUILT, programs);
        Ok(itself)
    }

    /// The cluster, started on first use.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn cluster(&self) -> Result<&Cluster> {
        let running = self.cluster.get_or_try_init(|| self.start()).await?;
        Ok(&running.cluster)
    }

    async fn start(&self) -> Result<Running> {
        if self.args.cluster == Where::External {
            let kubeconfig = std::env::var_os("KUBECONFIG").map(PathBuf::from);
            let kubeconfig = kubeconfig.context("set KUBECONFIG to the cluster to test on")?;
            let registry = self
                .args
                .registry
                .as_deref()
                .context("--registry is missing")?;
            let cluster = Cluster::external(&kubeconfig, registry, &self.progress).await?;
            let guest = Guest::arrive(&cluster).await?;
            return Ok(Running {
                cluster,
                borrowed: true,
                guest: Some(guest),
            });
        }
        if let Ok(cluster) = Cluster::attach(&self.args.name).await {
            return Ok(Running {
                cluster,
                borrowed: true,
                guest: None,
            });
        }
        let options = Options {
            owned: !self.args.keep,
        };
        let cluster = Cluster::up(&self.args.name, options, &self.progress).await?;
        Ok(Running {
            cluster,
            borrowed: false,
            guest: None,
        })
    }

    /// The demo application, installed on first use.
    ///
    /// # Errors
    /// When it does not become Ready.
    pub async fn demo(&self) -> Result<&Demo> {
        let cluster = self.cluster().await?;
        self.demo
            .get_or_try_init(|| Demo::ensure(cluster, &self.progress))
            .await
    }

    /// Writes down what the cluster looks like; `false` when there is none.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub async fn dump(&self, folder: &Path) -> Result<bool> {
        let Some(running) = self.cluster.get() else {
            return Ok(false);
        };
        running.cluster.dump(folder).await?;
        Ok(true)
    }

    /// Ends what this run started, unless it shall stay; a cluster of others is left as it was.
    ///
    /// # Errors
    /// When something of the cluster could not be removed.
    pub async fn close(self, keep: bool) -> Result<()> {
        let Some(running) = self.cluster.into_inner().filter(|_| !keep) else {
            return Ok(());
        };
        match running.guest {
            Some(guest) => {
                let step = self.progress.step("removing what this run made");
                guest.leave(&running.cluster).await?;
                step.done("");
                Ok(())
            }
            None if running.borrowed => Ok(()),
            None => running.cluster.down().await,
        }
    }
}
