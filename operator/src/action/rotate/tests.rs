//! The rotation an action makes, and what it makes of the rotation.

use serde_json::json;

use super::*;

fn action(name: &str) -> IncidentAction {
    serde_json::from_value(json!({
        "apiVersion": "reportapp.dev/v1alpha1", "kind": "IncidentAction",
        "metadata": { "name": name, "namespace": "reports", "uid": "5f3c2a51" },
        "spec": {
            "app": "demo", "reason": "a password was pasted", "requestedBy": "jane@example.com",
            "rotateCredential": { "credentials": ["store", "redis"], "mode": "Emergency" },
        },
    }))
    .unwrap()
}

fn made(action: &IncidentAction, seconds: i64) -> SecretRotation {
    let rotate = action.spec.action.rotate_credential.as_ref().unwrap();
    rotation(action, rotate, SignedDuration::from_secs(seconds))
}

#[test]
fn the_rotation_belongs_to_the_action_and_has_what_is_left_of_its_time() {
    let action = action("leak");
    let rotation = made(&action, 1_700);
    assert_eq!(rotation.spec.credentials, ["store", "redis"]);
    assert_eq!(
        rotation.spec.mode,
        reportapp_crds::secret_rotation::Mode::Emergency
    );
    assert_eq!(rotation.spec.active_deadline_seconds, 1_700);
    assert_eq!(
        rotation.spec.reason,
        "a password was pasted (IncidentAction leak, requested by jane@example.com)"
    );
    assert_eq!(
        rotation.spec.requested_by, None,
        "the policy would refuse it: the operator creates it"
    );
    assert!(is_of(&rotation, &action));
    let owners = rotation.owner_references();
    assert_eq!(owners.len(), 1, "a second owner would keep it alive");
    assert_eq!(owners[0].controller, Some(true));
    assert_eq!(made(&action, 3).spec.active_deadline_seconds, SHORTEST);
}

#[test]
fn its_name_follows_from_the_action_alone() {
    let mut other = action("leak");
    other.metadata.uid = Some("another".to_owned());
    let (first, second) = (rotation_name(&action("leak")), rotation_name(&other));
    assert_eq!(first, rotation_name(&action("leak")));
    assert_ne!(first, second, "an action of the same name came before");
    assert!(!is_of(&made(&other, 60), &action("leak")));
    for name in ["a".repeat(100), format!("{}-b", "a".repeat(51))] {
        let name = rotation_name(&action(&name));
        assert!(name.len() <= 63 && !name.contains("--"), "{name}");
    }
}

#[test]
fn a_long_reason_leaves_room_for_where_it_comes_from() {
    let mut action = action("leak");
    action.spec.reason = "ß".repeat(512);
    let reason = made(&action, 60).spec.reason;
    assert!(reason.chars().count() <= MAX_REASON, "{reason}");
    assert!(
        reason.ends_with("requested by jane@example.com)"),
        "{reason}"
    );
}

#[test]
fn an_unknown_credential_is_named_beside_those_there_are() {
    let app = crate::reportapp::testing::example_app();
    let rotate = |credentials: &[&str]| RotateCredential {
        credentials: credentials.iter().map(|&name| name.to_owned()).collect(),
        mode: reportapp_crds::incident_action::RotateMode::Manual,
    };
    assert_eq!(check(&app, &rotate(&["store"])), Ok(()));
    let trouble = check(&app, &rotate(&["store", "stroe"])).unwrap_err();
    assert_eq!(trouble.reason, Reason::UnknownCredential);
    for word in ["spec.rotateCredential.credentials", "stroe;", "store"] {
        assert!(trouble.message.contains(word), "{trouble}");
    }
}

#[test]
fn the_action_stands_as_its_rotation_stands() {
    let mut rotation = made(&action("leak"), 60);
    let new = verdict(&rotation);
    assert_eq!((new.phase, new.stalled), (Phase::Running, false));
    for (phase, stalled, reason) in [
        ("Pending", false, "WaitingForOther"),
        ("Running", true, "BackendUnreachable"),
        ("Succeeded", false, "Succeeded"),
        ("Failed", false, "OldSessionsRemain"),
        ("Expired", false, "DeadlineExceeded"),
    ] {
        let condition = |kind: &str, holds: bool| {
            json!({
                "type": kind, "status": if holds { "True" } else { "False" }, "reason": reason,
                "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z",
            })
        };
        let status = json!({
            "phase": phase, "message": "as it is",
            "conditions": [condition("Ready", false), condition("Stalled", stalled)],
        });
        rotation.status = serde_json::from_value(status).unwrap();
        let verdict = verdict(&rotation);
        assert_eq!(format!("{:?}", verdict.phase), phase);
        assert_eq!(
            (verdict.stalled, verdict.reason.as_str()),
            (stalled, reason)
        );
        assert!(verdict.message.ends_with(": as it is"), "{verdict:?}");
    }
}

#[test]
fn only_credentials_with_a_login_are_expected_to_be_refused() {
    let credential = |name: &str, to: Option<&str>, refused: bool| {
        json!({
            "name": name, "strategy": "AlternatingUsers", "to": to, "oldSessions": 0, "oldPods": 1,
            "oldRefused": refused,
        })
    };
    let status = json!({
        "credentials": [
            credential("store", Some("reportapp_b"), true),
            credential("redis", Some("reportapp_b"), false),
            credential("tokens", None, false),
        ],
    });
    let figures = figures(&serde_json::from_value(status).unwrap());
    let figures: Vec<_> = figures
        .iter()
        .map(|figure| (figure.name.as_str(), figure.measured, figure.expected))
        .collect();
    assert_eq!(
        figures,
        [
            ("oldValuesRefused", 1, 2),
            ("oldSessions", 0, 0),
            ("oldPods", 3, 0)
        ]
    );
}
