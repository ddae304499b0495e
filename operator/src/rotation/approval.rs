//! Which rotations wait for the consent of a second person: those that people create where actions that
//! rotate need one, or the list of the `ReportApp` would end at the next door. Pure.
//!
//! What the operator creates itself (for a schedule, a refused login, or an action that has its consent) is
//! controlled by the object it was made for, and waits for nobody. Its mark is that owner, which the chart's
//! admission policy lets only the operator write; `spec.mode` is whatever its creator writes.

use kube::ResourceExt as _;
use reportapp_crds::incident_action::ActionType;
use reportapp_crds::{GROUP, ReportApp, SecretRotation, approval};

use super::trouble::{Reason, Trouble};

/// Whether the consent of a second person is missing.
///
/// # Errors
/// When nobody could give it, because the rotation does not say who asks for it.
pub fn is_missing(rotation: &SecretRotation, app: &ReportApp) -> Result<bool, Trouble> {
    let spec = &rotation.spec;
    let kind = ActionType::RotateCredential;
    let rule = app.spec.incidents.as_ref();
    let is_listed = rule.is_some_and(|rule| rule.need_approval(kind));
    if spec.dry_run || !is_listed || is_ours(rotation) {
        return Ok(false);
    }
    let missing = approval::is_missing(spec.requested_by.as_deref(), spec.approval.as_ref());
    missing.ok_or_else(|| {
        Trouble::new(
            Reason::RequesterMissing,
            format!(
                "ReportApp {} wants {kind} approved by somebody else than the one who asks for it: create the \
                 rotation anew with your user name in spec.requestedBy",
                app.name_any()
            ),
        )
    })
}

/// Whether the operator made it.
fn is_ours(rotation: &SecretRotation) -> bool {
    rotation.owner_references().iter().any(|owner| {
        let group = owner.api_version.split('/').next();
        owner.controller == Some(true) && group == Some(GROUP)
    })
}

#[cfg(test)]
mod tests {
    use kube::Resource as _;
    use reportapp_crds::IncidentAction;
    use serde_json::{Value, json};

    use super::*;
    use crate::one_shot;

    fn rotation(more: &Value) -> SecretRotation {
        let mut spec = json!({ "app": "demo", "credentials": ["erp"], "reason": "test" });
        for (field, value) in more.as_object().unwrap() {
            spec[field] = value.clone();
        }
        let mut rotation = SecretRotation::new("now", serde_json::from_value(spec).unwrap());
        rotation.metadata.uid = Some("a".to_owned());
        rotation
    }

    fn app() -> ReportApp {
        let mut app = crate::reportapp::testing::example_app();
        let rule = json!({ "approval": { "requiredFor": ["RotateCredential"] } });
        app.spec.incidents = Some(serde_json::from_value(rule).unwrap());
        app
    }

    #[test]
    fn a_rotation_of_a_person_waits_for_somebody_else_than_the_requester() {
        let app = app();
        let wait = |more: Value| is_missing(&rotation(&more), &app);
        assert_eq!(wait(json!({ "requestedBy": "ana" })), Ok(true));
        let by = |who: &str| json!({ "requestedBy": "ana", "approval": { "approvedBy": who } });
        assert_eq!(wait(by("ana")), Ok(true));
        assert_eq!(wait(by("bob")), Ok(false));
        assert_eq!(wait(json!({ "dryRun": true })), Ok(false));
        let nobody = wait(json!({})).unwrap_err();
        assert_eq!(nobody.reason, Reason::RequesterMissing);
        for mode in ["Scheduled", "Emergency"] {
            let asked = json!({ "requestedBy": "ana", "mode": mode });
            assert_eq!(wait(asked), Ok(true), "{mode}: anybody may write that");
        }
        let other = crate::reportapp::testing::example_app();
        assert_eq!(is_missing(&rotation(&json!({})), &other), Ok(false));
    }

    #[test]
    fn what_the_operator_makes_itself_waits_for_nobody() {
        let app = app();
        let mut made = rotation(&json!({}));
        made.metadata.owner_references = Some(vec![app.controller_owner_ref(&()).unwrap()]);
        assert_eq!(is_missing(&made, &app), Ok(false), "by schedule, or repair");

        let action: IncidentAction = serde_json::from_value(json!({
            "apiVersion": "reportapp.dev/v1alpha1", "kind": "IncidentAction",
            "metadata": { "name": "leak", "uid": "b" },
            "spec": { "app": "demo", "reason": "test", "rotateCredential": { "credentials": ["erp"] } },
        }))
        .unwrap();
        made.metadata.owner_references = Some(vec![action.controller_owner_ref(&()).unwrap()]);
        assert_eq!(is_missing(&made, &app), Ok(false), "for an action");

        // What has begun belongs to its ReportApp without being controlled by it.
        let mut begun = rotation(&json!({ "requestedBy": "ana" }));
        begun.metadata.owner_references = Some(one_shot::owners(&begun.metadata, &app));
        assert_eq!(is_missing(&begun, &app), Ok(true));
    }
}
