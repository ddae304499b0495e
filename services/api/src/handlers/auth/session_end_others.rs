//! `DELETE /api/auth/sessions`: ends all of one's own sessions but the present one, everywhere.

use std::sync::Arc;

use http::HeaderMap;
use warp::Filter;
use warp::reply::Response;

use crate::app::App;
use crate::error::{ApiError, ErrorBody};
use crate::handlers::endpoint::{Route, endpoint, headers, json, with};
use crate::model::EndedSessions;

pub(crate) fn route(app: &Arc<App>) -> Route {
    let path = warp::path!("api" / "auth" / "sessions").and(warp::delete());
    let arguments = path.and(with(app)).and(headers());
    endpoint("/api/auth/sessions", arguments.then(end_others))
}

/// End every other session of the user. What is ended are the sessions that are listed; signing out
/// everywhere also ends what a list may have missed.
#[utoipa::path(
    delete,
    path = "/api/auth/sessions",
    operation_id = "endOtherSessions",
    tag = "auth",
    responses(
        (status = 200, description = "No process accepts their tokens any more", body = EndedSessions),
        (status = 401, description = "`NotSignedIn`", body = ErrorBody),
        (status = 503, description = "`SessionsNotEnded`, or a store does not answer", body = ErrorBody),
    )
)]
pub(crate) async fn end_others(app: Arc<App>, headers: HeaderMap) -> Result<Response, ApiError> {
    let caller = app.authenticate(&headers).await?;
    let living = app.living_sessions(&caller.user.id).await?.into_iter();
    let others: Vec<_> = living
        .map(|row| row.session)
        .filter(|session| session.id != caller.session.id)
        .collect();
    let ended = others.len();
    if ended > 0 {
        app.end_sessions(others).await?;
    }
    Ok(json(&EndedSessions { ended }))
}
