//! `GET /api/cache/stats`: what the process that answers keeps, and how often that helped.

use std::sync::Arc;

use http::HeaderMap;
use warp::Filter;
use warp::reply::Response;

use crate::access::CACHE_VIEW;
use crate::app::App;
use crate::error::{ApiError, ErrorBody};
use crate::handlers::endpoint::{Route, endpoint, headers, json, with};
use crate::model::cache::CacheStats;

pub(crate) fn route(app: &Arc<App>) -> Route {
    let path = warp::path!("api" / "cache" / "stats").and(warp::get());
    let arguments = path.and(with(app)).and(headers());
    endpoint("/api/cache/stats", arguments.then(show))
}

/// What the process that answers keeps of the ERP's answers, and how often that helped.
#[utoipa::path(
    get,
    path = "/api/cache/stats",
    operation_id = "getCacheStats",
    tag = "administration",
    responses(
        (status = 200, description = "Counted since the process started", body = CacheStats),
        (status = 401, description = "`NotSignedIn`", body = ErrorBody),
        (status = 403, description = "`Forbidden`: needs `cache:view`", body = ErrorBody),
        (status = 503, description = "A store does not answer", body = ErrorBody),
    )
)]
pub(crate) async fn show(app: Arc<App>, headers: HeaderMap) -> Result<Response, ApiError> {
    app.authorize(&headers, &CACHE_VIEW).await?;
    Ok(json(&CacheStats::of(&app)))
}
