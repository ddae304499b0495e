//! Sorts PostgreSQL errors by SQL state (appendix A of the PostgreSQL manual).
//!
//! A message of the server is passed on only for classes whose messages speak of identifiers, not
//! of data; for the others the SQL state must do.

use std::error::Error as _;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::Error;
use tokio_postgres::error::{DbError, ErrorPosition, SqlState};

use crate::PoolError;

/// What an error message needs to know about its pool.
#[derive(Clone, Debug)]
pub(super) struct Context {
    pub(super) pool: Arc<str>,
    pub(super) limit_ms: u64,
    pub(super) deadline: Duration,
}

impl Context {
    /// About statements of a pool that may each take `limit`.
    pub(super) fn new(pool: &str, limit: Duration) -> Self {
        Self {
            pool: pool.into(),
            limit_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX),
            // The server ends the statement; this one is for a server that no longer answers.
            deadline: limit + Duration::from_secs(5),
        }
    }

    /// The same with another limit.
    pub(super) fn within(&self, limit: Duration) -> Self {
        Self::new(&self.pool, limit)
    }

    /// Sorts the failure of a statement on an open session.
    pub(super) fn statement_error(&self, error: &Error) -> PoolError {
        let Some(db) = error.as_db_error() else {
            return if error.is_closed() || find::<io::Error>(error).is_some() {
                PoolError::Unreachable {
                    pool: self.pool.to_string(),
                    detail: "the connection was lost during a statement".to_owned(),
                }
            } else {
                PoolError::Query {
                    code: "protocol".to_owned(),
                    detail: error.to_string(),
                }
            };
        };
        let code = db.code().code();
        match (db.code(), &code[..2]) {
            (&SqlState::QUERY_CANCELED, _) => self.timed_out(),
            (state, "23") => PoolError::Constraint {
                unique: *state == SqlState::UNIQUE_VIOLATION,
                constraint: db
                    .constraint()
                    .or(db.column())
                    .unwrap_or("without a name")
                    .to_owned(),
            },
            (_, "40") | (&SqlState::LOCK_NOT_AVAILABLE, _) => PoolError::Conflict {
                code: code.to_owned(),
            },
            (_, "08" | "57") | (&SqlState::TOO_MANY_CONNECTIONS, _) => PoolError::Unreachable {
                pool: self.pool.to_string(),
                detail: format!("SQL state {code}: {}", db.message()),
            },
            _ => PoolError::Query {
                code: code.to_owned(),
                detail: harmless_text(db),
            },
        }
    }

    /// The error of a statement that took too long.
    pub(super) fn timed_out(&self) -> PoolError {
        PoolError::StatementTimeout {
            pool: self.pool.to_string(),
            limit_ms: self.limit_ms,
        }
    }
}

/// Sorts the failure of a login.
pub(super) fn connect_error(pool: &str, error: &Error) -> PoolError {
    let pool = pool.to_owned();
    if let Some(db) = error.as_db_error() {
        let code = db.code().code();
        let detail = format!("SQL state {code}: {}", db.message());
        return if code.starts_with("28") || *db.code() == SqlState::INSUFFICIENT_PRIVILEGE {
            PoolError::LoginRefused { pool, detail }
        } else {
            PoolError::Unreachable { pool, detail }
        };
    }
    let detail = chain(error);
    if find::<rustls::Error>(error).is_some() {
        return PoolError::TlsInvalid { pool, detail };
    }
    let hung_up = find::<io::Error>(error).is_some();
    match error.to_string().as_str() {
        // The kinds have no other public mark than their text.
        "error performing TLS handshake" if !hung_up => PoolError::TlsInvalid { pool, detail },
        "authentication error" => PoolError::LoginRefused { pool, detail },
        _ => PoolError::Unreachable { pool, detail },
    }
}

/// Looks for a cause of one type, also inside the errors that `io::Error` wraps.
fn find<T: std::error::Error + 'static>(error: &Error) -> Option<&T> {
    let mut cause = error.source();
    while let Some(current) = cause {
        if let Some(found) = current.downcast_ref::<T>() {
            return Some(found);
        }
        let wrapped = current
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        if let Some(found) = wrapped.and_then(|inner| inner.downcast_ref::<T>()) {
            return Some(found);
        }
        cause = current.source();
    }
    None
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

fn harmless_text(db: &DbError) -> String {
    if *db.code() == SqlState::SYNTAX_ERROR {
        return match db.position() {
            Some(ErrorPosition::Original(character)) => {
                format!("syntax error at character {character}")
            }
            _ => "syntax error".to_owned(),
        };
    }
    match &db.code().code()[..2] {
        "0A" | "25" | "2B" | "3D" | "3F" | "42" | "53" | "54" | "55" | "58" | "XX" => {
            db.message().to_owned()
        }
        "22" => "a value does not have the form or range its type needs".to_owned(),
        _ => "the server's log has the details".to_owned(),
    }
}
