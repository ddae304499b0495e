//! [`Value`]s on the PostgreSQL wire, in binary form.

use std::error::Error;

use bytes::BytesMut;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use tokio_postgres::Statement;
use tokio_postgres::types::{FromSql, IsNull, Kind, ToSql, Type, to_sql_checked};

use crate::{PoolError, Value};

type Failure = Box<dyn Error + Sync + Send>;

/// A parameter on its way to the server.
#[derive(Debug)]
pub(super) struct Bound<'a>(pub(super) &'a Value);

/// A value as read from the server.
pub(super) struct Cell(pub(super) Value);

/// Refuses parameters the statement cannot take, by number and kind, before anything is sent.
pub(super) fn check_parameters(statement: &Statement, params: &[Value]) -> Result<(), PoolError> {
    let wanted = statement.params();
    if wanted.len() != params.len() {
        return Err(PoolError::usage(format!(
            "the statement has {} parameters, {} were given",
            wanted.len(),
            params.len()
        )));
    }
    for (index, (value, wanted)) in params.iter().zip(wanted).enumerate() {
        if !fits(value, wanted) {
            return Err(PoolError::Type {
                column: format!("${}", index + 1),
                expected: value.kind(),
                found: format!("{} of PostgreSQL", wanted.name()),
            });
        }
    }
    Ok(())
}

fn fits(value: &Value, wanted: &Type) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(_) => *wanted == Type::BOOL,
        Value::Int(number) => match *wanted {
            Type::INT8 | Type::NUMERIC => true,
            Type::INT4 => i32::try_from(*number).is_ok(),
            Type::INT2 => i16::try_from(*number).is_ok(),
            Type::OID => u32::try_from(*number).is_ok(),
            _ => false,
        },
        Value::Decimal(_) => *wanted == Type::NUMERIC,
        Value::Text(text) => match *wanted {
            Type::JSON | Type::JSONB => true,
            Type::UUID => uuid_bytes(text).is_some(),
            _ => <&str as ToSql>::accepts(wanted) || matches!(wanted.kind(), Kind::Enum(_)),
        },
        Value::Bytes(_) => *wanted == Type::BYTEA,
        Value::Date(_) => *wanted == Type::DATE,
        Value::Timestamp(_) => matches!(*wanted, Type::TIMESTAMPTZ | Type::TIMESTAMP),
    }
}

impl ToSql for Bound<'_> {
    fn to_sql(&self, wanted: &Type, out: &mut BytesMut) -> Result<IsNull, Failure> {
        match self.0 {
            Value::Null => Ok(IsNull::Yes),
            Value::Bool(truth) => truth.to_sql(wanted, out),
            Value::Int(number) => match *wanted {
                Type::INT2 => i16::try_from(*number)?.to_sql(wanted, out),
                Type::INT4 => i32::try_from(*number)?.to_sql(wanted, out),
                Type::OID => u32::try_from(*number)?.to_sql(wanted, out),
                Type::NUMERIC => Decimal::from(*number).to_sql(wanted, out),
                _ => number.to_sql(wanted, out),
            },
            Value::Decimal(number) => number.to_sql(wanted, out),
            Value::Text(text) => match *wanted {
                Type::UUID => {
                    out.extend_from_slice(&uuid_bytes(text).ok_or("not a UUID")?);
                    Ok(IsNull::No)
                }
                Type::JSONB => {
                    // The binary form of jsonb is its text behind a version byte.
                    out.extend_from_slice(&[1]);
                    out.extend_from_slice(text.as_bytes());
                    Ok(IsNull::No)
                }
                _ => {
                    out.extend_from_slice(text.as_bytes());
                    Ok(IsNull::No)
                }
            },
            Value::Bytes(bytes) => bytes.to_sql(wanted, out),
            Value::Date(date) => date.to_sql(wanted, out),
            Value::Timestamp(moment) if *wanted == Type::TIMESTAMP => {
                TimeZone::UTC.to_datetime(*moment).to_sql(wanted, out)
            }
            Value::Timestamp(moment) => moment.to_sql(wanted, out),
        }
    }

    fn accepts(_wanted: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Cell {
    fn from_sql(from: &Type, raw: &'a [u8]) -> Result<Self, Failure> {
        Ok(Self(match *from {
            Type::BOOL => Value::Bool(bool::from_sql(from, raw)?),
            Type::INT2 => Value::Int(i16::from_sql(from, raw)?.into()),
            Type::INT4 => Value::Int(i32::from_sql(from, raw)?.into()),
            Type::INT8 => Value::Int(i64::from_sql(from, raw)?),
            Type::OID => Value::Int(u32::from_sql(from, raw)?.into()),
            Type::NUMERIC => Value::Decimal(Decimal::from_sql(from, raw)?),
            Type::BYTEA => Value::Bytes(raw.to_vec()),
            Type::DATE => Value::Date(Date::from_sql(from, raw)?),
            Type::TIMESTAMPTZ => Value::Timestamp(Timestamp::from_sql(from, raw)?),
            Type::TIMESTAMP => {
                let civil = DateTime::from_sql(from, raw)?;
                Value::Timestamp(TimeZone::UTC.to_timestamp(civil)?)
            }
            Type::UUID => Value::Text(uuid_text(raw)?),
            Type::JSONB => {
                Value::Text(str::from_utf8(raw.get(1..).unwrap_or_default())?.to_owned())
            }
            Type::VOID => Value::Null,
            _ => Value::Text(str::from_utf8(raw)?.to_owned()),
        }))
    }

    fn accepts(from: &Type) -> bool {
        matches!(
            *from,
            Type::BOOL
                | Type::INT2
                | Type::INT4
                | Type::INT8
                | Type::OID
                | Type::NUMERIC
                | Type::BYTEA
                | Type::DATE
                | Type::TIMESTAMPTZ
                | Type::TIMESTAMP
                | Type::UUID
                | Type::JSON
                | Type::JSONB
                | Type::VOID
        ) || <&str as FromSql>::accepts(from)
            || matches!(from.kind(), Kind::Enum(_))
    }
}

fn uuid_bytes(text: &str) -> Option<[u8; 16]> {
    let digits: String = text.chars().filter(|letter| *letter != '-').collect();
    if digits.len() != 32 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    u128::from_str_radix(&digits, 16)
        .ok()
        .map(u128::to_be_bytes)
}

fn uuid_text(raw: &[u8]) -> Result<String, Failure> {
    let digits = format!("{:032x}", u128::from_be_bytes(raw.try_into()?));
    let (first, rest) = digits.split_at(8);
    let groups = [&rest[..4], &rest[4..8], &rest[8..12], &rest[12..]];
    Ok(format!("{first}-{}", groups.join("-")))
}
