//! Access to a cluster that somebody else runs: through its API server alone.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use super::{Forward, Target, Toolchain};

/// How long `kubectl port-forward` may take to find its pod.
const READY: Duration = Duration::from_secs(30);

/// A foreign cluster.
pub(crate) struct External {
    kubeconfig: PathBuf,
    registry: String,
    kubectl: PathBuf,
}

impl External {
    pub(crate) fn new(kubeconfig: &Path, registry: &str, toolchain: &Toolchain) -> Self {
        Self {
            kubeconfig: kubeconfig.to_owned(),
            registry: registry.trim_end_matches('/').to_owned(),
            kubectl: toolchain.kubectl(),
        }
    }

    pub(crate) fn registry(&self) -> &str {
        &self.registry
    }

    /// Starts `kubectl port-forward` to a Service or pod, on a port of its choice. It leads to one pod and
    /// ends with it.
    pub(crate) async fn forward(&self, target: &Target) -> Result<Forward> {
        let (namespace, resource, port) = match target {
            Target::Service {
                namespace,
                name,
                port,
            } => (namespace, format!("service/{name}"), port),
            Target::Pod {
                namespace,
                name,
                port,
            } => (namespace, format!("pod/{name}"), port),
            Target::Address(address) => {
                bail!("{address} belongs to a foreign cluster: forward a Service or a pod")
            }
        };
        let mut child = Command::new(&self.kubectl)
            .env("KUBECONFIG", &self.kubeconfig)
            .args([
                "port-forward",
                "--address",
                "127.0.0.1",
                "--namespace",
                namespace,
            ])
            .arg(&resource)
            .arg(format!(":{port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()
            .context("failed to start kubectl")?;
        let mut lines =
            BufReader::new(child.stdout.take().expect("standard output was asked for")).lines();
        let said = tokio::time::timeout(READY, lines.next_line())
            .await
            .with_context(|| {
                format!("kubectl found no ready pod behind {resource} in {namespace} in time")
            })??
            .unwrap_or_default();
        let local = local_port(&said).with_context(|| {
            format!("kubectl port-forward to {resource} in {namespace} said: {said}")
        })?;
        // It names every connection; nobody reading would make it stop.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(Forward::by_process(
            SocketAddr::from((Ipv4Addr::LOCALHOST, local)),
            child,
        ))
    }
}

fn local_port(line: &str) -> Option<u16> {
    let (_, rest) = line.split_once("Forwarding from 127.0.0.1:")?;
    rest.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chosen_port_is_read_from_what_kubectl_says() {
        assert_eq!(
            local_port("Forwarding from 127.0.0.1:41807 -> 8443"),
            Some(41807)
        );
        assert_eq!(local_port("error: unable to forward"), None);
    }
}
