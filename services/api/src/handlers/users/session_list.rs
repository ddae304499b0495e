//! `GET /api/users/{userId}/sessions`: where somebody is signed in.

use std::sync::Arc;

use http::HeaderMap;
use warp::Filter;
use warp::reply::Response;

use super::reached;
use crate::access::SESSIONS_VIEW;
use crate::app::App;
use crate::error::{ApiError, ErrorBody};
use crate::handlers::endpoint::{Route, endpoint, headers, json, with};
use crate::model::OwnSession;
use crate::model::administration::UserSessions;

pub(crate) fn route(app: &Arc<App>) -> Route {
    let path = warp::path!("api" / "users" / String / "sessions").and(warp::get());
    let arguments = path.and(with(app)).and(headers());
    endpoint("/api/users/{userId}/sessions", arguments.then(list))
}

/// The living sessions of a user.
#[utoipa::path(
    get,
    path = "/api/users/{userId}/sessions",
    operation_id = "listUserSessions",
    tag = "administration",
    params(("userId" = String, Path, description = "Id of the user")),
    responses(
        (status = 200, description = "Oldest first", body = UserSessions),
        (status = 401, description = "`NotSignedIn`", body = ErrorBody),
        (status = 403, description = "`Forbidden`: needs `sessions:view`", body = ErrorBody),
        (status = 404, description = "`UserUnknown`", body = ErrorBody),
        (status = 503, description = "A store does not answer", body = ErrorBody),
    )
)]
pub(crate) async fn list(
    id: String,
    app: Arc<App>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let caller = app.authorize(&headers, &SESSIONS_VIEW).await?;
    let account = reached(&app, &caller.access, &id).await?;
    let living = app.living_sessions(&account.id).await?;
    let current = caller.session.id;
    let sessions = living.into_iter();
    let sessions = sessions.map(|row| OwnSession::of(row, &current));
    Ok(json(&UserSessions {
        sessions: sessions.collect(),
    }))
}
