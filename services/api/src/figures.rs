//! Figures with a shape of their own, made of built-in reports: what the original endpoints answer.
//!
//! Everything of one answer is read from one state of the database.

use std::collections::BTreeMap;

use reportapp_pool::Value;
use reportapp_session::access::Access;

use crate::app::App;
use crate::cache::Asking;
use crate::erp::Books;
use crate::error::ApiError;
use crate::model::Period;
use crate::reports::asked::month_arguments;
use crate::reports::page::View;
use crate::reports::{Ask, Catalogue, Table};

pub(crate) mod dashboard;
pub(crate) mod invoices;
pub(crate) mod treasury;
pub(crate) mod trial_balance;

/// What reports are taken from, and for whom.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) catalogue: &'a Catalogue,
    pub(crate) reader: &'a Access,
    pub(crate) asking: &'a Asking,
}

impl App {
    /// Figures for somebody.
    pub(crate) fn figures<'a>(&'a self, reader: &'a Access, asking: &'a Asking) -> Source<'a> {
        Source {
            catalogue: &self.catalogue,
            reader,
            asking,
        }
    }
}

impl Source<'_> {
    /// A month of books in several reports, of each at most `rows` rows; together they are called `name`.
    ///
    /// # Errors
    /// `CompanyEmpty`, `PeriodUnknown`, `ReportUnknown`, or a failing database.
    async fn month<const N: usize>(
        &self,
        name: &str,
        books: &Books,
        month: Period,
        reports: [(&str, u32); N],
    ) -> Result<[Table; N], ApiError> {
        books.require(month)?;
        let mut arguments: BTreeMap<String, Value> = month_arguments(month);
        arguments.insert("company".to_owned(), Value::from(&books.company.id));
        let mut asks = Vec::with_capacity(N);
        for (id, rows) in reports {
            let report = self.catalogue.find(id, self.reader)?;
            let mut view = View::all(&report);
            view.page_size = rows;
            let mut arguments = arguments.clone();
            arguments.extend(report.defaults());
            asks.push(Ask {
                report,
                arguments,
                view,
            });
        }
        let tables = self.asking.tables(name, &books.server, asks).await?;
        tables
            .try_into()
            .map_err(|_| ApiError::Internal("another number of reports was answered"))
    }
}
