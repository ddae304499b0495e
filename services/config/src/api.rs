//! Configuration of `reportapp-api`.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::database::{DatabaseConfig, TlsConfig};

/// Everything the API needs to start, apart from the credential files it names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiConfig {
    /// Name of the `ReportApp`; issuer and audience of tokens, prefix of Redis keys.
    pub app: String,
    /// Addresses to listen on.
    pub listen: ApiListen,
    /// Certificate of the public HTTPS listener; read again when the files change.
    pub tls: TlsFiles,
    /// Certificate of the internal HTTPS listener, always of the application's own authority, so that
    /// the bot trusts one authority whoever signed the public one; read again when the files change.
    pub internal_tls: TlsFiles,
    /// Path below which a proxy serves the application (`/` or `/erp/`).
    pub path_prefix: String,
    /// CIDRs of proxies whose `Forwarded`/`X-Forwarded-For` headers are believed.
    #[serde(default)]
    pub trusted_proxies: Vec<String>,
    /// ERP databases, in the order of the `ReportApp`; the first is the default.
    pub servers: Vec<ErpServer>,
    /// The application's own state: users, links, audit.
    pub store: DatabaseConfig,
    /// Session cache; absent: sessions live in this process (one replica only).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redis: Option<RedisConfig>,
    /// Answers of the ERP that are kept to be given again.
    #[serde(default, skip_serializing_if = "CacheConfig::is_default")]
    pub cache: CacheConfig,
    /// Signing and lifetime of access tokens.
    pub tokens: TokenConfig,
    /// What becomes of the audit trail.
    #[serde(default, skip_serializing_if = "AuditConfig::is_default")]
    pub audit: AuditConfig,
    /// Credential folder (`username`, `password`) of the first administrator, used only while the
    /// store has no user; absent or missing folder: no user is created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_administrator: Option<PathBuf>,
    /// Credential folder (`token`) of the internal API; absent: no internal listener.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub internal_token: Option<PathBuf>,
    /// Name of the Telegram bot without `@`, for deep links; absent: linking is switched off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bot_username: Option<String>,
    /// Folder of report files that add to the built-in catalogue; absent: the built-in ones only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reports: Option<PathBuf>,
    /// Folder of the built web UI.
    pub web_root: PathBuf,
    /// Seconds to go on serving after SIGTERM so that load balancers notice, then to drain.
    pub drain_seconds: u64,
}

/// What a migration needs: a file with this alone, or the API's own, whose other fields it leaves aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreConfig {
    /// The application's own state, and the login to change its tables with.
    pub store: DatabaseConfig,
}

/// Addresses of the API process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiListen {
    /// HTTPS for browsers and API clients.
    pub https: SocketAddr,
    /// HTTPS for the bot.
    pub internal: SocketAddr,
    /// Plain HTTP for health and metrics.
    pub health: SocketAddr,
}

/// A certificate chain and its key, both PEM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TlsFiles {
    /// Chain, leaf first.
    pub certificate: PathBuf,
    /// PKCS#8 private key.
    pub key: PathBuf,
}

/// One ERP database the reports read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ErpServer {
    /// Name in the `ReportApp`.
    pub name: String,
    /// How to reach it.
    pub database: DatabaseConfig,
    /// Where people who read it sign in.
    #[serde(default, skip_serializing_if = "ErpAuth::is_default")]
    pub auth: ErpAuth,
}

/// Where people who read an ERP database sign in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ErpAuth {
    /// In the application, with a password of its own.
    #[default]
    Store,
    /// At the ERP, whose function checks the password.
    Erp,
}

impl ErpAuth {
    /// Whether nothing was chosen; then it is not written, and the file stays what it was.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Redis, version 6 or later (users are ACL users).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RedisConfig {
    /// Host to dial.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Transport security.
    pub tls: TlsConfig,
    /// Credential folder with `username` and `password`.
    pub credential: PathBuf,
}

/// Answers of the ERP that are kept: in memory, and in Redis where there is one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CacheConfig {
    /// MiB of memory for answers; 0 keeps none, in Redis neither.
    #[serde(rename = "memoryMiB")]
    pub memory_mib: u32,
    /// Seconds an answer is kept at most, whatever a report file says.
    pub longest_seconds: u32,
    /// KiB of the largest answer that goes to Redis, as it is sent there.
    #[serde(rename = "largestKiB")]
    pub largest_kib: u32,
}

impl CacheConfig {
    /// Whether nothing was chosen; then it is not written, and the file stays what it was.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Default for CacheConfig {
    fn default() -> Self {
        Self {
            memory_mib: 64,
            longest_seconds: 3_600,
            largest_kib: 1_024,
        }
    }
}

/// Access tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenConfig {
    /// Folder with `signing.pem` and any `verify-<n>.pem`.
    pub keys: PathBuf,
    /// Life of an access token in seconds.
    pub lifetime_seconds: u64,
}

/// The audit trail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditConfig {
    /// Days before whole sealed batches of audit rows are removed; at least [`MIN_RETENTION_DAYS`].
    pub retention_days: u32,
}

/// The database refuses to remove younger rows, whoever asks.
pub const MIN_RETENTION_DAYS: u32 = 30;

impl AuditConfig {
    /// Whether nothing was chosen; then it is not written, and the file stays what it was.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Default for AuditConfig {
    fn default() -> Self {
        Self { retention_days: 90 }
    }
}
