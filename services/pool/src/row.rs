//! Rows as every engine returns them.

use std::sync::Arc;

use futures::stream::BoxStream;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::{FromValue, PoolError, Value};

/// Rows arriving one after another; dropping the stream ends the statement.
pub type RowStream = BoxStream<'static, Result<Row, PoolError>>;

/// One row of a result.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    columns: Arc<[String]>,
    values: Vec<Value>,
}

impl Row {
    pub(crate) fn new(columns: Arc<[String]>, values: Vec<Value>) -> Self {
        Self { columns, values }
    }

    /// Column names in the order of the statement.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The value at a position counted from zero; NULL beyond the last column.
    pub fn value(&self, index: usize) -> &Value {
        self.values.get(index).unwrap_or(&Value::Null)
    }

    /// All values in the order of the columns.
    pub fn into_values(self) -> Vec<Value> {
        self.values
    }

    /// Reads a column by name, ignoring ASCII case (engines fold names differently).
    ///
    /// # Errors
    /// [`PoolError::NoColumn`] for an unknown name, [`PoolError::Type`] for another kind of value;
    /// NULL is a value of `Option<T>` only.
    pub fn get<T: FromValue>(&self, column: &str) -> Result<T, PoolError> {
        let value = self.find(column)?;
        T::from_value(value).ok_or_else(|| PoolError::Type {
            column: column.to_owned(),
            expected: T::EXPECTED,
            found: value.kind().to_owned(),
        })
    }

    /// Reads an amount that may be an expression such as `SUM(amount)`: a decimal as it is, an
    /// integer as that many units of 10^-`scale` (how SQLite stores and adds up amounts), NULL
    /// as zero.
    ///
    /// # Errors
    /// As [`Row::get`].
    pub fn get_minor_units(&self, column: &str, scale: u32) -> Result<Decimal, PoolError> {
        match self.find(column)? {
            Value::Decimal(number) => Ok(*number),
            Value::Int(units) => Ok(Decimal::new(*units, scale)),
            Value::Null => Ok(Decimal::new(0, scale)),
            other => Err(PoolError::Type {
                column: column.to_owned(),
                expected: Decimal::EXPECTED,
                found: other.kind().to_owned(),
            }),
        }
    }

    fn find(&self, column: &str) -> Result<&Value, PoolError> {
        self.columns
            .iter()
            .position(|name| name.eq_ignore_ascii_case(column))
            .map(|index| self.value(index))
            .ok_or_else(|| PoolError::NoColumn {
                column: column.to_owned(),
            })
    }
}

/// A decimal as integer hundredths; `None` when it has more than two decimals or does not fit.
pub(crate) fn hundredths(number: Decimal) -> Option<i64> {
    let scaled = number.checked_mul(Decimal::ONE_HUNDRED)?;
    scaled.is_integer().then(|| scaled.to_i64()).flatten()
}
