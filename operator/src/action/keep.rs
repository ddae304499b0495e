//! Finished actions go, by count and age as rotations do. Called by the reconcile of the `ReportApp`.

use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt as _;
use reportapp_crds::report_app::credential::RotationHistory;
use reportapp_crds::{IncidentAction, Period, ReportApp};

use crate::api_error::ApiResult;
use crate::context::Shared;
use crate::one_shot::history::{self, Finished};
use crate::one_shot::object;

/// How many finished actions of each type are kept of one `ReportApp`: enough to look back at an
/// incident. What must be kept longer is read from the audit log of the cluster.
fn limits() -> RotationHistory {
    RotationHistory {
        successful: 20,
        failed: 20,
        max_age: Period::from_secs(90 * 86_400),
    }
}

/// Deletes finished actions of `app` beyond the limits.
///
/// # Errors
/// At the first that the API server refuses to delete.
pub async fn prune(app: &ReportApp, shared: &Shared, now: Timestamp) -> ApiResult<()> {
    let actions = shared.actions_of(app);
    let finished: Vec<_> = { actions.iter() }.filter_map(|a| finished(a)).collect();
    for name in history::superfluous(&finished, |_, _| limits(), now) {
        if let Some(action) = actions.iter().find(|action| action.name_any() == name) {
            object::delete(&shared.client, action.as_ref()).await?;
        }
    }
    Ok(())
}

/// What has still to be put back is kept: nobody else would do it.
fn finished(action: &IncidentAction) -> Option<Finished> {
    let status = action.status.as_ref()?;
    if status.reverts_at.is_some() {
        return None;
    }
    let kind = status.action_type.map(|kind| kind.to_string());
    let end = (status.phase, status.finished_at.as_ref());
    let group = kind.into_iter().collect();
    Finished::of(action, &action.spec.app, group, action.spec.dry_run, end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_still_to_be_put_back_is_kept() {
        let mut action: IncidentAction = serde_json::from_value(serde_json::json!({
            "apiVersion": "reportapp.dev/v1alpha1", "kind": "IncidentAction",
            "metadata": { "name": "lock" },
            "spec": { "app": "demo", "reason": "test", "disableUser": { "user": "ana" } },
            "status": {
                "phase": "Succeeded", "finishedAt": "2026-01-02T03:04:05Z",
                "revertsAt": "2026-01-02T04:04:05Z",
            },
        }))
        .unwrap();
        assert_eq!(finished(&action), None);
        action.status.as_mut().unwrap().reverts_at = None;
        assert!(finished(&action).is_some());
    }
}
