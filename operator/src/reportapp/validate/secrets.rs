//! Looking up the values a spec names. Messages name Secrets and keys, never values.

use std::collections::{BTreeMap, BTreeSet};

use reportapp_crds::report_app::{Admin, ReportAppSpec, SecretKeyRef, Tls};

use super::super::lending;
use super::super::model::{ProblemReason, SecretBytes, SecretLookup};
use super::Check;
use crate::rotation::trouble::Trouble;
use crate::secret_store::vault::path::{lookup_name, path_and_key};

/// Key of a database or Redis password.
pub const PASSWORD_KEY: &str = "password";
/// Key of a bundle of authorities.
pub const AUTHORITY_KEY: &str = "ca.crt";

/// Names of every Secret the spec names, for `fetch`.
pub fn named_secrets(spec: &ReportAppSpec) -> BTreeSet<String> {
    let sources = spec
        .credentials
        .iter()
        .filter_map(|credential| credential.from.as_ref())
        .chain(admins(spec).map(|(_, admin)| &admin.password))
        .filter_map(|source| source.secret_ref.as_ref());
    let authorities = spec
        .servers
        .iter()
        .map(|server| &server.tls)
        .chain([&spec.store.tls])
        .chain(spec.redis.iter().map(|redis| &redis.tls))
        .filter_map(|tls: &Tls| tls.ca_secret_ref.as_ref());
    let vault = spec.secret_store.vault.iter().flat_map(|vault| {
        let secret_id = vault.auth.app_role.as_ref().map(|auth| &auth.secret_id_ref);
        let token = vault.auth.token.as_ref().map(|auth| &auth.secret_ref);
        [vault.ca_secret_ref.as_ref(), secret_id, token]
            .into_iter()
            .flatten()
    });
    let access_key = spec
        .secret_store
        .aws_secrets_manager
        .iter()
        .filter_map(|aws| aws.auth.access_key.as_ref())
        .map(|access_key| &access_key.secret_name);
    let certificate = spec
        .web
        .iter()
        .filter_map(|web| web.tls.as_ref())
        .map(|tls| &tls.secret_name);
    sources
        .chain(authorities)
        .chain(vault)
        .map(|reference| &reference.name)
        .chain(access_key)
        .chain(certificate)
        .chain(&spec.image.pull_secrets)
        .cloned()
        .collect()
}

/// Every administrator of the spec and the path of the field.
pub fn admins(spec: &ReportAppSpec) -> impl Iterator<Item = (String, &Admin)> {
    let servers = spec.servers.iter().map(|server| {
        let path = format!("spec.servers[{}].admin.password", server.name);
        (path, server.admin.as_ref())
    });
    let store = (
        "spec.store.admin.password".to_owned(),
        spec.store.admin.as_ref(),
    );
    let redis = spec
        .redis
        .iter()
        .map(|redis| ("spec.redis.admin.password".to_owned(), redis.admin.as_ref()));
    servers
        .chain([store])
        .chain(redis)
        .filter_map(|(path, admin)| admin.map(|admin| (path, admin)))
}

impl<'a> Check<'a> {
    /// Secrets the API server does not give now, whatever they are used for.
    pub(super) fn unread_secrets(&mut self) {
        let secrets = &self.fetched.secrets;
        for name in named_secrets(self.spec) {
            if let Some(SecretLookup::Unread(trouble)) = secrets.get(&name) {
                let path = format!("Secret {name}");
                self.note(ProblemReason::SecretUnreadable, path, &trouble.message);
            }
        }
    }

    /// Values and type of a Secret that lends itself to this application.
    pub(super) fn secret(
        &mut self,
        name: &str,
        path: &str,
    ) -> Option<(&'a BTreeMap<String, SecretBytes>, &'a str)> {
        let fetched = self.fetched;
        let namespace = self.namespace.clone();
        match fetched.secrets.get(name) {
            Some(SecretLookup::Found { data, kind }) => Some((data, kind)),
            Some(SecretLookup::NotAllowed { annotation }) => {
                let list = annotation.as_deref();
                let remedy = lending::command(&namespace, "secret", name, list, &self.name);
                self.problem(
                    ProblemReason::SecretNotAllowed,
                    path,
                    format!(
                        "Secret {name} does not allow this ReportApp to use it; its owner can: {remedy}"
                    ),
                )
            }
            Some(SecretLookup::Forbidden(why)) => self.problem(
                ProblemReason::Forbidden,
                path,
                format!("the operator may not read Secret {name}: {why}"),
            ),
            // Noted by `unread_secrets`.
            Some(SecretLookup::Unread(_)) => None,
            Some(SecretLookup::Missing) | None => self.problem(
                ProblemReason::SecretMissing,
                path,
                format!("there is no Secret {name} in namespace {namespace}; create it"),
            ),
        }
    }

    /// One value: present, text, not empty.
    pub(super) fn value(
        &mut self,
        reference: &SecretKeyRef,
        default_key: &str,
        path: &str,
    ) -> Option<&'a SecretBytes> {
        let (data, _) = self.secret(&reference.name, path)?;
        let key = reference.key_or(default_key);
        let name = &reference.name;
        let Some(value) = data.get(key) else {
            let keys: Vec<_> = data.keys().map(String::as_str).collect();
            let present = if keys.is_empty() {
                "it is empty".to_owned()
            } else {
                format!("it has: {}", keys.join(", "))
            };
            return self.problem(
                ProblemReason::SecretKeyMissing,
                path,
                format!("Secret {name} has no key {key}; {present}"),
            );
        };
        let text = std::str::from_utf8(value.expose());
        let text = text.map(|text| text.trim_end_matches(['\r', '\n']));
        match text {
            Ok("") => self.invalid(path, format!("key {key} of Secret {name} is empty")),
            Err(_) => self.invalid(path, format!("key {key} of Secret {name} is not text")),
            Ok(_) => Some(value),
        }
    }
}

impl<'a> Check<'a> {
    /// One value in Vault: present, not empty. `Err` says why the store does not give it now.
    pub(super) fn vault_value(
        &mut self,
        reference: &str,
        default_key: &str,
        path: &str,
    ) -> Option<Result<&'a SecretBytes, &'a Trouble>> {
        if self.spec.secret_store.vault.is_none() {
            let message =
                "needs spec.secretStore.vault, which says where Vault is and how to log in";
            return self.invalid(path, message);
        }
        let fetched = self.fetched;
        let (_, key) = path_and_key(reference, default_key);
        match fetched.secrets.get(&lookup_name(reference, default_key)) {
            Some(SecretLookup::Found { data, .. }) => match data.get(key) {
                Some(value) if !value.expose().trim_ascii().is_empty() => Some(Ok(value)),
                _ => self.invalid(path, format!("key {key} in Vault is empty")),
            },
            Some(withheld @ SecretLookup::Unread(trouble)) if withheld.is_withheld() => {
                Some(Err(trouble))
            }
            Some(SecretLookup::Unread(trouble)) => {
                let message = trouble.message.clone();
                self.problem(ProblemReason::StoreValueMissing, path, message)
            }
            _ => self.problem(ProblemReason::StoreUnavailable, path, "was not read yet"),
        }
    }
}
