//! The figures the API sends: trial balance, treasury, invoices, dashboard.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Amount, CompanyRef};
use crate::cache::Found;
use crate::reports::answer::ReportHead;

/// The six columns of a trial balance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Balances {
    /// Balance carried forward, debit side.
    pub precdeb: Amount,
    /// Balance carried forward, credit side.
    pub preccred: Amount,
    /// Turnover of the month, debit.
    pub ruldeb: Amount,
    /// Turnover of the month, credit.
    pub rulcred: Amount,
    /// Closing balance, debit side.
    pub solddeb: Amount,
    /// Closing balance, credit side.
    pub soldcred: Amount,
}

/// One account of a trial balance.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TrialBalanceRow {
    /// Account code.
    pub cont: String,
    /// Account name, if the chart of accounts has one.
    pub denumire: Option<String>,
    /// The six columns.
    #[serde(flatten)]
    pub balances: Balances,
}

/// A trial balance: every pair of totals is equal.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrialBalance {
    /// Name of the server.
    pub server: String,
    /// Whose books.
    pub company: CompanyRef,
    /// Year, four digits.
    pub year: i16,
    /// Month, 1 to 12.
    pub month: i8,
    /// When the figures were read.
    #[schema(value_type = String, format = DateTime)]
    pub generated_at: Timestamp,
    /// The same to the moment, and where the figures were found; said in headers.
    #[serde(skip)]
    pub found: Found,
    /// One row per account, ascending by code as text.
    pub rows: Vec<TrialBalanceRow>,
    /// Sums of all rows.
    pub totals: Balances,
}

/// Which trial balance.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TrialBalanceQuery {
    /// Name of the server; the first one if absent.
    #[param(nullable = false)]
    pub server: Option<String>,
    /// Id of the company.
    #[param(required, value_type = String)]
    pub company: Option<String>,
    /// Year, four digits.
    #[param(required, value_type = i16)]
    pub year: Option<String>,
    /// Month, 1 to 12.
    #[param(required, value_type = i8)]
    pub month: Option<String>,
    /// Accounts as they are, or summed up by what stands before the dot of their numbers.
    #[param(nullable = false, value_type = Option<Level>)]
    pub level: Option<String>,
}

/// How fine a trial balance is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum Level {
    /// Every account.
    #[default]
    Analytic,
    /// Synthetic accounts: what stands before the dot.
    Synthetic,
}

/// A month of a company's books.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MonthQuery {
    /// Name of the server; the first one if absent.
    #[param(nullable = false)]
    pub server: Option<String>,
    /// Id of the company.
    #[param(required, value_type = String)]
    pub company: Option<String>,
    /// Year, four digits.
    #[param(required, value_type = i16)]
    pub year: Option<String>,
    /// Month, 1 to 12.
    #[param(required, value_type = i8)]
    pub month: Option<String>,
}

/// Cash and bank of a company at the end of a month.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Treasury {
    /// Name of the server.
    pub server: String,
    /// Whose books.
    pub company: CompanyRef,
    /// Year, four digits.
    pub year: i16,
    /// Month, 1 to 12.
    pub month: i8,
    /// When the figures were read.
    #[schema(value_type = String, format = DateTime)]
    pub generated_at: Timestamp,
    /// The same to the moment, and where the figures were found; said in headers.
    #[serde(skip)]
    pub found: Found,
    /// Accounts 531….
    pub cash: Half,
    /// Accounts 512….
    pub bank: Half,
    /// Both together.
    pub total: Amount,
}

/// Cash or bank.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
#[schema(as = TreasuryHalf)]
pub struct Half {
    /// Closing balances together.
    pub total: Amount,
    /// Ascending by code.
    pub accounts: Vec<MoneyAccount>,
}

/// An account that holds money.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = TreasuryAccount)]
pub struct MoneyAccount {
    /// Account code.
    pub cont: String,
    /// Account name, if the chart of accounts has one.
    pub denumire: Option<String>,
    /// Balance before the month.
    pub opening: Amount,
    /// What came in.
    pub inflow: Amount,
    /// What went out.
    pub outflow: Amount,
    /// Balance at the end of the month.
    pub closing: Amount,
}

/// A page of invoices.
#[derive(Debug, Serialize, ToSchema)]
pub struct InvoiceList {
    /// What it is a page of.
    #[serde(flatten)]
    pub head: ReportHead,
    /// The invoices.
    pub rows: Vec<Invoice>,
}

/// An invoice; what is paid is told as of the last day asked for.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Invoice {
    /// Its number, also the document of its postings.
    pub number: String,
    /// `issued` or `received`.
    pub direction: String,
    /// Account of the partner.
    pub partner: String,
    /// Name of the partner, if it is known.
    pub partner_name: Option<String>,
    /// Day of issue.
    #[schema(value_type = String, format = Date)]
    pub issued_on: Date,
    /// Day it is due.
    #[schema(value_type = String, format = Date)]
    pub due_on: Date,
    /// Amount before VAT.
    pub net: Amount,
    /// VAT.
    pub vat: Amount,
    /// Both together.
    pub total: Amount,
    /// What was paid.
    pub paid: Amount,
    /// What was not.
    pub rest: Amount,
    /// `paid`, `open` or `overdue`.
    pub status: String,
    /// Days since it was due; 0 unless it is overdue.
    pub days_overdue: i64,
}

