//! One multiplexed connection that is dialled when needed and dropped when it fails.

use std::time::{Duration, Instant};

use ::redis::aio::MultiplexedConnection;
use ::redis::{
    AsyncConnectionConfig, ErrorKind, FromRedisValue, Pipeline, RedisError, ServerErrorKind,
};
use tokio::sync::Mutex;

use super::target::Target;
use crate::SessionError;

/// Whoever asks has another place to look: a cache that takes longer is no help.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const RESPONSE_TIMEOUT: Duration = Duration::from_millis(500);
/// After a failed attempt or an answer that did not come, the same error is given for this long, so that
/// a burst of requests does not become a burst of dials, a wrong password an attack on our own account,
/// nor a server that hangs a wait of every request.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The connection and how to get another one.
pub(crate) struct Link {
    target: Target,
    state: Mutex<State>,
}

enum State {
    Closed,
    Open {
        connection: MultiplexedConnection,
        generation: u64,
    },
    Failed {
        at: Instant,
        error: SessionError,
    },
}

impl Link {
    pub(crate) fn new(target: Target) -> Self {
        Self {
            target,
            state: Mutex::new(State::Closed),
        }
    }

    /// Asks one question. An idle connection may have been closed by the server in the meantime;
    /// only that case is tried once more on a new connection, and all our commands can be repeated.
    pub(crate) async fn ask<T: FromRedisValue>(
        &self,
        question: &Pipeline,
    ) -> Result<T, SessionError> {
        let (mut connection, generation) = self.connection().await?;
        let error = match question.query_async(&mut connection).await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        if !poisons(&error) {
            return Err(sort(&error));
        }
        if error.is_timeout() {
            self.give_up(generation, &error).await;
            return Err(sort(&error));
        }
        self.close(generation).await;
        let (mut connection, generation) = self.connection().await?;
        match question.query_async(&mut connection).await {
            Ok(answer) => Ok(answer),
            Err(error) => {
                self.close(generation).await;
                Err(sort(&error))
            }
        }
    }

    async fn connection(&self) -> Result<(MultiplexedConnection, u64), SessionError> {
        let mut state = self.state.lock().await;
        match &*state {
            State::Open {
                connection,
                generation,
            } => return Ok((connection.clone(), *generation)),
            State::Failed { at, error } if at.elapsed() < RETRY_AFTER => return Err(error.clone()),
            State::Failed { .. } | State::Closed => {}
        }
        match dial(&self.target, patient()).await {
            Ok(connection) => {
                let generation = next_generation();
                *state = State::Open {
                    connection: connection.clone(),
                    generation,
                };
                Ok((connection, generation))
            }
            Err(error) => {
                *state = State::Failed {
                    at: Instant::now(),
                    error: error.clone(),
                };
                Err(error)
            }
        }
    }

    /// Drops the connection unless somebody has replaced it already.
    async fn close(&self, failed: u64) {
        self.replace(failed, State::Closed).await;
    }

    /// Drops the connection, and tries no other one for a moment.
    async fn give_up(&self, failed: u64, error: &RedisError) {
        let failure = State::Failed {
            at: Instant::now(),
            error: sort(error),
        };
        self.replace(failed, failure).await;
    }

    async fn replace(&self, failed: u64, next: State) {
        let mut state = self.state.lock().await;
        if matches!(&*state, State::Open { generation, .. } if *generation == failed) {
            *state = next;
        }
    }
}

/// How long a server may take to be dialled and to answer.
pub(crate) fn patient() -> AsyncConnectionConfig {
    AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT_TIMEOUT))
        .set_response_timeout(Some(RESPONSE_TIMEOUT))
}

/// A connection of one's own.
pub(crate) async fn dial(
    target: &Target,
    config: AsyncConnectionConfig,
) -> Result<MultiplexedConnection, SessionError> {
    let config = config.set_dns_resolver(target.dialled.clone());
    let client = &target.client;
    client
        .get_multiplexed_async_connection_with_config(&config)
        .await
        .map_err(|error| sort(&error))
}

fn next_generation() -> u64 {
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}

/// Whether the connection should not be used again. A timed-out one may be a dead peer behind a
/// silent network, which TCP alone notices after minutes.
fn poisons(error: &RedisError) -> bool {
    error.is_unrecoverable_error()
        || error.is_io_error()
        || error.is_timeout()
        || is_login_problem(error)
}

fn is_login_problem(error: &RedisError) -> bool {
    matches!(
        error.kind(),
        ErrorKind::AuthenticationFailed | ErrorKind::Server(ServerErrorKind::NoPerm)
    ) || matches!(error.code(), Some("NOAUTH" | "WRONGPASS"))
}

/// Sorts an error by what a person has to do about it. The server's own text is left out where it
/// could repeat what we sent.
pub(crate) fn sort(error: &RedisError) -> SessionError {
    if is_login_problem(error) {
        return SessionError::LoginRefused {
            detail: error.category().to_owned(),
        };
    }
    let detail = match error.kind() {
        ErrorKind::Io => error.to_string(),
        _ => error
            .code()
            .map_or_else(|| error.category().to_owned(), str::to_owned),
    };
    match error.kind() {
        ErrorKind::UnexpectedReturnType | ErrorKind::Parse => SessionError::Corrupt { detail },
        _ => SessionError::Unreachable { detail },
    }
}
