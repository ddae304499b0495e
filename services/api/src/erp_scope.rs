//! What a caller may read of the ERP: the one place where that is decided.
//!
//! ```text
//! authorize ─▶ Reader::of(user) ─ server(app, name) ─▶ the server ─ may_read(server, company) ─▶ its figures
//! ```
//!
//! An account of the application reads every server and company; its roles have said that it may read reports
//! at all. An account of an ERP reads the server where it signed in, and of that the companies the ERP names,
//! asked anew for each request: nothing of a right is remembered here, and whoever keeps answers asks
//! [`Reader::may_read`] before giving one. What somebody may not read is, for them, not there.

use reportapp_config::api::ErpAuth;

use crate::app::App;
use crate::erp::Server;
use crate::erp::accounts::Account;
use crate::error::ApiError;
use crate::model::Company;
use crate::store::User;
use crate::store::users::ErpIdentity;

/// Somebody who reads reports.
#[derive(Clone, Debug)]
pub struct Reader {
    /// Where they signed in; `None`: here, so nothing is kept from them.
    erp: Option<ErpIdentity>,
}

impl App {
    /// The account behind a user of an ERP, if the ERP still lets it in and people still sign in there.
    ///
    /// # Errors
    /// When the ERP cannot answer.
    pub(crate) async fn erp_account(&self, erp: &ErpIdentity) -> Result<Option<Account>, ApiError> {
        match self.servers.get(Some(&erp.server)) {
            Ok(server) if server.auth == ErpAuth::Erp => server.account(&erp.user).await,
            _ => Ok(None),
        }
    }
}

impl Reader {
    /// A user, as a reader.
    pub fn of(user: &User) -> Self {
        Self {
            erp: user.erp.clone(),
        }
    }

    /// The server of that name, or the one that comes first for this reader.
    ///
    /// # Errors
    /// `ServerUnknown`; `ServerNotSignedIn` for one where an account of its own is needed;
    /// [`ApiError::NotSignedIn`] when people do not sign in any more where the reader did.
    pub fn server<'a>(&self, app: &'a App, name: Option<&str>) -> Result<&'a Server, ApiError> {
        let Some(erp) = &self.erp else {
            return app.servers.get(name);
        };
        let asked = app.servers.get(name.or(Some(&erp.server[..])));
        let server = match (asked, name) {
            (Err(_), None) => return Err(ApiError::NotSignedIn),
            (asked, _) => asked?,
        };
        if server.name != erp.server {
            return Err(ApiError::Denied {
                code: "ServerNotSignedIn",
                message: format!(
                    "You are signed in at server {}; sign in to server {} to read it.",
                    erp.server, server.name
                ),
            });
        }
        match server.auth {
            ErpAuth::Erp => Ok(server),
            ErpAuth::Store => Err(ApiError::NotSignedIn),
        }
    }

    /// Refuses a company that this reader may not read, with the words for one that does not exist. Says
    /// nothing about whether one exists that they may read. `server` is what [`Reader::server`] gave.
    ///
    /// # Errors
    /// `CompanyUnknown`; [`ApiError::NotSignedIn`] when the ERP does not let them in any more; or the ERP
    /// cannot answer.
    pub async fn may_read(&self, server: &Server, company: &str) -> Result<(), ApiError> {
        match self.account(server).await? {
            Some(account) if !account.companies.contains(company) => {
                Err(server.company_unknown(company))
            }
            _ => Ok(()),
        }
    }

    /// The companies of `server`, which is what [`Reader::server`] gave, that this reader may read.
    ///
    /// # Errors
    /// As [`Reader::may_read`].
    pub async fn companies(&self, server: &Server) -> Result<Vec<Company>, ApiError> {
        let (account, companies) = futures::join!(self.account(server), server.companies());
        let (account, mut companies) = (account?, companies?);
        if let Some(account) = account {
            companies.retain(|company| account.companies.contains(&company.id));
        }
        Ok(companies)
    }

    /// The companies this reader may read, of every server that answers.
    ///
    /// # Errors
    /// The first failure, when no server answers.
    pub async fn companies_anywhere(&self, app: &App) -> Result<Vec<Company>, ApiError> {
        match &self.erp {
            None => app.servers.companies_anywhere().await,
            Some(_) => self.companies(self.server(app, None)?).await,
        }
    }

    /// What the ERP says about this reader; `None`: they have nothing to do with it.
    async fn account(&self, server: &Server) -> Result<Option<Account>, ApiError> {
        let Some(erp) = &self.erp else {
            return Ok(None);
        };
        // Ids of one server mean nothing at another.
        if server.name != erp.server {
            return Err(ApiError::NotSignedIn);
        }
        let account = server.account(&erp.user).await?;
        account.map(Some).ok_or(ApiError::NotSignedIn)
    }
}
