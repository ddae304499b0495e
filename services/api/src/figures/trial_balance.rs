//! The trial balance of a month.

use super::Source;
use crate::erp::{Books, to_the_second};
use crate::error::ApiError;
use crate::model::figures::{Balances, Level, TrialBalance, TrialBalanceRow};
use crate::model::{CompanyRef, Period};
use crate::reports::page::MOST_ROWS;
use crate::reports::run::{Record, Table};

impl Source<'_> {
    /// The trial balance of a company for one month.
    ///
    /// # Errors
    /// As [`Source::month`].
    pub(crate) async fn trial_balance(
        &self,
        books: Books,
        month: Period,
        level: Level,
    ) -> Result<TrialBalance, ApiError> {
        let report = match level {
            Level::Analytic => "trial-balance",
            Level::Synthetic => "trial-balance-synthetic",
        };
        let reports = [(report, MOST_ROWS)];
        let [table] = self.month(report, &books, month, reports).await?;
        Ok(TrialBalance {
            server: books.server.name,
            company: CompanyRef::from(books.company),
            year: month.year,
            month: month.month,
            generated_at: to_the_second(table.found.read_at),
            found: table.found,
            rows: table.records().map(|record| row(&record)).collect(),
            totals: totals(&table),
        })
    }
}

fn row(record: &Record<'_>) -> TrialBalanceRow {
    TrialBalanceRow {
        cont: record.text("cont"),
        denumire: record.opt_text("denumire"),
        balances: Balances {
            precdeb: record.amount("precdeb"),
            preccred: record.amount("preccred"),
            ruldeb: record.amount("ruldeb"),
            rulcred: record.amount("rulcred"),
            solddeb: record.amount("solddeb"),
            soldcred: record.amount("soldcred"),
        },
    }
}

fn totals(table: &Table) -> Balances {
    Balances {
        precdeb: table.total("precdeb"),
        preccred: table.total("preccred"),
        ruldeb: table.total("ruldeb"),
        rulcred: table.total("rulcred"),
        solddeb: table.total("solddeb"),
        soldcred: table.total("soldcred"),
    }
}
