//! `POST /api/auth/logout`: ends the session, so that its tokens are worth nothing everywhere.

use std::sync::Arc;

use http::HeaderMap;
use http::header::{HeaderValue, SET_COOKIE};
use warp::Filter;
use warp::reply::Response;

use crate::app::App;
use crate::error::{ApiError, ErrorBody};
use crate::handlers::endpoint::{Route, endpoint, headers, no_content, with};

pub(crate) fn route(app: &Arc<App>) -> Route {
    let path = warp::path!("api" / "auth" / "logout").and(warp::post());
    let arguments = path.and(with(app)).and(headers());
    endpoint("/api/auth/logout", arguments.then(logout))
}

/// Sign out. Succeeds also without a living session.
#[utoipa::path(
    post,
    path = "/api/auth/logout",
    operation_id = "logOut",
    tag = "auth",
    responses(
        (status = 204, description = "The session has ended"),
        (status = 503, description = "A store does not answer", body = ErrorBody),
    )
)]
pub(crate) async fn logout(app: Arc<App>, headers: HeaderMap) -> Result<Response, ApiError> {
    match app.authenticate(&headers).await {
        Ok(caller) => app.sessions.end(&caller.session).await?,
        Err(ApiError::NotSignedIn) => {}
        Err(error) => return Err(error),
    }
    let mut response = no_content();
    let cookie = HeaderValue::from_str(&app.cookie(None)).expect("prefixes are plain ASCII");
    response.headers_mut().insert(SET_COOKIE, cookie);
    Ok(response)
}
