//! Who may read which books. Every question for figures goes through here, where [`Reader`] restricts somebody
//! to some servers or companies.

use http::HeaderMap;

use crate::access::REPORTS_VIEW;
use crate::app::App;
use crate::auth::Caller;
use crate::cache::Asking;
use crate::erp::{Books, Server};
use crate::erp_scope::Reader;
use crate::error::ApiError;
use crate::model::Company;

/// Somebody who may read figures, on one server.
#[derive(Debug)]
pub(crate) struct Reading {
    /// Who.
    pub(crate) caller: Caller,
    /// Where.
    pub(crate) server: Server,
    /// What of it.
    reader: Reader,
    /// How they ask.
    pub(crate) asking: Asking,
}

impl App {
    /// The sender of a request as a reader on a server, the first one if none is named.
    ///
    /// # Errors
    /// As [`App::authorize`] and [`Reader::server`].
    pub(crate) async fn reading(
        &self,
        headers: &HeaderMap,
        server: Option<&str>,
    ) -> Result<Reading, ApiError> {
        let caller = self.authorize(headers, &REPORTS_VIEW).await?;
        let reader = Reader::of(&caller.user);
        let server = reader.server(self, server)?.clone();
        Ok(Reading {
            asking: self.asking(&caller.user, headers),
            caller,
            server,
            reader,
        })
    }
}

impl Reading {
    /// The companies whose books may be read.
    ///
    /// # Errors
    /// As [`Reader::companies`].
    pub(crate) async fn companies(&self) -> Result<Vec<Company>, ApiError> {
        self.reader.companies(&self.server).await
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
        self.reader.may_read(&self.server, company).await?;
        self.asking.books(&self.server, company).await
    }
}
