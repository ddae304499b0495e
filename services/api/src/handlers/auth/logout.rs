//! `POST /api/auth/logout`: ends the session, or all of the user's, so that its tokens are worth
//! nothing in any process.

use std::sync::Arc;

use http::HeaderMap;
use http::header::{HeaderValue, SET_COOKIE};
use warp::Filter;
use warp::reply::Response;

use crate::app::App;
use crate::error::{ApiError, ErrorBody};
use crate::handlers::endpoint::{Route, endpoint, headers, no_content, with};
use crate::model::LogoutQuery;

pub(crate) fn route(app: &Arc<App>) -> Route {
    let path = warp::path!("api" / "auth" / "logout").and(warp::post());
    let arguments = path.and(with(app)).and(headers()).and(warp::query());
    endpoint("/api/auth/logout", arguments.then(logout))
}

/// Sign out. Succeeds also without a living session.
#[utoipa::path(
    post,
    path = "/api/auth/logout",
    operation_id = "logOut",
    tag = "auth",
    params(LogoutQuery),
    responses(
        (status = 204, description = "No process accepts the tokens of the session any more"),
        (status = 503, description = "`SessionsNotEnded`, or a store does not answer", body = ErrorBody),
    )
)]
pub(crate) async fn logout(
    app: Arc<App>,
    headers: HeaderMap,
    query: LogoutQuery,
) -> Result<Response, ApiError> {
    match end(&app, &headers, query.everywhere).await {
        Ok(()) | Err(ApiError::NotSignedIn) => {}
        Err(error) => return Err(error),
    }
    let mut response = no_content();
    let cookie = HeaderValue::from_str(&app.cookie(None)).expect("prefixes are plain ASCII");
    response.headers_mut().insert(SET_COOKIE, cookie);
    Ok(response)
}

async fn end(app: &App, headers: &HeaderMap, everywhere: bool) -> Result<(), ApiError> {
    if everywhere {
        let caller = app.authenticate(headers).await?;
        app.end_all_sessions(&caller.user.id).await?;
        tracing::info!(user = caller.user.id, "a user signed out everywhere");
        return Ok(());
    }
    // The token is enough: a session may be ended also while nobody knows its record.
    let claims = app.admit(headers).await?;
    app.end_session(&claims.sid).await
}
