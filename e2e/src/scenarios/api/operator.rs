//! The operator as a child process, logged in as a ServiceAccount that has the chart's rights.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
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
    /// Starts one and waits until its health port is bound, which is all it waits for.
    ///
    /// # Errors
    /// When it cannot be started, its log cannot be written, or it ends before the port is bound.
    pub async fn start(start: Start<'_>) -> Result<Self> {
        let folder = PathBuf::from("target/e2e/operators");
        std::fs::create_dir_all(&folder)?;
        let log = folder.join(format!("{}-{}.log", start.namespace, start.identity));
        let output = std::fs::File::create(&log)?;
        let mut child = Command::new(start.program)
            .arg("run")
            .arg(format!("--namespaces={}", start.namespace))
            .args([
                "--lease-name=reportapp-operator",
                "--log-format=json",
                "--log-level=info,reportapp_operator=debug",
            ])
            // The system chooses the port: one found free before could be taken by the time it is bound.
            .arg("--health-address=127.0.0.1:0")
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
        let health = tokio::select! {
            health = health_address(&log) => health?,
            status = child.wait() => {
                let said = std::fs::read_to_string(&log)?;
                bail!("the operator ended at once, {}: {said}", status?);
            }
        };
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
        let response = reqwest::get(format!("http://{}{path}", self.health)).await;
        let response = response.with_context(|| {
            let log = self.log().unwrap_or_default();
            format!(
                "its log ends with: {}",
                log.lines().last().unwrap_or("nothing")
            )
        })?;
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

/// Where the operator that writes this log answers, once it has said so.
async fn health_address(log: &Path) -> Result<SocketAddr> {
    let said = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(20));
        loop {
            ticks.tick().await;
            let text = std::fs::read_to_string(log)?;
            let mut lines = text.lines().filter_map(bound_address);
            if let Some(address) = lines.next() {
                return anyhow::Ok(address);
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), said)
        .await
        .context("the operator bound no health port within 30 s")?
}

/// The address in a line of the log, if it is the line that names it.
fn bound_address(line: &str) -> Option<SocketAddr> {
    let line: serde_json::Value = serde_json::from_str(line).ok()?;
    if line["message"] != "health port bound" {
        return None;
    }
    line["address"].as_str()?.parse().ok()
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
