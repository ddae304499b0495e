//! The examples of the documentation are actions, each of one type.

use reportapp_crds::IncidentAction;
use reportapp_crds::incident_action::ActionType;

#[test]
fn the_examples_are_actions() {
    for (example, expected) in [
        (
            include_str!("../../../docs/examples/restart.yaml"),
            ActionType::RollingRestart,
        ),
        (
            include_str!("../../../docs/examples/rotate-leaked.yaml"),
            ActionType::RotateCredential,
        ),
        (
            include_str!("../../../docs/examples/invalidate-sessions.yaml"),
            ActionType::InvalidateSessions,
        ),
        (
            include_str!("../../../docs/examples/invalidate-permissions.yaml"),
            ActionType::InvalidatePermissions,
        ),
        (
            include_str!("../../../docs/examples/invalidate-caches.yaml"),
            ActionType::InvalidateCaches,
        ),
        (
            include_str!("../../../docs/examples/disable-user.yaml"),
            ActionType::DisableUser,
        ),
        (
            include_str!("../../../docs/examples/force-password-reset.yaml"),
            ActionType::ForcePasswordReset,
        ),
        (
            include_str!("../../../docs/examples/undo.yaml"),
            ActionType::Undo,
        ),
    ] {
        let action: IncidentAction = serde_yaml_ng::from_str(example).unwrap();
        let chosen = action
            .spec
            .action
            .chosen()
            .map(|chosen| chosen.action_type());
        assert_eq!(chosen, Some(expected));
    }
}
