//! The ERP servers: one pool each, and the questions the handlers ask them.
//!
//! Everything a handler gets from here has passed the report catalogue, so cells have their
//! declared kinds; what a caller asked for (server, company, period) is checked here against what
//! exists, and refused by name.

use futures::future::join_all;
use jiff::Timestamp;
use reportapp_config::api::ErpAuth;
use reportapp_pool::{Pool, PoolError, Value};
use tokio::sync::watch;

use crate::error::ApiError;
use crate::model::{
    Balances, Calendar, Company, CompanyRef, Period, TrialBalance, TrialBalanceRow,
};
use crate::reports::{Record, Report, catalogue};

pub mod accounts;

/// One ERP database.
#[derive(Clone, Debug)]
pub struct Server {
    /// Name in the configuration.
    pub name: String,
    /// Connections to it.
    pub pool: Pool,
    /// Where people who read it sign in.
    pub auth: ErpAuth,
    /// Becomes true when the data is there; questions wait for it.
    prepared: watch::Receiver<bool>,
}

/// All ERP databases in the order of the configuration; the first is the default.
#[derive(Clone, Debug)]
pub struct Servers {
    servers: Vec<Server>,
}

impl Servers {
    /// The servers, at least one.
    pub fn new(servers: Vec<Server>) -> Self {
        Self { servers }
    }

    /// All of them, in order.
    pub fn all(&self) -> &[Server] {
        &self.servers
    }

    /// The named one, or the first.
    ///
    /// # Errors
    /// `ServerUnknown`, listing the names that exist.
    pub fn get(&self, name: Option<&str>) -> Result<&Server, ApiError> {
        let found = match name {
            None => self.servers.first(),
            Some(name) => self.servers.iter().find(|server| server.name == name),
        };
        found.ok_or_else(|| {
            let names: Vec<&str> = self.servers.iter().map(|s| s.name.as_str()).collect();
            let message = format!(
                "There is no server `{}`; choose one of: {}.",
                shorten(name.unwrap_or_default()),
                names.join(", ")
            );
            ApiError::not_found("ServerUnknown", "server", message)
        })
    }

