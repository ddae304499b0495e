//! Namespaces this crate makes carry a label, so that they can be told from those of others and removed
//! again, whatever is left in them.

use std::collections::BTreeSet;
use std::fmt::Debug;

use anyhow::{Context as _, Result};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, ListParams, Patch, PatchParams};
use kube::{Resource, ResourceExt as _};
use reportapp_crds::{ReportApp, SecretRotation};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Cluster, command};

const LABEL: &str = "e2e.reportapp.dev/made";

/// The namespace `name`, as this crate makes it.
pub(crate) fn manifest(name: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": { "name": name, "labels": { LABEL: "true" } },
    })
}

/// Those of a cluster that this crate has made.
///
/// # Errors
/// When the cluster does not answer.
pub(crate) async fn ours(cluster: &Cluster) -> Result<BTreeSet<String>> {
    let namespaces = Api::<Namespace>::all(cluster.client());
    let ours = ListParams::default().labels(LABEL);
    let found = namespaces.list(&ours).await;
    let found = found.context("failed to list the namespaces")?;
    Ok(found.into_iter().map(|found| found.name_any()).collect())
}

/// Removes a namespace with everything in it and waits until it is gone. No operator may be left that
/// would take its finalizers away.
///
/// # Errors
/// When it does not go.
pub(crate) async fn remove(cluster: &Cluster, name: &str) -> Result<()> {
    free::<ReportApp>(cluster, name).await?;
    free::<SecretRotation>(cluster, name).await?;
    let mut kubectl = cluster.kubectl();
    kubectl.args([
        "delete",
        "namespace",
        name,
        "--ignore-not-found",
        "--wait",
        "--timeout=90s",
    ]);
    command::run(&mut kubectl).await.map(drop)
}

/// Takes the finalizers of every object of a kind away.
async fn free<K>(cluster: &Cluster, namespace: &str) -> Result<()>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + DeserializeOwned,
{
    let objects = Api::<K>::namespaced(cluster.client(), namespace);
    let found = match objects.list(&ListParams::default()).await {
        Ok(found) => found.items,
        // The kind is not defined here, so there are none.
        Err(kube::Error::Api(status)) if status.code == 404 => Vec::new(),
        Err(error) => return Err(error).context("failed to list what has finalizers"),
    };
    let none = Patch::Merge(json!({ "metadata": { "finalizers": null } }));
    for object in found {
        let name = object.name_any();
        match objects.patch(&name, &PatchParams::default(), &none).await {
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            other => drop(other?),
        }
    }
    Ok(())
}
