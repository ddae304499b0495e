//! `POST /api/telegram/internal/chat/{chatId}/password-reset`: somebody asks the bot for a one-time code.

use std::sync::Arc;
use std::time::Instant;

use http::HeaderMap;
use warp::Filter;
use warp::reply::Response;

use super::linked_user;
use crate::app::App;
use crate::error::{ApiError, ErrorBody};
use crate::handlers::endpoint::{Route, endpoint, headers, json, with};
use crate::handlers::rules::kept_by_erp;
use crate::model::ResetCode;
use crate::resets::Wanted;

pub(crate) fn route(app: &Arc<App>) -> Route {
    let path = warp::path!("api" / "telegram" / "internal" / "chat" / i64 / "password-reset");
    let arguments = path.and(warp::post()).and(with(app)).and(headers());
    endpoint(
        "/api/telegram/internal/chat/{chatId}/password-reset",
        arguments.then(issue),
    )
}

/// Make a one-time code for a new password of the user behind a private chat. The present password stays
/// good until the code is used.
#[utoipa::path(
    post,
    path = "/api/telegram/internal/chat/{chatId}/password-reset",
    operation_id = "createResetCodeInChat",
    tag = "internal",
    params(("chatId" = i64, Path, description = "Telegram's id of the chat")),
    security(("internal" = [])),
    responses(
        (status = 200, description = "Good once, for 30 minutes; earlier codes stop working", body = ResetCode),
        (status = 401, description = "`NotSignedIn`", body = ErrorBody),
        (status = 404, description = "`NotLinked`, also for a group", body = ErrorBody),
        (status = 409, description = "`ErpAccount`: an ERP server keeps the password", body = ErrorBody),
        (status = 429, description = "`TooManyAttempts`; see `Retry-After`", body = ErrorBody),
    )
)]
pub(crate) async fn issue(
    chat_id: i64,
    app: Arc<App>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    app.authenticate_bot(&headers)?;
    app.throttles
        .chat
        .take(&chat_id.to_string(), Instant::now())
        .map_err(|retry_after| ApiError::TooManyAttempts { retry_after })?;
    let not_linked = || {
        let message = "Codes are given in a linked private chat only; link one in the application.";
        ApiError::not_found("NotLinked", "chatId", message)
    };
    // Telegram numbers groups below zero: everybody in one would read the code.
    if chat_id <= 0 {
        return Err(not_linked());
    }
    let linked = linked_user(&app, chat_id).await?;
    if let Some(erp) = &linked.user.erp {
        return Err(kept_by_erp(&erp.server));
    }
    let code: Option<ResetCode> = app.reset_code(&linked.user, Wanted::ByUser).await?;
    Ok(json(&code.ok_or_else(not_linked)?))
}
