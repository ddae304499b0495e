//! What a service says about its dependencies: `GET /status` on the health port.
//!
//! A later loss of a dependency does not make a pod unready, so readiness cannot tell the operator
//! about it; this report can. Messages never carry a secret value.

use serde::{Deserialize, Serialize};

/// The answer of `GET /status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceStatus {
    /// Binary that answers, e.g. `reportapp-tunnel`.
    pub service: String,
    /// What `/readyz` says at this moment.
    pub ready: bool,
    /// Every dependency the service has, in a stable order.
    pub dependencies: Vec<DependencyStatus>,
}

/// One dependency as last seen by the service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DependencyStatus {
    /// Stable name: `server/main`, `server/main/login`, `tunnel/main`, `store`, `redis`, `telegram`, `api`,
    /// `certificate`, `reports`, `store/credential`, `server/main/credential`.
    pub name: String,
    /// Whether the last attempt succeeded.
    pub state: DependencyState,
    /// Why not; present exactly when `state` is `Failing`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// One sentence for a person: what failed and what to look at.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
}

/// Result of the last attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DependencyState {
    /// Not tried yet.
    Unknown,
    /// The last attempt succeeded.
    Ok,
    /// The last attempt failed.
    Failing,
}

/// Why a dependency fails. These strings become condition reasons, so they are part of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Reason {
    /// The bastion's host key is not among `knownHosts`.
    TunnelHostKeyMismatch,
    /// The bastion cannot be reached or does not speak SSH.
    BastionUnreachable,
    /// The bastion refuses the key or the user.
    BastionLoginRefused,
    /// The bastion does not permit a connection to the database host.
    TunnelForwardRefused,
    /// An ERP database cannot be reached or does not complete its handshake.
    DatabaseUnreachable,
    /// An ERP database refuses the login.
    DatabaseLoginRefused,
    /// The certificate of an ERP database is not acceptable.
    DatabaseTlsInvalid,
    /// Nobody can sign in at an ERP: its functions cannot be called, or would be safe for no password.
    ErpSignInUnavailable,
    /// The store cannot be reached.
    StoreUnreachable,
    /// The store refuses the login.
    StoreLoginRefused,
    /// The certificate of the store is not acceptable.
    StoreTlsInvalid,
    /// The store's schema could not be brought up to date.
    StoreMigrationFailed,
    /// The store was put back to an earlier state, so that revocations may be lost.
    StorePutBack,
    /// The store's tables belong to another role, and nobody has brought them up to date yet.
    StoreMigrationAwaited,
    /// The store's login belongs neither to the role that owns the tables nor to one that may serve from them.
    StoreLoginNotPlatform,
    /// Redis cannot be reached.
    RedisUnreachable,
    /// Redis refuses the login.
    RedisLoginRefused,
    /// The Bot API server cannot be reached.
    TelegramUnreachable,
    /// The Bot API server refuses the token.
    TelegramTokenRefused,
    /// Another process polls with the same bot token.
    TelegramConflict,
    /// The internal API cannot be reached or refuses the bot.
    ApiUnreachable,
    /// The certificate files cannot be used; the last good certificate is still served.
    CertificateInvalid,
    /// A report file cannot be used; its last good version, if there was one, is still served.
    ReportRefused,
    /// The login of an ERP database may change data, which reports never need.
    ErpLoginMayWrite,
    /// A login that was written to a credential folder cannot be used; the one of before stays in use.
    CredentialNotUsed,
}

impl Reason {
    /// The CamelCase string used in conditions, events and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TunnelHostKeyMismatch => "TunnelHostKeyMismatch",
            Self::BastionUnreachable => "BastionUnreachable",
            Self::BastionLoginRefused => "BastionLoginRefused",
            Self::TunnelForwardRefused => "TunnelForwardRefused",
            Self::DatabaseUnreachable => "DatabaseUnreachable",
            Self::DatabaseLoginRefused => "DatabaseLoginRefused",
            Self::DatabaseTlsInvalid => "DatabaseTlsInvalid",
            Self::ErpSignInUnavailable => "ErpSignInUnavailable",
            Self::StoreUnreachable => "StoreUnreachable",
            Self::StoreLoginRefused => "StoreLoginRefused",
            Self::StoreTlsInvalid => "StoreTlsInvalid",
            Self::StoreMigrationFailed => "StoreMigrationFailed",
            Self::StorePutBack => "StorePutBack",
            Self::StoreMigrationAwaited => "StoreMigrationAwaited",
            Self::StoreLoginNotPlatform => "StoreLoginNotPlatform",
            Self::RedisUnreachable => "RedisUnreachable",
            Self::RedisLoginRefused => "RedisLoginRefused",
            Self::TelegramUnreachable => "TelegramUnreachable",
            Self::TelegramTokenRefused => "TelegramTokenRefused",
            Self::TelegramConflict => "TelegramConflict",
            Self::ApiUnreachable => "ApiUnreachable",
            Self::CertificateInvalid => "CertificateInvalid",
            Self::ReportRefused => "ReportRefused",
            Self::ErpLoginMayWrite => "ErpLoginMayWrite",
            Self::CredentialNotUsed => "CredentialNotUsed",
        }
    }
}
