//! What can go wrong with a database, sorted by what a person has to do about it.
//!
//! Every engine's error is mapped here once; callers match on the variant, metrics and conditions
//! use [`PoolError::category`]. A message may name a pool, a column, a constraint, a SQL state or
//! an identifier of our own SQL, but never a password or a parameter value: server texts that
//! quote data are replaced by their SQL state.

use thiserror::Error;

/// A failed database operation.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PoolError {
    /// The server does not answer, hangs up, starts up, shuts down or has no free slot.
    #[error("the database of pool {pool} cannot be reached: {detail}")]
    Unreachable {
        /// Name of the pool.
        pool: String,
        /// What happened.
        detail: String,
    },
    /// The server answers and refuses this login.
    #[error("the database of pool {pool} refuses the login: {detail}")]
    LoginRefused {
        /// Name of the pool.
        pool: String,
        /// What the server objects to.
        detail: String,
    },
    /// The server's certificate or TLS handshake is not acceptable.
    #[error("the database of pool {pool} fails TLS: {detail}")]
    TlsInvalid {
        /// Name of the pool.
        pool: String,
        /// What the handshake objects to.
        detail: String,
    },
    /// No connection became free in time.
    #[error("no connection of pool {pool} became free within {waited_ms} ms")]
    AcquireTimeout {
        /// Name of the pool.
        pool: String,
        /// How long the caller waited.
        waited_ms: u64,
    },
    /// A statement ran longer than the pool allows, or somebody cancelled it.
    #[error("a statement on pool {pool} was cancelled; the limit is {limit_ms} ms")]
    StatementTimeout {
        /// Name of the pool.
        pool: String,
        /// The configured limit.
        limit_ms: u64,
    },
    /// The statement would break a constraint.
    #[error("constraint {constraint} is violated")]
    Constraint {
        /// Whether it is a unique or primary key.
        unique: bool,
        /// Name of the constraint, or `table.column` on SQLite.
        constraint: String,
    },
    /// Another transaction got in the way; the whole transaction may be tried again.
    #[error("the transaction conflicts with another one ({code})")]
    Conflict {
        /// SQL state or SQLite result code.
        code: String,
    },
    /// The statement itself is at fault.
    #[error("the statement failed ({code}): {detail}")]
    Query {
        /// SQL state or SQLite result code.
        code: String,
        /// What is wrong, without data.
        detail: String,
    },
    /// A column or parameter does not have the type asked for.
    #[error("column {column} holds {found}, not {expected}")]
    Type {
        /// Name of the column, or `$n` for a parameter.
        column: String,
        /// What the caller asked for.
        expected: &'static str,
        /// What is there.
        found: String,
    },
    /// The result has no such column.
    #[error("the result has no column {column}")]
    NoColumn {
        /// The name asked for.
        column: String,
    },
    /// The configuration of the pool cannot work.
    #[error("the configuration of pool {pool} is not usable: {detail}")]
    Config {
        /// Name of the pool.
        pool: String,
        /// What to change.
        detail: String,
    },
    /// The pool was closed.
    #[error("pool {pool} is closed")]
    Closed {
        /// Name of the pool.
        pool: String,
    },
}

impl PoolError {
    /// A stable word per variant for metrics, conditions and logs.
    pub fn category(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "Unreachable",
            Self::LoginRefused { .. } => "LoginRefused",
            Self::TlsInvalid { .. } => "TlsInvalid",
            Self::AcquireTimeout { .. } => "AcquireTimeout",
            Self::StatementTimeout { .. } => "StatementTimeout",
            Self::Constraint { .. } => "Constraint",
            Self::Conflict { .. } => "Conflict",
            Self::Query { .. } => "Query",
            Self::Type { .. } => "Type",
            Self::NoColumn { .. } => "NoColumn",
            Self::Config { .. } => "Config",
            Self::Closed { .. } => "Closed",
        }
    }

    /// Whether the statement hit a unique or primary key.
    pub fn is_unique_violation(&self) -> bool {
        matches!(self, Self::Constraint { unique: true, .. })
    }

    /// Whether the same call may succeed later without anybody changing anything here.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::AcquireTimeout { .. }
                | Self::StatementTimeout { .. }
                | Self::Conflict { .. }
        )
    }

    /// A problem of the calling code rather than of the database.
    pub(crate) fn usage(detail: impl Into<String>) -> Self {
        Self::Query {
            code: "usage".to_owned(),
            detail: detail.into(),
        }
    }
}
