//! `GET /api/openapi.json`: this API, described.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use warp::Filter;
use warp::reply::Response;

use crate::error::ApiError;
use crate::handlers::endpoint::{Route, endpoint};

pub(crate) fn route() -> Route {
    let document = Bytes::from(crate::openapi::document());
    let path = warp::path!("api" / "openapi.json").and(warp::get());
    let arguments = path.map(move || document.clone());
    endpoint("/api/openapi.json", arguments.then(openapi))
}

/// This description.
#[utoipa::path(
    get,
    path = "/api/openapi.json",
    operation_id = "getOpenApi",
    tag = "system",
    security(()),
    responses((status = 200, description = "OpenAPI 3.1", body = Object))
)]
pub(crate) async fn openapi(document: Bytes) -> Result<Response, ApiError> {
    let mut response = Response::new(document.into());
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    Ok(response)
}
