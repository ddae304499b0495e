//! Which secret of Secrets Manager is meant, and the rights for it. Pure.

use std::fmt;

use serde_json::json;

use super::StoreError;
use super::region::Region;

/// Longest name of a secret.
const MAX_NAME: usize = 512;

/// What the operator asks of Secrets Manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    GetSecretValue,
    CreateSecret,
    PutSecretValue,
    UpdateSecretVersionStage,
}

/// What it needs where it writes.
const ALL: [Action; 4] = [
    Action::GetSecretValue,
    Action::CreateSecret,
    Action::PutSecretValue,
    Action::UpdateSecretVersionStage,
];

impl Action {
    /// Whether a request carries a value, which AWS may repeat when it complains.
    pub(super) fn carries_value(self) -> bool {
        matches!(self, Self::CreateSecret | Self::PutSecretValue)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, formatter)
    }
}

/// A secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Its name.
    pub(super) name: String,
    /// What a policy for it names: the folder of ledgers, or the secret alone.
    granted: String,
}

impl Place {
    /// A secret that somebody else keeps.
    pub(super) fn of_others(name: &str) -> Result<Self, StoreError> {
        Ok(Self {
            name: checked(name)?,
            // AWS adds a hyphen and six characters to the ARN of every secret.
            granted: format!("{name}-??????"),
        })
    }

    /// The secret `name` of a folder of ours.
    pub(super) fn in_folder(folder: &str, name: &str) -> Result<Self, StoreError> {
        Ok(Self {
            name: checked(&format!("{folder}/{name}"))?,
            granted: format!("{folder}/*"),
        })
    }

    /// The statement of a policy that allows what the operator does here. `account` is `*` where it
    /// is not known.
    pub(super) fn policy(&self, region: &Region, account: &str) -> String {
        let actions = ALL.map(|action| format!("secretsmanager:{action}"));
        let (partition, region) = (region.partition, &region.name);
        let resource = format!(
            "arn:{partition}:secretsmanager:{region}:{account}:secret:{}",
            self.granted
        );
        json!({ "Effect": "Allow", "Action": actions, "Resource": resource }).to_string()
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name)
    }
}

/// The name, if Secrets Manager takes it.
fn checked(name: &str) -> Result<String, StoreError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "/_+=.@-".contains(c);
    if !name.is_empty() && name.len() <= MAX_NAME && name.chars().all(fits) {
        return Ok(name.to_owned());
    }
    Err(StoreError::Unusable(format!(
        "{name:?} is no name of a secret in AWS Secrets Manager; write letters, digits and /_+=.@- such as bisman/production/database, not an ARN"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_names_the_secret_alone_or_the_folder_of_ledgers() {
        let region = Region::new("eu-central-1").unwrap();
        let resource = |place: Place| {
            let policy = place.policy(&region, "123456789012");
            let policy: serde_json::Value = serde_json::from_str(&policy).unwrap();
            assert_eq!(policy["Action"][1], "secretsmanager:CreateSecret");
            policy["Resource"].as_str().unwrap().to_owned()
        };
        let of_others = Place::of_others("bisman/production/database").unwrap();
        assert_eq!(
            resource(of_others),
            "arn:aws:secretsmanager:eu-central-1:123456789012:secret:bisman/production/database-??????"
        );
        let ledger = Place::in_folder("reportapp/reports/demo", "erp").unwrap();
        assert_eq!(ledger.name, "reportapp/reports/demo/erp");
        assert_eq!(
            resource(ledger),
            "arn:aws:secretsmanager:eu-central-1:123456789012:secret:reportapp/reports/demo/*"
        );
    }

    #[test]
    fn what_is_no_name_is_refused() {
        let arn = "arn:aws:secretsmanager:eu-central-1:1:secret:a";
        for name in ["", "a b", "a*", "a\nb", arn, &"a".repeat(513)] {
            assert!(Place::of_others(name).is_err(), "{name}");
        }
    }
}
