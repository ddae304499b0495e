//! What tells whether a pod was restarted: its uid and the restart counts of its containers.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt as _;
use kube::api::ListParams;

use super::subject::Subject;

/// Restart counts by uid and container.
pub type Pods = BTreeMap<String, i32>;

/// Longer than the grace of any pod of the application.
const PATIENCE: Duration = Duration::from_secs(180);

/// The application's pods.
///
/// # Errors
/// When the cluster does not answer.
pub async fn of(subject: &Subject<'_>) -> Result<Pods> {
    let mut pods = Pods::new();
    for pod in list(subject).await? {
        if pod.metadata.deletion_timestamp.is_some() {
            // On its way out after an earlier rollout.
            continue;
        }
        let name = pod.metadata.name.unwrap_or_default();
        let uid = pod.metadata.uid.unwrap_or_default();
        let containers = pod
            .status
            .and_then(|status| status.container_statuses)
            .unwrap_or_default();
        for container in containers {
            pods.insert(
                format!("{name}/{}/{uid}", container.name),
                container.restart_count,
            );
        }
    }
    Ok(pods)
}

/// Waits until every pod of an earlier roll-out has gone.
///
/// # Errors
/// When one stays, or the cluster does not answer.
pub async fn until_old_are_gone(subject: &Subject<'_>) -> Result<()> {
    let begun = Instant::now();
    loop {
        let ending = list(subject)
            .await?
            .into_iter()
            .filter(|pod| pod.metadata.deletion_timestamp.is_some())
            .map(|pod| pod.name_any())
            .collect::<Vec<_>>();
        if ending.is_empty() {
            return Ok(());
        }
        if begun.elapsed() > PATIENCE {
            bail!("still on their way out: {}", ending.join(", "));
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

async fn list(subject: &Subject<'_>) -> Result<Vec<Pod>> {
    let ours = ListParams::default().labels("app.kubernetes.io/managed-by=reportapp-operator");
    Ok(subject.objects::<Pod>().list(&ours).await?.items)
}
