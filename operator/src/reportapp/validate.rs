//! From what was fetched to the single input of the builders, or to every problem in one list.
//! Pure.
//!
//! One file per concern: [`credentials`] (values and where they are used), [`databases`] (servers,
//! store, Redis), [`consumers`] (what of others is published to and restarted), [`reports`] (the files of reports), [`network`] (images, hosts, host keys), [`key`] (the form of keys and certificates),
//! [`secrets`] (looking values up). What one object can say about itself is checked by the API server
//! (CEL in `crds`); here stands what needs other objects, and what the builders rely on.
//!
//! A check returns `None` only after it has noted a problem, so a [`ValidatedApp`] exists exactly when
//! the list is empty.

mod consumers;
mod credentials;
mod databases;
pub mod key;
pub mod known_hosts;
mod network;
mod problem;
mod reports;
mod secrets;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::{Resource as _, ResourceExt as _};
use reportapp_config::api::ErpAuth;
use reportapp_config::database::{PoolConfig, TlsMode};
use reportapp_crds::ReportApp;
use reportapp_crds::report_app::unimplemented::unimplemented_fields;
use reportapp_crds::report_app::{CredentialStatus, ReportAppSpec, Volume};

use super::model::{
    FetchedReportApp, Live, OperatorFacts, Problem, ProblemReason, Problems, SecretBytes,
    ServingCertificate,
};
use super::naming;

pub use secrets::{PASSWORD_KEY, admins, named_secrets};

/// An application that can be built: every reference resolved, every value in hand.
#[derive(Clone, Debug)]
pub struct ValidatedApp {
    /// The object, for fields that are used as they are.
    pub app: Arc<ReportApp>,
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Owner of everything that goes with it.
    pub owner: OwnerReference,
    /// ERP databases, in the order of the spec.
    pub servers: Vec<ValidatedServer>,
    /// The application's own database.
    pub store: ValidatedStore,
    /// Session cache.
    pub redis: Option<ValidatedRedis>,
    /// `ConfigMap` with report files.
    pub reports: Option<String>,
    /// Key that signs access tokens.
    pub signing: VersionedSecret,
    /// Token of the bot; absent without a bot.
    pub bot_token: Option<VersionedSecret>,
    /// Token of the internal API; present exactly with a bot.
    pub internal_token: Option<VersionedSecret>,
    /// Certificate of the application's own authority (PEM).
    pub authority_certificate: String,
    /// Certificate of the API, signed by that authority.
    pub certificate: ServingCertificate,
    /// First values the secret store does not give now: a sentence each.
    pub unread: Vec<String>,
    /// What of others no rotation could use.
    pub refused: Vec<Problem>,
    /// Credentials of the spec.
    pub credentials: Vec<CredentialStatus>,
    /// What the operator knows about itself.
    pub operator: OperatorFacts,
    /// Live objects, for the decision to postpone an upgrade.
    pub live: Live,
}

impl ValidatedApp {
    /// The spec.
    pub fn spec(&self) -> &ReportAppSpec {
        &self.app.spec
    }
}

/// An immutable Secret and where pods see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionedSecret {
    /// Folder it is mounted at.
    pub folder: String,
    /// Name of the volume in a pod.
    pub volume: String,
    /// Name of the Secret, with the suffix of its content.
    pub name: String,
    /// Values by file name.
    pub files: BTreeMap<String, SecretBytes>,
}

/// An ERP database.
#[derive(Clone, Debug)]
pub struct ValidatedServer {
    /// Name in the spec.
    pub name: String,
    /// Host; with a tunnel as the bastion resolves it.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Database name.
    pub database: String,
    /// Transport security.
    pub tls: ValidatedTls,
    /// Login.
    pub login: VersionedSecret,
    /// Where people who read it sign in.
    pub auth: ErpAuth,
    /// Size and deadlines of the pool.
    pub pool: PoolConfig,
    /// Tunnel to go through.
    pub tunnel: Option<ValidatedTunnel>,
}

/// An SSH tunnel.
#[derive(Clone, Debug)]
pub struct ValidatedTunnel {
    /// Host name or address of the bastion.
    pub host: String,
    /// TCP port of the bastion.
    pub port: u16,
    /// Login name.
    pub user: String,
    /// `known_hosts` lines.
    pub known_hosts: Vec<String>,
    /// Private key.
    pub key: VersionedSecret,
}

/// Transport security of a connection.
#[derive(Clone, Debug)]
pub struct ValidatedTls {
    /// How strictly.
    pub mode: TlsMode,
    /// Accepted authorities; absent: the public ones.
    pub authority: Option<VersionedSecret>,
    /// Name the certificate must carry; absent: the dialled host.
    pub server_name: Option<String>,
}

/// The application's own database.
#[derive(Clone, Debug)]
pub enum ValidatedStore {
    /// PostgreSQL.
    Postgres(Box<PostgresStore>),
    /// A file in a volume.
    Sqlite {
        /// The volume.
        volume: Volume,
        /// Size and deadlines of the pool.
        pool: PoolConfig,
    },
}

/// A PostgreSQL database for the application's own state.
#[derive(Clone, Debug)]
pub struct PostgresStore {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Database name.
    pub database: String,
    /// Transport security.
    pub tls: ValidatedTls,
    /// Login.
    pub login: VersionedSecret,
    /// Size and deadlines of the pool.
    pub pool: PoolConfig,
    /// Who migrates it, if not the API itself.
    pub migrator: Option<ValidatedMigrator>,
}

