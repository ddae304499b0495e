//! `GET /api/permissions`: what the caller may do.

use std::sync::Arc;

use http::HeaderMap;
use warp::Filter;
use warp::reply::Response;

use crate::app::App;
use crate::error::{ApiError, ErrorBody};
use crate::handlers::endpoint::{Route, endpoint, headers, json, with};
use crate::model::administration::{OwnPermissions, written};

pub(crate) fn route(app: &Arc<App>) -> Route {
    let path = warp::path!("api" / "permissions").and(warp::get());
    let arguments = path.and(with(app)).and(headers());
    endpoint("/api/permissions", arguments.then(list))
}

/// What the caller may do.
#[utoipa::path(
    get,
    path = "/api/permissions",
    operation_id = "listOwnPermissions",
    tag = "administration",
    responses(
        (status = 200, description = "Wildcards stand for every route or action", body = OwnPermissions),
        (status = 401, description = "`NotSignedIn`", body = ErrorBody),
        (status = 503, description = "A store does not answer", body = ErrorBody),
    )
)]
pub(crate) async fn list(app: Arc<App>, headers: HeaderMap) -> Result<Response, ApiError> {
    let caller = app.authenticate(&headers).await?;
    Ok(json(&OwnPermissions {
        user_type: caller.user.kind.into(),
        tenant: caller.user.tenant,
        level: caller.access.level(),
        permissions: written(&caller.access.effective()),
    }))
}
