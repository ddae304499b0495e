//! Which actions can be undone, and when.

use serde_json::{Value as Json, json};

use super::*;

fn action(spec: &Json, phase: Option<&str>) -> IncidentAction {
    let mut whole = json!({ "app": "demo", "reason": "test" });
    for (field, value) in spec.as_object().unwrap() {
        whole[field] = value.clone();
    }
    serde_json::from_value(json!({
        "apiVersion": "reportapp.dev/v1alpha1", "kind": "IncidentAction",
        "metadata": { "name": "done", "namespace": "reports", "uid": "the-uid" },
        "spec": whole, "status": { "phase": phase },
    }))
    .unwrap()
}

fn disabled(phase: Option<&str>) -> IncidentAction {
    action(&json!({ "disableUser": { "user": "ana" } }), phase)
}

fn refusal(found: Option<&IncidentAction>, app: &str) -> Trouble {
    Undone::resolve("done", app, found).unwrap_err()
}

#[test]
fn only_what_has_ended_is_undone() {
    for phase in ["Succeeded", "Failed", "Expired"] {
        let undone = Undone::resolve("done", "demo", Some(&disabled(Some(phase)))).unwrap();
        assert_eq!(
            (undone.uid.as_str(), undone.user.as_str()),
            ("the-uid", "ana")
        );
    }
    for phase in [
        None,
        Some("Pending"),
        Some("Running"),
        Some("AwaitingApproval"),
    ] {
        let trouble = refusal(Some(&disabled(phase)), "demo");
        assert_eq!(trouble.reason, Reason::ActionNotEnded);
        assert!(!trouble.reason.is_lasting(), "it may end");
    }
    let mut planned = disabled(Some("Succeeded"));
    planned.spec.dry_run = true;
    assert_eq!(refusal(Some(&planned), "demo").reason, Reason::NotUndoable);
}

#[test]
fn an_action_of_another_application_is_none() {
    let theirs = disabled(Some("Succeeded"));
    assert_eq!(refusal(Some(&theirs), "shop").reason, Reason::ActionMissing);
    assert_eq!(refusal(None, "demo").reason, Reason::ActionMissing);
}

#[test]
fn types_that_leave_nothing_are_refused_and_say_why() {
    for (spec, why) in [
        (
            json!({ "rollingRestart": {} }),
            "leaves nothing to be undone",
        ),
        (
            json!({ "rotateCredential": { "credentials": ["store"] } }),
            "rotate again",
        ),
        (
            json!({ "invalidateSessions": { "all": {} } }),
            "does not come back",
        ),
        (
            json!({ "invalidatePermissions": { "all": {} } }),
            "as good as before",
        ),
        (
            json!({ "invalidateCaches": { "namespaces": ["dash"] } }),
            "as good as before",
        ),
        (
            json!({ "undo": { "actionRef": "x" } }),
            "that it undid again",
        ),
    ] {
        let trouble = refusal(Some(&action(&spec, Some("Succeeded"))), "demo");
        assert_eq!(trouble.reason, Reason::NotUndoable, "{spec}");
        assert!(trouble.message.contains(why), "{trouble}");
    }
}
