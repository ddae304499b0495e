//! Credentials: what rotates, where the first value comes from, who else needs it.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::reference::{ValueSource, secret_name, workload_name};
use crate::Period;

/// One credential of the application: exactly one of `database`, `redis`, `ssh`, `jwt`, `telegram`
/// and `generic` says what it opens.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("[has(self.database), has(self.redis), has(self.ssh), has(self.jwt), has(self.telegram), has(self.generic)].filter(x, x).size() == 1").message("a credential needs exactly one of database, redis, ssh, jwt, telegram and generic"))]
#[x_kube(validation = Rule::new("has(self.from) || has(self.jwt)").message("a credential needs from, which says where its first value comes from; only jwt can do without, then the operator generates the key"))]
pub struct Credential {
    /// Name by which servers, store, Redis and bot refer to this credential.
    #[schemars(
        length(min = 1, max = 40),
        regex(pattern = r"^[a-z]([-a-z0-9]*[a-z0-9])?$")
    )]
    pub name: String,

    /// Where the first value comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<ValueSource>,

    /// What it opens.
    #[serde(flatten)]
    pub opens: CredentialUse,

    /// When it is rotated by itself. Absent: only by a SecretRotation that somebody creates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation: Option<Rotation>,

    /// Where else the value must appear, from its first rotation on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub publish: Vec<Publish>,

    /// Workloads of others that are restarted, and waited for, when the value changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub restart: Vec<Workload>,

    /// What happens to the login when the ReportApp is deleted. Default: `Retain`. `Disable` is
    /// not implemented yet.
    #[serde(default)]
    pub on_delete: OnDelete,
}

/// What a credential opens.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct CredentialUse {
    /// A login of an ERP server or of the store (default key `password`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<DatabaseUse>,

    /// An ACL user of Redis (default key `password`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redis: Option<RedisUse>,

    /// A private key for the bastion of a tunnel (default key `private-key`): OpenSSH format,
    /// Ed25519 or ECDSA, without a passphrase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssh: Option<SshUse>,

    /// The Ed25519 key that signs access tokens (PKCS#8 PEM, default key `signing.pem`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwt: Option<JwtUse>,

    /// The token of a Telegram bot (default key `token`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub telegram: Option<TelegramUse>,

    /// A value the application itself does not use; it is only published (default key `value`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generic: Option<GenericUse>,
}

impl CredentialUse {
    /// The login name of the spec, where there is one.
    pub fn login(&self) -> Option<&str> {
        let database = self
            .database
            .as_ref()
            .map(|database| database.role.as_str());
        database.or_else(|| self.redis.as_ref().map(|redis| redis.user.as_str()))
    }
}

/// A database login.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.server) != self.store").message("credential.database needs exactly one of server (a name under spec.servers) and store: true"))]
pub struct DatabaseUse {
    /// Name of the ERP server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 20))]
    pub server: Option<String>,

    /// Whether it is a login of the store. Default: false.
    #[serde(default)]
    pub store: bool,

    /// Login name.
    #[schemars(length(min = 1, max = 63))]
    pub role: String,

    /// How it is rotated. Default: `Auto`.
    #[serde(default)]
    pub strategy: Strategy,
}

/// How a login is rotated.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// Two users in turn where every consumer can change the user name, else in place.
    #[default]
    Auto,
    /// Two users in turn: both work while consumers move from one to the other.
    AlternatingUsers,
    /// One user whose password changes. PostgreSQL: new logins fail until the pods have the new
    /// value. Redis: both passwords work meanwhile.
    InPlace,
}

/// A Redis login.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct RedisUse {
    /// Name of the ACL user.
    #[schemars(length(min = 1, max = 63))]
    pub user: String,

    /// How it is rotated. Default: `Auto`.
    #[serde(default)]
    pub strategy: Strategy,
}

/// A key for a bastion.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct SshUse {
    /// Name of the server whose tunnel uses the key.
    #[schemars(length(min = 1, max = 20))]
    pub server: String,
}

/// The signing key of access tokens.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
pub struct JwtUse {}

/// The token of a Telegram bot.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
pub struct TelegramUse {}

/// A value that is only published.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
pub struct GenericUse {}

/// When a credential is rotated and how its rotations are kept. Without `every` and `schedule` it
/// is rotated only by a SecretRotation that somebody creates.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!(has(self.every) && has(self.schedule))").message("give only one of rotation.every and rotation.schedule"))]
#[x_kube(validation = Rule::new("!has(self.jitter) || has(self.every) || has(self.schedule)").message("rotation.jitter needs rotation.every or rotation.schedule"))]
pub struct Rotation {
    /// Interval since the last success, `1m` to `3650d`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<Period>,

    /// Cron expression with five fields. A time the clock skips in spring comes right after the
    /// skipped hour; one it passes twice in autumn comes the first time only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 100))]
    pub schedule: Option<String>,

    /// IANA time zone of `schedule`, and of windows and blackouts that name none. Default: UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub time_zone: Option<String>,

    /// How much later a start may be, so that credentials with one interval do not all rotate at
    /// once. Each credential has its own share of it, which never changes. Less than `every`, at
    /// most `1d`. Default: a tenth of `every`, at most `1h`; none with `schedule`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jitter: Option<Period>,

    /// Times in which a scheduled rotation may start; one that is due waits for the next. A
    /// rotation that has started goes on to its end. Empty: any time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    pub windows: Vec<RotationWindow>,

    /// Times in which no scheduled rotation starts, also inside a window.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub blackouts: Vec<Blackout>,

