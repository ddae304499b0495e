//! Who may read which books. Every question for figures goes through here, so that what restricts somebody
//! to some servers or companies has one place.

use http::HeaderMap;

use crate::access::REPORTS_VIEW;
use crate::app::App;
use crate::auth::Caller;
use crate::erp::{Books, Server};
use crate::error::ApiError;
use crate::model::Company;

/// Somebody who may read figures, on one server.
#[derive(Debug)]
pub(crate) struct Reading {
    /// Who.
    pub(crate) caller: Caller,
    /// Where.
    pub(crate) server: Server,
}

impl App {
    /// The sender of a request as a reader on a server, the first one if none is named.
    ///
    /// # Errors
    /// As [`App::authorize`], and `ServerUnknown`.
    pub(crate) async fn reading(
        &self,
        headers: &HeaderMap,
        server: Option<&str>,
    ) -> Result<Reading, ApiError> {
        let caller = self.authorize(headers, &REPORTS_VIEW).await?;
        let server = self.servers.get(server)?.clone();
        Ok(Reading { caller, server })
    }
}

impl Reading {
    /// The companies whose books may be read.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn companies(&self) -> Result<Vec<Company>, ApiError> {
        self.server.companies().await
    }

    /// The books of a company.
    ///
    /// # Errors
    /// `CompanyMissing`, `CompanyUnknown`, or a failing database.
    pub(crate) async fn books(&self, company: Option<&str>) -> Result<Books, ApiError> {
        let company = company.filter(|id| !id.is_empty()).ok_or_else(|| {
            let message = "Add `company` with an id from the list of companies.";
            ApiError::invalid("CompanyMissing", "company", message)
        })?;
        self.server.books(company).await
    }
}
