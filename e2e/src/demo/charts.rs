//! Installs the two Helm charts of this clone.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::NAMESPACE;
use crate::cluster::{Cluster, command, namespaces};
use crate::images::Images;

/// The namespace of the operator.
pub const OPERATOR_NAMESPACE: &str = "reportapp-system";
/// Name of the operator's release and Deployment.
pub const OPERATOR: &str = "reportapp-operator";

/// Installs or upgrades the chart of the definitions.
///
/// # Errors
/// When Helm fails.
pub async fn install_definitions(cluster: &Cluster) -> Result<()> {
    install_definitions_from(&folder(), cluster).await
}

async fn install_definitions_from(charts: &Path, cluster: &Cluster) -> Result<()> {
    let namespace = namespaces::manifest(OPERATOR_NAMESPACE);
    cluster.apply(&namespace.to_string()).await?;
    let mut definitions = cluster.helm();
    definitions
        .args(["upgrade", "--install", "reportapp-crds"])
        .arg(charts.join("reportapp-crds"))
        .args(["--namespace", OPERATOR_NAMESPACE]);
    command::run(&mut definitions)
        .await
        .context("failed to install the chart reportapp-crds")?;
    // Helm does not wait until the API server serves a new kind.
    let mut wait = cluster.kubectl();
    wait.args([
        "wait",
        "--for=condition=Established",
        "--timeout=60s",
        "crd",
    ]);
    wait.args(["--selector", "app.kubernetes.io/name=reportapp-crds"]);
    command::run(&mut wait)
        .await
        .context("the API server does not serve the definitions")
        .map(drop)
}

/// Installs or upgrades both charts. `values` are further settings of the operator's chart, such as
/// `("podDefaults.probePeriodSeconds", "7")`. Does not wait for the operator.
///
/// # Errors
/// When Helm fails.
pub async fn install(cluster: &Cluster, images: &Images, values: &[(&str, &str)]) -> Result<()> {
    install_from(&folder(), cluster, images, values).await
}

/// Like [`install`], of the charts in a folder, such as those of another version.
///
/// # Errors
/// When Helm fails.
pub async fn install_from(
    charts: &Path,
    cluster: &Cluster,
    images: &Images,
    values: &[(&str, &str)],
) -> Result<()> {
    install_definitions_from(charts, cluster).await?;
    let mut operator = cluster.helm();
    operator
        .args(["upgrade", "--install", OPERATOR])
        .arg(charts.join(OPERATOR))
        .args(["--namespace", OPERATOR_NAMESPACE])
        .args([
            "--set-string",
            &format!("image.registry={}", images.registry),
        ])
        .args(["--set-string", &format!("image.tag={}", images.tag)])
        .args(["--set", &format!("watchNamespaces={{{NAMESPACE}}}")]);
    for (name, value) in values {
        operator.args(["--set", &format!("{name}={value}")]);
    }
    command::run(&mut operator)
        .await
        .map(drop)
        .context("failed to install the chart reportapp-operator")
}

/// Waits until the operator's pods of the latest revision run.
///
/// # Errors
/// When they do not within two minutes; the message says how to look at them.
pub async fn wait_available(cluster: &Cluster) -> Result<()> {
    let mut status = cluster.kubectl();
    status.args([
        "--namespace",
        OPERATOR_NAMESPACE,
        "rollout",
        "status",
        "--timeout=120s",
        "deployment",
        OPERATOR,
    ]);
    command::run(&mut status).await.map(drop).with_context(|| {
        format!("the operator does not start; look at it with: cargo e2e kubectl -n {OPERATOR_NAMESPACE} logs deploy/{OPERATOR}")
    })
}

/// The folder of this clone's charts.
pub fn folder() -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../charts")).to_owned()
}
