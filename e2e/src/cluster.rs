//! A Kubernetes cluster to try things on: the local one of this crate, or any other.
//!
//! The local cluster is a *node in a box*: one process tree in network, mount and PID
//! namespaces of its own, so that ending its first process makes the kernel end every
//! other one and drop every mount. Three processes carry it:
//!
//! ```text
//! cargo e2e up ── keeper (host namespaces; owns the loopback listeners and the
//!                 │       control socket; cleans up; ends with its owner)
//!                 └─ init (first process of the box; reaps)
//!                     └─ node (boots and restarts etcd, API server, kubelet, …)
//! ```
//!
//! What the rest of the crate uses:
//!
//! | call | gives |
//! |---|---|
//! | [`Cluster::up`] | starts a cluster and waits until its node is Ready and DNS answers |
//! | [`Cluster::attach`] | a handle on one that runs already |
//! | [`Cluster::external`] | the same handle on any cluster, by kubeconfig |
//! | [`Cluster::client`], [`Cluster::kubeconfig`], [`Cluster::kubectl`] | administrator access from the host |
//! | [`Cluster::import_image`] | an image archive made known to the node (`imagePullPolicy: IfNotPresent`) |
//! | [`Cluster::connect`] | a TCP stream dialled inside the cluster's network |
//! | [`Cluster::forward`] | a loopback listener that lives as long as the returned [`Forward`] |
//! | [`Cluster::publish`] | a loopback listener that lives as long as the cluster |
//! | [`Cluster::audit_log`] | every API request, one JSON object per line |
//! | [`Cluster::dump`] | objects, events and logs of everything, for failure output |
//! | [`Cluster::down`], [`down`] | ends it and waits until nothing is left |
//! | [`Toolchain::helm`], [`Toolchain::vault_binary`], [`Toolchain::vault_kubernetes_login`] | the other pinned tools |
//!
//! Connections made through [`Cluster::connect`], [`Cluster::forward`] and
//! [`Cluster::publish`] come from the node itself, which NetworkPolicies never filter.

pub(crate) mod box_client;
pub(crate) mod certificates;
pub(crate) mod cgroup;
pub(crate) mod command;
pub(crate) mod dial;
pub(crate) mod dump;
pub(crate) mod external;
pub(crate) mod inventory;
pub(crate) mod keeper;
pub(crate) mod leak_check;
pub(crate) mod namespaces;
pub(crate) mod node;
pub(crate) mod paths;
pub(crate) mod policy;
pub(crate) mod self_check;
pub(crate) mod start;
pub(crate) mod teardown;
pub(crate) mod toolchain;
pub(crate) mod volumes;
pub(crate) mod wards;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use k8s_openapi::api::core::v1::{Pod, Service};
use kube::Api;
use kube::config::{KubeConfigOptions, Kubeconfig};
use tokio::net::TcpStream;
use tokio::process::Command;

pub use dial::Forward;
pub use inventory::{Inventory, Process, inventory, node_process, processes};
pub use leak_check::leak_check;
pub use self_check::self_check;
pub use teardown::down;
pub use toolchain::Toolchain;
pub use wards::settle;

use crate::progress::Progress;
use box_client::BoxClient;
use external::External;

/// The name used where none is given.
pub const DEFAULT_NAME: &str = "reportapp";

/// The registry part of image names that only exist on the local node.
pub const LOCAL_REGISTRY: &str = "reportapp.local";

/// How a local cluster is started.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Tie the cluster to this process: it goes away when the [`Cluster`] is dropped and
    /// also when this process is killed. Otherwise it runs until [`down`].
    pub owned: bool,
}

/// Something inside the cluster that can be dialled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// An address of the cluster's own network: a pod's, a Service's or the node's.
    /// Local clusters only.
    Address(SocketAddr),
    /// A port of a Service.
    Service {
        /// Namespace of the Service.
        namespace: String,
        /// Its name.
        name: String,
        /// The Service's port, not the pod's.
        port: u16,
    },
    /// A port of one pod.
    Pod {
        /// Namespace of the pod.
        namespace: String,
        /// Its name.
        name: String,
        /// The port.
        port: u16,
    },
}

impl Target {
    /// The Service `namespace/name` at `port`.
    pub fn service(namespace: impl Into<String>, name: impl Into<String>, port: u16) -> Self {
        Self::Service {
            namespace: namespace.into(),
            name: name.into(),
            port,
        }
    }
}

impl Target {
    /// The pod `namespace/name` at `port`.
    pub fn pod(namespace: impl Into<String>, name: impl Into<String>, port: u16) -> Self {
        Self::Pod {
            namespace: namespace.into(),
            name: name.into(),
            port,
        }
    }
}

impl From<SocketAddr> for Target {
    fn from(address: SocketAddr) -> Self {
        Self::Address(address)
    }
}

