//! What a failure means for a rotation, in sentences that name the place and the remedy. Pure.

use super::path::{self, Place};
use super::request::Failure;
use super::settings::Login;
use crate::secret_store::StoreError;

/// What was attempted.
pub(super) enum Attempt<'a> {
    /// Logging in.
    Login,
    /// Reading a secret; the capabilities a policy for it needs.
    Read(&'a Place, &'a [&'a str]),
    /// Writing a secret.
    Write(&'a Place),
}

/// Says what a failure of `attempt` at `address` means.
pub(super) fn explain(
    address: &str,
    login: &Login,
    failure: &Failure,
    attempt: &Attempt<'_>,
) -> StoreError {
    let vault = format!("Vault at {address}");
    match failure {
        Failure::Raced => StoreError::Raced,
        Failure::Unreachable(why) => StoreError::Unavailable(format!(
            "{vault} cannot be reached: {why}; check spec.secretStore.vault.address and the network policies between the operator and it"
        )),
        Failure::Sealed => StoreError::Unavailable(format!(
            "{vault} is sealed; unseal it with `vault operator unseal`"
        )),
        Failure::Standby => StoreError::Unavailable(format!(
            "{vault} is a standby that does not pass requests on; give the address of the active node in spec.secretStore.vault.address, or wait for the election"
        )),
        Failure::Busy => StoreError::Unavailable(format!(
            "{vault} refuses for now because of a rate limit (429); raise it under sys/quotas/rate-limit"
        )),
        Failure::Broken { code, words } => StoreError::Unavailable(format!(
            "{vault} answers {code}{}; its own log says more",
            quoted(words)
        )),
        Failure::Denied(words) => StoreError::Denied(denied(&vault, login, words, attempt)),
        Failure::NoMount => StoreError::Unusable(format!(
            "{vault} has nothing mounted at {}; `vault secrets list` and `vault auth list` show what there is",
            mount(login, attempt)
        )),
        Failure::Refused { code, words } => match attempt {
            Attempt::Login => StoreError::Denied(denied(&vault, login, words, attempt)),
            _ => StoreError::Unusable(format!(
                "{vault} answers {code}{} to {}",
                quoted(words),
                described(attempt)
            )),
        },
        Failure::Strange => StoreError::Unusable(format!(
            "{vault} gives an answer to {} that KV version 2 does not give; check with `vault secrets list -detailed` that {} is one",
            described(attempt),
            mount(login, attempt)
        )),
    }
}

fn denied(vault: &str, login: &Login, words: &str, attempt: &Attempt<'_>) -> String {
    let policy = match attempt {
        Attempt::Login => {
            return format!(
                "{vault} refuses the login{}; {}",
                quoted(words),
                remedy(login)
            );
        }
        Attempt::Read(place, capabilities) => place.policy(capabilities),
        Attempt::Write(place) => place.policy(path::READ_AND_WRITE),
    };
    let expired = match login {
        Login::Token(_) => {
            " (or the token has expired or was revoked: then put a new one into the Secret)"
        }
        _ => "",
    };
    format!(
        "{vault} refuses {}; add to a policy of {}: {policy}{expired}",
        described(attempt),
        holder(login)
    )
}

fn described(attempt: &Attempt<'_>) -> String {
    match attempt {
        Attempt::Login => "the login".to_owned(),
        Attempt::Read(place, _) => format!("reading {place}"),
        Attempt::Write(place) => format!("writing {place}"),
    }
}

fn mount(login: &Login, attempt: &Attempt<'_>) -> String {
    match (attempt, login) {
        (Attempt::Read(place, _) | Attempt::Write(place), _) => place.mount.clone(),
        (
            Attempt::Login,
            Login::Kubernetes { mount, .. }
            | Login::Jwt { mount, .. }
            | Login::AppRole { mount, .. },
        ) => format!("auth/{mount}"),
        (Attempt::Login, Login::Token(_)) => "auth/token".to_owned(),
    }
}

/// Who has policies.
fn holder(login: &Login) -> String {
    match login {
        Login::Kubernetes { mount, role, .. } | Login::Jwt { mount, role, .. } => {
            format!("auth/{mount}/role/{role}")
        }
        Login::AppRole { mount, .. } => format!("the role of auth/{mount}"),
        Login::Token(_) => "the token".to_owned(),
    }
}

fn remedy(login: &Login) -> String {
    match login {
        Login::Kubernetes {
            mount,
            role,
            audience,
            ..
        } => format!(
            "auth/{mount}/role/{role} must exist and be bound to the ServiceAccount and the namespace of the ReportApp and to audience {audience}: `vault read auth/{mount}/role/{role}`"
        ),
        Login::Jwt {
            mount,
            role,
            audience,
            ..
        } => format!(
            "auth/{mount}/role/{role} must exist, be bound to the subject system:serviceaccount:<namespace>:<ServiceAccount> and to audience {audience}, and auth/{mount}/config must have the keys of the cluster"
        ),
        Login::AppRole { mount, .. } => format!(
            "check the role id, and make a new secret id with `vault write -f auth/{mount}/role/<role>/secret-id`"
        ),
        Login::Token(_) => "put a new token into the Secret".to_owned(),
    }
}

fn quoted(words: &str) -> String {
    if words.is_empty() {
        return String::new();
    }
    format!(" ({words})")
}
