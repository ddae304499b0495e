//! `GET /api/companies`: the companies of one server.

use std::sync::Arc;

use http::HeaderMap;
use warp::Filter;
use warp::reply::Response;

use crate::app::App;
use crate::error::{ApiError, ErrorBody};
use crate::handlers::endpoint::{Route, endpoint, headers, json, with};
use crate::model::{CompaniesQuery, Company};

pub(crate) fn route(app: &Arc<App>) -> Route {
    let path = warp::path!("api" / "companies").and(warp::get());
    let arguments = path.and(with(app)).and(headers()).and(warp::query());
    endpoint("/api/companies", arguments.then(list))
}

/// The companies of one server.
#[utoipa::path(
    get,
    path = "/api/companies",
    operation_id = "listCompanies",
    tag = "reports",
    params(CompaniesQuery),
    responses(
        (status = 200, description = "Ascending by name", body = Vec<Company>),
        (status = 401, description = "`NotSignedIn`", body = ErrorBody),
        (status = 403, description = "`Forbidden`: needs `reports:view`", body = ErrorBody),
        (status = 404, description = "`ServerUnknown`", body = ErrorBody),
        (status = 503, description = "`DatabaseUnavailable`", body = ErrorBody),
    )
)]
pub(crate) async fn list(
    app: Arc<App>,
    headers: HeaderMap,
    query: CompaniesQuery,
) -> Result<Response, ApiError> {
    let reading = app.reading(&headers, query.server.as_deref()).await?;
    Ok(json(&reading.companies().await?))
}
