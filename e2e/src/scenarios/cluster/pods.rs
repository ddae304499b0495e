//! What tells whether a pod was restarted: its uid and the restart counts of its containers.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt as _;
use kube::api::ListParams;

use super::subject::Subject;
use crate::scenarios::watch;

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
    let is_ending = |pod: &Pod| pod.metadata.deletion_timestamp.is_some();
    while let Some(pod) = list(subject).await?.into_iter().find(is_ending) {
        let (name, uid) = (pod.name_any(), pod.uid().unwrap_or_default());
        let gone = watch::until_gone(subject.objects::<Pod>(), &name, &uid, PATIENCE).await;
        gone.with_context(|| format!("pod {name} does not end"))?;
    }
    Ok(())
}

async fn list(subject: &Subject<'_>) -> Result<Vec<Pod>> {
    let ours = ListParams::default().labels("app.kubernetes.io/managed-by=reportapp-operator");
    Ok(subject.objects::<Pod>().list(&ours).await?.items)
}
