//! Who approves of something that is carried out once, and the rules that keep everything else of its spec
//! as it was created.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// A second person's consent.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Approval {
    /// Who approves: the user who writes this field. The chart's admission policy checks that, and that
    /// the user holds the verb `approve` on objects of this kind.
    #[schemars(length(min = 1, max = 253))]
    pub approved_by: String,
}

/// Whether the consent of a second person to what `requester` asks for is missing. `None` when nobody could
/// give it, because it is not said who asks.
pub fn is_missing(requester: Option<&str>, approval: Option<&Approval>) -> Option<bool> {
    let requester = requester?;
    Some(approval.is_none_or(|approval| approval.approved_by == requester))
}

/// The CEL rule that every one of these fields of a spec is as it was.
pub fn fixed(fields: &[&str]) -> String {
    let same = |field: &&str| {
        format!(
            "has(self.{field}) == has(oldSelf.{field}) && (!has(self.{field}) || self.{field} == oldSelf.{field})"
        )
    };
    fields.iter().map(same).collect::<Vec<_>>().join(" && ")
}

/// The CEL rule that an approval stays as it was written.
pub const SET_ONCE: &str =
    "!has(oldSelf.approval) || (has(self.approval) && self.approval == oldSelf.approval)";

/// The CEL rule that nobody approves of what they ask for themselves.
pub const BY_ANOTHER: &str = "!has(self.approval) || (has(self.requestedBy) && self.requestedBy != self.approval.approvedBy)";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
    use kube::core::crd::v1::CustomResourceExt as _;

    use super::*;
    use crate::{IncidentAction, SecretRotation, incident_action, secret_rotation};

    /// Fields of a spec.
    fn fields(definition: &CustomResourceDefinition) -> BTreeSet<String> {
        let schema = definition.spec.versions[0].schema.clone().unwrap();
        let schema = schema.open_api_v3_schema.unwrap().properties.unwrap();
        let spec = schema["spec"].properties.as_ref().unwrap();
        spec.keys().cloned().collect()
    }

    #[test]
    fn everything_but_the_approval_is_fixed() {
        for (definition, fixed) in [
            (IncidentAction::crd(), &incident_action::FIXED[..]),
            (SecretRotation::crd(), &secret_rotation::FIXED[..]),
        ] {
            let mut fields = fields(&definition);
            assert!(fields.remove("approval"));
            let fixed: BTreeSet<_> = fixed.iter().map(ToString::to_string).collect();
            assert_eq!(fields, fixed, "{}", definition.spec.names.kind);
        }
    }

    #[test]
    fn a_second_person_is_another_one_than_who_asks() {
        let by = |who: &str| Approval {
            approved_by: who.to_owned(),
        };
        assert_eq!(is_missing(Some("ana"), None), Some(true));
        assert_eq!(is_missing(Some("ana"), Some(&by("ana"))), Some(true));
        assert_eq!(is_missing(Some("ana"), Some(&by("bob"))), Some(false));
        assert_eq!(is_missing(None, Some(&by("bob"))), None);
    }
}
