//! Sums over the rows as they pass: the same that a page of the report tells of all rows.

use rust_decimal::Decimal;

use super::cover::Cover;
use crate::error::ApiError;
use crate::model::Amount;
use crate::reports::Cell;
use crate::reports::file::Kind;

/// A sum for each column that has one; `Nothing` for the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Totals(Vec<Cell>);

impl Totals {
    /// The sums of no rows.
    pub(super) fn new(cover: &Cover) -> Self {
        let columns = cover.columns.iter();
        let zeros = columns.map(|column| match (column.has_total, column.kind) {
            (false, _) => Cell::Nothing,
            (true, Kind::Integer) => Cell::Integer(0),
            (true, _) => Cell::Amount(Amount(Decimal::ZERO)),
        });
        Self(zeros.collect())
    }

    /// Adds a row.
    ///
    /// # Errors
    /// When a sum has more digits than can be counted.
    pub(super) fn add(&mut self, cells: &[Cell]) -> Result<(), ApiError> {
        for (total, cell) in self.0.iter_mut().zip(cells) {
            let fits = match (&mut *total, cell) {
                (Cell::Integer(total), Cell::Integer(cell)) => {
                    total.checked_add(*cell).map(|sum| *total = sum)
                }
                (Cell::Amount(total), Cell::Amount(cell)) => {
                    total.0.checked_add(cell.0).map(|sum| *total = Amount(sum))
                }
                _ => Some(()),
            };
            fits.ok_or(ApiError::Internal("the total of an export is too large"))?;
        }
        Ok(())
    }

    /// One per column.
    pub(super) fn cells(&self) -> &[Cell] {
        &self.0
    }
}
