//! The values that travel to and from every engine, so that a statement and its rows look the
//! same whatever database answers.
//!
//! | kind | PostgreSQL | SQLite, by declared column type |
//! |---|---|---|
//! | `Bool` | boolean | integer 0/1 in `BOOLEAN` |
//! | `Int` | smallint, integer, bigint, oid | integer |
//! | `Decimal` | numeric | integer hundredths in `NUMERIC(p,2)`, `DECIMAL(p,2)`, `DECIMAL2` |
//! | `Text` | text, varchar, char, name, uuid, json | text |
//! | `Bytes` | bytea | blob |
//! | `Date` | date | text `YYYY-MM-DD` in `DATE` |
//! | `Timestamp` | timestamptz, timestamp (read as UTC) | text `YYYY-MM-DDThh:mm:ss.ffffffZ` in `TIMESTAMP…` |
//!
//! SQLite has no decimals. Amounts are therefore stored there as integer hundredths, which add up
//! exactly; the same `NUMERIC(15,2)` declaration serves both engines. An expression such as
//! `SUM(amount)` has no declared type on SQLite and arrives as `Int` hundredths: read it with
//! [`crate::Row::get_minor_units`], which is right on both engines.

use jiff::{Timestamp, civil::Date};
use rust_decimal::Decimal;

mod convert;

pub use convert::FromValue;

/// One SQL value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// SQL NULL.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// An exact decimal number.
    Decimal(Decimal),
    /// A string.
    Text(String),
    /// Octets.
    Bytes(Vec<u8>),
    /// A calendar day.
    Date(Date),
    /// A moment, to the microsecond.
    Timestamp(Timestamp),
}

impl Value {
    /// The kind in words, for messages; never the content.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a truth value",
            Self::Int(_) => "an integer",
            Self::Decimal(_) => "a decimal",
            Self::Text(_) => "text",
            Self::Bytes(_) => "bytes",
            Self::Date(_) => "a date",
            Self::Timestamp(_) => "a timestamp",
        }
    }
}
