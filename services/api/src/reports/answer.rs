//! What the answers to questions about reports look like.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use reportapp_pool::Value;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use super::file::{Definition, PeriodKind};
use super::run::{Ask, Cell, Table};
use super::{Refusal, Report};
use crate::cache::Found;
use crate::erp::{Books, to_the_second};
use crate::model::CompanyRef;
use crate::model::figures::Dated;

/// The reports somebody may run.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReportList {
    /// By id.
    pub reports: Vec<Definition>,
    /// Files that are not used, for those who may edit reports; empty for others.
    pub refused: Vec<Refusal>,
}

/// Days, both inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Days {
    /// The first.
    #[schema(value_type = String, format = Date)]
    pub from: Date,
    /// The last.
    #[schema(value_type = String, format = Date)]
    pub to: Date,
}

/// What every page of a report says about itself.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReportHead {
    /// Id of the report.
    pub report: String,
    /// Name of the server.
    pub server: String,
    /// Whose books.
    pub company: CompanyRef,
    /// The days it covers; null for a report without a period.
    pub period: Option<Days>,
    /// The parameters of the report, as used.
    pub parameters: BTreeMap<String, Option<String>>,
    /// When the figures were read.
    #[schema(value_type = String, format = DateTime)]
    pub generated_at: Timestamp,
    /// The same to the moment, and where the figures were found; said in headers.
    #[serde(skip)]
    pub found: Found,
    /// Which page, from 1.
    pub page: u32,
    /// Rows of a page.
    pub page_size: u32,
    /// The number of all rows that pass the filters.
    pub total_rows: i64,
    /// Sums over all rows that pass the filters, of the columns that have one.
    #[schema(value_type = BTreeMap<String, Value>)]
    pub totals: BTreeMap<String, Cell>,
}

/// A page of a report.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReportAnswer {
    /// What it is a page of.
    #[serde(flatten)]
    pub head: ReportHead,
    /// Names of the columns.
    pub columns: Vec<String>,
    /// A cell per column: texts, days and amounts are strings, whole numbers are numbers.
    #[schema(value_type = Vec<Vec<Value>>)]
    #[serde(serialize_with = "as_list")]
    pub rows: Arc<[Vec<Cell>]>,
}

fn as_list<S: Serializer>(rows: &Arc<[Vec<Cell>]>, serializer: S) -> Result<S::Ok, S::Error> {
    rows.as_ref().serialize(serializer)
}

impl ReportHead {
    /// About the answer to `ask` from these books.
    pub fn new(books: Books, ask: &Ask, table: &Table) -> Self {
        let definition = &ask.report.definition;
        Self {
            report: definition.id.clone(),
            server: books.server.name,
            period: days(definition.period, &ask.arguments),
            parameters: parameters(&ask.report, &ask.arguments),
            company: CompanyRef::from(books.company),
            generated_at: to_the_second(table.found.read_at),
            found: table.found,
            page: ask.view.page,
            page_size: ask.view.page_size,
            total_rows: table.total_rows,
            totals: table.totals.clone(),
        }
    }
}

impl ReportAnswer {
    /// The answer to `ask` from these books.
    pub fn new(books: Books, ask: &Ask, table: Table) -> Self {
        let columns = ask.report.definition.columns.iter();
        Self {
            head: ReportHead::new(books, ask, &table),
            columns: columns.map(|column| column.name.clone()).collect(),
            rows: table.rows,
        }
    }
}

impl Dated for ReportAnswer {
    fn found(&self) -> Found {
        self.head.found
    }
}

/// The days a report was asked for; none for one without a period.
pub(crate) fn days(period: PeriodKind, arguments: &BTreeMap<String, Value>) -> Option<Days> {
    let day = |name: &str| match arguments.get(name) {
        Some(Value::Date(day)) => Some(*day),
        _ => None,
    };
    match period {
        PeriodKind::None => None,
        PeriodKind::Month | PeriodKind::Range => Some(Days {
            from: day("from")?,
            to: day("to")?,
        }),
    }
}

fn parameters(
    report: &Report,
    arguments: &BTreeMap<String, Value>,
) -> BTreeMap<String, Option<String>> {
    let text = |value: Option<&Value>| match value? {
        Value::Text(text) => Some(text.clone()),
        Value::Int(number) => Some(number.to_string()),
        Value::Decimal(amount) => Some(amount.to_string()),
        Value::Date(day) => Some(day.to_string()),
        _ => None,
    };
    let parameters = report.definition.parameters.iter();
    let shown = parameters.map(|parameter| {
        let value = text(arguments.get(&parameter.name));
        (parameter.name.clone(), value)
    });
    shown.collect()
}
