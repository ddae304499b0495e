//! Defaults for incidents of an application, and which actions need a second person.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::incident_action::ActionType;

/// Defaults for incidents of this application.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Incidents {
    /// People or channels to notify. Not implemented yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(min = 1, max = 253)))]
    pub notify: Vec<String>,

    /// Which actions wait for the consent of a second person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<ApprovalRule>,
}

/// Which actions wait for the consent of a second person.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct ApprovalRule {
    /// Types of IncidentActions that begin only when `spec.approval` of the action is there. With
    /// `RotateCredential` SecretRotations that people create wait as well; those of the schedule do not.
    /// Dry runs need none.
    #[schemars(length(min = 1, max = 16))]
    #[x_kube(validation = Rule::new("self.all(t, self.exists_one(u, u == t))").message("spec.incidents.approval.requiredFor names a type twice"))]
    pub required_for: Vec<ActionType>,
}

impl Incidents {
    /// Whether actions of this type wait for the consent of a second person.
    pub fn need_approval(&self, action: ActionType) -> bool {
        let rule = self.approval.as_ref();
        rule.is_some_and(|rule| rule.required_for.contains(&action))
    }
}