/// Invoices by month and direction.
#[derive(Debug, Serialize, ToSchema)]
pub struct InvoiceSummary {
    /// What it is a page of.
    #[serde(flatten)]
    pub head: ReportHead,
    /// A row per month and direction.
    pub rows: Vec<InvoiceMonth>,
}

/// The invoices of a month in one direction.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct InvoiceMonth {
    /// Year of issue.
    pub year: i64,
    /// Month of issue.
    pub month: i64,
    /// `issued` or `received`.
    pub direction: String,
    /// How many.
    pub invoices: i64,
    /// Amount before VAT.
    pub net: Amount,
    /// VAT.
    pub vat: Amount,
    /// Both together.
    pub total: Amount,
    /// What was paid by the last day asked for.
    pub paid: Amount,
    /// What was not.
    pub rest: Amount,
}

/// How a company stands at the end of a month.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Dashboard {
    /// Name of the server.
    pub server: String,
    /// Whose books.
    pub company: CompanyRef,
    /// Year, four digits.
    pub year: i16,
    /// Month, 1 to 12.
    pub month: i8,
    /// When the figures were read.
    #[schema(value_type = String, format = DateTime)]
    pub generated_at: Timestamp,
    /// The same to the moment, and where the figures were found; said in headers.
    #[serde(skip)]
    pub found: Found,
    /// `income`, `expense`, `result`, `receipts`, `payments`, `clients`, `suppliers`, `cash`, `bank`.
    pub figures: Vec<Figure>,
    /// Twelve months up to and with the chosen one, as far as there are postings.
    pub months: Vec<MonthFigures>,
    /// What is not paid, by age.
    pub ageing: Ageings,
    /// The clients with the largest overdue amounts, at most ten.
    pub overdue: Vec<OverdueClient>,
}

/// One figure and what it was a year ago.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DashboardFigure)]
pub struct Figure {
    /// Which.
    pub id: &'static str,
    /// In the month; for a balance, at its end.
    pub current: Amount,
    /// The same a year before; null if the books do not reach back.
    pub previous_year: Option<Amount>,
    /// Since January; null for a balance.
    pub year_to_date: Option<Amount>,
    /// The same a year before; null for a balance, or if the books do not reach back.
    pub previous_year_to_date: Option<Amount>,
    /// The report behind it.
    pub link: FigureLink,
}

/// The report behind a figure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = DashboardLink)]
pub struct FigureLink {
    /// Its id.
    pub report: &'static str,
    /// Its parameters.
    pub parameters: BTreeMap<String, String>,
}

/// The figures of a month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = DashboardMonth)]
pub struct MonthFigures {
    /// Year.
    pub year: i64,
    /// Month.
    pub month: i64,
    /// Income (class 7).
    pub income: Amount,
    /// Expense (class 6).
    pub expense: Amount,
    /// Money received for issued invoices.
    pub receipts: Amount,
    /// Money paid for received invoices.
    pub payments: Amount,
    /// Cash and bank at the end of the month.
    pub liquidity: Amount,
}

/// What is not paid in both directions.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = DashboardAgeing)]
pub struct Ageings {
    /// By clients.
    pub clients: Ageing,
    /// To suppliers.
    pub suppliers: Ageing,
}

/// What is not paid, by days since it was due.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct Ageing {
    /// Not due yet.
    pub current: Amount,
    /// 1 to 30 days.
    pub days30: Amount,
    /// 31 to 60 days.
    pub days60: Amount,
    /// 61 to 90 days.
    pub days90: Amount,
    /// Longer.
    pub older: Amount,
}

/// A client with overdue invoices.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OverdueClient {
    /// Account of the client.
    pub partner: String,
    /// Name, if it is known.
    pub name: Option<String>,
    /// What is overdue.
    pub amount: Amount,
    /// Days since the oldest of it was due.
    pub oldest_days: i64,
}

/// An answer that says how old it is. Not in its body: that would be another one each second, and a client
/// that has it already could never be told so.
pub(crate) trait Dated {
    /// When its figures were read, and where they were found.
    fn found(&self) -> Found;
}

impl Dated for TrialBalance {
    fn found(&self) -> Found {
        self.found
    }
}

impl Dated for Treasury {
    fn found(&self) -> Found {
        self.found
    }
}

impl Dated for Dashboard {
    fn found(&self) -> Found {
        self.found
    }
}

impl Dated for InvoiceList {
    fn found(&self) -> Found {
        self.head.found
    }
}

impl Dated for InvoiceSummary {
    fn found(&self) -> Found {
        self.head.found
    }
}