    /// Companies of every server that answers.
    ///
    /// # Errors
    /// The first failure, when no server answers.
    pub async fn companies_anywhere(&self) -> Result<Vec<Company>, ApiError> {
        let answers = join_all(self.servers.iter().map(Server::companies)).await;
        let mut companies = Vec::new();
        let mut failure = None;
        let mut answered = false;
        for answer in answers {
            match answer {
                Ok(found) => {
                    answered = true;
                    companies.extend(found);
                }
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        match failure {
            Some(error) if !answered => Err(error),
            _ => Ok(companies),
        }
    }
}

impl Server {
    /// A server whose data is there.
    pub fn new(name: impl Into<String>, pool: Pool) -> Self {
        let (_, prepared) = watch::channel(true);
        Self::prepared_later(name, pool, prepared)
    }

    /// A server whose data is still being prepared: questions wait until `prepared` is true, or
    /// until nobody can make it true any more.
    pub fn prepared_later(
        name: impl Into<String>,
        pool: Pool,
        prepared: watch::Receiver<bool>,
    ) -> Self {
        Self {
            name: name.into(),
            pool,
            auth: ErpAuth::Store,
            prepared,
        }
    }

    /// This server, read by people who sign in as `auth` says.
    #[must_use]
    pub fn with_auth(self, auth: ErpAuth) -> Self {
        Self { auth, ..self }
    }

    /// All companies of this server.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn companies(&self) -> Result<Vec<Company>, ApiError> {
        let records = self.run(&catalogue::COMPANIES, &[]).await?;
        let company = |record: &Record| Company {
            server: self.name.clone(),
            id: record.text("id"),
            name: record.text("name"),
            tax_id: record.text("tax_id"),
            currency: record.text("currency"),
        };
        Ok(records.iter().map(company).collect())
    }

    /// The company with this id.
    ///
    /// # Errors
    /// `CompanyUnknown`, or a failing database.
    pub async fn company(&self, id: &str) -> Result<Company, ApiError> {
        let companies = self.companies().await?;
        let found = companies.into_iter().find(|company| company.id == id);
        found.ok_or_else(|| self.company_unknown(id))
    }

    /// That there is no such company, also said of one that the caller may not read.
    pub(crate) fn company_unknown(&self, id: &str) -> ApiError {
        let message = format!(
            "There is no company `{}` on server {}; choose one from the list of companies.",
            shorten(id),
            self.name
        );
        ApiError::not_found("CompanyUnknown", "company", message)
    }

    /// The months in which a company has postings.
    ///
    /// # Errors
    /// `CompanyUnknown`, `CompanyEmpty` for one without postings, or a failing database.
    pub async fn calendar(&self, company: &str) -> Result<Calendar, ApiError> {
        let company = self.company(company).await?;
        self.calendar_of(&company).await
    }

    async fn calendar_of(&self, company: &Company) -> Result<Calendar, ApiError> {
        let id = Value::Text(company.id.clone());
        let records = self.run(&catalogue::CALENDAR, &[id]).await?;
        let periods: Vec<Period> = records.iter().filter_map(period).collect();
        let latest = periods.last().copied().ok_or_else(|| {
            let message = format!("Company {} has no postings yet.", company.name);
            ApiError::not_found("CompanyEmpty", "company", message)
        })?;
        Ok(Calendar {
            company: company.id.clone(),
            periods,
            latest,
        })
    }

    /// The trial balance of a company for one month.
    ///
    /// # Errors
    /// `CompanyUnknown`, `PeriodUnknown` for a month outside the company's postings, or a failing
    /// database.
    pub async fn trial_balance(
        &self,
        company: &str,
        period: Period,
    ) -> Result<TrialBalance, ApiError> {
        let company = self.company(company).await?;
        let calendar = self.calendar_of(&company).await?;
        let first = calendar.periods.first().copied().unwrap_or(calendar.latest);
        if period < first || period > calendar.latest {
            let message = format!(
                "Company {} has postings from {first} to {}; choose a month in between.",
                company.name, calendar.latest
            );
            return Err(ApiError::not_found("PeriodUnknown", "month", message));
        }
        let params = [
            Value::Text(company.id.clone()),
            Value::Int(period.year.into()),
            Value::Int(period.month.into()),
        ];
        let records = self.run(&catalogue::TRIAL_BALANCE, &params).await?;
        let rows: Vec<TrialBalanceRow> = records.iter().map(row).collect();
        let totals = rows.iter().map(|row| &row.balances).sum();
        Ok(TrialBalance {
            server: self.name.clone(),
            company: CompanyRef::from(company),
            year: period.year,
            month: period.month,
            generated_at: to_the_second(Timestamp::now()),
            rows,
            totals,
        })
    }

    async fn run(&self, report: &Report, params: &[Value]) -> Result<Vec<Record>, ApiError> {
        // A preparation that failed is reported by the question itself.
        let mut prepared = self.prepared.clone();
        drop(prepared.wait_for(|prepared| *prepared).await);
        let failed = |source: PoolError| ApiError::erp(&self.name, source);
        report.run(&self.pool, params).await.map_err(failed)
    }
}

fn period(record: &Record) -> Option<Period> {
    Some(Period {
        year: record.integer("year").try_into().ok()?,
        month: record.integer("month").try_into().ok()?,
    })
}

fn row(record: &Record) -> TrialBalanceRow {
    let amount = |column: &str| crate::model::Amount(record.amount(column));
    TrialBalanceRow {
        cont: record.text("cont"),
        denumire: record.opt_text("denumire"),
        balances: Balances {
            precdeb: amount("precdeb"),
            preccred: amount("preccred"),
            ruldeb: amount("ruldeb"),
            rulcred: amount("rulcred"),
            solddeb: amount("solddeb"),
            soldcred: amount("soldcred"),
        },
    }
}

/// Clients differ in how many decimals of a second they understand.
pub(crate) fn to_the_second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

/// What a caller sent, fit to be shown back.
pub(crate) fn shorten(value: &str) -> String {
    let clean: String = value.chars().filter(|c| !c.is_control()).take(40).collect();
    if value.chars().count() > 40 {
        format!("{clean}…")
    } else {
        clean
    }
}
