//! What a cluster needs beyond its programs: DNS, and a default place for volumes.

use anyhow::Result;
use tokio::process::Command;

use super::components::NODE_NAME;
use super::network::DNS_SERVICE;
use crate::cluster::command;
use crate::cluster::paths::Paths;
use crate::cluster::toolchain::{Toolchain, rig_images};

const MANIFESTS: &str = include_str!("addons.yaml");

/// `kubectl` with administrator rights, inside the box.
pub(super) fn kubectl(toolchain: &Toolchain, paths: &Paths) -> Command {
    let mut kubectl = Command::new(toolchain.kubectl());
    kubectl
        .env("KUBECONFIG", paths.etc().join("admin.kubeconfig"))
        .env("HOME", paths.etc());
    kubectl
}

pub(super) async fn apply(toolchain: &Toolchain, paths: &Paths) -> Result<()> {
    let manifests = MANIFESTS
        .replace("COREDNS_IMAGE", &rig_images::coredns_image())
        .replace("DNS_SERVICE", &DNS_SERVICE.to_string());
    let mut kubectl = kubectl(toolchain, paths);
    kubectl.args([
        "apply",
        "--server-side",
        "--validate=ignore",
        "--filename",
        "-",
    ]);
    command::run_with_input(&mut kubectl, &manifests)
        .await
        .map(drop)
}

pub(super) async fn node_is_ready(toolchain: &Toolchain, paths: &Paths) -> bool {
    let path = "jsonpath={.status.conditions[?(@.type=='Ready')].status}";
    let mut kubectl = kubectl(toolchain, paths);
    command::run(kubectl.args(["get", "node", NODE_NAME, "--output", path]))
        .await
        .is_ok_and(|said| said == "True")
}

pub(super) async fn dns_is_available(toolchain: &Toolchain, paths: &Paths) -> bool {
    let path = "jsonpath={.status.availableReplicas}";
    let mut kubectl = kubectl(toolchain, paths);
    kubectl.args([
        "--namespace",
        "kube-system",
        "get",
        "deployment",
        "coredns",
        "--output",
        path,
    ]);
    command::run(&mut kubectl)
        .await
        .is_ok_and(|said| said == "1")
}
