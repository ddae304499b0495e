//! `GET /api/auth/sessions`: where one is signed in.

use std::sync::Arc;

use http::HeaderMap;
use warp::Filter;
use warp::reply::Response;

use crate::app::App;
use crate::error::{ApiError, ErrorBody};
use crate::handlers::endpoint::{Route, endpoint, headers, json, with};
use crate::model::{OwnSession, OwnSessions};

pub(crate) fn route(app: &Arc<App>) -> Route {
    let path = warp::path!("api" / "auth" / "sessions").and(warp::get());
    let arguments = path.and(with(app)).and(headers());
    endpoint("/api/auth/sessions", arguments.then(list))
}

/// The living sessions of the user.
#[utoipa::path(
    get,
    path = "/api/auth/sessions",
    operation_id = "listSessions",
    tag = "auth",
    responses(
        (status = 200, description = "Oldest first", body = OwnSessions),
        (status = 401, description = "`NotSignedIn`", body = ErrorBody),
        (status = 503, description = "A store does not answer", body = ErrorBody),
    )
)]
pub(crate) async fn list(app: Arc<App>, headers: HeaderMap) -> Result<Response, ApiError> {
    let caller = app.authenticate(&headers).await?;
    let living = app.living_sessions(&caller.user.id).await?;
    let current = caller.session.id;
    let sessions = living.into_iter();
    let sessions = sessions.map(|row| OwnSession::of(row, &current));
    Ok(json(&OwnSessions {
        sessions: sessions.collect(),
    }))
}
