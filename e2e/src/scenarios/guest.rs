//! What a run leaves on a cluster of others: nothing that was not there when it came. It removes the
//! namespaces this crate makes, the two releases and the definitions, apart from what it found.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Api;
use kube::api::{DeleteParams, ListParams};

use crate::cluster::{Cluster, command, namespaces};
use crate::demo::charts::{OPERATOR, OPERATOR_NAMESPACE};
use crate::images::MEMORY;

const DEFINITIONS: &str = "reportapp-crds";

/// What was there.
pub struct Guest {
    namespaces: BTreeSet<String>,
    definitions: bool,
}

impl Guest {
    /// Looks around, before anything is made.
    ///
    /// # Errors
    /// When the cluster does not answer.
    pub async fn arrive(cluster: &Cluster) -> Result<Self> {
        let definitions = Api::<CustomResourceDefinition>::all(cluster.client());
        let ours = ListParams::default().labels(&format!("app.kubernetes.io/name={DEFINITIONS}"));
        let found = definitions.list(&ours).await;
        let found = found.context("failed to list the definitions")?;
        Ok(Self {
            namespaces: namespaces::ours(cluster).await?,
            definitions: !found.items.is_empty(),
        })
    }

    /// Removes what came since.
    ///
    /// # Errors
    /// When something does not go.
    pub async fn leave(&self, cluster: &Cluster) -> Result<()> {
        let now = namespaces::ours(cluster).await?;
        let new: Vec<_> = now.difference(&self.namespaces).collect();
        if new.iter().any(|name| *name == OPERATOR_NAMESPACE) {
            // First, so that nobody writes what is taken away.
            uninstall(cluster, OPERATOR).await?;
        }
        for namespace in &new {
            if *namespace != OPERATOR_NAMESPACE {
                namespaces::remove(cluster, namespace).await?;
            }
        }
        if !self.definitions {
            self.remove_definitions(cluster).await?;
        }
        for namespace in new.into_iter().filter(|name| *name == OPERATOR_NAMESPACE) {
            namespaces::remove(cluster, namespace).await?;
            forget_images(cluster).await?;
        }
        Ok(())
    }

    /// Helm keeps them for the sake of the objects, of which there are none any more.
    async fn remove_definitions(&self, cluster: &Cluster) -> Result<()> {
        uninstall(cluster, DEFINITIONS).await?;
        let mut kubectl = cluster.kubectl();
        kubectl.args(["delete", "customresourcedefinitions", "--ignore-not-found"]);
        kubectl.args([
            "--selector",
            &format!("app.kubernetes.io/name={DEFINITIONS}"),
        ]);
        command::run(&mut kubectl).await.map(drop)
    }
}

async fn uninstall(cluster: &Cluster, release: &str) -> Result<()> {
    let mut helm = cluster.helm();
    helm.args(["uninstall", release, "--namespace", OPERATOR_NAMESPACE]);
    helm.args(["--ignore-not-found", "--wait"]);
    command::run(&mut helm).await.map(drop)
}

/// The registry keeps them; the cluster's nodes remove what they do not use.
async fn forget_images(cluster: &Cluster) -> Result<()> {
    let (namespace, name) = MEMORY;
    let memory = Api::<ConfigMap>::namespaced(cluster.client(), namespace);
    match memory.delete(name, &DeleteParams::default()).await {
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        other => other
            .map(drop)
            .context("failed to forget the pushed images"),
    }
}
