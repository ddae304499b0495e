//! `GET /api/telegram/internal/chat/{chatId}`: whom a chat acts for and what it looks at.

use std::sync::Arc;

use http::HeaderMap;
use warp::Filter;
use warp::reply::Response;

use super::{LinkedUser, linked_user};
use crate::app::App;
use crate::erp::Server;
use crate::error::{ApiError, ErrorBody};
use crate::handlers::endpoint::{Route, endpoint, headers, json, with};
use crate::model::{Chat, Company, CompanyRef, UserView};

pub(crate) fn route(app: &Arc<App>) -> Route {
    let path = warp::path!("api" / "telegram" / "internal" / "chat" / i64).and(warp::get());
    let arguments = path.and(with(app)).and(headers());
    endpoint("/api/telegram/internal/chat/{chatId}", arguments.then(show))
}

/// Whom a chat acts for and which company it looks at.
#[utoipa::path(
    get,
    path = "/api/telegram/internal/chat/{chatId}",
    operation_id = "getChat",
    tag = "internal",
    params(("chatId" = i64, Path, description = "Telegram's id of the chat")),
    security(("internal" = [])),
    responses(
        (status = 200, description = "Linked", body = Chat),
        (status = 401, description = "`NotSignedIn`", body = ErrorBody),
        (status = 404, description = "`NotLinked`", body = ErrorBody),
        (status = 503, description = "`DatabaseUnavailable`", body = ErrorBody),
    )
)]
pub(crate) async fn show(
    chat_id: i64,
    app: Arc<App>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    app.authenticate_bot(&headers)?;
    let linked = linked_user(&app, chat_id).await?;
    let server = linked.chosen_server(&app)?;
    let company = match &linked.link.company {
        None => None,
        Some(id) => match company(&linked, server, id).await {
            Ok(company) => Some(CompanyRef::from(company)),
            // The company left the ERP, or the user's sight, after it was chosen: the chat chooses again.
            Err(ApiError::NotFound { .. }) => None,
            Err(error) => return Err(error),
        },
    };
    Ok(json(&Chat {
        user: UserView::from(linked.user),
        server: server.name.clone(),
        company,
    }))
}

async fn company(linked: &LinkedUser, server: &Server, id: &str) -> Result<Company, ApiError> {
    linked.may_read(server, id).await?;
    server.company(id).await
}
