//! A cluster that somebody else runs, reached by `KUBECONFIG` alone: the same command runs the same
//! scenarios there, and leaves nothing that was not there before.

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use kube::api::DeleteParams;
use serde_json::json;

use crate::cluster::{Cluster, command, namespaces};
use crate::scenarios::guest::Guest;
use crate::scenarios::world::World;

/// A short scenario that needs API server, charts and operator, and no images.
const SCENARIO: &str = "a Secret without the mark is refused";

/// Left in peace: made by us before the run, or by somebody else during it.
const BEFORE: &str = "guest-before";
const OF_OTHERS: &str = "guest-of-others";
/// Left behind by the run.
const LEFT: &str = "guest-left";

pub(super) async fn runs_the_same(world: &World) -> Result<()> {
    let cluster = world.cluster().await?;
    let run = async |registry: &[&str]| {
        let mut run = world.itself().await?;
        run.args(["test", "--cluster", "external", "--tier", "api"])
            .args(["--filter", SCENARIO])
            .args(registry)
            .env("KUBECONFIG", cluster.kubeconfig());
        command::run(&mut run).await
    };
    let without = run(&[]).await.err();
    let without = without.context("it ran without a registry")?.to_string();
    ensure!(without.contains("--registry"), "{without}");

    let said = run(&["--registry", "registry.example.com/e2e"]).await?;
    ensure!(
        said.contains("1 passed, 0 failed"),
        "it did not run: {said}"
    );
    Ok(())
}

pub(super) async fn is_left_as_it_was(world: &World) -> Result<()> {
    let cluster = world.cluster().await?;
    make(cluster, &namespaces::manifest(BEFORE)).await?;
    let guest = Guest::arrive(cluster).await?;
    make(cluster, &namespaces::manifest(LEFT)).await?;
    let of_others = json!({
        "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": OF_OTHERS },
    });
    make(cluster, &of_others).await?;

    let left = guest.leave(cluster).await;
    let api = Api::<Namespace>::all(cluster.client());
    let mut found = Vec::new();
    for name in [BEFORE, OF_OTHERS, LEFT] {
        if let Some(namespace) = api.get_opt(name).await?
            && namespace.metadata.deletion_timestamp.is_none()
        {
            found.push(name);
            api.delete(name, &DeleteParams::default()).await?;
        }
    }
    left?;
    ensure!(found == [BEFORE, OF_OTHERS], "these are left: {found:?}");
    Ok(())
}

async fn make(cluster: &Cluster, namespace: &serde_json::Value) -> Result<()> {
    cluster.apply(&namespace.to_string()).await
}
