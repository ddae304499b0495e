//! What tells whether a pod was restarted: its uid and the restart counts of its containers.

use std::collections::BTreeMap;

use anyhow::Result;
use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;

use super::subject::Subject;

/// Restart counts by uid and container.
pub type Pods = BTreeMap<String, i32>;

/// The application's pods.
///
/// # Errors
/// When the cluster does not answer.
pub async fn of(subject: &Subject<'_>) -> Result<Pods> {
    let ours = ListParams::default().labels("app.kubernetes.io/managed-by=reportapp-operator");
    let mut pods = Pods::new();
    for pod in subject.objects::<Pod>().list(&ours).await? {
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
