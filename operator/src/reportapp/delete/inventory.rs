//! What stays when a ReportApp is deleted, place by place, with the commands that remove it. Pure.
//!
//! Nothing outside Kubernetes is asked, because a deletion ends also while that is gone. So of a store
//! outside, every ledger is named that can exist: those of the spec and those that were published.

use std::collections::{BTreeMap, BTreeSet};

use kube::ResourceExt as _;
use reportapp_config::credential as file;
use reportapp_crds::ReportApp;
use reportapp_crds::report_app::Credential;
use reportapp_crds::report_app::secret_store::{AwsSecretsManager, Vault};

use crate::backend;
use crate::backend::postgres::identifier;
use crate::reportapp::published::PublishedCredential;
use crate::rotation::outside::place;

/// Room for the words that number the notes of a place.
const NUMBERING: usize = "(999 of 999) ".len();

/// Credentials that were rotated, as pods saw them, by name.
pub type Published = BTreeMap<String, PublishedCredential>;

/// What stays in one place.
#[derive(Debug, PartialEq, Eq)]
pub struct Kept {
    /// `action` of its events. Events of one object that differ in nothing but their notes are taken
    /// for one, so each place has its own.
    pub action: &'static str,
    /// What stays, and how its commands begin.
    intro: String,
    /// A command for each, or what one command takes.
    items: Vec<String>,
    separator: &'static str,
}

impl Kept {
    /// Texts of at most `most` bytes that together name every item; no command is cut.
    pub fn notes(&self, most: usize) -> Vec<String> {
        let room = most.saturating_sub(self.intro.len() + NUMBERING);
        let mut parts: Vec<String> = Vec::new();
        for item in &self.items {
            match parts.last_mut() {
                Some(part) if part.len() + self.separator.len() + item.len() <= room => {
                    part.push_str(self.separator);
                    part.push_str(item);
                }
                _ => parts.push(item.clone()),
            }
        }
        let count = parts.len();
        let number = |index: usize| match count {
            1 => String::new(),
            _ => format!("({} of {count}) ", index + 1),
        };
        let parts = parts.into_iter().enumerate();
        parts
            .map(|(index, part)| format!("{}{}{part}", number(index), self.intro))
            .collect()
    }
}

/// Everything that stays of `app`; `objects` are those of its namespace, as `kubectl` names them.
pub fn inventory(app: &ReportApp, objects: Vec<String>, published: &Published) -> Vec<Kept> {
    let namespace = app.namespace().unwrap_or_default();
    let store = &app.spec.secret_store;
    let outside = match (&store.vault, &store.aws_secrets_manager) {
        (Some(vault), _) => Some(in_vault(app, vault, published)),
        (None, Some(aws)) => Some(in_aws(app, aws, published)),
        (None, None) => None,
    };
    let here = Kept {
        action: "KeepObjects",
        intro: format!(
            "kept for a ReportApp of the same name; to remove it: kubectl delete -n {namespace} "
        ),
        items: objects,
        separator: " ",
    };
    [Some(logins(app, published)), outside, Some(here)]
        .into_iter()
        .flatten()
        .filter(|kept| !kept.items.is_empty())
        .collect()
}

fn in_vault(app: &ReportApp, vault: &Vault, published: &Published) -> Kept {
    let namespace = vault.namespace.as_ref();
    let namespace = namespace.map_or_else(String::new, |name| format!("-namespace={name} "));
    let command = |ledger: String| {
        format!(
            "vault kv metadata delete {namespace}-mount={} {ledger}",
            vault.mount
        )
    };
    Kept {
        action: "KeepVaultLedgers",
        intro:
            "ledgers stay in Vault, one for each credential that was ever rotated; to remove them: "
                .to_owned(),
        items: ledgers(app, &vault.path_prefix, published)
            .map(command)
            .collect(),
        separator: "; ",
    }
}

fn in_aws(app: &ReportApp, aws: &AwsSecretsManager, published: &Published) -> Kept {
    let command = |ledger: String| {
        format!(
            "aws secretsmanager delete-secret --region {} --secret-id {ledger}",
            aws.region
        )
    };
    Kept {
        action: "KeepAwsLedgers",
        intro: "ledgers stay in AWS Secrets Manager, one for each credential that was ever rotated; to remove \
                them: "
            .to_owned(),
        items: ledgers(app, &aws.path_prefix, published)
            .map(command)
            .collect(),
        separator: "; ",
    }
}

/// Where the ledgers are that can exist.
fn ledgers(
    app: &ReportApp,
    prefix: &str,
    published: &Published,
) -> impl Iterator<Item = String> + use<> {
    let folder = format!(
        "{prefix}/{}/{}",
        app.namespace().unwrap_or_default(),
        app.name_any()
    );
    let present = app.spec.credentials.iter().map(|of| of.name.clone());
    let names: BTreeSet<String> = present.chain(published.keys().cloned()).collect();
    names
        .into_iter()
        .map(move |credential| format!("{folder}/{credential}"))
}

/// Logins the operator made in databases and in Redis beside the one of the spec.
fn logins(app: &ReportApp, published: &Published) -> Kept {
    let made = |credential: &Credential| {
        let role = credential.opens.login()?;
        let used = published.get(&credential.name)?;
        let used = used.files.get(file::USERNAME)?.expose();
        let twins = backend::twins(role);
        twins.iter().any(|twin| twin == used).then_some(())?;
        let at = place(app, credential);
        let host = format!("{}:{}", at.host?, at.port?);
        Some(match (at.database, &credential.opens.redis) {
            (_, Some(_)) => format!("on {host}: ACL DELUSER {}", twins.join(" ")),
            (database, None) => {
                let twins = twins.map(|twin| identifier(&twin));
                let database = database.map_or_else(String::new, |name| format!("/{name}"));
                format!(
                    "on {host}{database}: DROP ROLE IF EXISTS {}",
                    twins.join(", ")
                )
            }
        })
    };
    Kept {
        action: "KeepLogins",
        intro: "logins stay that rotations made beside those of the spec; to remove them: "
            .to_owned(),
        items: app.spec.credentials.iter().filter_map(made).collect(),
        separator: "; ",
    }
}

#[cfg(test)]
mod tests;
