//! `GET /health`: whether the process answers. Dependencies are reported on the health port.

use warp::Filter;
use warp::reply::Response;

use crate::error::ApiError;
use crate::handlers::endpoint::{Route, endpoint, json};
use crate::model::Alive;

pub(crate) fn route() -> Route {
    let path = warp::path!("health").and(warp::get());
    endpoint("/health", path.then(health))
}

/// Whether the process answers.
#[utoipa::path(
    get,
    path = "/health",
    operation_id = "getHealth",
    tag = "system",
    security(()),
    responses((status = 200, description = "It does", body = Alive))
)]
pub(crate) async fn health() -> Result<Response, ApiError> {
    Ok(json(&Alive { status: "ok" }))
}
