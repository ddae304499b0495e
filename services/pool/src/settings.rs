//! Turns a [`DatabaseConfig`] into settings that are known to be usable, reading the credential
//! files once. A value that changes while the process runs is offered to the pool by whoever sees it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reportapp_config::credential;
use reportapp_config::database::{DatabaseConfig, PoolConfig, TlsConfig, TlsMode};

use crate::{NamedTls, PoolError};

/// A login that was replaced is over after this long, whatever is still done with it.
const DRAIN: Duration = Duration::from_secs(300);

/// A password; printing it prints nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("(hidden)")
    }
}

/// Size and deadlines, checked.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    pub(crate) min: usize,
    pub(crate) max: usize,
    pub(crate) acquire_timeout: Duration,
    pub(crate) max_lifetime: Duration,
    pub(crate) statement_timeout: Duration,
    /// How long connections of a login that was replaced may finish what they do.
    pub(crate) drain: Duration,
}

/// A PostgreSQL database and its login.
#[derive(Clone, Debug)]
pub(crate) struct PostgresSettings {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) database: String,
    pub(crate) tls: Option<NamedTls>,
    pub(crate) username: String,
    pub(crate) password: Secret,
    pub(crate) limits: Limits,
}

/// A PostgreSQL database and its login, for whoever has them in memory and no credential folder.
#[derive(Clone, Debug)]
pub struct PostgresLogin {
    /// Host to dial.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Database name.
    pub database: String,
    /// How certificates are verified; absent: plain text.
    pub tls: Option<NamedTls>,
    /// Login name.
    pub username: String,
    /// Password.
    pub password: credential::Secret,
    /// Size and deadlines of the pool.
    pub pool: PoolConfig,
}

/// A SQLite file.
#[derive(Clone, Debug)]
pub(crate) struct SqliteSettings {
    pub(crate) path: PathBuf,
    pub(crate) read_only: bool,
    pub(crate) limits: Limits,
}

/// Checked settings of either engine.
#[derive(Clone, Debug)]
pub(crate) enum Settings {
    Postgres(PostgresSettings),
    Sqlite(SqliteSettings),
}

impl Settings {
    /// Checks everything that can be checked without the database.
    pub(crate) fn resolve(pool: &str, config: &DatabaseConfig) -> Result<Self, PoolError> {
        let refuse = |detail: String| PoolError::Config {
            pool: pool.to_owned(),
            detail,
        };
        match config {
            DatabaseConfig::Postgres {
                host,
                port,
                database,
                tls,
                credential,
                pool,
            } => {
                check_place(host, *port, database).map_err(refuse)?;
                Ok(Self::Postgres(PostgresSettings {
                    host: host.clone(),
                    port: *port,
                    database: database.clone(),
                    username: read(credential, credential::USERNAME).map_err(refuse)?,
                    password: Secret(read(credential, credential::PASSWORD).map_err(refuse)?),
                    limits: limits(pool).map_err(refuse)?,
                    tls: configured(tls, host).map_err(refuse)?,
                }))
            }
            DatabaseConfig::Sqlite {
                path,
                read_only,
                pool,
            } => {
                if path.as_os_str().is_empty() || path.as_os_str() == ":memory:" {
                    return Err(refuse("path must name a file".to_owned()));
                }
                Ok(Self::Sqlite(SqliteSettings {
                    path: path.clone(),
                    read_only: *read_only,
                    limits: limits(pool).map_err(refuse)?,
                }))
            }
        }
    }
}

impl PostgresSettings {
    /// Checks everything that can be checked without the database.
    pub(crate) fn of_login(pool: &str, login: &PostgresLogin) -> Result<Self, PoolError> {
        let refuse = |detail: String| PoolError::Config {
            pool: pool.to_owned(),
            detail,
        };
        check_place(&login.host, login.port, &login.database).map_err(refuse)?;
        Ok(Self {
            host: login.host.clone(),
            port: login.port,
            database: login.database.clone(),
            tls: login.tls.clone(),
            username: login.username.clone(),
            password: Secret(login.password.expose().to_owned()),
            limits: limits(&login.pool).map_err(refuse)?,
        })
    }
}

fn check_place(host: &str, port: u16, database: &str) -> Result<(), String> {
    for (field, value) in [("host", host), ("database", database)] {
        if value.is_empty() {
            return Err(format!("{field} is empty"));
        }
    }
    match port {
        0 => Err("port is 0".to_owned()),
        _ => Ok(()),
    }
}

fn configured(tls: &TlsConfig, host: &str) -> Result<Option<NamedTls>, String> {
    match tls.mode {
        TlsMode::Disable => Ok(None),
        TlsMode::VerifyFull => NamedTls::configured(tls, host).map(Some),
    }
}

pub(crate) fn limits(pool: &PoolConfig) -> Result<Limits, String> {
    if pool.max == 0 {
        return Err("max is 0; at least one connection is needed".to_owned());
    }
    if pool.min > pool.max {
        return Err(format!(
            "min ({}) is greater than max ({})",
            pool.min, pool.max
        ));
    }
    for (field, value) in [
        ("acquireTimeoutMs", pool.acquire_timeout_ms),
        ("maxLifetimeMs", pool.max_lifetime_ms),
        ("statementTimeoutMs", pool.statement_timeout_ms),
    ] {
        if value == 0 {
            return Err(format!(
                "{field} is 0; a positive number of milliseconds is needed"
            ));
        }
    }
    Ok(Limits {
        min: pool.min as usize,
        max: pool.max as usize,
        acquire_timeout: Duration::from_millis(pool.acquire_timeout_ms),
        max_lifetime: Duration::from_millis(pool.max_lifetime_ms),
        statement_timeout: Duration::from_millis(pool.statement_timeout_ms),
        drain: DRAIN,
    })
}

fn read(folder: &Path, file: &str) -> Result<String, String> {
    let path = folder.join(file);
    let text = std::fs::read_to_string(&path)
        .map_err(|error| format!("failed to read {}: {error}", path.display()))?;
    let value = text.trim_end_matches(['\n', '\r']);
    if value.is_empty() {
        return Err(format!("{} is empty", path.display()));
    }
    Ok(value.to_owned())
}
