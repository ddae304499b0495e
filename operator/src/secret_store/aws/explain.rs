//! What a failure means for a rotation, in sentences that name the place and the remedy. Pure.

use super::place::{Action, Place};
use super::region::Region;
use super::request::Failure;
use super::settings::Login;
use crate::secret_store::StoreError;

/// What was attempted.
pub(super) enum Attempt<'a> {
    /// Taking the role.
    Login,
    /// A call about a secret.
    Call(Action, &'a Place),
}

/// Says what a failure of `attempt` at `address` means.
pub(super) fn explain(
    address: &str,
    region: &Region,
    login: &Login,
    failure: &Failure,
    attempt: &Attempt<'_>,
) -> StoreError {
    let aws = format!("AWS at {address}");
    let doing = described(attempt);
    match failure {
        Failure::Told(error) => error.clone(),
        Failure::Unreachable(why) => StoreError::Unavailable(format!(
            "{aws} cannot be reached: {why}; check spec.secretStore.awsSecretsManager and the network policies and routes between the operator and it"
        )),
        Failure::Busy => StoreError::Unavailable(format!(
            "{aws} refuses {doing} for now because of too many requests; it is tried again"
        )),
        Failure::Full => StoreError::Unavailable(format!(
            "{aws} refuses {doing}: the secret has as many versions as it may; AWS removes unused ones when they are a day old, so rotate less often"
        )),
        Failure::Broken { code } => StoreError::Unavailable(format!(
            "{aws} answers {code} to {doing}; https://health.aws.amazon.com says more"
        )),
        Failure::Denied(words) => StoreError::Denied(denied(&aws, region, login, words, attempt)),
        Failure::Kms(words) => StoreError::Denied(format!(
            "{aws} cannot use the key of KMS for {doing}{}; allow kms:Decrypt and kms:GenerateDataKey on the key to {}, and see that the key is enabled",
            quoted(words),
            holder(login)
        )),
        Failure::Login { code, words } => StoreError::Denied(format!(
            "{aws} refuses {doing} ({code}){}; {}",
            quoted(words),
            remedy(login, attempt)
        )),
        Failure::Skewed => StoreError::Denied(format!(
            "{aws} refuses {doing} because the clocks differ by more than five minutes; set the clock of the operator's node"
        )),
        Failure::Missing => StoreError::Unusable(format!(
            "{doing}: {aws} has no such secret, or it has no value"
        )),
        Failure::Exists => StoreError::Raced,
        Failure::Deleted => StoreError::Unusable(match attempt {
            Attempt::Login => format!("{aws} refuses {doing}"),
            Attempt::Call(_, place) => format!(
                "{place} was deleted in AWS; bring it back with `aws secretsmanager restore-secret --region {} --secret-id {place}`",
                region.name
            ),
        }),
        Failure::Refused { code, words } => {
            StoreError::Unusable(format!("{aws} answers {code}{} to {doing}", quoted(words)))
        }
        Failure::Strange => StoreError::Unusable(format!(
            "{aws} gives an answer to {doing} that AWS does not give; check the address"
        )),
    }
}

fn denied(aws: &str, region: &Region, login: &Login, words: &str, attempt: &Attempt<'_>) -> String {
    let doing = described(attempt);
    let words = quoted(words);
    match attempt {
        Attempt::Login => format!("{aws} refuses {doing}{words}; {}", remedy(login, attempt)),
        Attempt::Call(action, place) => format!(
            "{aws} refuses {doing}{words}; it needs secretsmanager:{action}: add to a policy of {}: {}",
            holder(login),
            place.policy(region, account(login))
        ),
    }
}

fn described(attempt: &Attempt<'_>) -> String {
    match attempt {
        Attempt::Login => "the login".to_owned(),
        Attempt::Call(Action::GetSecretValue, place) => format!("reading {place}"),
        Attempt::Call(Action::CreateSecret, place) => format!("creating {place}"),
        Attempt::Call(_, place) => format!("writing {place}"),
    }
}

/// Who has policies.
fn holder(login: &Login) -> String {
    match login {
        Login::WebIdentity { role_arn, .. } => role_arn.clone(),
        Login::AccessKey(key) => format!("the owner of access key {}", key.id),
    }
}

/// The account, where the login says it.
fn account(login: &Login) -> &str {
    match login {
        Login::WebIdentity { role_arn, .. } => role_arn.split(':').nth(4).unwrap_or("*"),
        Login::AccessKey(_) => "*",
    }
}

fn remedy(login: &Login, attempt: &Attempt<'_>) -> String {
    match (login, attempt) {
        (
            Login::WebIdentity {
                role_arn,
                audience,
                subject,
                ..
            },
            Attempt::Login,
        ) => format!(
            "{role_arn} must exist and trust the OpenID Connect provider of this cluster for sts:AssumeRoleWithWebIdentity with the conditions <issuer>:sub = {subject} and <issuer>:aud = {audience}, and the provider must list that audience"
        ),
        (Login::WebIdentity { role_arn, .. }, Attempt::Call(..)) => format!(
            "a fresh session of {role_arn} was refused as well: see whether the role was deleted or its sessions were revoked"
        ),
        (Login::AccessKey(key), _) => format!(
            "put an access key that is active into the Secret: `aws iam list-access-keys` shows whether {} is one",
            key.id
        ),
    }
}

fn quoted(words: &str) -> String {
    if words.is_empty() {
        return String::new();
    }
    format!(" ({words})")
}
