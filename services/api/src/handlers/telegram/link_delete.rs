//! `DELETE /api/telegram/link/{chatId}`: a chat no longer acts for the user.

use std::sync::Arc;

use http::HeaderMap;
use warp::Filter;
use warp::reply::Response;

use crate::access::TELEGRAM_DELETE;
use crate::app::App;
use crate::error::{ApiError, ErrorBody};
use crate::handlers::endpoint::{Route, endpoint, headers, no_content, with};

pub(crate) fn route(app: &Arc<App>) -> Route {
    let path = warp::path!("api" / "telegram" / "link" / i64).and(warp::delete());
    let arguments = path.and(with(app)).and(headers());
    endpoint("/api/telegram/link/{chatId}", arguments.then(delete))
}

/// Unlink one of the user's chats.
#[utoipa::path(
    delete,
    path = "/api/telegram/link/{chatId}",
    operation_id = "unlinkTelegramChat",
    tag = "telegram",
    params(("chatId" = i64, Path, description = "Telegram's id of the chat")),
    responses(
        (status = 204, description = "Unlinked"),
        (status = 401, description = "`NotSignedIn`", body = ErrorBody),
        (status = 403, description = "`Forbidden`: needs `telegram:delete`", body = ErrorBody),
        (status = 404, description = "`NotLinked`", body = ErrorBody),
        (status = 503, description = "A store does not answer", body = ErrorBody),
    )
)]
pub(crate) async fn delete(
    chat_id: i64,
    app: Arc<App>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let caller = app.authorize(&headers, &TELEGRAM_DELETE).await?;
    if app.store.unlink(chat_id, Some(&caller.user.id)).await? {
        return Ok(no_content());
    }
    let message = format!("Chat {chat_id} is not linked to your account.");
    Err(ApiError::not_found("NotLinked", "chatId", message))
}
