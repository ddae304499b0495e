//! Who approves of an action, and the rules that keep everything else of its spec as it was created.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// A second person's consent.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Approval {
    /// Who approves: the user who writes this field. The chart's admission policy checks that, and that
    /// the user holds the verb `approve` on incidentactions.
    #[schemars(length(min = 1, max = 253))]
    pub approved_by: String,
}

/// Fields of a spec, each action's own field included, that never change.
pub const FIXED: [&str; 15] = [
    "app",
    "rollingRestart",
    "rotateCredential",
    "invalidateSessions",
    "invalidatePermissions",
    "invalidateCaches",
    "disableUser",
    "forcePasswordReset",
    "undo",
    "reason",
    "incidentRef",
    "requestedBy",
    "dryRun",
    "duration",
    "activeDeadlineSeconds",
];

/// The CEL rule that every field of [`FIXED`] is as it was.
pub fn fixed() -> String {
    let same = FIXED.map(|field| {
        format!(
            "has(self.{field}) == has(oldSelf.{field}) && (!has(self.{field}) || self.{field} == oldSelf.{field})"
        )
    });
    same.join(" && ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use kube::core::crd::v1::CustomResourceExt as _;

    use super::*;
    use crate::IncidentAction;

    #[test]
    fn everything_but_the_approval_is_fixed() {
        let definition = IncidentAction::crd();
        let schema = definition.spec.versions[0].schema.clone().unwrap();
        let schema = schema.open_api_v3_schema.unwrap().properties.unwrap();
        let spec = schema["spec"].properties.as_ref().unwrap();
        let mut fields: BTreeSet<_> = spec.keys().map(String::as_str).collect();
        assert!(fields.remove("approval"));
        assert_eq!(fields, BTreeSet::from(FIXED));
    }
}
