//! `GET /api/tenants`: the tenants within reach.

use std::sync::Arc;

use http::HeaderMap;
use warp::Filter;
use warp::reply::Response;

use crate::access::TENANTS_VIEW;
use crate::app::App;
use crate::error::{ApiError, ErrorBody};
use crate::handlers::endpoint::{Route, endpoint, headers, json, with};
use crate::model::administration::{TenantList, TenantView};

pub(crate) fn route(app: &Arc<App>) -> Route {
    let path = warp::path!("api" / "tenants").and(warp::get());
    let arguments = path.and(with(app)).and(headers());
    endpoint("/api/tenants", arguments.then(list))
}

/// Tenants by name: all of them, or one's own.
#[utoipa::path(
    get,
    path = "/api/tenants",
    operation_id = "listTenants",
    tag = "administration",
    responses(
        (status = 200, description = "By name", body = TenantList),
        (status = 401, description = "`NotSignedIn`", body = ErrorBody),
        (status = 403, description = "`Forbidden`: needs `tenants:view`", body = ErrorBody),
        (status = 503, description = "A store does not answer", body = ErrorBody),
    )
)]
pub(crate) async fn list(app: Arc<App>, headers: HeaderMap) -> Result<Response, ApiError> {
    let caller = app.authorize(&headers, &TENANTS_VIEW).await?;
    let tenants = app.store.list_tenants(&caller.access.reach()).await?;
    Ok(json(&TenantList {
        tenants: tenants.into_iter().map(TenantView::from).collect(),
    }))
}
