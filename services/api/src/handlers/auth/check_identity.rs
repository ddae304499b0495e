//! `POST /api/auth/check-identity`: where somebody may sign in, before they give a password.
//!
//! The answer is the same for every name, so it tells nothing about who exists; what a browser remembers of
//! its owner's choice is its own.

use std::sync::Arc;

use warp::Filter;
use warp::reply::Response;

use super::login::check_length;
use crate::app::App;
use crate::error::{ApiError, ErrorBody};
use crate::handlers::endpoint::{Body, Route, body, endpoint, json, with};
use crate::model::{IdentityRequest, SignInServers};

pub(crate) fn route(app: &Arc<App>) -> Route {
    let path = warp::path!("api" / "auth" / "check-identity").and(warp::post());
    let arguments = path.and(with(app)).and(body());
    endpoint("/api/auth/check-identity", arguments.then(check))
}

/// Where somebody may sign in. Whether anybody has the name is not told.
#[utoipa::path(
    post,
    path = "/api/auth/check-identity",
    operation_id = "checkIdentity",
    tag = "auth",
    request_body = IdentityRequest,
    security(()),
    responses(
        (status = 200, description = "The ERP servers that check passwords themselves, then the accounts of the application", body = SignInServers),
        (status = 400, description = "`InvalidCredentialsForm`, or the body is not understood", body = ErrorBody),
    )
)]
pub(crate) async fn check(app: Arc<App>, body: Body) -> Result<Response, ApiError> {
    let request: IdentityRequest = body.json()?;
    check_length("username", request.username.trim())?;
    Ok(json(&SignInServers {
        servers: app.ways(),
    }))
}
