//! `POST /api/telegram/internal/redeem`: a code that arrived in a chat.

use std::sync::Arc;
use std::time::Instant;

use http::HeaderMap;
use jiff::Timestamp;
use warp::Filter;
use warp::reply::Response;

use crate::app::App;
use crate::error::{ApiError, ErrorBody};
use crate::handlers::endpoint::{Body, Route, body, endpoint, headers, json, with};
use crate::model::{RedeemRequest, RedeemResponse, UserView};

/// Titles of chats are at most this long in Telegram.
const MAX_CHAT_NAME: usize = 255;

pub(crate) fn route(app: &Arc<App>) -> Route {
    let path = warp::path!("api" / "telegram" / "internal" / "redeem").and(warp::post());
    let arguments = path.and(with(app)).and(headers()).and(body());
    endpoint("/api/telegram/internal/redeem", arguments.then(redeem))
}

/// Link a chat to the user whose code was sent.
#[utoipa::path(
    post,
    path = "/api/telegram/internal/redeem",
    operation_id = "redeemTelegramCode",
    tag = "internal",
    request_body = RedeemRequest,
    security(("internal" = [])),
    responses(
        (status = 200, description = "Linked", body = RedeemResponse),
        (status = 401, description = "`NotSignedIn`", body = ErrorBody),
        (status = 404, description = "`CodeUnknown`: wrong, used or expired", body = ErrorBody),
        (status = 429, description = "`TooManyAttempts`; see `Retry-After`", body = ErrorBody),
    )
)]
pub(crate) async fn redeem(
    app: Arc<App>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    app.authenticate_bot(&headers)?;
    let request: RedeemRequest = body.json()?;
    let chat = request.chat_id.to_string();
    app.throttles
        .chat
        .take(&chat, Instant::now())
        .map_err(|retry_after| ApiError::TooManyAttempts { retry_after })?;
    let unknown = || {
        let message = "The code is wrong, used or expired; get a new one in the application.";
        ApiError::not_found("CodeUnknown", "code", message)
    };
    let name: String = request.chat_name.chars().take(MAX_CHAT_NAME).collect();
    let redeemed = app
        .store
        .redeem_code(&request.code, request.chat_id, &name, Timestamp::now());
    let user_id = redeemed.await?.ok_or_else(unknown)?;
    app.throttles.chat.forget(&chat);
    let user = app.store.find_user(&user_id).await?;
    let user = user.filter(|user| user.is_active).ok_or_else(unknown)?;
    tracing::info!(user = user.id, "a chat was linked");
    Ok(json(&RedeemResponse {
        user: UserView::from(user),
    }))
}
