//! [`Value`]s in SQLite, whose storage has integers, text and blobs only: the declared type of a
//! column decides what they mean (see [`crate::Value`]).

use jiff::Timestamp;
use rusqlite::Statement;
use rusqlite::types::{ToSqlOutput, ValueRef};

use super::error::Context;
use crate::row::hundredths;
use crate::{PoolError, Value};

/// What a column holds by its declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Plain,
    Bool,
    Hundredths,
    OtherDecimal,
    Date,
    Timestamp,
}

impl Kind {
    /// Reads a declaration; an expression has none.
    pub(super) fn declared(declaration: Option<&str>) -> Self {
        let text: String = declaration
            .unwrap_or_default()
            .chars()
            .filter(|letter| !letter.is_whitespace())
            .collect();
        let text = text.to_ascii_uppercase();
        match text.as_str() {
            "BOOLEAN" | "BOOL" => Self::Bool,
            "DATE" => Self::Date,
            "DECIMAL2" => Self::Hundredths,
            _ if text.starts_with("TIMESTAMP") => Self::Timestamp,
            _ if text.starts_with("NUMERIC(") || text.starts_with("DECIMAL(") => {
                if text.ends_with(",2)") {
                    Self::Hundredths
                } else {
                    Self::OtherDecimal
                }
            }
            _ => Self::Plain,
        }
    }
}

/// Binds parameters by the number in their name, so that `$2` may come before `$1` or twice.
pub(super) fn bind(
    context: &Context,
    statement: &mut Statement<'_>,
    params: &[Value],
) -> Result<(), PoolError> {
    let mut highest = 0;
    for place in 1..=statement.parameter_count() {
        let number = statement
            .parameter_name(place)
            .and_then(parameter_number)
            .ok_or_else(|| PoolError::usage("parameters must be written $1, $2, …"))?;
        highest = highest.max(number);
        let value = params
            .get(number - 1)
            .ok_or_else(|| wrong_number(number, params.len()))?;
        statement
            .raw_bind_parameter(place, stored(number, value)?)
            .map_err(|error| context.statement_error(&error))?;
    }
    if highest < params.len() {
        return Err(wrong_number(highest, params.len()));
    }
    Ok(())
}

fn wrong_number(wanted: usize, given: usize) -> PoolError {
    PoolError::usage(format!(
        "the statement has {wanted} parameters, {given} were given"
    ))
}

/// `$2` and `$2::date` are both parameter 2.
fn parameter_number(name: &str) -> Option<usize> {
    let digits = name.strip_prefix('$')?;
    let digits = digits
        .split_once(':')
        .map_or(digits, |(number, _cast)| number);
    digits.parse().ok().filter(|number| *number > 0)
}

fn stored(number: usize, value: &Value) -> Result<ToSqlOutput<'_>, PoolError> {
    Ok(match value {
        Value::Null => ToSqlOutput::Borrowed(ValueRef::Null),
        Value::Bool(truth) => ToSqlOutput::Borrowed(ValueRef::Integer((*truth).into())),
        Value::Int(whole) => ToSqlOutput::Borrowed(ValueRef::Integer(*whole)),
        Value::Decimal(decimal) => {
            let units = hundredths(*decimal).ok_or_else(|| PoolError::Type {
                column: format!("${number}"),
                expected: "a decimal with at most two places",
                found: "a decimal with more".to_owned(),
            })?;
            ToSqlOutput::Borrowed(ValueRef::Integer(units))
        }
        Value::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
        Value::Bytes(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
        Value::Date(date) => ToSqlOutput::Owned(date.to_string().into()),
        Value::Timestamp(moment) => ToSqlOutput::Owned(timestamp_text(*moment).into()),
    })
}

/// All timestamps have the same length, so that text order is time order.
fn timestamp_text(moment: Timestamp) -> String {
    format!("{moment:.6}")
}

/// Reads one value by the declaration of its column.
pub(super) fn read(column: &str, kind: Kind, raw: ValueRef<'_>) -> Result<Value, PoolError> {
    let wrong = |expected: &'static str| PoolError::Type {
        column: column.to_owned(),
        expected,
        found: format!("a stored {}", raw.data_type()),
    };
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).map_err(|_| wrong("UTF-8 text"));
    match (kind, raw) {
        (_, ValueRef::Null) => Ok(Value::Null),
        (Kind::Bool, ValueRef::Integer(number)) => Ok(Value::Bool(number != 0)),
        (Kind::Hundredths, ValueRef::Integer(units)) => {
            Ok(Value::Decimal(rust_decimal::Decimal::new(units, 2)))
        }
        (Kind::Hundredths, _) => Err(wrong("integer hundredths")),
        (Kind::OtherDecimal, _) => Err(wrong("a decimal declared with scale 2")),
        (Kind::Date, ValueRef::Text(bytes)) => text(bytes)?
            .parse()
            .map(Value::Date)
            .map_err(|_| wrong("a date like 2026-10-31")),
        (Kind::Timestamp, ValueRef::Text(bytes)) => text(bytes)?
            .parse()
            .map(Value::Timestamp)
            .map_err(|_| wrong("a timestamp with time zone")),
        (_, ValueRef::Integer(number)) => Ok(Value::Int(number)),
        (_, ValueRef::Text(bytes)) => Ok(Value::Text(text(bytes)?)),
        (_, ValueRef::Blob(bytes)) => Ok(Value::Bytes(bytes.to_vec())),
        (_, ValueRef::Real(_)) => Err(wrong("an exact number, not a floating-point one")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cast_does_not_change_the_number_of_a_parameter() {
        assert_eq!(parameter_number("$12::numeric(15,2)"), Some(12));
        assert_eq!(parameter_number("$3"), Some(3));
        assert_eq!(parameter_number(":name"), None);
        assert_eq!(parameter_number("$0"), None);
    }

    #[test]
    fn declared_types_mean_the_same_as_on_postgresql() {
        assert_eq!(Kind::declared(Some("numeric(15, 2)")), Kind::Hundredths);
        assert_eq!(Kind::declared(Some("numeric(9,4)")), Kind::OtherDecimal);
        assert_eq!(
            Kind::declared(Some("timestamp with time zone")),
            Kind::Timestamp
        );
        assert_eq!(Kind::declared(None), Kind::Plain);
    }

    #[test]
    fn timestamps_have_one_length() {
        let lengths = ["2026-10-31T12:00:00Z", "2026-10-31T12:00:00.123456Z"]
            .map(|text| timestamp_text(text.parse().expect("valid")).len());
        assert_eq!(lengths, [27, 27]);
    }
}
