//! Asks a server for reports: several of them are answered from one state of its database, and one of them
//! may be read row by row.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::BoxStream;

use jiff::Timestamp;
use jiff::civil::Date;
use reportapp_pool::{Engine, FromValue, PoolError, Row, Value};
use rust_decimal::Decimal;
use serde::Serialize;

use super::Report;
use super::file::{Column, Kind};
use super::page::{COUNT, Statements, View};
use crate::cache::{Found, Origin};
use crate::erp::Server;
use crate::error::ApiError;
use crate::model::Amount;

/// Amounts have this many decimals.
const SCALE: u32 = 2;

/// A report and what it is asked for.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Which.
    pub report: Arc<Report>,
    /// Company, period and parameters by name; one without a value is nothing.
    pub arguments: BTreeMap<String, Value>,
    /// What of it.
    pub view: View,
}

/// One cell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Cell {
    /// No value.
    Nothing,
    /// A string.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// Money.
    Amount(Amount),
    /// A day.
    Date(Date),
    /// Yes or no.
    Boolean(bool),
}

/// What a report answers.
#[derive(Clone, Debug)]
pub struct Table {
    /// Which report.
    pub report: Arc<Report>,
    /// The rows of the page, with a cell per column. Shared by everybody who is given the same answer.
    pub rows: Arc<[Vec<Cell>]>,
    /// The number of all rows.
    pub total_rows: i64,
    /// The sums over all rows, by the columns that have one.
    pub totals: BTreeMap<String, Cell>,
    /// When it was read, and where this copy of it was found.
    pub found: Found,
}

/// One row of a table.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    report: &'a Report,
    cells: &'a [Cell],
}

/// Answers all questions from one state of the server's database.
///
/// # Errors
/// `ReportUnknown` where a report has no query for the server's engine, and whatever the database says.
pub async fn run(server: &Server, asks: &[Ask]) -> Result<Vec<Table>, ApiError> {
    let engine = server.pool.engine();
    let mut questions = Vec::with_capacity(asks.len() * 2);
    for ask in asks {
        let report = &ask.report;
        let query = report
            .query(engine)
            .ok_or_else(|| no_query(report, server))?;
        let statements = Statements::new(engine, report, query, &ask.arguments, &ask.view);
        questions.extend([statements.rows(&ask.view), statements.totals()]);
    }
    // Before the question: the figures are not older than that.
    let read_at = Timestamp::now();
    let mut answers = server.read(&questions).await?.into_iter();
    let mut tables = Vec::with_capacity(asks.len());
    for ask in asks {
        let (rows, totals) = (answers.next(), answers.next());
        let (rows, totals) = (rows.unwrap_or_default(), totals.unwrap_or_default());
        let table = Table::read(&ask.report, engine, &rows, totals.first(), read_at);
        tables.push(table.map_err(|source| ApiError::erp(&server.name, source))?);
    }
    Ok(tables)
}

/// Answers one question.
///
/// # Errors
/// As [`run`].
pub async fn one(server: &Server, ask: &Ask) -> Result<Table, ApiError> {
    let tables = run(server, std::slice::from_ref(ask)).await?;
    let table = tables.into_iter().next();
    table.ok_or(ApiError::Internal("a report was not answered"))
}

/// Rows arriving one after another, each with a cell per column; dropping the stream ends the query.
pub type Rows = BoxStream<'static, Result<Vec<Cell>, ApiError>>;

/// All rows that pass the filters, whatever the page, in flat memory and within `limit`.
///
/// # Errors
/// As [`run`]; later errors arrive as the last item.
pub async fn stream(server: &Server, ask: &Ask, limit: Duration) -> Result<Rows, ApiError> {
    let engine = server.pool.engine();
    let report = Arc::clone(&ask.report);
    let query = report
        .query(engine)
        .ok_or_else(|| no_query(&report, server))?;
    let statements = Statements::new(engine, &report, query, &ask.arguments, &ask.view);
    let rows = server
        .read_stream(&statements.all_rows(&ask.view), limit)
        .await?;
    let name = server.name.clone();
    let cells = rows.map(move |row| {
        let cells = row.and_then(|row| cells(&report, engine, &row));
        cells.map_err(|source| ApiError::erp(&name, source))
    });
    // Whoever has read the end already may ask again.
    Ok(cells.fuse().boxed())
}

fn no_query(report: &Report, server: &Server) -> ApiError {
    let message = format!(
        "The report `{}` has no query for the {} database of server {}; choose another server or report.",
        report.definition.id,
        server.pool.engine().as_str(),
        server.name
    );
    ApiError::not_found("ReportUnknown", "server", message)
}

