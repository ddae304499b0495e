//! What happens inside the box: the node boots and stays.
//!
//! [`init`] is the first process of the box's PID namespace and only reaps; [`run`] prepares
//! mounts and network, starts the components in the order they need each other, applies the
//! addons, reports `Ready` and from then on restarts whatever dies.

mod addons;
mod components;
mod configuration;
mod init;
mod mounts;
pub(crate) mod network;
pub(crate) mod report;
mod supervise;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tokio::process::Command;

use super::command;
use super::paths::Paths;
use super::toolchain::{Toolchain, rig_images};
use components::Components;
pub(crate) use components::NODE_NAME;
pub(crate) use init::init;
use report::{Event, report};
use supervise::Supervisor;

/// How long one part of the boot may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Boots the node of the cluster `name` and keeps it running for ever.
///
/// # Errors
/// When a part of it does not start. The owner has been told why then.
pub(crate) async fn run(name: &str, api_port: u16) -> Result<()> {
    let paths = Paths::new(name)?;
    let mut supervisor = Supervisor::new();
    match boot(&paths, api_port, &mut supervisor).await {
        Ok(()) => {
            report(&Event::Ready);
            supervisor.keep_running().await
        }
        Err(error) => {
            report(&Event::Failed(format!("{error:#}")));
            Err(error)
        }
    }
}

async fn boot(paths: &Paths, api_port: u16, supervisor: &mut Supervisor) -> Result<()> {
    let toolchain = Toolchain::locate()?;
    report(&Event::Step("preparing the node".to_owned()));
    mounts::prepare(paths).context("failed to give the cluster folders of its own")?;
    network::prepare()
        .await
        .context("failed to set up the cluster's network")?;
    configuration::write(paths, api_port).context("failed to write the cluster's configuration")?;
    let components = Components::new(paths, &toolchain);

    report(&Event::Step(
        "starting etcd, containerd and the API server".to_owned(),
    ));
    supervisor.start(components.etcd())?;
    supervisor.start(components.containerd())?;
    supervisor.start(components.api_server())?;
    let images = rig_images::archive(&toolchain);
    tokio::try_join!(
        async {
            supervisor
                .until("containerd answers", || {
                    containerd_answers(Path::new(components::CONTAINERD_SOCKET))
                })
                .await?;
            import(&images).await
        },
        supervisor.until("the API server answers", || api_answers(&toolchain, paths)),
    )?;

    report(&Event::Step("waiting for the node to be Ready".to_owned()));
    supervisor.start(components.controller_manager())?;
    supervisor.start(components.scheduler())?;
    supervisor.start(components.kubelet())?;
    supervisor.start(components.proxy())?;
    supervisor.start(components.policy())?;
    supervisor.start(components.volumes())?;
    addons::apply(&toolchain, paths)
        .await
        .context("failed to install the cluster's addons")?;
    supervisor
        .until("the node is Ready", || {
            addons::node_is_ready(&toolchain, paths)
        })
        .await?;

    report(&Event::Step("waiting for DNS".to_owned()));
    supervisor
        .until("DNS is available", || {
            addons::dns_is_available(&toolchain, paths)
        })
        .await
}

async fn containerd_answers(socket: &Path) -> bool {
    tokio::net::UnixStream::connect(socket).await.is_ok()
}

async fn api_answers(toolchain: &Toolchain, paths: &Paths) -> bool {
    // A refused connection is answered at once; kubectl itself would try again for seconds.
    if tokio::net::TcpStream::connect((network::NODE, network::API_PORT))
        .await
        .is_err()
    {
        return false;
    }
    let mut kubectl = addons::kubectl(toolchain, paths);
    command::run(kubectl.args(["get", "--raw", "/readyz"]))
        .await
        .is_ok()
}

async fn import(archive: &Path) -> Result<()> {
    let mut ctr = Command::new("ctr");
    ctr.args([
        "--address",
        components::CONTAINERD_SOCKET,
        "--namespace",
        "k8s.io",
        "images",
        "import",
    ])
    .arg(archive);
    command::run(&mut ctr)
        .await
        .context("failed to import the cluster's own images")
        .map(drop)
}

impl Supervisor {
    /// Waits until `check` holds; fails early when a component has died.
    async fn until<F, Fut>(&self, what: &str, check: F) -> Result<()>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = bool>,
    {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.check()?;
            if check().await {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!(
                    "gave up waiting until {what}, after {} s:\n{}",
                    PATIENCE.as_secs(),
                    self.logs()
                );
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}