/// The login that owns the tables of the store.
#[derive(Clone, Debug)]
pub struct ValidatedMigrator {
    /// Login.
    pub login: VersionedSecret,
    /// Role that serves and is given the rights it needs.
    pub grants_to: String,
    /// How long a migration may take.
    pub deadline: Duration,
}

/// Redis.
#[derive(Clone, Debug)]
pub struct ValidatedRedis {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Transport security.
    pub tls: ValidatedTls,
    /// Login.
    pub login: VersionedSecret,
}

/// Checks everything.
///
/// # Errors
/// Every problem found, in the order of the spec.
pub fn validate(fetched: &FetchedReportApp) -> Result<ValidatedApp, Problems> {
    let mut check = Check::new(fetched);
    check.implemented();
    check.unread_secrets();
    check.images();
    check.schedules();
    let servers = check.servers();
    let store = check.store();
    let redis = check.redis();
    let reports = check.reports();
    check.api();
    check.web();
    let bot_token = check.bot();
    check.unused_credentials();
    let signing = check.signing_key();
    let internal_token = fetched.app.spec.bot.as_ref().map(|_| {
        check.generated(
            "internal-token",
            reportapp_config::credential::TOKEN,
            &fetched.ledger.internal_token,
        )
    });
    let owner = check.owner();
    match (servers, store, redis, bot_token, signing, owner) {
        (Some(servers), Some(store), Some(redis), Some(bot_token), Some(signing), Some(owner))
            if check.problems.is_empty() =>
        {
            Ok(ValidatedApp {
                app: Arc::clone(&fetched.app),
                refused: check.refused_consumers(),
                name: check.name,
                namespace: check.namespace,
                owner,
                servers,
                store,
                redis,
                reports,
                signing,
                bot_token,
                internal_token,
                authority_certificate: fetched.ledger.authority_certificate.clone(),
                certificate: fetched.certificate.clone(),
                unread: check.unread,
                credentials: check.listed.into_values().collect(),
                operator: fetched.operator.clone(),
                live: fetched.live.clone(),
            })
        }
        _ => Err(Problems(check.problems)),
    }
}

/// What is being checked and what was found so far.
struct Check<'a> {
    fetched: &'a FetchedReportApp,
    spec: &'a ReportAppSpec,
    name: String,
    namespace: String,
    /// Credentials looked at so far, by name.
    listed: BTreeMap<String, CredentialStatus>,
    /// First values the secret store does not give now.
    unread: Vec<String>,
    problems: Vec<Problem>,
}

impl<'a> Check<'a> {
    fn new(fetched: &'a FetchedReportApp) -> Self {
        Self {
            fetched,
            spec: &fetched.app.spec,
            name: fetched.app.name_any(),
            namespace: fetched.app.namespace().unwrap_or_default(),
            listed: BTreeMap::new(),
            unread: Vec::new(),
            problems: Vec::new(),
        }
    }

    fn note(&mut self, reason: ProblemReason, path: impl Into<String>, message: impl Into<String>) {
        self.problems.push(Problem {
            reason,
            path: path.into(),
            message: message.into(),
        });
    }

    fn note_invalid(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.note(ProblemReason::InvalidValue, path, message);
    }

    /// Notes a problem; `None`, so that a check can end with it.
    fn problem<T>(
        &mut self,
        reason: ProblemReason,
        path: impl Into<String>,
        message: impl Into<String>,
    ) -> Option<T> {
        self.note(reason, path, message);
        None
    }

    fn invalid<T>(&mut self, path: impl Into<String>, message: impl Into<String>) -> Option<T> {
        self.problem(ProblemReason::InvalidValue, path, message)
    }

    fn implemented(&mut self) {
        for path in unimplemented_fields(self.spec) {
            self.note(
                ProblemReason::NotImplemented,
                path,
                "not implemented in this version; remove it",
            );
        }
    }

    /// A value of the ledger as an immutable Secret with one file.
    fn generated(&self, name: &str, file: &str, value: &SecretBytes) -> VersionedSecret {
        self.versioned("generated", name, [(file.to_owned(), value.clone())].into())
    }

    /// Gives a set of files its name and its place. `kind` keeps names the user chose apart from ours.
    fn versioned(
        &self,
        kind: &str,
        name: &str,
        files: BTreeMap<String, SecretBytes>,
    ) -> VersionedSecret {
        let (folder, object) = match kind {
            "credentials" => (
                format!("{}/{name}", reportapp_config::CREDENTIALS_DIR),
                name.to_owned(),
            ),
            _ => (
                format!("/etc/reportapp/{kind}/{name}"),
                format!("{kind}-{name}"),
            ),
        };
        VersionedSecret {
            folder,
            volume: naming::volume(kind, name),
            name: naming::versioned_secret(
                &self.name,
                &object,
                &self.fetched.ledger.name_key,
                &files,
            ),
            files,
        }
    }

    fn owner(&mut self) -> Option<OwnerReference> {
        match self.fetched.app.controller_owner_ref(&()) {
            Some(owner) => Some(owner),
            None => self.invalid("metadata", "the object has no name or uid yet"),
        }
    }
}
