//! `GET /api/audit/summary`: how much was changed.

use std::sync::Arc;

use http::HeaderMap;
use warp::Filter;
use warp::reply::Response;

use super::AUDIT_VIEW;
use crate::app::App;
use crate::audit::view::{AuditQuery, AuditSummary, AuditTotal};
use crate::error::{ApiError, ErrorBody};
use crate::handlers::endpoint::{Route, endpoint, headers, json, with};

pub(crate) fn route(app: &Arc<App>) -> Route {
    let path = warp::path!("api" / "audit" / "summary").and(warp::get());
    let arguments = path.and(with(app)).and(headers()).and(warp::query());
    endpoint("/api/audit/summary", arguments.then(show))
}

/// How often each table was changed, by kind of change.
#[utoipa::path(
    get,
    path = "/api/audit/summary",
    operation_id = "getAuditSummary",
    tag = "administration",
    params(AuditQuery),
    responses(
        (status = 200, description = "By table; `before` and `limit` say nothing here", body = AuditSummary),
        (status = 400, description = "`InvalidMoment` or `InvalidLimit`", body = ErrorBody),
        (status = 401, description = "`NotSignedIn`", body = ErrorBody),
        (status = 403, description = "`Forbidden`: needs `audit:view`", body = ErrorBody),
        (status = 503, description = "A store does not answer", body = ErrorBody),
    )
)]
pub(crate) async fn show(
    app: Arc<App>,
    headers: HeaderMap,
    query: AuditQuery,
) -> Result<Response, ApiError> {
    app.authorize(&headers, &AUDIT_VIEW).await?;
    let counts = app.store.audit_counts(&query.filter()?).await?;
    Ok(json(&AuditSummary {
        tables: counts.into_iter().map(AuditTotal::from).collect(),
    }))
}
