//! Gathers everything that may explain a failure.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use kube::{Api, ResourceExt as _};

use super::{Cluster, command};

/// One kubectl call may take so long.
const PATIENCE: Duration = Duration::from_secs(20);

/// Lines of each container's log.
const LOG_LINES: &str = "--tail=2000";

/// Writes it all below `dir`.
pub(crate) async fn dump(cluster: &Cluster, dir: &Path) -> Result<()> {
    std::fs::create_dir_all(dir).with_context(|| format!("failed to create {}", dir.display()))?;
    let overviews: [(&str, &[&str]); 5] = [
        (
            "pods.txt",
            &["get", "pods", "--all-namespaces", "--output", "wide"],
        ),
        (
            "events.txt",
            &[
                "get",
                "events",
                "--all-namespaces",
                "--sort-by=.lastTimestamp",
            ],
        ),
        ("nodes.txt", &["describe", "nodes"]),
        // Not `all` of everything: Secrets stay where they are.
        (
            "objects.yaml",
            &[
                "get",
                "deployments,replicasets,services,configmaps,networkpolicies,jobs",
                "--all-namespaces",
                "--output",
                "yaml",
            ],
        ),
        (
            "reportapps.yaml",
            &[
                "get",
                "reportapps.reportapp.dev,secretrotations.reportapp.dev,incidentactions.reportapp.dev",
                "--all-namespaces",
                "--output",
                "yaml",
            ],
        ),
    ];
    for (file, arguments) in overviews {
        kubectl(cluster, arguments, &dir.join(file)).await?;
    }
    let listed = Api::<Pod>::all(cluster.client())
        .list(&ListParams::default())
        .await;
    for pod in listed.map(|list| list.items).unwrap_or_default() {
        let (namespace, name) = (pod.namespace().unwrap_or_default(), pod.name_any());
        let place = dir.join("pods").join(&namespace);
        std::fs::create_dir_all(&place)
            .with_context(|| format!("failed to create {}", place.display()))?;
        let target = ["--namespace", namespace.as_str()];
        let describe = [&target[..], &["describe", "pod", name.as_str()]].concat();
        kubectl(cluster, &describe, &place.join(format!("{name}.txt"))).await?;
        let logs = [
            &target[..],
            &[
                "logs",
                name.as_str(),
                "--all-containers",
                "--prefix",
                LOG_LINES,
            ],
        ]
        .concat();
        kubectl(cluster, &logs, &place.join(format!("{name}.log"))).await?;
        if restarted(&pod) {
            let previous = [&logs[..], &["--previous"]].concat();
            kubectl(
                cluster,
                &previous,
                &place.join(format!("{name}.previous.log")),
            )
            .await?;
        }
    }
    if let Some(logs) = cluster.log_dir() {
        copy_logs(&logs, &dir.join("node")).context("failed to copy the node's logs")?;
    }
    Ok(())
}

fn restarted(pod: &Pod) -> bool {
    let statuses = pod
        .status
        .as_ref()
        .and_then(|status| status.container_statuses.as_ref());
    statuses
        .into_iter()
        .flatten()
        .any(|container| container.restart_count > 0)
}

/// Writes what kubectl says, or why it could not say it.
async fn kubectl(cluster: &Cluster, arguments: &[&str], file: &Path) -> Result<()> {
    let mut kubectl = cluster.kubectl();
    let said = match tokio::time::timeout(PATIENCE, command::run(kubectl.args(arguments))).await {
        Ok(Ok(said)) => said,
        Ok(Err(error)) => format!("{error:#}\n"),
        Err(_) => format!("kubectl did not end within {} s\n", PATIENCE.as_secs()),
    };
    std::fs::write(file, said).with_context(|| format!("failed to write {}", file.display()))
}

/// The audit log is left out: it is large, and its place is known.
fn copy_logs(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)?.flatten() {
        let name = entry.file_name();
        if entry.path().is_file() && name != "audit.log" {
            std::fs::copy(entry.path(), to.join(name))?;
        }
    }
    Ok(())
}
