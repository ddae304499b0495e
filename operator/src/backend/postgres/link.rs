//! One direct connection to the server, and the sorting of what goes wrong on it.

use std::error::Error as _;
use std::time::Duration;

use reportapp_pool::NamedTls;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinHandle;
use tokio_postgres::config::SslMode;
use tokio_postgres::error::{DbError, SqlState};
use tokio_postgres::{Client, Config, Connection, Error, NoTls};

use super::roles::{self, Roles};
use crate::backend::{BackendError, Endpoint};

/// Upper bound of one login.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a session may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(2);
/// What the administrator of the database sees in `pg_stat_activity`.
const APPLICATION_NAME: &str = "reportapp-operator";
/// Bounds on the server; texts and names as this module reads and writes them, whatever the role's
/// own settings say.
const OPTIONS: &str = "-c statement_timeout=15000 -c lock_timeout=10000 \
     -c idle_in_transaction_session_timeout=60000 -c search_path=pg_catalog -c TimeZone=UTC \
     -c DateStyle=ISO -c standard_conforming_strings=on";

/// A logged-in session.
pub(super) struct Link {
    pub(super) client: Client,
    driver: JoinHandle<()>,
}

/// Why a login failed.
pub(super) enum LoginFailure {
    /// User, password or the right to log in; the text is the server's.
    Refused(String),
    /// The password is right, but the user may not use the database.
    Incomplete(String),
    /// Nothing was learnt about the password.
    Other(BackendError),
}

impl Link {
    /// Logs in, once.
    pub(super) async fn open(
        endpoint: &Endpoint,
        tls: Option<&NamedTls>,
        database: &str,
        username: &str,
        password: &str,
    ) -> Result<Self, LoginFailure> {
        let mut config = Config::new();
        config
            .host(&endpoint.host)
            .port(endpoint.port)
            .dbname(database)
            .user(username)
            .password(password)
            .application_name(APPLICATION_NAME)
            .ssl_mode(if tls.is_some() {
                SslMode::Require
            } else {
                SslMode::Disable
            })
            .connect_timeout(LOGIN_TIMEOUT)
            .tcp_user_timeout(Duration::from_secs(30))
            .options(OPTIONS);
        let login = async {
            Ok(match tls {
                Some(tls) => Self::drive(config.connect(tls.clone()).await?),
                None => Self::drive(config.connect(NoTls).await?),
            })
        };
        match tokio::time::timeout(LOGIN_TIMEOUT, login).await {
            Ok(outcome) => outcome.map_err(|error| login_failure(endpoint, database, &error)),
            Err(_) => Err(LoginFailure::Other(BackendError::Unreachable(format!(
                "PostgreSQL at {}:{} gave no login within {} s",
                endpoint.host,
                endpoint.port,
                LOGIN_TIMEOUT.as_secs()
            )))),
        }
    }

    fn drive<S, T>((client, connection): (Client, Connection<S, T>)) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        // Ends by itself once the client is dropped; statements in hand get its errors too.
        let driver = tokio::spawn(async move { drop(connection.await) });
        Self { client, driver }
    }

    /// Ends the session and waits until the server was told.
    pub(super) async fn close(self) {
        let Self { client, mut driver } = self;
        drop(client);
        if tokio::time::timeout(GOODBYE, &mut driver).await.is_err() {
            driver.abort();
        }
    }

    /// Whom this session acts as.
    pub(super) async fn current_user(&self) -> Result<String, BackendError> {
        let sql = "SELECT current_user::text";
        let row = self.client.query_one(sql, &[]).await;
        row.and_then(|row| row.try_get(0))
            .map_err(|error| statement_error(&error, sql))
    }

    /// The base role and its twins, as far as they exist.
    pub(super) async fn roles(&self, base: &str) -> Result<Roles, BackendError> {
        roles::read(&self.client, base)
            .await
            .map_err(|error| statement_error(&error, "reading the catalogue"))
    }
}

fn login_failure(endpoint: &Endpoint, database: &str, error: &Error) -> LoginFailure {
    let place = format!("PostgreSQL at {}:{}", endpoint.host, endpoint.port);
    let Some(db) = error.as_db_error() else {
        let text = format!("{place} cannot be used: {}", chain(error));
        // The kind has no other public mark than its text: a method this client does not speak.
        return LoginFailure::Other(if error.to_string() == "authentication error" {
            BackendError::Refused(text)
        } else {
            BackendError::Unreachable(text)
        });
    };
    let message = db.message();
    match db.code() {
        // The server's access list refused before it looked at user or password.
        &SqlState::INVALID_AUTHORIZATION_SPECIFICATION if from_access_list(db) => {
            LoginFailure::Other(BackendError::Refused(format!(
                "{place} refuses this client: {message}; add a line to its pg_hba.conf"
            )))
        }
        &SqlState::INVALID_PASSWORD | &SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
            LoginFailure::Refused(message.to_owned())
        }
        &SqlState::INSUFFICIENT_PRIVILEGE => LoginFailure::Incomplete(message.to_owned()),
        &SqlState::UNDEFINED_DATABASE => LoginFailure::Other(BackendError::Refused(format!(
            "{place} has no database {database:?}"
        ))),
        code => LoginFailure::Other(BackendError::Unreachable(format!(
            "{place} gives no session: {message} (SQL state {})",
            code.code()
        ))),
    }
}

/// The server's own function name is not translated, unlike its messages.
fn from_access_list(db: &DbError) -> bool {
    db.routine() == Some("ClientAuthentication")
}

/// Sorts the failure of a statement; `shown` is the statement without values.
pub(super) fn statement_error(error: &Error, shown: &str) -> BackendError {
    let Some(db) = error.as_db_error() else {
        return BackendError::Unreachable(format!(
            "the connection to PostgreSQL was lost during: {shown}"
        ));
    };
    let code = db.code().code();
    // Messages of class 22 quote values.
    let message = match &code[..2] {
        "22" => "a value is not valid",
        _ => db.message(),
    };
    let text = format!("PostgreSQL refused: {shown}: {message} (SQL state {code})");
    match (db.code(), &code[..2]) {
        (&SqlState::INSUFFICIENT_PRIVILEGE, _) => BackendError::RightMissing(format!(
            "{text}; grant the administrator what docs/reference/postgresql-grants.md lists, or \
             run the statement as a superuser"
        )),
        (&SqlState::READ_ONLY_SQL_TRANSACTION, _) => {
            BackendError::Refused(format!("{text}; the server is a standby: name the primary"))
        }
        // "tuple concurrently updated": somebody else changed the same role at the same time.
        (&SqlState::LOCK_NOT_AVAILABLE | &SqlState::INTERNAL_ERROR, _)
        | (_, "08" | "40" | "53" | "57") => BackendError::Unreachable(text),
        _ => BackendError::Refused(text),
    }
}

fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(current) = cause {
        text.push_str(": ");
        text.push_str(&current.to_string());
        cause = current.source();
    }
    text
}
