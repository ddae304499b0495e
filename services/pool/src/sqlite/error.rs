//! Sorts SQLite errors by result code (sqlite.org/rescode.html).

use rusqlite::ffi::{self, ErrorCode};

use crate::PoolError;

/// What an error message needs to know about its pool.
#[derive(Clone, Debug)]
pub(super) struct Context {
    pub(super) pool: String,
    pub(super) limit_ms: u64,
}

impl Context {
    /// Sorts the failure to open the file.
    pub(super) fn open_error(&self, error: &rusqlite::Error) -> PoolError {
        PoolError::Unreachable {
            pool: self.pool.clone(),
            detail: error.to_string(),
        }
    }

    /// Sorts the failure of a statement.
    pub(super) fn statement_error(&self, error: &rusqlite::Error) -> PoolError {
        let (failure, message) = match error {
            rusqlite::Error::SqliteFailure(failure, message) => (failure, message.as_deref()),
            rusqlite::Error::SqlInputError {
                error, offset, msg, ..
            } => {
                // The whole statement is part of the error's own text; its message is enough.
                return query(error.extended_code, format!("{msg} at character {offset}"));
            }
            other => {
                return PoolError::Query {
                    code: "usage".to_owned(),
                    detail: other.to_string(),
                };
            }
        };
        match failure.code {
            ErrorCode::OperationInterrupted => PoolError::StatementTimeout {
                pool: self.pool.clone(),
                limit_ms: self.limit_ms,
            },
            ErrorCode::ConstraintViolation => PoolError::Constraint {
                unique: matches!(
                    failure.extended_code,
                    ffi::SQLITE_CONSTRAINT_UNIQUE
                        | ffi::SQLITE_CONSTRAINT_PRIMARYKEY
                        | ffi::SQLITE_CONSTRAINT_ROWID
                ),
                constraint: constraint_name(message.unwrap_or_default()),
            },
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => PoolError::Conflict {
                code: failure.extended_code.to_string(),
            },
            ErrorCode::CannotOpen
            | ErrorCode::SystemIoFailure
            | ErrorCode::NotADatabase
            | ErrorCode::DatabaseCorrupt
            | ErrorCode::DiskFull => PoolError::Unreachable {
                pool: self.pool.clone(),
                detail: ffi::code_to_str(failure.extended_code).to_owned(),
            },
            _ => query(
                failure.extended_code,
                message.unwrap_or("no message").to_owned(),
            ),
        }
    }
}

fn query(code: i32, detail: String) -> PoolError {
    PoolError::Query {
        code: code.to_string(),
        detail,
    }
}

/// `UNIQUE constraint failed: users.name` names columns, `CHECK constraint failed: x` a constraint.
fn constraint_name(message: &str) -> String {
    message
        .split_once(": ")
        .map_or("without a name", |(_, name)| name)
        .to_owned()
}