    /// Whether the schedule is off. A run that falls due meanwhile is caught up once. Rotations
    /// that somebody creates are carried out all the same. Default: false.
    #[serde(default)]
    pub suspend: bool,

    /// Whether the operator creates a rotation by itself when the backend refuses the value in use,
    /// once for each value, at any time of day. Needs an administrator; not while `suspend` is
    /// true. Default: false, then the status says what to do.
    #[serde(default)]
    pub repair_rejected: bool,

    /// When the old value is retired.
    #[serde(default)]
    pub retire: RetirePolicy,

    /// How many finished rotations are kept.
    #[serde(default)]
    pub history: RotationHistory,
}

/// Times in which a rotation may start.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct RotationWindow {
    /// When it opens: a cron expression with five fields.
    #[schemars(length(min = 1, max = 100))]
    pub schedule: String,

    /// How long it stays open, `1m` to `31d`.
    pub duration: Period,

    /// IANA time zone of `schedule`. Default: that of the rotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub time_zone: Option<String>,
}

/// Times in which no rotation starts: once (`from`, `to`) or again and again (`schedule`,
/// `duration`).
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.from) == has(self.to) && has(self.schedule) == has(self.duration) && has(self.from) != has(self.schedule)").message("a blackout needs from and to, or schedule and duration"))]
#[x_kube(validation = Rule::new("!has(self.from) || !has(self.to) || self.from < self.to").message("blackout.from must be before blackout.to"))]
#[x_kube(validation = Rule::new("!has(self.timeZone) || has(self.schedule)").message("blackout.timeZone belongs to blackout.schedule; from and to say their offset themselves"))]
pub struct Blackout {
    /// First instant, such as `2026-12-20T00:00:00+02:00`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Time>,

    /// First instant after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Time>,

    /// When it begins: a cron expression with five fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 100))]
    pub schedule: Option<String>,

    /// How long it lasts, `1m` to `31d`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<Period>,

    /// IANA time zone of `schedule`. Default: that of the rotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub time_zone: Option<String>,
}

/// When the old value is retired.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct RetirePolicy {
    /// How long the backend must show no session of the old value before it is disabled, where the
    /// value is published beyond the application's own pods. Without `publish` the pods are proof
    /// enough and nothing is waited for. At most `30d`. Default: `24h`.
    #[serde(default = "RetirePolicy::default_after")]
    pub after: Period,
}

impl RetirePolicy {
    fn default_after() -> Period {
        Period::from_secs(24 * 3_600)
    }
}

impl Default for RetirePolicy {
    fn default() -> Self {
        Self {
            after: Self::default_after(),
        }
    }
}

/// How many finished rotations of one credential, or of one set that rotates together, are kept.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct RotationHistory {
    /// Rotations that succeeded. Default: 3.
    #[serde(default = "RotationHistory::default_count")]
    #[schemars(range(min = 1, max = 100))]
    pub successful: i32,

    /// Rotations that failed or expired. Default: 3.
    #[serde(default = "RotationHistory::default_count")]
    #[schemars(range(min = 1, max = 100))]
    pub failed: i32,

    /// Age at which a finished rotation goes, whatever the counts say; only the newest success
    /// stays. Default: `90d`.
    #[serde(default = "RotationHistory::default_max_age")]
    pub max_age: Period,
}

impl RotationHistory {
    fn default_count() -> i32 {
        3
    }

    fn default_max_age() -> Period {
        Period::from_secs(90 * 86_400)
    }
}

impl Default for RotationHistory {
    fn default() -> Self {
        Self {
            successful: Self::default_count(),
            failed: Self::default_count(),
            max_age: Self::default_max_age(),
        }
    }
}

/// Another place where the value must appear.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("[has(self.vaultPath), has(self.awsSecret), has(self.kubernetesSecret)].filter(x, x).size() == 1").message("publish needs exactly one of vaultPath, awsSecret and kubernetesSecret"))]
pub struct Publish {
    /// Path in Vault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    pub vault_path: Option<String>,

    /// Name of a secret in AWS Secrets Manager, whose text is a JSON object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512), regex(pattern = r"^[A-Za-z0-9/_+=.@-]+$"))]
    pub aws_secret: Option<String>,

    /// Name of a Secret that carries the annotation `reportapp.dev/allow`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = secret_name())]
    pub kubernetes_secret: Option<String>,

    /// Key inside it; other keys stay as they are.
    #[schemars(length(min = 1, max = 253))]
    pub key: String,

    /// Text with the placeholders `{{ username }}`, `{{ password }}` (or `{{ value }}`),
    /// `{{ host }}`, `{{ port }}` and `{{ database }}`. `{{ password | urlencode }}` makes a value
    /// safe inside a URL. Default: the password or key alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 2048))]
    pub template: Option<String>,
}

/// A workload of others that carries the annotation `reportapp.dev/allow`.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Workload {
    /// Kind of workload.
    pub kind: WorkloadKind,

    /// Name, in the namespace of the ReportApp.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = workload_name())]
    pub name: String,
}

/// Kinds of workloads that can be restarted.
#[derive(
    Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord,
)]
pub enum WorkloadKind {
    /// A Deployment.
    Deployment,
    /// A StatefulSet.
    StatefulSet,
    /// A DaemonSet.
    DaemonSet,
}

/// What happens to a login when the ReportApp is deleted.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnDelete {
    /// It stays as it is, and so does what the operator keeps of it.
    #[default]
    Retain,
    /// It is disabled. Not implemented yet.
    Disable,
}
