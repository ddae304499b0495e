//! Enforces NetworkPolicies, which the cluster's network plugin does not.
//!
//! Watches policies, pods and namespaces; from them [`rules::compute`] makes the complete set
//! of rules, a pure function; [`apply`] replaces what is in the kernel by it in one step.
//! The rules sit in the `mangle` table, which sees packets after Services are resolved and
//! where kube-proxy accepts nothing early. What the node itself sends passes no rule, so
//! probes and loopback forwards always work. A pod is filtered as soon as its address is
//! known, which is some tenths of a second after it got it.

mod apply;
mod cidr;
mod rules;
mod world;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures::StreamExt as _;
use k8s_openapi::api::core::v1::{Namespace, Pod};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use kube::runtime::reflector::{self, Store};
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, Client};
use tokio::sync::Notify;

use super::kube_client;
use apply::Kernel;
use world::World;

/// Changes that come together are applied together.
const SETTLE: Duration = Duration::from_millis(20);

/// After a failure to apply.
const RETRY: Duration = Duration::from_secs(1);

/// Enforces for ever.
///
/// # Errors
/// When the kernel's rules cannot be reached, or a watch ends.
pub(crate) async fn run(kubeconfig: &Path) -> Result<()> {
    let client = kube_client(kubeconfig).await?;
    let changed = Arc::new(Notify::new());
    let policies = watch::<NetworkPolicy>(&client, &changed);
    let pods = watch::<Pod>(&client, &changed);
    let namespaces = watch::<Namespace>(&client, &changed);
    let mut kernel = Kernel::open()
        .await
        .context("failed to hook into the kernel's packet rules")?;
    policies
        .wait_until_ready()
        .await
        .context("the watch of policies ended")?;
    pods.wait_until_ready()
        .await
        .context("the watch of pods ended")?;
    namespaces
        .wait_until_ready()
        .await
        .context("the watch of namespaces ended")?;

    loop {
        let world = World::new(&policies.state(), &pods.state(), &namespaces.state());
        match kernel.apply(&rules::compute(&world)).await {
            Ok(true) => tracing::info!(
                policies = world.policies.len(),
                pods = world.pods.len(),
                "rules replaced"
            ),
            Ok(false) => {}
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "failed to replace the rules");
                tokio::time::sleep(RETRY).await;
                continue;
            }
        }
        changed.notified().await;
        tokio::time::sleep(SETTLE).await;
    }
}

fn watch<K>(client: &Client, changed: &Arc<Notify>) -> Store<K>
where
    K: kube::Resource<DynamicType = ()>
        + Clone
        + std::fmt::Debug
        + Send
        + Sync
        + serde::de::DeserializeOwned
        + 'static,
{
    let (store, writer) = reflector::store();
    let events = watcher(Api::<K>::all(client.clone()), watcher::Config::default())
        .default_backoff()
        .reflect(writer);
    let changed = Arc::clone(changed);
    tokio::spawn(async move {
        let mut events = std::pin::pin!(events);
        while let Some(event) = events.next().await {
            if let Err(error) = event {
                tracing::warn!(%error, "a watch broke off and starts again");
            }
            changed.notify_one();
        }
    });
    store
}
