//! What the operator reports about a ReportApp. A report, never the source of a decision.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// State of a ReportApp as last seen by the operator.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ReportAppStatus {
    /// Generation of the spec this status describes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// `Ready`, `Reconciling` and `Stalled` as kstatus reads them; `UpToDate`, which is False while
    /// pods wait for an upgrade; `CredentialsAccepted`, which is False while a backend refuses a
    /// login; with `spec.store.migrator` `Migrated`, which is True once the store is up to date for
    /// the present image; with `spec.reports` `ReportsReady`, which is False while a file is refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub conditions: Vec<Condition>,

    /// Address of the application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,

    /// Pods of each part of the application.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub components: Vec<ComponentStatus>,

    /// Each ERP server as the pods see it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub servers: Vec<ServerStatus>,

    /// Each credential of the spec.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub credentials: Vec<CredentialStatus>,
}

/// Pods of one part of the application.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct ComponentStatus {
    /// `api`, `bot` or `tunnel-<server>`.
    #[schemars(length(max = 63))]
    pub name: String,

    /// Ready and wanted pods, for example `2/2`.
    #[schemars(length(max = 16))]
    pub ready: String,

    /// Image the pods run.
    #[schemars(length(max = 512))]
    pub image: String,
}

/// One ERP server as the pods see it.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct ServerStatus {
    /// Name under `spec.servers`.
    #[schemars(length(max = 20))]
    pub name: String,

    /// Whether the pods reach it and can log in.
    pub reachable: bool,

    /// Why not, as a CamelCase word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    pub reason: Option<String>,

    /// Why not, as a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub message: Option<String>,
}

/// One credential of the spec.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct CredentialStatus {
    /// Name under `spec.credentials`.
    #[schemars(length(max = 40))]
    pub name: String,

    /// Immutable Secret that holds the value for the pods. Its suffix changes with the value and
    /// tells nothing about it. Absent where no pod uses the credential.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub secret: Option<String>,

    /// When it was rotated last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_rotation: Option<Time>,

    /// When its schedule rotates it next; in the past while that rotation is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_rotation: Option<Time>,

    /// What the last login with the value in use gave; absent before the first one, and where there
    /// is nothing to log in to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<CanaryStatus>,
}

/// What a login with the value in use gave.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct CanaryStatus {
    /// Whether the backend accepts it, with the privileges of the application.
    pub ok: bool,

    /// When that was seen. A later login that gives the same is written down only when a day has
    /// passed.
    pub checked_at: Time,

    /// Why not, as a CamelCase word: `CredentialRejected` or `PrivilegesLacking`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    pub reason: Option<String>,

    /// Why not, and what to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub message: Option<String>,
}
