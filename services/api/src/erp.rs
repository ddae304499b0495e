//! The ERP servers: one pool each, and the questions the handlers ask them.
//!
//! What a caller asked for (server, company, period) is checked here against what exists, and refused by
//! name. The figures themselves come from [`crate::reports`].

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use jiff::Timestamp;
use reportapp_config::api::ErpAuth;
use reportapp_pool::{Pool, PoolError, Question, Row, RowStream, Value};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::error::ApiError;
use crate::model::{Calendar, Company, Period};

pub mod accounts;
pub mod rights;

/// Companies with books on a server.
const COMPANIES: &str = "SELECT id, name, tax_id, currency FROM companies";
/// The months from a company's first posting to its last.
const PERIODS: &str = "SELECT year, month FROM periods WHERE company = $1 ORDER BY period";

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
    /// An export holds a connection for minutes, so half of them are kept for people's pages.
    exports: Arc<Semaphore>,
}

/// The books of one company.
#[derive(Clone, Debug)]
pub struct Books {
    /// Where they are.
    pub server: Server,
    /// Whose they are.
    pub company: Company,
    /// The months with postings, ascending.
    pub periods: Vec<Period>,
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
        let exports = (pool.stats().max / 2).max(1);
        Self {
            name: name.into(),
            pool,
            auth: ErpAuth::Store,
            prepared,
            exports: Arc::new(Semaphore::new(exports)),
        }
    }

    /// This server, read by people who sign in as `auth` says.
    #[must_use]
    pub fn with_auth(self, auth: ErpAuth) -> Self {
        Self { auth, ..self }
    }

    /// All companies of this server, ascending by name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn companies(&self) -> Result<Vec<Company>, ApiError> {
        let tables = self.read(&[question(COMPANIES, &[])]).await?;
        let mut companies = self.parse(&tables[0], |row| self.parse_company(row))?;
        // Here, because the two engines sort text in their own ways.
        companies.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
        Ok(companies)
    }

    /// The company with this id.
    ///
    /// # Errors
    /// `CompanyUnknown`, or a failing database.
    pub async fn company(&self, id: &str) -> Result<Company, ApiError> {
        Ok(self.books(id).await?.company)
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

    /// The company with this id and the months it has postings in.
    ///
    /// # Errors
    /// `CompanyUnknown`, or a failing database.
    pub async fn books(&self, id: &str) -> Result<Books, ApiError> {
        let params = [Value::from(id)];
        let company = question(&format!("{COMPANIES} WHERE id = $1"), &params);
        let tables = self.read(&[company, question(PERIODS, &params)]).await?;
        let found = self.parse(&tables[0], |row| self.parse_company(row))?;
        let company = found.into_iter().next();
        let company = company.ok_or_else(|| self.company_unknown(id))?;
        Ok(Books {
            server: self.clone(),
            company,
            periods: self.parse(&tables[1], parse_period)?,
        })
    }

    /// Answers questions from one state of the database.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn read(&self, questions: &[Question]) -> Result<Vec<Vec<Row>>, ApiError> {
        self.wait_until_prepared().await;
        let tables = self.pool.read_only(questions).await;
        tables.map_err(|source| ApiError::erp(&self.name, source))
    }

    /// Answers a question row by row, within a limit of its own.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn read_stream(
        &self,
        question: &Question,
        limit: Duration,
    ) -> Result<RowStream, ApiError> {
        self.wait_until_prepared().await;
        let rows = self.pool.read_only_stream(question, limit).await;
        rows.map_err(|source| ApiError::erp(&self.name, source))
    }

    /// Room for one more export, until the permit is dropped.
    ///
    /// # Errors
    /// [`ApiError::TooManyExports`] when there is none.
    pub(crate) fn export_permit(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        let permit = Arc::clone(&self.exports).try_acquire_owned();
        permit.map_err(|_| ApiError::TooManyExports {
            server: self.name.clone(),
        })
    }

    async fn wait_until_prepared(&self) {
        // A preparation that failed is reported by the question itself.
        let mut prepared = self.prepared.clone();
        drop(prepared.wait_for(|prepared| *prepared).await);
    }

    fn parse<T>(
        &self,
        rows: &[Row],
        read: impl Fn(&Row) -> Result<T, PoolError>,
    ) -> Result<Vec<T>, ApiError> {
        let parsed = rows.iter().map(read).collect::<Result<_, _>>();
        parsed.map_err(|source| ApiError::erp(&self.name, source))
    }

    fn parse_company(&self, row: &Row) -> Result<Company, PoolError> {
        Ok(Company {
            server: self.name.clone(),
            id: row.get("id")?,
            name: row.get("name")?,
            tax_id: row.get("tax_id")?,
            currency: row.get("currency")?,
        })
    }
}

impl Books {
    /// The months with postings.
    ///
    /// # Errors
    /// `CompanyEmpty` when there are none.
    pub fn calendar(&self) -> Result<Calendar, ApiError> {
        let latest = self.periods.last().copied().ok_or_else(|| {
            let message = format!("Company {} has no postings yet.", self.company.name);
            ApiError::not_found("CompanyEmpty", "company", message)
        })?;
        Ok(Calendar {
            company: self.company.id.clone(),
            periods: self.periods.clone(),
            latest,
        })
    }

    /// Accepts a month between the first and the last one with postings.
    ///
    /// # Errors
    /// `CompanyEmpty`, `PeriodUnknown`.
    pub fn require(&self, month: Period) -> Result<(), ApiError> {
        let latest = self.calendar()?.latest;
        let first = self.periods.first().copied().unwrap_or(latest);
        if (first..=latest).contains(&month) {
            return Ok(());
        }
        let message = format!(
            "Company {} has postings from {first} to {latest}; choose a month in between.",
            self.company.name
        );
        Err(ApiError::not_found("PeriodUnknown", "month", message))
    }
}

fn question(sql: &str, params: &[Value]) -> Question {
    Question {
        sql: sql.to_owned(),
        params: params.to_vec(),
    }
}

fn parse_period(row: &Row) -> Result<Period, PoolError> {
    Ok(Period {
        year: row.get("year")?,
        month: row.get("month")?,
    })
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
