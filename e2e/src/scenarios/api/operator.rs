//! The operator as a child process, logged in as a ServiceAccount that has the chart's rights.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

use crate::cluster::Cluster;
use crate::scenarios::metrics;

/// A running operator; killed when dropped.
pub struct Operator {
    child: Child,
    health: SocketAddr,
    log: PathBuf,
}

/// How to start one.
pub struct Start<'a> {
    /// Namespace it runs in and watches.
    pub namespace: &'a str,
    /// Its identity in the Lease.
    pub identity: &'a str,
    /// The compiled operator.
    pub program: &'a Path,
    /// Kubeconfig with the rights to use.
    pub kubeconfig: &'a Path,
    /// Further arguments.
    pub arguments: &'a [&'a str],
}

impl Operator {
    /// Starts one; does not wait for it.
    ///
    /// # Errors
    /// When it cannot be started or its log cannot be written.
    pub async fn start(start: Start<'_>) -> Result<Self> {
        let health = free_port().await?;
        let folder = PathBuf::from("target/e2e/operators");
        std::fs::create_dir_all(&folder)?;
        let log = folder.join(format!("{}-{}.log", start.namespace, start.identity));
        let output = std::fs::File::create(&log)?;
        let child = Command::new(start.program)
            .arg("run")
            .arg(format!("--namespaces={}", start.namespace))
            .args([
                "--lease-name=reportapp-operator",
                "--log-format=json",
                "--log-level=info,reportapp_operator=debug",
            ])
            .arg(format!("--health-address={health}"))
            .args(start.arguments)
            .env("KUBECONFIG", start.kubeconfig)
            .env("POD_NAMESPACE", start.namespace)
            .env("POD_NAME", start.identity)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .kill_on_drop(true)
            .spawn()
            .context("failed to start reportapp-operator")?;
        Ok(Self { child, health, log })
    }

    /// What it wrote to its log so far.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn log(&self) -> Result<String> {
        std::fs::read_to_string(&self.log)
            .with_context(|| format!("failed to read {}", self.log.display()))
    }

    /// The answer of a path of the health port: status and body.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn get(&self, path: &str) -> Result<(u16, String)> {
        let response = reqwest::get(format!("http://{}{path}", self.health)).await?;
        let status = response.status().as_u16();
        Ok((status, response.text().await?))
    }

    /// The sum of a metric over its labels; 0 when it was never counted.
    ///
    /// # Errors
    /// When the operator does not answer.
    pub async fn metric(&self, name: &str) -> Result<f64> {
        let (_, page) = self.get("/metrics").await?;
        Ok(metrics::sum(&page, name))
    }

    /// How often it looked at a ReportApp.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn reconciles(&self) -> Result<f64> {
        self.metric(metrics::RECONCILES).await
    }

    /// Asks it to end and waits until it has.
    ///
    /// # Errors
    /// When it does not end within 20 s.
    pub async fn stop(mut self) -> Result<()> {
        let id = self.child.id().context("the operator ended by itself")?;
        let id = nix::unistd::Pid::from_raw(i32::try_from(id)?);
        nix::sys::signal::kill(id, nix::sys::signal::Signal::SIGTERM)?;
        match tokio::time::timeout(Duration::from_secs(20), self.child.wait()).await {
            Ok(status) => drop(status?),
            Err(_) => bail!("the operator did not end within 20 s of SIGTERM"),
        }
        Ok(())
    }

    /// Kills it without warning.
    ///
    /// # Errors
    /// When it had ended already.
    pub async fn kill(mut self) -> Result<()> {
        self.child
            .kill()
            .await
            .context("failed to kill the operator")
    }
}

async fn free_port() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0").await?.local_addr()?)
}

/// Writes a kubeconfig that logs in with `token` where `cluster` is.
///
/// # Errors
/// When the cluster's own kubeconfig cannot be read or the file cannot be written.
pub fn write_kubeconfig(cluster: &Cluster, token: &str, path: &Path) -> Result<()> {
    let text = std::fs::read_to_string(cluster.kubeconfig())?;
    let mut config: serde_json::Value = serde_yaml_ng::from_str(&text)?;
    for user in config["users"]
        .as_array_mut()
        .context("the kubeconfig has no users")?
    {
        user["user"] = serde_json::json!({ "token": token });
    }
    std::fs::write(path, serde_yaml_ng::to_string(&config)?)?;
    Ok(())
}
