//! Cash and bank of a month.

use super::Source;
use crate::erp::{Books, to_the_second};
use crate::error::ApiError;
use crate::model::figures::{Half, MoneyAccount, Treasury};
use crate::model::{Amount, CompanyRef, Period};
use crate::reports::page::MOST_ROWS;
use crate::reports::run::Table;

impl Source<'_> {
    /// Cash and bank of a company at the end of a month.
    ///
    /// # Errors
    /// As [`Source::month`].
    pub(crate) async fn treasury(&self, books: Books, month: Period) -> Result<Treasury, ApiError> {
        let reports = [("treasury", MOST_ROWS)];
        let [table] = self.month("treasury", &books, month, reports).await?;
        Ok(Treasury {
            server: books.server.name,
            company: CompanyRef::from(books.company),
            year: month.year,
            month: month.month,
            generated_at: to_the_second(table.found.read_at),
            found: table.found,
            cash: half(&table, "cash"),
            bank: half(&table, "bank"),
            total: table.total("closing"),
        })
    }
}

fn half(table: &Table, kind: &str) -> Half {
    let mut half = Half::default();
    for record in table.records().filter(|record| record.text("kind") == kind) {
        let account = MoneyAccount {
            cont: record.text("cont"),
            denumire: record.opt_text("denumire"),
            opening: record.amount("opening"),
            inflow: record.amount("inflow"),
            outflow: record.amount("outflow"),
            closing: record.amount("closing"),
        };
        half.total = Amount(half.total.0 + account.closing.0);
        half.accounts.push(account);
    }
    half
}
