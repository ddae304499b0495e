//! What the bot asks, on a listener of its own that only the bot can reach.

use std::sync::Arc;

use reportapp_session::access::Access;

use crate::access::{REPORTS_VIEW, TELEGRAM_VIEW};
use crate::app::App;
use crate::erp::Server;
use crate::erp_scope::Reader;
use crate::error::ApiError;
use crate::model::Company;
use crate::store::telegram::Link;
use crate::store::{Person, User};

pub(crate) mod balance;
pub(crate) mod chat_show;
pub(crate) mod companies;
pub(crate) mod company_choose;
pub(crate) mod redeem;
pub(crate) mod reset_code;
pub(crate) mod unlink;

/// A linked chat and the user it acts for.
pub(crate) struct LinkedUser {
    pub(crate) link: Link,
    pub(crate) user: User,
    reader: Reader,
    pub(crate) access: Arc<Access>,
}

/// The link of a chat, if its user may still act.
///
/// # Errors
/// `NotLinked`, also when the user is no longer active here or at the ERP where they sign in, or may not use
/// Telegram or read reports: a chat does nothing else.
pub(crate) async fn linked_user(app: &App, chat_id: i64) -> Result<LinkedUser, ApiError> {
    let link = app.store.find_link(chat_id).await?.ok_or_else(not_linked)?;
    // A chat carries no token that the epochs could judge, so nothing remembered counts here.
    let person = app.store.find_person(&link.user_id).await?;
    let may = |person: &Person| {
        let permitted = [TELEGRAM_VIEW, REPORTS_VIEW];
        person.user.is_active && permitted.iter().all(|needed| person.access.allows(needed))
    };
    let person = person.filter(may).ok_or_else(not_linked)?;
    if let Some(erp) = &person.user.erp {
        app.erp_account(erp).await?.ok_or_else(not_linked)?;
    }
    Ok(LinkedUser {
        link,
        reader: Reader::of(&person.user),
        user: person.user,
        access: person.access,
    })
}

/// What the user of a chat may read, as [`Reader`] decides it.
impl LinkedUser {
    /// The server the chat looks at: the chosen one, or the user's first when none was chosen or the chosen
    /// one is no longer configured.
    ///
    /// # Errors
    /// `NotLinked` when the user cannot sign in any more where they did.
    pub(crate) fn chosen_server<'a>(&self, app: &'a App) -> Result<&'a Server, ApiError> {
        let chosen = self.server(app, self.link.server.as_deref());
        chosen.or_else(|_| self.server(app, None))
    }

    /// The server of that name.
    ///
    /// # Errors
    /// `ServerUnknown`, `NotLinked`.
    pub(crate) fn server<'a>(
        &self,
        app: &'a App,
        name: Option<&str>,
    ) -> Result<&'a Server, ApiError> {
        self.reader.server(app, name).map_err(in_chat)
    }

    /// Refuses a company that the user may not read.
    ///
    /// # Errors
    /// `CompanyUnknown`, `NotLinked`, or an ERP that cannot answer.
    pub(crate) async fn may_read(&self, server: &Server, company: &str) -> Result<(), ApiError> {
        self.reader.may_read(server, company).await.map_err(in_chat)
    }

    /// The companies the user may read, of every server that answers.
    ///
    /// # Errors
    /// `NotLinked`, or no server answers.
    pub(crate) async fn companies(&self, app: &App) -> Result<Vec<Company>, ApiError> {
        self.reader.companies_anywhere(app).await.map_err(in_chat)
    }
}

/// A refusal in words for the bot, for whom `401` and `403` are about its own token.
fn in_chat(error: ApiError) -> ApiError {
    match error {
        ApiError::NotSignedIn => not_linked(),
        ApiError::Denied { .. } => {
            let message = "The user of this chat reads another server; choose from the list.";
            ApiError::not_found("ServerUnknown", "server", message)
        }
        error => error,
    }
}

fn not_linked() -> ApiError {
    let message = "This chat is not linked to an account; get a code in the application.";
    ApiError::not_found("NotLinked", "chatId", message)
}