/// A local cluster as its keeper sees it.
#[derive(Debug, Clone)]
pub struct Running {
    /// When it was started.
    pub started: jiff::Timestamp,
    /// The keeper's process.
    pub keeper: i32,
    /// Loopback listeners and where in the cluster they lead.
    pub published: Vec<(SocketAddr, SocketAddr)>,
}

/// A handle on a running cluster. See the module's header.
pub struct Cluster {
    name: String,
    kubeconfig: PathBuf,
    client: kube::Client,
    toolchain: Toolchain,
    access: Access,
}

enum Access {
    Local(BoxClient),
    External(External),
}

impl Cluster {
    /// Builds what is missing, starts the cluster `name` and waits until its node is Ready
    /// and its DNS answers. What an earlier cluster of that name left is cleared first.
    ///
    /// # Errors
    /// When the machine lacks something (the message says what to do), when a cluster of
    /// that name runs already, or when a part of it fails to start (with the end of its log).
    /// Nothing is left behind then.
    pub async fn up(name: &str, options: Options, progress: &Progress) -> Result<Self> {
        let toolchain = Toolchain::ensure(progress).await?;
        let client = start::start(name, options, progress).await?;
        Self::over(name, toolchain, client).await
    }

    /// A handle on the local cluster `name`, started by another process.
    ///
    /// # Errors
    /// When no such cluster runs.
    pub async fn attach(name: &str) -> Result<Self> {
        let client = BoxClient::attach(name).await?;
        Self::over(name, Toolchain::locate()?, client).await
    }

    async fn over(name: &str, toolchain: Toolchain, access: BoxClient) -> Result<Self> {
        let kubeconfig = access.paths().kubeconfig();
        let client = kube_client(&kubeconfig).await?;
        let access = Access::Local(access);
        Ok(Self {
            name: name.to_owned(),
            kubeconfig,
            client,
            toolchain,
            access,
        })
    }

    /// A handle on any cluster: `kubeconfig` must give cluster-admin, `registry` is where its
    /// nodes can pull from and this machine can push to.
    ///
    /// # Errors
    /// When the kubeconfig cannot be used.
    pub async fn external(kubeconfig: &Path, registry: &str, progress: &Progress) -> Result<Self> {
        let toolchain = Toolchain::ensure_clients(progress).await?;
        let client = kube_client(kubeconfig).await?;
        let access = External::new(kubeconfig, registry, &toolchain);
        Ok(Self {
            name: "external".to_owned(),
            kubeconfig: kubeconfig.to_owned(),
            client,
            toolchain,
            access: Access::External(access),
        })
    }

    /// The cluster's name; `external` for a foreign one.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A client with administrator rights.
    pub fn client(&self) -> kube::Client {
        self.client.clone()
    }

    /// A kubeconfig with administrator rights that works from the host.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// `kubectl`, pointed at this cluster.
    pub fn kubectl(&self) -> Command {
        let mut command = Command::new(self.toolchain.kubectl());
        command.env("KUBECONFIG", &self.kubeconfig);
        command
    }

    /// Makes the cluster's objects look like these YAML documents.
    ///
    /// # Errors
    /// What the API server says when it refuses one.
    pub async fn apply(&self, manifest: &str) -> Result<()> {
        command::apply(&mut self.kubectl(), manifest).await
    }

    /// `helm`, pointed at this cluster.
    pub fn helm(&self) -> Command {
        let mut command = Command::new(self.toolchain.helm());
        command.env("KUBECONFIG", &self.kubeconfig);
        command
    }

    /// The pinned tools.
    pub fn toolchain(&self) -> &Toolchain {
        &self.toolchain
    }

    /// The registry part of the names under which the nodes know our images.
    pub fn registry(&self) -> &str {
        match &self.access {
            Access::Local(_) => LOCAL_REGISTRY,
            Access::External(external) => external.registry(),
        }
    }

    /// Lets a cluster that is tied to this process live on when it ends; others do anyway.
    ///
    /// # Errors
    /// When the cluster is gone.
    pub async fn release(&mut self) -> Result<()> {
        match &mut self.access {
            Access::Local(local) => local.release().await,
            Access::External(_) => Ok(()),
        }
    }

    /// Whether this is the local cluster, whose images are imported and not pushed.
    pub fn is_local(&self) -> bool {
        matches!(self.access, Access::Local(_))
    }

    /// Makes the images of an OCI or docker archive known to the node.
    ///
    /// # Errors
    /// When the archive cannot be read, or on a foreign cluster (push to its registry).
    pub async fn import_image(&self, archive: &Path) -> Result<()> {
        match &self.access {
            Access::Local(local) => local.import_image(archive).await,
            Access::External(external) => {
                bail!(
                    "push the image to {} instead of importing it",
                    external.registry()
                )
            }
        }
    }

