//! `POST /api/telegram/internal/chat/{chatId}/unlink`: a chat stops acting for its user.

use std::sync::Arc;

use http::HeaderMap;
use warp::Filter;
use warp::reply::Response;

use crate::app::App;
use crate::error::{ApiError, ErrorBody};
use crate::handlers::endpoint::{Route, endpoint, headers, no_content, with};

pub(crate) fn route(app: &Arc<App>) -> Route {
    let path = warp::path!("api" / "telegram" / "internal" / "chat" / i64 / "unlink");
    let arguments = path.and(warp::post()).and(with(app)).and(headers());
    let template = "/api/telegram/internal/chat/{chatId}/unlink";
    endpoint(template, arguments.then(unlink))
}

/// Unlink a chat. Succeeds also for a chat that is not linked.
#[utoipa::path(
    post,
    path = "/api/telegram/internal/chat/{chatId}/unlink",
    operation_id = "unlinkChat",
    tag = "internal",
    params(("chatId" = i64, Path, description = "Telegram's id of the chat")),
    security(("internal" = [])),
    responses(
        (status = 204, description = "Not linked any more"),
        (status = 401, description = "`NotSignedIn`", body = ErrorBody),
        (status = 503, description = "A store does not answer", body = ErrorBody),
    )
)]
pub(crate) async fn unlink(
    chat_id: i64,
    app: Arc<App>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    app.authenticate_bot(&headers)?;
    app.store.unlink(chat_id, None).await?;
    Ok(no_content())
}
