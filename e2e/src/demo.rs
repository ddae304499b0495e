//! `cargo e2e demo`: a cluster, the operator from its charts, everything it talks to, and one
//! `ReportApp` that turns Ready.
//!
//! ```text
//! Cluster ─> Images ─> charts + backends + Secrets ─> kubectl apply ─> Ready ─> a loopback port
//! ```
//!
//! [`Demo::ensure`] is the same for the command and for tests. Every step looks at what is there
//! and does only what is missing, so a second run is quick.

pub mod access;
pub mod charts;
mod chat;
pub(crate) mod commands;
mod ready;
mod secrets;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use k8s_openapi::api::core::v1::{ConfigMap, Secret as KubeSecret};
use kube::Api;
use reportapp_config::Secret;

use crate::backends::Backends;
use crate::cluster::{Cluster, Forward, Target};
use crate::images::Images;
use crate::progress::Progress;

pub use chat::{ChatArgs, chat, converse, press};
pub use commands::{DemoArgs, LoadArgs, load, run};

/// The namespace of the demo's `ReportApp`.
pub const NAMESPACE: &str = "reports";
/// Its name.
pub const NAME: &str = "demo";
/// Login of the first administrator.
pub const ADMINISTRATOR: &str = "admin";
/// The file the demo applies, with places to fill in.
pub const MANIFEST: &str = include_str!("../manifests/demo-reportapp.yaml");

const NAMESPACE_MANIFEST: &str = include_str!("../manifests/demo-namespace.yaml");

/// A running demo.
pub struct Demo {
    client: kube::Client,
    kubeconfig: PathBuf,
    images: Images,
    backends: Backends,
    address: SocketAddr,
    authority: String,
    password: Secret,
    /// Keeps the loopback port open on a foreign cluster; on ours it belongs to the cluster.
    _forward: Option<Forward>,
}

impl Demo {
    /// Brings the demo up on `cluster`, or to its latest state, and waits until it is Ready.
    ///
    /// # Errors
    /// The step that failed, why, and the command to look deeper.
    pub async fn ensure(cluster: &Cluster, progress: &Progress) -> Result<Self> {
        let images = Images::ensure(cluster, progress).await?;
        let backends = install(cluster, &images, progress).await?;

        let step = progress.step("applying the ReportApp reports/demo");
        let manifest = manifest(&images, &backends).await?;
        cluster
            .apply(&manifest)
            .await
            .context("the ReportApp was refused")?;
        step.done("");
        ready::wait(cluster, progress).await?;
        Self::open(cluster, images, backends, progress).await
    }

    async fn open(
        cluster: &Cluster,
        images: Images,
        backends: Backends,
        progress: &Progress,
    ) -> Result<Self> {
        let step = progress.step("opening a loopback port to the application");
        let target = Target::service(NAMESPACE, format!("{NAME}-api"), 443);
        let (address, forward) = if cluster.is_local() {
            (cluster.publish(target, 0).await?, None)
        } else {
            let forward = cluster.forward(target).await?;
            (forward.local(), Some(forward))
        };
        let secrets: Api<KubeSecret> = Api::namespaced(cluster.client(), NAMESPACE);
        let name = format!("{NAME}-first-admin");
        let password = crate::backends::secrets::read(&secrets, &name, "password").await?;
        let demo = Self {
            client: cluster.client(),
            kubeconfig: cluster.kubeconfig().to_owned(),
            images,
            backends,
            address,
            authority: authority(cluster).await?,
            password,
            _forward: forward,
        };
        demo.check()
            .await
            .context("the application is Ready but does not answer")?;
        step.done(&demo.url());
        Ok(demo)
    }

    /// The address for a browser on this machine, with a slash at the end.
    pub fn url(&self) -> String {
        format!("https://{}/", self.address)
    }

    /// Where the loopback port is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The password of [`ADMINISTRATOR`], as the operator generated it.
    pub fn admin_password(&self) -> &Secret {
        &self.password
    }

    /// The PEM certificate of the authority that signed the API's certificate.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// A client with administrator rights on the cluster.
    pub fn client(&self) -> kube::Client {
        self.client.clone()
    }

    /// A kubeconfig with the same rights.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// What the images are called.
    pub fn images(&self) -> &Images {
        &self.images
    }

    /// Everything the application talks to.
    pub fn backends(&self) -> &Backends {
        &self.backends
    }
}

/// Installs everything the `ReportApp` needs and waits for it.
async fn install(cluster: &Cluster, images: &Images, progress: &Progress) -> Result<Backends> {
    let step = progress.step("installing the operator from its Helm charts");
    cluster.apply(NAMESPACE_MANIFEST).await?;
    charts::install(cluster, images, &[]).await?;
    step.done("");

    let step =
        progress.step("installing PostgreSQL, Redis, Vault, the bastion and the Telegram stand-in");
    let backends = Backends::apply(cluster, &images.backends, progress).await?;
    secrets::provide(cluster, &backends).await?;
    step.done("");

    let step = progress.step("waiting for the backends and the sample data");
    backends.wait_available().await?;
    step.done("");
    let step = progress.step("waiting for the operator");
    charts::wait_available(cluster).await?;
    step.done("");
    Ok(backends)
}

/// The demo's manifest with its places filled in.
///
/// # Errors
/// When the backends are not installed.
pub async fn manifest(images: &Images, backends: &Backends) -> Result<String> {
    let known_host = backends.host_key().await?.known_host();
    Ok(MANIFEST
        .replace("${IMAGE_REGISTRY}", &images.registry)
        .replace("${IMAGE_TAG}", &images.tag)
        .replace("${BASTION_KNOWN_HOST}", &known_host))
}

async fn authority(cluster: &Cluster) -> Result<String> {
    let api: Api<ConfigMap> = Api::namespaced(cluster.client(), NAMESPACE);
    let name = format!("{NAME}-ca");
    let map = api
        .get(&name)
        .await
        .with_context(|| format!("failed to read the ConfigMap {name}"))?;
    map.data
        .and_then(|mut data| data.remove("ca.crt"))
        .with_context(|| format!("the ConfigMap {name} has no key ca.crt"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_of_the_manifest_is_one_that_gets_filled_in() {
        let places: Vec<&str> = MANIFEST
            .match_indices("${")
            .map(|(at, _)| MANIFEST[at..].split_inclusive('}').next().unwrap())
            .collect();
        assert_eq!(
            places,
            [
                "${...}",
                "${IMAGE_REGISTRY}",
                "${IMAGE_TAG}",
                "${BASTION_KNOWN_HOST}"
            ]
        );
    }

    #[test]
    fn the_manifest_is_a_report_app_without_fields_that_do_not_exist_yet() {
        let app: reportapp_crds::ReportApp = serde_yaml_ng::from_str(MANIFEST).unwrap();
        assert_eq!(app.metadata.name.as_deref(), Some(NAME));
        assert_eq!(app.metadata.namespace.as_deref(), Some(NAMESPACE));
        let unimplemented =
            reportapp_crds::report_app::unimplemented::unimplemented_fields(&app.spec);
        assert!(unimplemented.is_empty(), "{unimplemented:?}");
        let back = serde_yaml_ng::to_string(&app).unwrap();
        assert!(
            back.contains("erp-postgres.erp.svc.cluster.local"),
            "{back}"
        );
    }
}
