//! Logging in to PostgreSQL, with every deadline the session needs set from the start.

use std::time::Duration;

use tokio_postgres::config::SslMode;
use tokio_postgres::{CancelToken, Config, NoTls};

use super::connection::PgConnection;
use super::error::{Context, connect_error};
use super::tls::NamedTls;
use crate::PoolError;
use crate::settings::PostgresSettings;

/// Upper bound of one login, from the TCP handshake to the first ready message.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(10);
/// Upper bound of asking the server to cancel a statement.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(5);
/// PostgreSQL cuts longer application names.
const APPLICATION_NAME_MAX: usize = 63;
/// A transaction idle for longer is ended by the server; its client is gone or stuck.
const IDLE_IN_TRANSACTION_MS: u64 = 300_000;

/// Opens connections to one database under one login.
pub(super) struct Connector {
    config: Config,
    tls: Option<NamedTls>,
    context: Context,
}

impl Connector {
    pub(super) fn new(name: &str, settings: PostgresSettings) -> Self {
        let tls = settings.tls;
        let context = Context::new(name, settings.limits.statement_timeout);
        let limit_ms = context.limit_ms;
        let mut config = Config::new();
        config
            .host(settings.host)
            .port(settings.port)
            .dbname(settings.database)
            .user(settings.username)
            .password(settings.password.expose())
            .application_name(application_name(name))
            .ssl_mode(if tls.is_some() {
                SslMode::Require
            } else {
                SslMode::Disable
            })
            .connect_timeout(LOGIN_TIMEOUT)
            .keepalives_idle(Duration::from_secs(30))
            .keepalives_interval(Duration::from_secs(10))
            .keepalives_retries(3)
            .tcp_user_timeout(Duration::from_secs(30))
            .options(format!(
                "-c statement_timeout={limit_ms} -c TimeZone=UTC \
                 -c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_MS}"
            ));
        Self {
            config,
            tls,
            context,
        }
    }

    /// Logs in.
    pub(super) async fn connect(&self) -> Result<PgConnection, PoolError> {
        let login = async {
            match &self.tls {
                Some(tls) => {
                    let (client, connection) = self.config.connect(tls.clone()).await?;
                    Ok(PgConnection::new(client, connection, self.context.clone()))
                }
                None => {
                    let (client, connection) = self.config.connect(NoTls).await?;
                    Ok(PgConnection::new(client, connection, self.context.clone()))
                }
            }
        };
        match tokio::time::timeout(LOGIN_TIMEOUT, login).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(error)) => Err(connect_error(&self.context.pool, &error)),
            Err(_) => Err(PoolError::Unreachable {
                pool: self.context.pool.clone(),
                detail: format!("no login within {} ms", LOGIN_TIMEOUT.as_millis()),
            }),
        }
    }

    /// Asks the server to stop what a connection is doing; best effort.
    pub(super) async fn cancel(&self, token: CancelToken) {
        let request = async {
            match &self.tls {
                Some(tls) => token.cancel_query(tls.clone()).await,
                None => token.cancel_query(NoTls).await,
            }
        };
        if !matches!(
            tokio::time::timeout(CANCEL_TIMEOUT, request).await,
            Ok(Ok(()))
        ) {
            tracing::debug!(
                pool = self.context.pool,
                "an abandoned statement could not be cancelled"
            );
        }
    }
}

/// `reportapp-<pool>`, so that a database administrator sees whose session it is.
fn application_name(pool: &str) -> String {
    let name = if pool.starts_with("reportapp") {
        pool.to_owned()
    } else {
        format!("reportapp-{pool}")
    };
    name.chars()
        .filter(|letter| letter.is_ascii_graphic())
        .take(APPLICATION_NAME_MAX)
        .collect()
}
