//! `GET /api/security/cache`: how the process that answers remembers sessions, permissions and revocations.

use std::sync::Arc;

use http::HeaderMap;
use warp::Filter;
use warp::reply::Response;

use crate::access::SECURITY_VIEW;
use crate::app::App;
use crate::error::{ApiError, ErrorBody};
use crate::handlers::endpoint::{Route, endpoint, headers, json, with};
use crate::model::cache::SecurityCache;

pub(crate) fn route(app: &Arc<App>) -> Route {
    let path = warp::path!("api" / "security" / "cache").and(warp::get());
    let arguments = path.and(with(app)).and(headers());
    endpoint("/api/security/cache", arguments.then(show))
}

/// How the process that answers remembers sessions, permissions and revocations.
#[utoipa::path(
    get,
    path = "/api/security/cache",
    operation_id = "getSecurityCache",
    tag = "administration",
    responses(
        (status = 200, description = "Counted since the process started", body = SecurityCache),
        (status = 401, description = "`NotSignedIn`", body = ErrorBody),
        (status = 403, description = "`Forbidden`: needs `security:view`", body = ErrorBody),
        (status = 503, description = "A store does not answer", body = ErrorBody),
    )
)]
pub(crate) async fn show(app: Arc<App>, headers: HeaderMap) -> Result<Response, ApiError> {
    app.authorize(&headers, &SECURITY_VIEW).await?;
    Ok(json(&SecurityCache::of(&app).await))
}
