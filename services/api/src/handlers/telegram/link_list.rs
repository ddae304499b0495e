//! `GET /api/telegram/link`: the chats linked to one's own account.

use std::sync::Arc;

use http::HeaderMap;
use warp::Filter;
use warp::reply::Response;

use crate::access::TELEGRAM_VIEW;
use crate::app::App;
use crate::erp::to_the_second;
use crate::error::{ApiError, ErrorBody};
use crate::handlers::endpoint::{Route, endpoint, headers, json, with};
use crate::model::{LinkedChat, LinkedChats};

pub(crate) fn route(app: &Arc<App>) -> Route {
    let path = warp::path!("api" / "telegram" / "link").and(warp::get());
    let arguments = path.and(with(app)).and(headers());
    endpoint("/api/telegram/link", arguments.then(list))
}

/// The chats linked to the user.
#[utoipa::path(
    get,
    path = "/api/telegram/link",
    operation_id = "listTelegramChats",
    tag = "telegram",
    responses(
        (status = 200, description = "Oldest first", body = LinkedChats),
        (status = 401, description = "`NotSignedIn`", body = ErrorBody),
        (status = 403, description = "`Forbidden`: needs `telegram:view`", body = ErrorBody),
        (status = 503, description = "A store does not answer", body = ErrorBody),
    )
)]
pub(crate) async fn list(app: Arc<App>, headers: HeaderMap) -> Result<Response, ApiError> {
    let caller = app.authorize(&headers, &TELEGRAM_VIEW).await?;
    let links = app.store.list_links(&caller.user.id).await?;
    let linked = links.into_iter().map(|link| LinkedChat {
        chat_id: link.chat_id,
        linked_at: to_the_second(link.linked_at),
    });
    Ok(json(&LinkedChats {
        linked: linked.collect(),
    }))
}
