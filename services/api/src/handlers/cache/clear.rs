//! `POST /api/cache/clear`: no process gives an answer any more that was read before.

use std::sync::Arc;

use http::HeaderMap;
use warp::Filter;
use warp::reply::Response;

use crate::access::CACHE_DELETE;
use crate::app::App;
use crate::auth::Caller;
use crate::cache::Cache;
use crate::error::{ApiError, ErrorBody};
use crate::handlers::endpoint::{Body, Route, body, endpoint, headers, json, with};
use crate::model::cache::{CacheCleared, ClearCache};
use crate::store::security_events::{SecurityEvent, Severity};

const PATH: &str = "/api/cache/clear";

pub(crate) fn route(app: &Arc<App>) -> Route {
    let path = warp::path!("api" / "cache" / "clear").and(warp::post());
    let arguments = path.and(with(app)).and(headers()).and(body());
    endpoint(PATH, arguments.then(clear))
}

/// Empty the caches of one report, or all of them, in every process.
#[utoipa::path(
    post,
    path = "/api/cache/clear",
    operation_id = "clearCache",
    tag = "administration",
    request_body = ClearCache,
    responses(
        (status = 200, description = "No process gives an answer any more that was read before", body = CacheCleared),
        (status = 400, description = "`InvalidBody`", body = ErrorBody),
        (status = 401, description = "`NotSignedIn`", body = ErrorBody),
        (status = 403, description = "`Forbidden`: needs `cache:delete`", body = ErrorBody),
        (status = 404, description = "`ReportUnknown`", body = ErrorBody),
        (status = 503, description = "`ChangeNotConfirmed`, or a store does not answer", body = ErrorBody),
    )
)]
pub(crate) async fn clear(
    app: Arc<App>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let caller = app.authorize(&headers, &CACHE_DELETE).await?;
    let asked: ClearCache = match body.is_empty() {
        true => ClearCache::default(),
        false => body.json()?,
    };
    let name = asked.report.as_deref();
    if let Some(name) = name {
        require(&app, &caller, name)?;
    }
    // Written down first: what cannot be is not done.
    app.store.log_security_event(&event(name)).await?;
    app.changed(vec![Cache::scope(name)]).await?;
    let keys = app.cache.sweep(name).await;
    let (name, by) = (name.unwrap_or("*"), caller.user.id);
    tracing::info!(name, keys, by, "caches were emptied");
    Ok(json(&CacheCleared { keys }))
}

/// A name that something is kept under.
fn require(app: &App, caller: &Caller, name: &str) -> Result<(), ApiError> {
    if Cache::is_own_name(name) {
        return Ok(());
    }
    app.catalogue.find(name, &caller.access).map(drop)
}

fn event(name: Option<&str>) -> SecurityEvent {
    let path = match name {
        Some(name) => format!("{PATH} {name}"),
        None => PATH.to_owned(),
    };
    SecurityEvent {
        path: Some(path),
        method: Some("POST".to_owned()),
        ..SecurityEvent::new("cache_cleared", Severity::Info)
    }
}
