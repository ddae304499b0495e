//! `POST /api/telegram/link`: a code that links the chat it is sent from.

use std::sync::Arc;

use http::HeaderMap;
use jiff::{SignedDuration, Timestamp};
use reportapp_session::random;
use warp::Filter;
use warp::reply::Response;

use crate::access::TELEGRAM_CREATE;
use crate::app::App;
use crate::erp::to_the_second;
use crate::error::{ApiError, ErrorBody};
use crate::handlers::endpoint::{Route, endpoint, headers, json, with};
use crate::model::LinkCode;

const CODE_LENGTH: usize = 8;
const CODE_LIFE: SignedDuration = SignedDuration::from_mins(15);

pub(crate) fn route(app: &Arc<App>) -> Route {
    let path = warp::path!("api" / "telegram" / "link").and(warp::post());
    let arguments = path.and(with(app)).and(headers());
    endpoint("/api/telegram/link", arguments.then(create))
}

/// Make a code that links a Telegram chat to the user. Earlier codes stop working.
#[utoipa::path(
    post,
    path = "/api/telegram/link",
    operation_id = "createTelegramCode",
    tag = "telegram",
    responses(
        (status = 200, description = "Valid once, for 15 minutes", body = LinkCode),
        (status = 401, description = "`NotSignedIn`", body = ErrorBody),
        (status = 403, description = "`Forbidden`: needs `telegram:create`", body = ErrorBody),
        (status = 503, description = "A store does not answer", body = ErrorBody),
    )
)]
pub(crate) async fn create(app: Arc<App>, headers: HeaderMap) -> Result<Response, ApiError> {
    let caller = app.authorize(&headers, &TELEGRAM_CREATE).await?;
    let code = random::code(CODE_LENGTH);
    let expires_at = to_the_second(Timestamp::now() + CODE_LIFE);
    app.store
        .save_code(&caller.user.id, &code, expires_at)
        .await?;
    let deep_link = |bot: &String| format!("https://t.me/{bot}?start={code}");
    let deep_link = app.bot_username.as_ref().map(deep_link);
    Ok(json(&LinkCode {
        code,
        expires_at,
        deep_link,
    }))
}
