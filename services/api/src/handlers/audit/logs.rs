//! `GET /api/audit/logs`: who changed what, page by page.

use std::sync::Arc;

use http::HeaderMap;
use warp::Filter;
use warp::reply::Response;

use super::AUDIT_VIEW;
use crate::app::App;
use crate::audit::view::{AuditPage, AuditQuery};
use crate::error::{ApiError, ErrorBody};
use crate::handlers::endpoint::{Route, endpoint, headers, json, with};

pub(crate) fn route(app: &Arc<App>) -> Route {
    let path = warp::path!("api" / "audit" / "logs").and(warp::get());
    let arguments = path.and(with(app)).and(headers()).and(warp::query());
    endpoint("/api/audit/logs", arguments.then(list))
}

/// Changes of users, tenants, roles and sessions, with what differs.
#[utoipa::path(
    get,
    path = "/api/audit/logs",
    operation_id = "listAuditLogs",
    tag = "administration",
    params(AuditQuery),
    responses(
        (status = 200, description = "Newest first", body = AuditPage),
        (status = 400, description = "`InvalidMoment` or `InvalidLimit`", body = ErrorBody),
        (status = 401, description = "`NotSignedIn`", body = ErrorBody),
        (status = 403, description = "`Forbidden`: needs `audit:view`", body = ErrorBody),
        (status = 503, description = "A store does not answer", body = ErrorBody),
    )
)]
pub(crate) async fn list(
    app: Arc<App>,
    headers: HeaderMap,
    query: AuditQuery,
) -> Result<Response, ApiError> {
    app.authorize(&headers, &AUDIT_VIEW).await?;
    let (filter, page) = (query.filter()?, query.page()?);
    // One more tells whether there is a next page.
    let rows = app.store.audit_rows(&filter, page + 1).await?;
    Ok(json(&AuditPage::new(rows, page)?))
}
