//! `GET /api/telegram/internal/chat/{chatId}/companies`: what a chat may choose from.

use std::sync::Arc;

use http::HeaderMap;
use warp::Filter;
use warp::reply::Response;

use super::linked_user;
use crate::app::App;
use crate::error::{ApiError, ErrorBody};
use crate::handlers::endpoint::{Route, endpoint, headers, json, with};
use crate::model::Company;

pub(crate) fn route(app: &Arc<App>) -> Route {
    let path = warp::path!("api" / "telegram" / "internal" / "chat" / i64 / "companies");
    let arguments = path.and(warp::get()).and(with(app)).and(headers());
    let template = "/api/telegram/internal/chat/{chatId}/companies";
    endpoint(template, arguments.then(list))
}

/// The companies the user may read, of every server that answers.
#[utoipa::path(
    get,
    path = "/api/telegram/internal/chat/{chatId}/companies",
    operation_id = "listChatCompanies",
    tag = "internal",
    params(("chatId" = i64, Path, description = "Telegram's id of the chat")),
    security(("internal" = [])),
    responses(
        (status = 200, description = "By server, then by name", body = Vec<Company>),
        (status = 401, description = "`NotSignedIn`", body = ErrorBody),
        (status = 404, description = "`NotLinked`", body = ErrorBody),
        (status = 503, description = "`DatabaseUnavailable`: no server answers", body = ErrorBody),
    )
)]
pub(crate) async fn list(
    chat_id: i64,
    app: Arc<App>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    app.authenticate_bot(&headers)?;
    let linked = linked_user(&app, chat_id).await?;
    Ok(json(&linked.companies(&app).await?))
}
