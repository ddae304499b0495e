//! From the schedule of each credential to `SecretRotation` objects, and from finished ones to their
//! end. Called by the reconcile of the `ReportApp`, which shows the times in its status.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;
use kube::api::ObjectMeta;
use kube::{Resource as _, ResourceExt as _};
use reportapp_crds::report_app::credential::{Credential, RotationHistory};
use reportapp_crds::secret_rotation::{Mode, Phase};
use reportapp_crds::{IncidentAction, ReportApp, SecretRotation, SecretRotationSpec};

use super::schedule::{self, Past};
use crate::api_error::ApiResult;
use crate::clock;
use crate::context::{Context, Shared};
use crate::one_shot::history::{self, Finished};
use crate::one_shot::object;
use crate::reportapp::naming;
use crate::reportapp::published::PublishedCredential;

/// When a credential was and will be rotated.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Times {
    /// When it was rotated last.
    pub last: Option<Time>,
    /// When it is rotated next.
    pub next: Option<Time>,
}

/// Creates what is due, deletes finished rotations beyond the limits, and tells the times of every
/// credential.
///
/// # Errors
/// At the first object the API server refuses.
pub async fn trigger(
    app: &Arc<ReportApp>,
    published: &BTreeMap<String, PublishedCredential>,
    context: &Context,
    now: Timestamp,
) -> ApiResult<BTreeMap<String, Times>> {
    let rotations = rotations(app, &context.shared);
    let mut times = BTreeMap::new();
    for credential in &app.spec.credentials {
        let rotated_at = published
            .get(&credential.name)
            .and_then(|found| found.rotated_at);
        let due = due(app, credential, rotated_at, &rotations, now);
        let busy = rotations
            .iter()
            .any(|r| names(r, credential) && is_under_way(r));
        let (namespace, name) = (app.namespace().unwrap_or_default(), app.name_any());
        let shown = due.filter(|_| !busy);
        let metrics = &context.shared.rotation_metrics;
        metrics.due(&namespace, &name, &credential.name, shown);
        if let Some(due) = due.filter(|due| *due <= now && !busy) {
            create(app, scheduled(app, credential, due), &context.shared).await?;
        }
        let found = Times {
            last: rotated_at.map(clock::time),
            next: due.map(clock::time),
        };
        times.insert(credential.name.clone(), found);
    }
    prune(app, &rotations, context, now).await?;
    Ok(times)
}

fn due(
    app: &ReportApp,
    credential: &Credential,
    last_success: Option<Timestamp>,
    rotations: &[Arc<SecretRotation>],
    now: Timestamp,
) -> Option<Timestamp> {
    let rotation = credential.rotation.as_ref()?;
    let created = app.creation_timestamp().map_or(now, |time| time.0);
    let failures = rotations
        .iter()
        .filter(|rotation| names(rotation, credential));
    let failures = failures.filter_map(|rotation| {
        let status = rotation.status.as_ref()?;
        let failed = matches!(status.phase?, Phase::Failed | Phase::Expired);
        status
            .finished_at
            .as_ref()
            .filter(|_| failed)
            .map(|time| time.0)
    });
    let past = Past {
        created,
        last_success,
        last_failure: failures.max(),
    };
    let seed = format!("{}/{}", app.uid().unwrap_or_default(), credential.name);
    schedule::next_due(rotation, &past, now, &seed)
        .ok()
        .map(|due| due.at)
}

fn names(rotation: &SecretRotation, credential: &Credential) -> bool {
    rotation.spec.credentials.contains(&credential.name)
}

/// Whether a rotation has ended.
pub(crate) fn is_finished(rotation: &SecretRotation) -> bool {
    let phase = rotation.status.as_ref().and_then(|status| status.phase);
    phase.is_some_and(Phase::is_final)
}

/// Whether a rotation changes something, or will without anybody's consent.
pub(crate) fn is_under_way(rotation: &SecretRotation) -> bool {
    let phase = rotation.status.as_ref().and_then(|status| status.phase);
    !phase.is_some_and(|phase| phase.is_final() || phase == Phase::AwaitingApproval)
}

/// The rotations of an application, from the watch cache.
pub(crate) fn rotations(app: &ReportApp, shared: &Shared) -> Vec<Arc<SecretRotation>> {
    let namespace = app.namespace();
    let name = app.name_any();
    let stores = shared.rotations();
    stores
        .iter()
        .flat_map(|store| {
            store.state_filter(|rotation| {
                rotation.spec.app == name && rotation.namespace() == namespace
            })
        })
        .collect()
}

