//! Databases and Redis: address, transport security, pool, administrator.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::reference::{SecretKeyRef, ValueSource};
use crate::Period;

/// Transport security of a connection.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Tls {
    /// How strictly TLS is used. Default: `VerifyFull`.
    #[serde(default)]
    pub mode: TlsMode,

    /// Authorities that may have signed the server's certificate (PEM, default key `ca.crt`).
    /// Absent: the public authorities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_secret_ref: Option<SecretKeyRef>,

    /// Name the server's certificate must carry. Default: `host`, also through a tunnel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub server_name: Option<String>,
}

/// How strictly TLS is used.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsMode {
    /// Plain text. Acceptable only inside an SSH tunnel or a trusted network.
    Disable,
    /// TLS; certificate and name are verified.
    #[default]
    VerifyFull,
}

/// Connections of each API pod to one database.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self.min <= self.max").message("pool.min must not exceed pool.max"))]
pub struct Pool {
    /// Connections kept open when idle. Default: 1.
    #[serde(default = "Pool::default_min")]
    #[schemars(range(min = 0, max = 1000))]
    pub min: i32,

    /// Upper bound of connections. Default: 10.
    #[serde(default = "Pool::default_max")]
    #[schemars(range(min = 1, max = 1000))]
    pub max: i32,

    /// How long a request waits for a free connection. Default: 5s.
    #[serde(default = "Pool::default_acquire_timeout")]
    pub acquire_timeout: Period,

    /// Age after which a connection is replaced. Default: 30m.
    #[serde(default = "Pool::default_max_lifetime")]
    pub max_lifetime: Period,

    /// How long one statement may run before the database cancels it. Default: 30s.
    #[serde(default = "Pool::default_statement_timeout")]
    pub statement_timeout: Period,
}

impl Pool {
    fn default_min() -> i32 {
        1
    }
    fn default_max() -> i32 {
        10
    }
    fn default_acquire_timeout() -> Period {
        Period::from_secs(5)
    }
    fn default_max_lifetime() -> Period {
        Period::from_secs(30 * 60)
    }
    fn default_statement_timeout() -> Period {
        Period::from_secs(30)
    }
}

impl Default for Pool {
    fn default() -> Self {
        Self {
            min: Self::default_min(),
            max: Self::default_max(),
            acquire_timeout: Self::default_acquire_timeout(),
            max_lifetime: Self::default_max_lifetime(),
            statement_timeout: Self::default_statement_timeout(),
        }
    }
}

/// Login of an administrator who may change the credentials of this database. Read by the operator
/// alone, never mounted into a pod, never rotated.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Admin {
    /// Login name of the administrator.
    #[schemars(length(min = 1, max = 63))]
    pub username: String,

    /// Where the password comes from (default key `password`).
    pub password: ValueSource,
}

/// The application's own database.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self.engine != 'Postgres' || (has(self.host) && has(self.database) && has(self.credential))").message("spec.store with engine Postgres needs host, database and credential"))]
#[x_kube(validation = Rule::new("self.engine != 'Sqlite' || (!has(self.host) && !has(self.database) && !has(self.credential) && !has(self.admin))").message("spec.store with engine Sqlite is a file in a volume: remove host, database, credential and admin"))]
#[x_kube(validation = Rule::new("self.engine == 'Sqlite' || !has(self.volume)").message("spec.store.volume is for engine Sqlite only"))]
#[x_kube(validation = Rule::new("self.engine == 'Postgres' || !has(self.migrator)").message("spec.store.migrator is for engine Postgres only: a SQLite file has one process, which migrates it itself; remove migrator"))]
#[x_kube(validation = Rule::new("!has(self.migrator) || !has(self.credential) || self.migrator.credential != self.credential").message("spec.store.migrator.credential must not be spec.store.credential: the login that serves is to own no table; name another entry of spec.credentials"))]
pub struct Store {
    /// Kind of database.
    pub engine: StoreEngine,

    /// Host name or address (Postgres).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub host: Option<String>,

    /// TCP port (Postgres). Default: 5432.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65535))]
    pub port: Option<u16>,

    /// Database name (Postgres).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub database: Option<String>,

    /// Transport security (Postgres).
    #[serde(default)]
    pub tls: Tls,

    /// Name of the entry of `spec.credentials` to log in with (Postgres).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub credential: Option<String>,

    /// Administrator of this database (Postgres).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admin: Option<Admin>,

    /// A login of its own that owns the tables and migrates them (Postgres): a Job does so before API
    /// pods of another release start, and `credential` then serves without owning a table. Absent:
    /// the API migrates under `credential`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub migrator: Option<Migrator>,

    /// Connections of each API pod.
    #[serde(default)]
    pub pool: Pool,

    /// The volume of the database file (Sqlite). It survives the ReportApp.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume: Option<Volume>,
}

/// The login that owns the tables of the store.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Migrator {
    /// Name of the entry of `spec.credentials` to migrate with: one with `database: {store: true}` whose
    /// role owns the database, or may create in it. No serving pod is given it.
    #[schemars(length(min = 1, max = 63))]
    pub credential: String,

    /// How long a migration may take until it counts as failed, `1m` to `1d`. Default: 15m.
    #[serde(default = "Migrator::default_deadline")]
    pub deadline: Period,
}

impl Migrator {
    fn default_deadline() -> Period {
        Period::from_secs(15 * 60)
    }
}

/// Kind of database for the application's own state.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreEngine {
    /// PostgreSQL 13 or later.
    Postgres,
    /// A SQLite file in a volume; one API replica, restarted with a short interruption.
    Sqlite,
}

/// A persistent volume claim.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Volume {
    /// Size as a Kubernetes quantity. Default: 1Gi.
    #[serde(default = "Volume::default_size")]
    #[schemars(
        length(min = 1, max = 20),
        regex(pattern = r"^[1-9][0-9]*(Mi|Gi|Ti|M|G|T)$")
    )]
    pub size: String,

    /// Storage class. Absent: the default class of the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub storage_class_name: Option<String>,
}

impl Volume {
    fn default_size() -> String {
        "1Gi".to_owned()
    }
}

impl Default for Volume {
    fn default() -> Self {
        Self {
            size: Self::default_size(),
            storage_class_name: None,
        }
    }
}

/// Redis 6 or later.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Redis {
    /// Host name or address.
    #[schemars(length(min = 1, max = 253))]
    pub host: String,

    /// TCP port. Default: 6379.
    #[serde(default = "Redis::default_port")]
    #[schemars(range(min = 1, max = 65535))]
    pub port: u16,

    /// Transport security.
    #[serde(default)]
    pub tls: Tls,

    /// Name of the entry of `spec.credentials` to log in with.
    #[schemars(length(min = 1, max = 63))]
    pub credential: String,

    /// Administrator who may change ACL users.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admin: Option<Admin>,
}

impl Redis {
    fn default_port() -> u16 {
        6379
    }
}
