//! One API over the databases the product talks to: PostgreSQL and SQLite.
//!
//! ```text
//! DatabaseConfig ─ open ─▶ Pool ─ query / execute / begin ─▶ [engine] ─▶ Row, Value | PoolError
//! ```
//!
//! [`Pool`] looks the same whatever engine is behind it: placeholders are `$1…$n`, values are
//! [`Value`], errors are sorted by [`PoolError`], amounts are exact. Each engine keeps the same
//! promises, so that a blocking driver can join later:
//!
//! - waiting is fair (first come, first served) and bounded by `acquire_timeout_ms`;
//! - a statement is bounded by `statement_timeout_ms`, on the server where it can be;
//! - neither takes longer than the request it is for has left ([`within`]);
//! - dropping a future at any point neither loses a connection slot nor lets a later caller see
//!   what the dropped one left behind;
//! - a database that comes back is used again without a restart;
//! - a login that is replaced while it is in use fails no request, and one that is refused is tried three
//!   times a minute at most (PostgreSQL);
//! - no password and no parameter value appears in an error, a log line or a metric.

mod deadline;
mod error;
mod generation;
mod pool;
mod row;
mod settings;
mod slots;
mod stats;
mod supply;
#[cfg(feature = "testing")]
pub mod testing;
mod transaction;
mod value;

mod postgres;
mod sqlite;

pub use deadline::within;
pub use error::PoolError;
pub use pool::{Engine, Pool, Promoted, Renewal};
pub use postgres::NamedTls;
pub use row::{Row, RowStream};
pub use settings::PostgresLogin;
pub use stats::{GenerationStats, PoolStats};
pub use transaction::{Opening, Question, Transaction};
pub use value::{FromValue, Value};