fn scheduled(app: &ReportApp, credential: &Credential, due: Timestamp) -> SecretRotation {
    let name = schedule::rotation_name(&app.name_any(), &credential.name, due);
    let spec = SecretRotationSpec {
        app: app.name_any(),
        credentials: vec![credential.name.clone()],
        mode: Mode::Scheduled,
        reason: format!("due at {due:.0}"),
        requested_by: None,
        approval: None,
        dry_run: false,
        active_deadline_seconds: SecretRotationSpec::default_deadline(),
    };
    SecretRotation::new(&name, spec)
}

/// Creates a rotation that belongs to `app`; one of that name that exists already will do.
///
/// # Errors
/// When the API server refuses it.
pub(crate) async fn create(
    app: &ReportApp,
    mut rotation: SecretRotation,
    shared: &Shared,
) -> ApiResult<()> {
    let name = rotation.name_any();
    rotation.metadata = ObjectMeta {
        name: Some(name.clone()),
        labels: Some(naming::labels(&app.name_any())),
        owner_references: app.controller_owner_ref(&()).map(|owner| vec![owner]),
        ..ObjectMeta::default()
    };
    let namespace = app.namespace().unwrap_or_default();
    if object::create(&shared.client, &namespace, &rotation).await? {
        let reason = &rotation.spec.reason;
        tracing::info!(
            app = app.name_any(),
            rotation = name,
            reason,
            "created a rotation"
        );
    }
    Ok(())
}

/// Deletes finished rotations beyond the limits of their credentials.
async fn prune(
    app: &Arc<ReportApp>,
    rotations: &[Arc<SecretRotation>],
    context: &Context,
    now: Timestamp,
) -> ApiResult<()> {
    let finished: Vec<_> = rotations.iter().filter_map(|r| finished(r)).collect();
    let limits = |_: &str, credentials: &[String]| {
        let entries = app.spec.credentials.iter();
        let named = entries.filter(|credential| credentials.contains(&credential.name));
        let histories: Vec<RotationHistory> = named
            .filter_map(|credential| Some(credential.rotation.as_ref()?.history.clone()))
            .collect();
        history::limits(&histories)
    };
    for name in history::superfluous(&finished, limits, now) {
        if let Some(rotation) = rotations.iter().find(|r| r.name_any() == name) {
            object::delete(&context.shared.client, rotation.as_ref()).await?;
        }
    }
    Ok(())
}

/// A rotation as history sees it. One that an action made is the action's: it goes with that.
fn finished(rotation: &SecretRotation) -> Option<Finished> {
    let owners = rotation.owner_references();
    if owners
        .iter()
        .any(|owner| owner.kind == IncidentAction::kind(&()))
    {
        return None;
    }
    let status = rotation.status.as_ref()?;
    let (spec, end) = (&rotation.spec, (status.phase, status.finished_at.as_ref()));
    let mut credentials = spec.credentials.clone();
    credentials.sort();
    Finished::of(rotation, &spec.app, credentials, spec.dry_run, end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_has_approved_of_holds_no_schedule_up() {
        let mut rotation: SecretRotation = serde_json::from_value(serde_json::json!({
            "apiVersion": "reportapp.dev/v1alpha1", "kind": "SecretRotation",
            "metadata": { "name": "asked" },
            "spec": { "app": "demo", "credentials": ["erp"], "reason": "test" },
        }))
        .unwrap();
        assert!(is_under_way(&rotation), "nobody has looked at it yet");
        for (phase, under_way) in [
            (Phase::Pending, true),
            (Phase::AwaitingApproval, false),
            (Phase::Running, true),
            (Phase::Succeeded, false),
            (Phase::Failed, false),
        ] {
            rotation.status.get_or_insert_default().phase = Some(phase);
            assert_eq!(is_under_way(&rotation), under_way, "{phase:?}");
        }
    }

    #[test]
    fn a_rotation_that_an_action_made_is_no_history_of_the_schedule() {
        let mut rotation: SecretRotation = serde_json::from_value(serde_json::json!({
            "apiVersion": "reportapp.dev/v1alpha1", "kind": "SecretRotation",
            "metadata": { "name": "made" },
            "spec": { "app": "demo", "credentials": ["redis", "erp"], "reason": "test" },
            "status": { "phase": "Succeeded", "finishedAt": "2026-11-22T00:00:00Z" },
        }))
        .unwrap();
        assert_eq!(finished(&rotation).unwrap().group, ["erp", "redis"]);
        let owner = serde_json::json!([{
            "apiVersion": "reportapp.dev/v1alpha1", "kind": "IncidentAction", "name": "leak", "uid": "a",
        }]);
        rotation.metadata.owner_references = serde_json::from_value(owner).unwrap();
        assert_eq!(finished(&rotation), None);
    }
}
