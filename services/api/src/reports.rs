//! Reports as data: a name, one parameterised query per engine, typed columns.
//!
//! A report knows nothing of HTTP or of the servers; [`Report::run`] takes a pool and parameters
//! and returns records whose cells have the declared kinds. A database that answers with another
//! kind of value fails the report by name instead of showing a wrong figure.

use reportapp_pool::{Engine, Pool, PoolError, Row, Value};
use rust_decimal::Decimal;

pub mod catalogue;

/// Amounts have this many decimals.
const SCALE: u32 = 2;

/// A query per engine and what its columns mean.
#[derive(Clone, Copy, Debug)]
pub struct Report {
    /// Stable name.
    pub name: &'static str,
    /// The query for PostgreSQL.
    pub postgres: &'static str,
    /// The query for SQLite.
    pub sqlite: &'static str,
    /// The columns both queries return, in the order of [`Record`]'s cells.
    pub columns: &'static [Column],
}

/// One column of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Name in the result of the query.
    pub name: &'static str,
    /// What its cells are.
    pub kind: Kind,
}

/// What a cell is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A string.
    Text,
    /// A string or nothing.
    OptionalText,
    /// A whole number.
    Integer,
    /// Money: exact, two decimals.
    Amount,
}

/// One cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// A string.
    Text(String),
    /// No value.
    Nothing,
    /// A whole number.
    Integer(i64),
    /// Money.
    Amount(Decimal),
}

/// One row: a cell per column of the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    columns: &'static [Column],
    cells: Vec<Cell>,
}

impl Report {
    /// Runs the report with its parameters `$1…$n`.
    ///
    /// # Errors
    /// Whatever the pool says; [`PoolError::Type`] and [`PoolError::NoColumn`] when the database
    /// does not return the declared columns.
    pub async fn run(&self, pool: &Pool, params: &[Value]) -> Result<Vec<Record>, PoolError> {
        let sql = match pool.engine() {
            Engine::Postgres => self.postgres,
            Engine::Sqlite => self.sqlite,
        };
        let rows = pool.query(sql, params).await?;
        rows.iter().map(|row| self.record(row)).collect()
    }

    fn record(&self, row: &Row) -> Result<Record, PoolError> {
        let cells = self.columns.iter().map(|column| column.read(row));
        Ok(Record {
            columns: self.columns,
            cells: cells.collect::<Result<_, _>>()?,
        })
    }
}

impl Column {
    fn read(&self, row: &Row) -> Result<Cell, PoolError> {
        Ok(match self.kind {
            Kind::Text => Cell::Text(row.get(self.name)?),
            Kind::OptionalText => row
                .get::<Option<String>>(self.name)?
                .map_or(Cell::Nothing, Cell::Text),
            Kind::Integer => Cell::Integer(row.get(self.name)?),
            Kind::Amount => Cell::Amount(row.get_minor_units(self.name, SCALE)?),
        })
    }
}

impl Record {
    /// The text of a column; empty for nothing.
    ///
    /// # Panics
    /// When the report has no such text column: a mistake in the program.
    pub fn text(&self, column: &str) -> String {
        self.opt_text(column).unwrap_or_default()
    }

    /// The text of a column that may be empty.
    ///
    /// # Panics
    /// As [`Record::text`].
    pub fn opt_text(&self, column: &str) -> Option<String> {
        match self.cell(column) {
            Cell::Text(text) => Some(text.clone()),
            Cell::Nothing => None,
            _ => panic!("column {column} of the report is not text"),
        }
    }

    /// The whole number of a column.
    ///
    /// # Panics
    /// As [`Record::text`].
    pub fn integer(&self, column: &str) -> i64 {
        match self.cell(column) {
            Cell::Integer(number) => *number,
            _ => panic!("column {column} of the report is not an integer"),
        }
    }

    /// The amount of a column.
    ///
    /// # Panics
    /// As [`Record::text`].
    pub fn amount(&self, column: &str) -> Decimal {
        match self.cell(column) {
            Cell::Amount(amount) => *amount,
            _ => panic!("column {column} of the report is not an amount"),
        }
    }

    fn cell(&self, column: &str) -> &Cell {
        let index = self.columns.iter().position(|known| known.name == column);
        &self.cells[index.unwrap_or_else(|| panic!("the report has no column {column}"))]
    }
}
