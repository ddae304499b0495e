//! Logging in to PostgreSQL, with every deadline the session needs set from the start.

use std::sync::Arc;
use std::time::Duration;

use reportapp_config::Secret;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_postgres::config::SslMode;
use tokio_postgres::{CancelToken, Client, Config, Connection, NoTls};
use tokio_util::sync::CancellationToken;

use super::connection::PgConnection;
use super::error::{Context, connect_error};
use super::tls::NamedTls;
use crate::PoolError;
use crate::deadline;
use crate::settings::PostgresSettings;
use crate::supply::Login;

/// Upper bound of one login, from the TCP handshake to the first ready message.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(10);
/// Upper bound of asking the server to cancel a statement.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(5);
/// PostgreSQL cuts longer application names.
const APPLICATION_NAME_MAX: usize = 63;
/// A transaction idle for longer is ended by the server; its client is gone or stuck.
const IDLE_IN_TRANSACTION_MS: u64 = 300_000;

/// Upper bound of trying whether a session answers.
const PING_TIMEOUT: Duration = Duration::from_secs(2);

/// Opens connections to one database under one login.
pub(super) struct Connector {
    config: Config,
    canceller: Canceller,
    context: Context,
    ended: CancellationToken,
}

/// Asks the server to stop what a session is doing.
#[derive(Clone)]
pub(super) struct Canceller {
    tls: Option<NamedTls>,
    pool: Arc<str>,
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
            // Compiling a statement takes longer than all of ours take, on a busy machine seconds; the server would, where
            // it has no statistics yet and expects millions of rows.
            .options(format!(
                "-c statement_timeout={limit_ms} -c TimeZone=UTC -c jit=off \
                 -c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_MS}"
            ));
        Self {
            config,
            canceller: Canceller {
                tls,
                pool: context.pool.clone(),
            },
            context,
            ended: CancellationToken::new(),
        }
    }

    /// The same place under another login.
    pub(super) fn with_login(&self, username: &str, password: &Secret) -> Self {
        let mut config = self.config.clone();
        config.user(username).password(password.expose());
        Self {
            config,
            canceller: self.canceller.clone(),
            context: self.context.clone(),
            ended: CancellationToken::new(),
        }
    }

    /// Asks the server to stop what a session is doing; best effort.
    pub(super) async fn cancel(&self, token: CancelToken) {
        self.canceller.cancel(token).await;
    }

    /// A session on an open connection, which ends with this login at the latest.
    fn session<S, T>(&self, client: Client, connection: Connection<S, T>) -> PgConnection
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (ended, canceller) = (self.ended.clone(), self.canceller.clone());
        let (pool, token) = (self.context.pool.clone(), client.cancel_token());
        let driver = tokio::spawn(async move {
            tokio::select! {
                outcome = connection => if let Err(error) = outcome {
                    // Statements in hand get the error too; an idle session has nobody to tell.
                    tracing::debug!(%pool, closed = error.is_closed(), "a database session ended");
                },
                // The socket is closed by now; the server may still be at a statement.
                () = ended.cancelled() => canceller.cancel(token).await,
            }
        });
        PgConnection::new(client, driver, self.context.clone())
    }
}

impl Login for Connector {
    type Connection = PgConnection;

    async fn connect(&self) -> Result<PgConnection, PoolError> {
        let login = async {
            match &self.canceller.tls {
                Some(tls) => {
                    let (client, connection) = self.config.connect(tls.clone()).await?;
                    Ok(self.session(client, connection))
                }
                None => {
                    let (client, connection) = self.config.connect(NoTls).await?;
                    Ok(self.session(client, connection))
                }
            }
        };
        match tokio::time::timeout(LOGIN_TIMEOUT, login).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(error)) => Err(connect_error(&self.context.pool, &error)),
            Err(_) => Err(PoolError::Unreachable {
                pool: self.context.pool.to_string(),
                detail: format!("no login within {} ms", LOGIN_TIMEOUT.as_millis()),
            }),
        }
    }

    async fn answers(connection: &PgConnection) -> bool {
        let answer = tokio::time::timeout(deadline::left(PING_TIMEOUT), connection.ping()).await;
        matches!(answer, Ok(Ok(())))
    }

    fn end(&self) {
        self.ended.cancel();
    }

    fn is_same(&self, other: &Self) -> bool {
        let login = |config: &Config| {
            let password = config.get_password().map(<[u8]>::to_vec);
            (config.get_user().map(str::to_owned), password)
        };
        login(&self.config) == login(&other.config)
    }
}

impl Canceller {
    async fn cancel(&self, token: CancelToken) {
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
                pool = %self.pool,
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
