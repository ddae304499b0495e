//! `DELETE /api/users/{userId}/sessions`: signs somebody out everywhere.

use std::sync::Arc;

use http::HeaderMap;
use reportapp_session::access::grant::change_user;
use warp::Filter;
use warp::reply::Response;

use super::reached;
use crate::access::SESSIONS_DELETE;
use crate::app::App;
use crate::error::{ApiError, ErrorBody};
use crate::handlers::endpoint::{Route, endpoint, headers, no_content, with};

pub(crate) fn route(app: &Arc<App>) -> Route {
    let path = warp::path!("api" / "users" / String / "sessions").and(warp::delete());
    let arguments = path.and(with(app)).and(headers());
    endpoint("/api/users/{userId}/sessions", arguments.then(end))
}

/// End every session of a user, listed or not.
#[utoipa::path(
    delete,
    path = "/api/users/{userId}/sessions",
    operation_id = "endUserSessions",
    tag = "administration",
    params(("userId" = String, Path, description = "Id of the user")),
    responses(
        (status = 204, description = "No process accepts their tokens any more"),
        (status = 401, description = "`NotSignedIn`", body = ErrorBody),
        (status = 403, description = "`Forbidden`: needs `sessions:delete`; `ROLE_LEVEL_TOO_LOW` or `KindReserved`", body = ErrorBody),
        (status = 404, description = "`UserUnknown`", body = ErrorBody),
        (status = 503, description = "`SessionsNotEnded`, or a store does not answer", body = ErrorBody),
    )
)]
pub(crate) async fn end(
    id: String,
    app: Arc<App>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let caller = app.authorize(&headers, &SESSIONS_DELETE).await?;
    let account = reached(&app, &caller.access, &id).await?;
    change_user(&caller.access, &account.target())?;
    app.end_all_sessions(&account.id).await?;
    tracing::info!(
        user = id,
        by = caller.user.id,
        "the sessions of a user were ended"
    );
    Ok(no_content())
}
