//! `GET /api/users/{userId}`: one user within reach.

use std::sync::Arc;

use http::HeaderMap;
use warp::Filter;
use warp::reply::Response;

use super::reached;
use crate::access::USERS_VIEW;
use crate::app::App;
use crate::error::{ApiError, ErrorBody};
use crate::handlers::endpoint::{Route, endpoint, headers, json, with};
use crate::model::administration::AccountView;

pub(crate) fn route(app: &Arc<App>) -> Route {
    let path = warp::path!("api" / "users" / String).and(warp::get());
    let arguments = path.and(with(app)).and(headers());
    endpoint("/api/users/{userId}", arguments.then(show))
}

/// One user.
#[utoipa::path(
    get,
    path = "/api/users/{userId}",
    operation_id = "getUser",
    tag = "administration",
    params(("userId" = String, Path, description = "Id of the user")),
    responses(
        (status = 200, description = "The user", body = AccountView),
        (status = 401, description = "`NotSignedIn`", body = ErrorBody),
        (status = 403, description = "`Forbidden`: needs `users:view`", body = ErrorBody),
        (status = 404, description = "`UserUnknown`", body = ErrorBody),
        (status = 503, description = "A store does not answer", body = ErrorBody),
    )
)]
pub(crate) async fn show(
    id: String,
    app: Arc<App>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let caller = app.authorize(&headers, &USERS_VIEW).await?;
    let account = reached(&app, &caller.access, &id).await?;
    Ok(json(&AccountView::from(account)))
}
