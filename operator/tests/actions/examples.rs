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