    /// Opens a TCP connection from inside the cluster's network.
    ///
    /// # Errors
    /// When it is refused or unreachable, or on a foreign cluster.
    pub async fn connect(&self, address: SocketAddr) -> Result<TcpStream> {
        match &self.access {
            Access::Local(local) => local
                .dialer()?
                .connect(address)
                .await
                .context("failed to dial"),
            Access::External(_) => {
                bail!("a foreign cluster's addresses cannot be dialled: forward a Service")
            }
        }
    }

    /// Listens on a free loopback port and passes each connection to `target`, until the
    /// returned value is dropped.
    ///
    /// # Errors
    /// When the Service or pod does not exist or has no address, or for an address of a foreign cluster.
    pub async fn forward(&self, target: impl Into<Target>) -> Result<Forward> {
        match (&self.access, target.into()) {
            (Access::Local(local), target) => {
                let address = self.resolve(target).await?;
                Forward::start(local.dialer()?, address)
                    .await
                    .context("failed to listen on the loopback")
            }
            (Access::External(external), target) => external.forward(&target).await,
        }
    }

    /// Like [`Cluster::forward`], but the listener belongs to the cluster and outlives this
    /// process. `port` 0 takes a free one. Asking again for the same target gives the same
    /// listener.
    ///
    /// # Errors
    /// When the port is taken, the Service does not exist, or on a foreign cluster.
    pub async fn publish(&self, target: impl Into<Target>, port: u16) -> Result<SocketAddr> {
        let Access::Local(local) = &self.access else {
            bail!("a foreign cluster keeps no listeners here: use kubectl port-forward");
        };
        let address = self.resolve(target.into()).await?;
        local.publish(address, port).await
    }

    async fn resolve(&self, target: Target) -> Result<SocketAddr> {
        let (what, ip, port) = match target {
            Target::Address(address) => return Ok(address),
            Target::Service {
                namespace,
                name,
                port,
            } => {
                let what = format!("the Service {namespace}/{name}");
                let all = Api::<Service>::namespaced(self.client(), &namespace);
                let found = all.get(&name).await;
                let found = found.with_context(|| format!("failed to look up {what}"))?;
                (what, found.spec.and_then(|spec| spec.cluster_ip), port)
            }
            Target::Pod {
                namespace,
                name,
                port,
            } => {
                let what = format!("the pod {namespace}/{name}");
                let all = Api::<Pod>::namespaced(self.client(), &namespace);
                let found = all.get(&name).await;
                let found = found.with_context(|| format!("failed to look up {what}"))?;
                (what, found.status.and_then(|status| status.pod_ip), port)
            }
        };
        let ip = ip.unwrap_or_default().parse();
        let ip = ip.with_context(|| format!("{what} has no address of its own"))?;
        Ok(SocketAddr::new(ip, port))
    }

    /// The API server's audit log: one JSON object per request, level `Metadata`.
    /// A foreign cluster has none for us.
    pub fn audit_log(&self) -> Option<PathBuf> {
        match &self.access {
            Access::Local(local) => Some(local.paths().audit_log()),
            Access::External(_) => None,
        }
    }

    /// Where the local node's own logs are (`kubelet.log`, `kube-apiserver.log`, …).
    pub fn log_dir(&self) -> Option<PathBuf> {
        match &self.access {
            Access::Local(local) => Some(local.paths().log_dir()),
            Access::External(_) => None,
        }
    }

    /// Writes objects, events, descriptions and container logs of the whole cluster below
    /// `dir`, for failure output. Gathers what it can: a part that fails is named in its file.
    /// Secrets are not read.
    ///
    /// # Errors
    /// When `dir` cannot be written.
    pub async fn dump(&self, dir: &Path) -> Result<()> {
        dump::dump(self, dir).await
    }

    /// What the keeper of a local cluster knows.
    ///
    /// # Errors
    /// When it does not answer, or on a foreign cluster.
    pub async fn running(&self) -> Result<Running> {
        match &self.access {
            Access::Local(local) => local.running().await,
            Access::External(_) => bail!("a foreign cluster has no keeper here"),
        }
    }

    /// Ends a local cluster and waits until nothing of it is left; leaves a foreign one alone.
    ///
    /// # Errors
    /// When something of it could not be removed.
    pub async fn down(self) -> Result<()> {
        match self.access {
            Access::Local(local) => local.down().await,
            Access::External(_) => Ok(()),
        }
    }
}

async fn kube_client(kubeconfig: &Path) -> Result<kube::Client> {
    let config = Kubeconfig::read_from(kubeconfig)
        .with_context(|| format!("failed to read {}", kubeconfig.display()))?;
    let config = kube::Config::from_custom_kubeconfig(config, &KubeConfigOptions::default())
        .await
        .with_context(|| format!("{} names no usable cluster", kubeconfig.display()))?;
    kube::Client::try_from(config).context("failed to set up the Kubernetes client")
}
