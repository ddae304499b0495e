//! `status`: what runs, at a glance.

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::api::ListParams;
use kube::{Api, ResourceExt as _};

use super::say;
use crate::cluster::paths::known_clusters;
use crate::cluster::{Cluster, Process, processes};

#[derive(Debug, Args)]
pub(super) struct Status {
    /// Only this cluster.
    #[arg(long)]
    name: Option<String>,
}

impl Status {
    pub(super) async fn run(self) -> Result<ExitCode> {
        let names = self.name.map_or_else(known_clusters, |name| vec![name]);
        if names.is_empty() {
            say("No cluster runs. Start one with `cargo e2e up`.");
        }
        for name in names {
            let text = match Cluster::attach(&name).await {
                Ok(cluster) => describe(&cluster).await?,
                Err(error) => format!(
                    "{name}: dead ({}); `cargo e2e down --name {name}` clears what it left",
                    error.root_cause()
                ),
            };
            say(&text);
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn describe(cluster: &Cluster) -> Result<String> {
    let mut out = String::new();
    let running = cluster.running().await?;
    let age = jiff::Timestamp::now()
        .duration_since(running.started)
        .as_secs();
    let _ = writeln!(
        out,
        "{}   up {}   KUBECONFIG={}",
        cluster.name(),
        duration(age),
        cluster.kubeconfig().display()
    );

    let nodes = Api::<Node>::all(cluster.client())
        .list(&ListParams::default())
        .await?;
    for node in &nodes {
        let info = node
            .status
            .as_ref()
            .and_then(|status| status.node_info.as_ref());
        let version = info.map_or("", |info| info.kubelet_version.as_str());
        let _ = writeln!(
            out,
            "  node {}   {}   {version}",
            node.name_any(),
            if is_ready(node) { "Ready" } else { "NotReady" }
        );
    }
    let pods = Api::<Pod>::all(cluster.client())
        .list(&ListParams::default())
        .await?;
    let ready = pods.iter().filter(|pod| pod_is_ready(pod)).count();
    let _ = writeln!(out, "  pods {ready} of {} ready", pods.items.len());
    for pod in pods.iter().filter(|pod| !pod_is_ready(pod)) {
        let phase = pod
            .status
            .as_ref()
            .and_then(|status| status.phase.as_deref())
            .unwrap_or("Unknown");
        let _ = writeln!(
            out,
            "       {}/{} {phase}",
            pod.namespace().unwrap_or_default(),
            pod.name_any()
        );
    }
    for (local, to) in &running.published {
        let _ = writeln!(out, "  {local} leads to {to}");
    }
    let _ = write!(out, "{}", table(&processes(cluster.name())?));
    Ok(out)
}

/// Processes by memory; small ones of one name together.
fn table(processes: &[Process]) -> String {
    let mut groups: Vec<(&str, usize, u64)> = Vec::new();
    for process in processes {
        match groups.iter_mut().find(|(name, ..)| *name == process.name) {
            Some((_, count, memory)) => {
                *count += 1;
                *memory += process.memory_bytes;
            }
            None => groups.push((&process.name, 1, process.memory_bytes)),
        }
    }
    groups.sort_by_key(|(_, _, memory)| std::cmp::Reverse(*memory));
    let mut out = String::new();
    let total: u64 = groups.iter().map(|(_, _, memory)| memory).sum();
    let _ = writeln!(
        out,
        "  processes {}, {} MiB",
        processes.len(),
        mebibytes(total)
    );
    for (name, count, memory) in groups {
        let times = if count > 1 {
            format!(" x{count}")
        } else {
            String::new()
        };
        let _ = writeln!(out, "  {:>6} MiB  {name}{times}", mebibytes(memory));
    }
    out
}

fn mebibytes(bytes: u64) -> u64 {
    bytes / (1 << 20)
}

fn duration(seconds: i64) -> String {
    match seconds {
        ..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

fn is_ready(node: &Node) -> bool {
    let conditions = node
        .status
        .as_ref()
        .and_then(|status| status.conditions.as_ref());
    conditions
        .into_iter()
        .flatten()
        .any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

fn pod_is_ready(pod: &Pod) -> bool {
    let conditions = pod
        .status
        .as_ref()
        .and_then(|status| status.conditions.as_ref());
    conditions
        .into_iter()
        .flatten()
        .any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_of_one_name_share_a_line() {
        let process = |name: &str, mebibytes: u64| Process {
            pid: 1,
            name: name.to_owned(),
            memory_bytes: mebibytes << 20,
        };
        let shown = table(&[
            process("pause", 1),
            process("etcd", 50),
            process("pause", 2),
        ]);
        assert_eq!(
            shown,
            "  processes 3, 53 MiB\n      50 MiB  etcd\n       3 MiB  pause x2\n"
        );
    }

    #[test]
    fn durations_are_short() {
        assert_eq!(duration(59), "59 s");
        assert_eq!(duration(61), "1 min");
        assert_eq!(duration(3 * 3600 + 120), "3 h 2 min");
    }
}
