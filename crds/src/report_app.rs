//! `ReportApp`: an ERP reports application and every credential it owns.
//!
//! The spec is split by concern, one file each; the status is what the operator reports back.
//! [`unimplemented`] names the fields whose behaviour does not exist yet: they are part of the
//! schema, so that the API is stable, but the operator refuses an object that sets them.

pub mod api;
pub mod backup;
pub mod bot;
pub mod credential;
pub mod database;
pub mod image;
pub mod incidents;
pub mod network;
pub mod reference;
pub mod reports;
pub mod secret_store;
pub mod server;
pub mod status;
pub mod unimplemented;

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use api::{Api, Audit, Autoscaling, Web, WebTls};
pub use backup::Backup;
pub use bot::{Bot, BotMode};
pub use credential::{Credential, CredentialUse, OnDelete};
pub use database::{Admin, Migrator, Pool, Redis, Store, StoreEngine, Tls, TlsMode, Volume};
pub use image::{Digests, Image, PullPolicy};
pub use incidents::{ApprovalRule, Incidents};
pub use network::NetworkPolicy;
pub use reference::{SecretKeyRef, ValueSource};
pub use reports::Reports;
pub use secret_store::SecretStore;
pub use server::{Bastion, Engine, Server, ServerAuth, Tunnel};
pub use status::{CanaryStatus, ComponentStatus, CredentialStatus, ReportAppStatus, ServerStatus};

/// An ERP reports application: API and web, Telegram bot, SSH tunnels to the ERP databases, and
/// every credential they use.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[kube(
    group = "reportapp.dev",
    version = "v1alpha1",
    kind = "ReportApp",
    plural = "reportapps",
    shortname = "rapp",
    category = "reportapp-operator",
    namespaced,
    status = "ReportAppStatus",
    derive = "PartialEq",
    validation = Rule::new("self.metadata.name.size() <= 40 && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')").message("metadata.name must be a DNS label of at most 40 characters that starts with a letter; names of Services and Deployments are built from it"),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].reason"),
    printcolumn(name = "API", type_ = "string", json_path = ".status.components[?(@.name==\"api\")].ready", description = "Ready and wanted pods of the API"),
    printcolumn(name = "URL", type_ = "string", json_path = ".status.url"),
    printcolumn(name = "Up-To-Date", type_ = "string", json_path = ".status.conditions[?(@.type==\"UpToDate\")].status", priority = 1),
    printcolumn(name = "Message", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].message", priority = 1),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self.store.engine != 'Sqlite' || (!has(self.api.autoscaling) && self.api.replicas <= 1)").message("spec.api.replicas must be 1 and spec.api.autoscaling absent when spec.store.engine is Sqlite: a SQLite file has one writer process; use a Postgres store for more replicas"))]
#[x_kube(validation = Rule::new("has(self.redis) || (!has(self.api.autoscaling) && self.api.replicas <= 1)").message("spec.redis is required when spec.api runs more than one replica: sessions are shared through Redis"))]
pub struct ReportAppSpec {
    /// Where the images of the application come from.
    pub image: Image,

    /// ERP databases the reports read. The first one is the default of the web and the bot.
    #[schemars(length(min = 1, max = 16))]
    #[x_kube(validation = Rule::new("self.all(a, self.exists_one(b, b.name == a.name))").message("spec.servers: two servers have the same name; give each its own name"))]
    pub servers: Vec<Server>,

    /// The application's own database: users, links to Telegram chats, sign-in log. Never the ERP.
    pub store: Store,

    /// Redis, which keeps the sessions of signed-in users. Required for more than one API replica.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redis: Option<Redis>,

    /// The HTTP API, which also serves the web pages.
    #[serde(default)]
    pub api: Api,

    /// Reports beside those the application brings with it. Absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reports: Option<Reports>,

    /// How the application is reached from outside the cluster. Absent: only through the Service
    /// `<name>-api`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub web: Option<Web>,

    /// The Telegram bot. Absent: no bot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bot: Option<Bot>,

    /// Which addresses the pods may reach and be reached from. Everything else is denied.
    #[serde(default)]
    pub network_policy: NetworkPolicy,

    /// Where the operator keeps current, pending and previous values of credentials. Default: a
    /// Kubernetes Secret in the namespace of the ReportApp.
    #[serde(default)]
    pub secret_store: SecretStore,

    /// Every credential of the application. Servers, store, Redis and bot refer to them by name.
    #[schemars(length(max = 32))]
    #[x_kube(validation = Rule::new("self.all(a, self.exists_one(b, b.name == a.name))").message("spec.credentials: two credentials have the same name; give each its own name"))]
    #[serde(default)]
    pub credentials: Vec<Credential>,

    /// Scheduled backups of the store. Absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup: Option<Backup>,

    /// Defaults for incidents of this application. Absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incidents: Option<Incidents>,

    /// When pods are restarted because a new operator would build them differently. Default:
    /// `OnSpecChange`, which waits for the next change of this spec and meanwhile reports
    /// `UpToDate=False` with reason `UpgradePending`.
    #[serde(default)]
    pub upgrades: Upgrades,

    /// Stop reconciling: everything runs on as it is and nothing is changed or repaired. Default:
    /// false.
    #[serde(default)]
    pub suspend: bool,
}

/// When pods are restarted because a new operator would build them differently.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Upgrades {
    /// With the next change of the spec.
    #[default]
    OnSpecChange,
    /// As soon as the new operator runs.
    Automatic,
}
