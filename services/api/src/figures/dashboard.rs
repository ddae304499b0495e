//! How a company stands at the end of a month: figures beside those of a year ago, twelve months, what is
//! not paid.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::Source;
use crate::cache::DASHBOARD;
use crate::erp::{Books, to_the_second};
use crate::error::ApiError;
use crate::model::figures::{
    Ageing, Ageings, Dashboard, Figure, FigureLink, MonthFigures, OverdueClient,
};
use crate::model::{Amount, CompanyRef, Period};
use crate::reports::page::MOST_ROWS;
use crate::reports::run::{Record, Table};

/// Months that are shown.
const MONTHS: usize = 12;
/// Clients that are shown.
const CLIENTS: u32 = 10;

/// What adds up over months, with the report behind it.
const FLOWS: [(&str, &str); 5] = [
    ("income", "trial-balance-synthetic"),
    ("expense", "trial-balance-synthetic"),
    ("result", "trial-balance-synthetic"),
    ("receipts", "receipts"),
    ("payments", "receipts"),
];
/// What stands at the end of a month, with the report behind it.
const BALANCES: [(&str, &str); 4] = [
    ("clients", "client-balances"),
    ("suppliers", "supplier-balances"),
    ("cash", "treasury"),
    ("bank", "treasury"),
];

impl Source<'_> {
    /// The dashboard of a company for one month.
    ///
    /// # Errors
    /// As [`Source::month`].
    pub(crate) async fn dashboard(
        &self,
        books: Books,
        month: Period,
    ) -> Result<Dashboard, ApiError> {
        let reports = [
            ("monthly-figures", MOST_ROWS),
            // Their totals tell enough.
            ("ageing-clients", 1),
            ("ageing-suppliers", 1),
            ("overdue-clients", CLIENTS),
        ];
        let [months, clients, suppliers, overdue] =
            self.month(DASHBOARD, &books, month, reports).await?;
        Ok(Dashboard {
            server: books.server.name,
            company: CompanyRef::from(books.company),
            year: month.year,
            month: month.month,
            generated_at: to_the_second(months.found.read_at),
            found: months.found,
            figures: figures(&months, month),
            months: last_months(&months),
            ageing: Ageings {
                clients: ageing(&clients),
                suppliers: ageing(&suppliers),
            },
            overdue: overdue.records().map(|record| client(&record)).collect(),
        })
    }
}

fn figures(months: &Table, month: Period) -> Vec<Figure> {
    let (year, number) = (i64::from(month.year), i64::from(month.month));
    let flows = FLOWS.into_iter().map(|(id, report)| Figure {
        id,
        current: at(months, id, year, number).unwrap_or_default(),
        previous_year: at(months, id, year - 1, number),
        year_to_date: to_date(months, id, year, number),
        previous_year_to_date: to_date(months, id, year - 1, number),
        link: link(report),
    });
    let balances = BALANCES.into_iter().map(|(id, report)| Figure {
        id,
        current: at(months, id, year, number).unwrap_or_default(),
        previous_year: at(months, id, year - 1, number),
        year_to_date: None,
        previous_year_to_date: None,
        link: link(report),
    });
    flows.chain(balances).collect()
}

fn link(report: &'static str) -> FigureLink {
    FigureLink {
        report,
        parameters: BTreeMap::new(),
    }
}

/// A figure of one month, if the books have it.
fn at(months: &Table, id: &str, year: i64, month: i64) -> Option<Amount> {
    let mut records = months.records();
    let found =
        records.find(|record| record.integer("year") == year && record.integer("month") == month);
    found.map(|record| record.amount(id))
}

/// The sum from January to a month, if the books have any of it.
fn to_date(months: &Table, id: &str, year: i64, month: i64) -> Option<Amount> {
    let of_year = months
        .records()
        .filter(|record| record.integer("year") == year && record.integer("month") <= month);
    let amounts: Vec<Decimal> = of_year.map(|record| record.amount(id).0).collect();
    (!amounts.is_empty()).then(|| Amount(amounts.iter().sum()))
}

fn last_months(months: &Table) -> Vec<MonthFigures> {
    let surplus = months.records().len().saturating_sub(MONTHS);
    let shown = months.records().skip(surplus).map(|record| MonthFigures {
        year: record.integer("year"),
        month: record.integer("month"),
        income: record.amount("income"),
        expense: record.amount("expense"),
        receipts: record.amount("receipts"),
        payments: record.amount("payments"),
        liquidity: Amount(record.amount("cash").0 + record.amount("bank").0),
    });
    shown.collect()
}

fn ageing(table: &Table) -> Ageing {
    Ageing {
        current: table.total("current"),
        days30: table.total("days30"),
        days60: table.total("days60"),
        days90: table.total("days90"),
        older: Amount(table.total("days120").0 + table.total("older").0),
    }
}

fn client(record: &Record<'_>) -> OverdueClient {
    OverdueClient {
        partner: record.text("partner"),
        name: record.opt_text("name"),
        amount: record.amount("amount"),
        oldest_days: record.integer("oldestDays"),
    }
}
