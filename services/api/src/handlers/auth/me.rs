//! `GET /api/auth/me`: who is signed in.

use std::sync::Arc;

use http::HeaderMap;
use warp::Filter;
use warp::reply::Response;

use crate::app::App;
use crate::error::{ApiError, ErrorBody};
use crate::handlers::endpoint::{Route, endpoint, headers, json, with};
use crate::model::UserView;

pub(crate) fn route(app: &Arc<App>) -> Route {
    let path = warp::path!("api" / "auth" / "me").and(warp::get());
    let arguments = path.and(with(app)).and(headers());
    endpoint("/api/auth/me", arguments.then(me))
}

/// Who is signed in.
#[utoipa::path(
    get,
    path = "/api/auth/me",
    operation_id = "getMe",
    tag = "auth",
    responses(
        (status = 200, description = "The user", body = UserView),
        (status = 401, description = "`NotSignedIn`", body = ErrorBody),
        (status = 503, description = "A store does not answer", body = ErrorBody),
    )
)]
pub(crate) async fn me(app: Arc<App>, headers: HeaderMap) -> Result<Response, ApiError> {
    let caller = app.authenticate(&headers).await?;
    Ok(json(&UserView::from(caller.user)))
}
