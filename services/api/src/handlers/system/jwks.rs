//! `GET /.well-known/jwks.json`: the keys that verify our access tokens (RFC 7517).

use std::sync::Arc;

use http::header::{CACHE_CONTROL, HeaderValue};
use warp::Filter;
use warp::reply::Response;

use crate::app::App;
use crate::error::ApiError;
use crate::handlers::endpoint::{Route, endpoint, json, with};

pub(crate) fn route(app: &Arc<App>) -> Route {
    let path = warp::path!(".well-known" / "jwks.json").and(warp::get());
    endpoint("/.well-known/jwks.json", path.and(with(app)).then(jwks))
}

/// The keys that verify access tokens, as a JSON Web Key Set.
#[utoipa::path(
    get,
    path = "/.well-known/jwks.json",
    operation_id = "getKeys",
    tag = "system",
    security(()),
    responses((status = 200, description = "Ed25519 public keys", body = Object))
)]
pub(crate) async fn jwks(app: Arc<App>) -> Result<Response, ApiError> {
    let mut response = json(&app.tokens.keys().jwks());
    // Short: while keys rotate, a verifier must see the new one before it signs.
    let brief = HeaderValue::from_static("public, max-age=60");
    response.headers_mut().insert(CACHE_CONTROL, brief);
    Ok(response)
}