impl Table {
    fn read(
        report: &Arc<Report>,
        engine: Engine,
        rows: &[Row],
        totals: Option<&Row>,
        read_at: Timestamp,
    ) -> Result<Self, PoolError> {
        let columns = &report.definition.columns;
        let rows = rows.iter().map(|row| cells(report, engine, row));
        let mut table = Self {
            report: Arc::clone(report),
            rows: rows.collect::<Result<_, _>>()?,
            total_rows: totals.map_or(Ok(0), |row| row.get(COUNT))?,
            totals: BTreeMap::new(),
            found: Found {
                read_at,
                origin: Origin::Database,
            },
        };
        let summed = columns.iter().filter(|column| column.total);
        for (index, column) in summed.enumerate() {
            // The sum of no rows is nothing.
            let total = totals.map_or(&Value::Null, |row| row.value(index + 1));
            let total = opt_cell(column, engine, total);
            let total = match (total.map_err(|error| named(report, error))?, column.kind) {
                (Cell::Nothing, Kind::Integer) => Cell::Integer(0),
                (Cell::Nothing, _) => Cell::Amount(Amount::default()),
                (total, _) => total,
            };
            table.totals.insert(column.name.clone(), total);
        }
        Ok(table)
    }

    /// The rows one by one.
    pub fn records(&self) -> impl ExactSizeIterator<Item = Record<'_>> {
        let report = &*self.report;
        self.rows.iter().map(move |cells| Record { report, cells })
    }

    /// The sum over all rows of a column that has one.
    pub fn total(&self, column: &str) -> Amount {
        match self.totals.get(column) {
            Some(Cell::Amount(amount)) => *amount,
            _ => Amount::default(),
        }
    }
}

/// Says which report a column belongs to.
fn named(report: &Report, error: PoolError) -> PoolError {
    match error {
        PoolError::Type {
            column,
            expected,
            found,
        } => PoolError::Type {
            column: format!("{}.{column}", report.definition.id),
            expected,
            found,
        },
        other => other,
    }
}

/// A row of either statement, which list the columns in this order.
fn cells(report: &Report, engine: Engine, row: &Row) -> Result<Vec<Cell>, PoolError> {
    let columns = report.definition.columns.iter().enumerate();
    let cells = columns.map(|(index, column)| cell(column, engine, row.value(index)));
    let cells = cells.collect::<Result<_, _>>();
    cells.map_err(|error| named(report, error))
}

fn cell(column: &Column, engine: Engine, value: &Value) -> Result<Cell, PoolError> {
    let cell = opt_cell(column, engine, value)?;
    if cell == Cell::Nothing && !column.optional {
        let expected = "a value; write COALESCE(…) or make it `optional`";
        return Err(wrong(column, expected, "nothing"));
    }
    Ok(cell)
}

fn opt_cell(column: &Column, engine: Engine, value: &Value) -> Result<Cell, PoolError> {
    if *value == Value::Null {
        return Ok(Cell::Nothing);
    }
    let cell = match column.kind {
        Kind::Text => String::from_value(value).map(Cell::Text),
        Kind::Integer => i64::from_value(value).map(Cell::Integer),
        Kind::Amount => amount(engine, value).map(|amount| Cell::Amount(Amount(amount))),
        Kind::Date => Date::from_value(value).map(Cell::Date),
        Kind::Boolean => bool::from_value(value).map(Cell::Boolean),
    };
    let expected = match column.kind {
        Kind::Text => String::EXPECTED,
        Kind::Integer => i64::EXPECTED,
        Kind::Amount => "an amount with two decimals; write CAST(… AS numeric) or round(…, 2)",
        Kind::Date => Date::EXPECTED,
        Kind::Boolean => bool::EXPECTED,
    };
    cell.ok_or_else(|| wrong(column, expected, value.kind()))
}

/// PostgreSQL has decimals, so an integer there is not what somebody meant by an amount; SQLite counts
/// hundredths.
fn amount(engine: Engine, value: &Value) -> Option<Decimal> {
    let amount = match (value, engine) {
        (Value::Decimal(amount), _) => *amount,
        (Value::Int(hundredths), Engine::Sqlite) => Decimal::new(*hundredths, SCALE),
        _ => return None,
    };
    Some(amount).filter(|amount| amount.normalize().scale() <= SCALE)
}

fn wrong(column: &Column, expected: &'static str, found: &str) -> PoolError {
    PoolError::Type {
        column: column.name.clone(),
        expected,
        found: found.to_owned(),
    }
}

impl Record<'_> {
    /// The text of a column; empty for nothing.
    ///
    /// # Panics
    /// When the report has no such text column: what stands in for a built-in report has its columns.
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
    pub fn amount(&self, column: &str) -> Amount {
        match self.cell(column) {
            Cell::Amount(amount) => *amount,
            _ => panic!("column {column} of the report is not an amount"),
        }
    }

    /// The day of a column.
    ///
    /// # Panics
    /// As [`Record::text`].
    pub fn date(&self, column: &str) -> Date {
        match self.cell(column) {
            Cell::Date(date) => *date,
            _ => panic!("column {column} of the report is not a date"),
        }
    }

    fn cell(&self, column: &str) -> &Cell {
        let index = self.report.column(column);
        &self.cells[index.unwrap_or_else(|| panic!("the report has no column {column}"))]
    }
}

#[cfg(test)]
mod tests;
