//! What the bot asks, on a listener of its own that only the bot can reach.

use std::sync::Arc;

use reportapp_session::access::Access;

use crate::access::{REPORTS_VIEW, TELEGRAM_VIEW};
use crate::app::App;
use crate::erp::Server;
use crate::error::ApiError;
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
    pub(crate) access: Arc<Access>,
}

/// The link of a chat, if its user may still act.
///
/// # Errors
/// `NotLinked`, also when the user is no longer active, or may not use Telegram or read reports: a chat
/// does nothing else.
pub(crate) async fn linked_user(app: &App, chat_id: i64) -> Result<LinkedUser, ApiError> {
    let not_linked = || {
        let message = "This chat is not linked to an account; get a code in the application.";
        ApiError::not_found("NotLinked", "chatId", message)
    };
    let link = app.store.find_link(chat_id).await?.ok_or_else(not_linked)?;
    // A chat carries no token that the epochs could judge, so nothing remembered counts here.
    let person = app.store.find_person(&link.user_id).await?;
    let may = |person: &Person| {
        let permitted = [TELEGRAM_VIEW, REPORTS_VIEW];
        person.user.is_active && permitted.iter().all(|needed| person.access.allows(needed))
    };
    let person = person.filter(may).ok_or_else(not_linked)?;
    Ok(LinkedUser {
        link,
        user: person.user,
        access: person.access,
    })
}

/// The server a chat looks at: the chosen one, or the default when none was chosen or the chosen
/// one is no longer configured.
///
/// # Errors
/// Never while a server is configured.
pub(crate) fn chosen_server<'a>(app: &'a App, link: &Link) -> Result<&'a Server, ApiError> {
    let chosen = app.servers.get(link.server.as_deref());
    chosen.or_else(|_| app.servers.get(None))
}
