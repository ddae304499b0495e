//! The host's side of a running local cluster.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::OnceLock;

use anyhow::{Context as _, Result, bail};
use tokio::io::AsyncWriteExt as _;
use tokio::process::{ChildStdin, Command};

use super::dial::Dialer;
use super::keeper::control::{Answer, Request, ask};
use super::keeper::{RELEASE, State};
use super::paths::Paths;
use super::teardown;
use super::wards::Ward;
use super::{Running, command};

/// A running local cluster, as seen from outside.
pub(crate) struct BoxClient {
    paths: Paths,
    state: State,
    dialer: OnceLock<Dialer>,
    owned: Option<Owned>,
}

/// The keeper of a cluster that ends with this process. Dropping it closes the pipe, upon
/// which the keeper takes the cluster down.
pub(crate) struct Owned {
    pub(crate) keeper: Ward,
    pub(crate) lifeline: ChildStdin,
}

impl BoxClient {
    pub(crate) fn new(paths: Paths, state: State, owned: Option<Owned>) -> Self {
        Self {
            paths,
            state,
            dialer: OnceLock::new(),
            owned,
        }
    }

    /// Finds the running cluster `name`.
    pub(crate) async fn attach(name: &str) -> Result<Self> {
        let paths = Paths::new(name)?;
        let answer = ask(&paths.control_socket(), &Request::Hello)
            .await
            .with_context(|| {
                format!("no cluster named {name} runs: start it with `cargo e2e up --name {name}`")
            })?;
        match answer {
            Answer::Hello { state, .. } => Ok(Self::new(paths, state, None)),
            other => bail!("the cluster's keeper answered {other:?}"),
        }
    }

    pub(crate) fn paths(&self) -> &Paths {
        &self.paths
    }

    /// Opens connections inside the cluster's network.
    pub(crate) fn dialer(&self) -> Result<Dialer> {
        if let Some(dialer) = self.dialer.get() {
            return Ok(dialer.clone());
        }
        let dialer = Dialer::inside(&self.state.network())
            .context("failed to enter the cluster's network")?;
        Ok(self.dialer.get_or_init(|| dialer).clone())
    }

    pub(crate) async fn publish(&self, to: SocketAddr, port: u16) -> Result<SocketAddr> {
        match ask(&self.paths.control_socket(), &Request::Publish { to, port }).await? {
            Answer::Published(local) => Ok(local),
            other => bail!("the cluster's keeper answered {other:?}"),
        }
    }

    pub(crate) async fn running(&self) -> Result<Running> {
        match ask(&self.paths.control_socket(), &Request::Hello).await? {
            Answer::Hello { state, published } => Ok(Running {
                started: state.started,
                keeper: state.keeper,
                published,
            }),
            other => bail!("the cluster's keeper answered {other:?}"),
        }
    }

    pub(crate) async fn import_image(&self, archive: &Path) -> Result<()> {
        let mut ctr = Command::new("ctr");
        ctr.stderr(Stdio::piped())
            .arg("--address")
            .arg(self.paths.containerd_socket())
            .args([
                "--namespace",
                "k8s.io",
                "images",
                "import",
                "--digests=false",
            ])
            .arg(archive);
        command::run(&mut ctr)
            .await
            .with_context(|| format!("failed to import the images of {}", archive.display()))
            .map(drop)
    }

    /// Lets the cluster live on when this process ends.
    pub(crate) async fn release(&mut self) -> Result<()> {
        let Some(Owned {
            keeper,
            mut lifeline,
        }) = self.owned.take()
        else {
            return Ok(());
        };
        lifeline
            .write_all(format!("{RELEASE}\n").as_bytes())
            .await
            .context("the cluster's keeper is gone")?;
        keeper.release();
        Ok(())
    }

    pub(crate) async fn down(self) -> Result<()> {
        teardown::down(self.paths.name()).await?;
        if let Some(Owned { keeper, lifeline }) = self.owned {
            drop(lifeline);
            keeper.ended().await;
        }
        Ok(())
    }
}
