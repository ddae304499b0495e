//! Conversions between Rust types and [`Value`].
//!
//! Reading is lenient where an engine has a poorer type for the same thing (SQLite's 0/1 for a
//! truth value, text for a date) and strict where leniency could change an amount: an integer is
//! never read as a decimal.

use jiff::{Timestamp, civil::Date};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::Value;

/// A Rust type that can be read from a [`Value`].
pub trait FromValue: Sized {
    /// The type in words, for messages.
    const EXPECTED: &'static str;

    /// Reads the value; `None` when it is of another kind or out of range.
    fn from_value(value: &Value) -> Option<Self>;
}

impl FromValue for Value {
    const EXPECTED: &'static str = "any value";

    fn from_value(value: &Value) -> Option<Self> {
        Some(value.clone())
    }
}

impl<T: FromValue> FromValue for Option<T> {
    const EXPECTED: &'static str = T::EXPECTED;

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            other => T::from_value(other).map(Some),
        }
    }
}

impl FromValue for bool {
    const EXPECTED: &'static str = "a truth value";

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(truth) => Some(*truth),
            Value::Int(0) => Some(false),
            Value::Int(1) => Some(true),
            _ => None,
        }
    }
}

impl FromValue for i64 {
    const EXPECTED: &'static str = "an integer";

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Int(number) => Some(*number),
            // PostgreSQL sums bigint columns as numeric.
            Value::Decimal(number) if number.is_integer() => number.to_i64(),
            _ => None,
        }
    }
}

macro_rules! narrow_integers {
    ($($name:ty),+) => {$(
        impl FromValue for $name {
            const EXPECTED: &'static str = concat!("an integer in the range of ", stringify!($name));

            fn from_value(value: &Value) -> Option<Self> {
                i64::from_value(value).and_then(|number| number.try_into().ok())
            }
        }
    )+};
}
narrow_integers!(i16, i32, u16, u32, u64, i8);

impl FromValue for Decimal {
    const EXPECTED: &'static str = "a decimal";

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Decimal(number) => Some(*number),
            _ => None,
        }
    }
}

impl FromValue for String {
    const EXPECTED: &'static str = "text";

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        }
    }
}

impl FromValue for Vec<u8> {
    const EXPECTED: &'static str = "bytes";

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Bytes(bytes) => Some(bytes.clone()),
            _ => None,
        }
    }
}

impl FromValue for Date {
    const EXPECTED: &'static str = "a date";

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Date(date) => Some(*date),
            Value::Text(text) => text.parse().ok(),
            _ => None,
        }
    }
}

impl FromValue for Timestamp {
    const EXPECTED: &'static str = "a timestamp";

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Timestamp(moment) => Some(*moment),
            Value::Text(text) => text.parse().ok(),
            _ => None,
        }
    }
}

macro_rules! into_value {
    ($($from:ty => $variant:ident),+ $(,)?) => {$(
        impl From<$from> for Value {
            fn from(value: $from) -> Self {
                Self::$variant(value.into())
            }
        }
    )+};
}
into_value! {
    bool => Bool,
    i16 => Int,
    i32 => Int,
    i64 => Int,
    u16 => Int,
    u32 => Int,
    Decimal => Decimal,
    &str => Text,
    String => Text,
    &[u8] => Bytes,
    Vec<u8> => Bytes,
    Date => Date,
    Timestamp => Timestamp,
}

impl From<&String> for Value {
    fn from(value: &String) -> Self {
        Self::Text(value.clone())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
