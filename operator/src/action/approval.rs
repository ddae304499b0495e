//! Which actions wait for the consent of a second person. Pure.
//!
//! The definition and the admission policy of the chart see to it that `spec.approval` is written once, by
//! somebody who may; that it is waited for is decided here, at every look.

use kube::ResourceExt as _;
use reportapp_crds::incident_action::ActionType;
use reportapp_crds::{IncidentAction, ReportApp, approval};

use super::trouble::{Reason, Trouble};

/// Whether the consent of a second person is missing for an action of this type.
///
/// # Errors
/// When nobody could give it, because the action does not say who asks for it.
pub fn is_missing(
    action: &IncidentAction,
    kind: ActionType,
    app: &ReportApp,
) -> Result<bool, Trouble> {
    let spec = &action.spec;
    let rule = app.spec.incidents.as_ref();
    if spec.dry_run || !rule.is_some_and(|rule| rule.need_approval(kind)) {
        return Ok(false);
    }
    let missing = approval::is_missing(spec.requested_by.as_deref(), spec.approval.as_ref());
    missing.ok_or_else(|| {
        Trouble::new(
            Reason::RequesterMissing,
            format!(
                "ReportApp {} wants {kind} approved by somebody else than the one who asks for it: create the \
                 action anew with your user name in spec.requestedBy",
                app.name_any()
            ),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disable(more: &serde_json::Value) -> IncidentAction {
        let mut spec = serde_json::json!({
            "app": "demo", "reason": "test", "disableUser": { "user": "ana" },
        });
        for (field, value) in more.as_object().unwrap() {
            spec[field] = value.clone();
        }
        serde_json::from_value(serde_json::json!({
            "apiVersion": "reportapp.dev/v1alpha1", "kind": "IncidentAction",
            "metadata": { "name": "lock" }, "spec": spec,
        }))
        .unwrap()
    }

    #[test]
    fn a_type_of_the_list_waits_for_somebody_else_than_the_requester() {
        let mut app = crate::reportapp::testing::example_app();
        let wait = |app: &ReportApp, more: serde_json::Value| {
            is_missing(&disable(&more), ActionType::DisableUser, app)
        };
        let by = |who: &str| serde_json::json!({ "requestedBy": "ana", "approval": { "approvedBy": who } });
        assert_eq!(wait(&app, serde_json::json!({})), Ok(false));
        let rule = serde_json::json!({ "approval": { "requiredFor": ["DisableUser"] } });
        app.spec.incidents = Some(serde_json::from_value(rule).unwrap());
        assert_eq!(
            wait(&app, serde_json::json!({ "requestedBy": "ana" })),
            Ok(true)
        );
        assert_eq!(wait(&app, by("ana")), Ok(true));
        assert_eq!(wait(&app, by("bob")), Ok(false));
        assert_eq!(wait(&app, serde_json::json!({ "dryRun": true })), Ok(false));
        let other = is_missing(&disable(&by("ana")), ActionType::Undo, &app);
        assert_eq!(other, Ok(false));
        let nobody = wait(&app, serde_json::json!({})).unwrap_err();
        assert_eq!(nobody.reason, Reason::RequesterMissing);
    }
}
