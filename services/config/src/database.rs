//! How to reach a database: the application's store, or an ERP server (directly or through a
//! tunnel; the service does not need to know which, only the address to dial).

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// One database and the login to use for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "engine", rename_all_fields = "camelCase")]
pub enum DatabaseConfig {
    /// PostgreSQL 13 or later.
    Postgres {
        /// Host to dial; the tunnel's Service when there is a tunnel.
        host: String,
        /// TCP port.
        port: u16,
        /// Database name.
        database: String,
        /// Transport security.
        tls: TlsConfig,
        /// Credential folder with `username` and `password`.
        credential: PathBuf,
        /// Size and deadlines of the pool.
        #[serde(default)]
        pool: PoolConfig,
    },
    /// A SQLite file, used by exactly one process.
    Sqlite {
        /// Path of the database file; created when absent unless `read_only`.
        path: PathBuf,
        /// Open without the right to write.
        #[serde(default)]
        read_only: bool,
        /// Size and deadlines of the pool.
        #[serde(default)]
        pool: PoolConfig,
    },
}

impl DatabaseConfig {
    /// The credential folder, where there is one.
    pub fn credential(&self) -> Option<&Path> {
        match self {
            Self::Postgres { credential, .. } => Some(credential),
            Self::Sqlite { .. } => None,
        }
    }
}

/// Transport security of a database or Redis connection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TlsConfig {
    /// Whether and how strictly TLS is used.
    pub mode: TlsMode,
    /// PEM file of the accepted authorities; absent: the public ones bundled in the image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// Name the certificate must carry; absent: the dialled host. Through a tunnel this is the
    /// name of the database host, not of the tunnel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
}

/// Strictness of TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TlsMode {
    /// Plain text.
    Disable,
    /// TLS with certificate and name verification.
    #[default]
    VerifyFull,
}

/// Size and deadlines of a connection pool. All durations are in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PoolConfig {
    /// Connections kept warm.
    pub min: u32,
    /// Upper bound of connections of this process.
    pub max: u32,
    /// How long a request waits for a connection.
    pub acquire_timeout_ms: u64,
    /// A connection older than this is closed when returned.
    pub max_lifetime_ms: u64,
    /// Upper bound of one statement, enforced by the server where it can.
    pub statement_timeout_ms: u64,
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self {
            min: 1,
            max: 10,
            acquire_timeout_ms: 5_000,
            max_lifetime_ms: 1_800_000,
            statement_timeout_ms: 30_000,
        }
    }
}
