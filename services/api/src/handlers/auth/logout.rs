//! `POST /api/auth/logout`: ends the session, or all of the user's, so that its tokens are worth
//! nothing in any process.

use std::sync::Arc;

use http::HeaderMap;
use jiff::Timestamp;
use reportapp_session::RefreshToken;
use warp::Filter;
use warp::reply::Response;

use crate::app::App;
use crate::cookies::{self, REFRESH};
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
    app.take_cookies(response.headers_mut());
    Ok(response)
}

async fn end(app: &App, headers: &HeaderMap, everywhere: bool) -> Result<(), ApiError> {
    let (user, session) = whose(app, headers).await?;
    if everywhere {
        app.end_all_sessions(&user).await?;
        tracing::info!(user, "a user signed out everywhere");
        return Ok(());
    }
    app.end_session(&session).await
}

/// User and session of the access token, or of the refresh token when that has expired: the session
/// still lives then. Its record need not be known to end it.
async fn whose(app: &App, headers: &HeaderMap) -> Result<(String, String), ApiError> {
    let refused = match app.admit(headers).await {
        Ok(claims) => return Ok((claims.sub, claims.sid)),
        Err(error @ ApiError::NotSignedIn) => error,
        Err(error) => return Err(error),
    };
    let token = cookies::read(headers, REFRESH).and_then(RefreshToken::read);
    let token = token.ok_or(refused)?;
    let row = app.store.find_session_of(&token, Timestamp::now()).await?;
    let session = row.ok_or(ApiError::NotSignedIn)?.session;
    // What was ended ends nothing else: an epoch need not have reached the row.
    app.epochs.admit(&session.bearer()).await?;
    Ok((session.user, session.id))
}
