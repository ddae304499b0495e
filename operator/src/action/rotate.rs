//! `RotateCredential`: the `SecretRotation` an action creates, and what its state means for the
//! action. Pure.
//!
//! The name of the rotation follows from the action's uid: whoever makes it again finds it made. It is
//! controlled by the action, so deleting the action deletes it, which stops it at a safe place.

use k8s_openapi::jiff::SignedDuration;
use kube::api::ObjectMeta;
use kube::{Resource as _, ResourceExt as _};
use reportapp_crds::incident_action::{Figure, RotateCredential, RotationProgress};
use reportapp_crds::one_shot::Phase;
use reportapp_crds::{
    IncidentAction, ReportApp, SecretRotation, SecretRotationSpec, SecretRotationStatus,
};

use super::trouble::{Reason, Trouble};
use crate::api_error::shortened;
use crate::one_shot::{self, Verdict};
use crate::reportapp::naming;

/// Annotation of an action with the name of the rotation it made.
pub const NOTE: &str = "reportapp.dev/rotation";
/// Most characters of a name of a rotation that is made from a name: a hash and a hyphen follow.
const MAX_HEAD: usize = 52;
/// Most characters of a reason.
const MAX_REASON: usize = 512;
/// Shortest deadline of a rotation.
const SHORTEST: i64 = 30;

/// Name of the rotation of `action`.
pub fn rotation_name(action: &IncidentAction) -> String {
    let name = action.name_any();
    // Names are DNS subdomains, so every character is one byte.
    let head = name[..name.len().min(MAX_HEAD)].trim_end_matches(['-', '.']);
    let uid = action.uid().unwrap_or_default();
    format!("{head}-{}", naming::short_hash(uid.as_bytes()))
}

/// The rotation of `action`, which has this much time left.
pub fn rotation(
    action: &IncidentAction,
    rotate: &RotateCredential,
    time_left: SignedDuration,
) -> SecretRotation {
    let spec = SecretRotationSpec {
        app: action.spec.app.clone(),
        credentials: rotate.credentials.clone(),
        mode: rotate.mode.into(),
        reason: reason(action),
        // The operator creates it, and nobody asks in the name of somebody else.
        requested_by: None,
        approval: None,
        dry_run: action.spec.dry_run,
        active_deadline_seconds: time_left.as_secs().max(SHORTEST),
    };
    let mut rotation = SecretRotation::new(&rotation_name(action), spec);
    rotation.metadata = ObjectMeta {
        labels: Some(naming::labels(&action.spec.app)),
        owner_references: action.controller_owner_ref(&()).map(|owner| vec![owner]),
        namespace: action.namespace(),
        ..rotation.metadata
    };
    rotation
}

fn reason(action: &IncidentAction) -> String {
    let by = action.spec.requested_by.as_deref();
    let by = by
        .map(|by| format!(", requested by {by}"))
        .unwrap_or_default();
    let origin = format!(" (IncidentAction {}{by})", action.name_any());
    let room = MAX_REASON.saturating_sub(origin.chars().count() + 1);
    format!("{}{origin}", shortened(&action.spec.reason, room))
}

/// Whether `rotation` was made for `action`.
pub fn is_of(rotation: &SecretRotation, action: &IncidentAction) -> bool {
    let uid = action.uid();
    { rotation.owner_references().iter() }.any(|owner| uid.as_ref() == Some(&owner.uid))
}

/// Whether the application has every credential that is to be rotated.
///
/// # Errors
/// The first that it has not.
pub fn check(app: &ReportApp, rotate: &RotateCredential) -> Result<(), Trouble> {
    let known: Vec<_> = app
        .spec
        .credentials
        .iter()
        .map(|c| c.name.as_str())
        .collect();
    let unknown = rotate
        .credentials
        .iter()
        .find(|name| !known.contains(&name.as_str()));
    match unknown {
        None => Ok(()),
        Some(name) => Err(Trouble::new(
            Reason::UnknownCredential,
            format!(
                "spec.rotateCredential.credentials: ReportApp {} has no credential {name}; it has: {}",
                app.name_any(),
                known.join(", ")
            ),
        )),
    }
}

/// What the state of the rotation makes of the action.
pub fn verdict(rotation: &SecretRotation) -> Verdict {
    let name = rotation.name_any();
    let status = rotation.status.clone().unwrap_or_default();
    let said = status
        .message
        .as_deref()
        .unwrap_or("it has just been created");
    let ready = status
        .conditions
        .iter()
        .find(|found| found.type_ == "Ready");
    let stalled = one_shot::stalled(status.phase, &status.conditions).is_some();
    Verdict {
        phase: status.phase.unwrap_or(Phase::Running),
        reason: ready.map_or("Working", |ready| &ready.reason).to_owned(),
        message: format!("SecretRotation {name}: {said}"),
        stalled,
    }
}

/// How far the rotation is.
pub fn progress(rotation: &SecretRotation) -> RotationProgress {
    let status = rotation.status.as_ref();
    RotationProgress {
        name: rotation.name_any(),
        phase: status.and_then(|status| status.phase),
        step: status.and_then(|status| status.step),
    }
}

/// What the rotation measured. Only what has a login can be refused: nothing but the pods accepts a
/// signing key or a value that is only published.
pub fn figures(status: &SecretRotationStatus) -> Vec<Figure> {
    let figure = |name: &str, measured: i64, expected: i64| Figure {
        name: name.to_owned(),
        measured,
        expected,
    };
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let credentials = &status.credentials;
    let logins = credentials.iter().filter(|found| found.to.is_some());
    let refused = logins.clone().filter(|found| found.old_refused).count();
    let sessions = credentials.iter().filter_map(|found| found.old_sessions);
    let pods = credentials.iter().filter_map(|found| found.old_pods);
    vec![
        figure("oldValuesRefused", number(refused), number(logins.count())),
        figure("oldSessions", sessions.map(i64::from).sum(), 0),
        figure("oldPods", pods.map(i64::from).sum(), 0),
    ]
}

/// The lines of the plan of an action, to which the rotation adds its own.
pub fn plan(action: &IncidentAction, rotate: &RotateCredential) -> Vec<String> {
    vec![format!(
        "create SecretRotation {} (mode {:?}) of {}, and wait for its end; its status.plan shows the \
         statements",
        rotation_name(action),
        rotate.mode,
        rotate.credentials.join(", ")
    )]
}

#[cfg(test)]
mod tests;
