//! `POST /api/auth/login`: name and password become a session and a token.
//!
//! The order matters: the throttles count an attempt before the password is looked at, the stamp of
//! the token is taken before it too, the audit row is written before the session begins, and an
//! unknown name costs as much time as a known one.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use warp::Filter;
use warp::reply::Response;

use crate::app::App;
use crate::error::{ApiError, ErrorBody};
use crate::handlers::endpoint::{Body, Route, body, client, endpoint, with};
use crate::model::{LoginRequest, LoginResponse};
use crate::peer::throttle_key;
use crate::store::attempts::Outcome;
use crate::store::users::username_key;

/// Longer names and passwords are nobody's.
const MAX_LENGTH: usize = 256;

pub(crate) fn route(app: &Arc<App>) -> Route {
    let path = warp::path!("api" / "auth" / "login").and(warp::post());
    let arguments = path.and(with(app)).and(client(app)).and(body());
    endpoint("/api/auth/login", arguments.then(login))
}

/// Sign in.
#[utoipa::path(
    post,
    path = "/api/auth/login",
    operation_id = "logIn",
    tag = "auth",
    request_body = LoginRequest,
    security(()),
    responses(
        (status = 200, description = "Signed in; also sets the cookie", body = LoginResponse),
        (status = 400, description = "The body is not understood", body = ErrorBody),
        (status = 401, description = "`InvalidCredentials`", body = ErrorBody),
        (status = 429, description = "`TooManyAttempts`; see `Retry-After`", body = ErrorBody),
        (status = 503, description = "A store does not answer", body = ErrorBody),
    )
)]
pub(crate) async fn login(
    app: Arc<App>,
    address: Option<IpAddr>,
    body: Body,
) -> Result<Response, ApiError> {
    let request: LoginRequest = body.json()?;
    check_lengths(&request)?;
    let identity = username_key(&request.username);
    let address_key = address.map(throttle_key);
    throttle(&app, &identity, address_key.as_deref())?;

    let issued = app.epochs.stamp().await?;
    let known = app.store.find_credentials(&request.username).await?;
    let hash = known.as_ref().map(|known| known.password_hash.as_str());
    let is_right = app.passwords.verify(&request.password, hash).await?;
    let address = address.map(|address| address.to_string());
    let user = known.map(|known| known.user);
    let Some(user) = user.clone().filter(|user| is_right && user.is_active) else {
        let name = user.as_ref().map(|user| user.username.as_str());
        app.store
            .record_attempt(name, address.as_deref(), Outcome::Refused)
            .await?;
        return Err(ApiError::InvalidCredentials);
    };

    app.identity_throttle.forget(&identity);
    if let Some(key) = &address_key {
        app.address_throttle.give_back(key);
    }
    app.store
        .record_attempt(Some(&user.username), address.as_deref(), Outcome::SignedIn)
        .await?;
    app.begin_session(user, issued, address).await
}

fn check_lengths(request: &LoginRequest) -> Result<(), ApiError> {
    for (field, value) in [
        ("username", request.username.trim()),
        ("password", request.password.as_str()),
    ] {
        if value.is_empty() || value.len() > MAX_LENGTH {
            let message = format!("Give a {field} of 1 to {MAX_LENGTH} characters.");
            return Err(ApiError::invalid("InvalidCredentialsForm", field, message));
        }
    }
    Ok(())
}

fn throttle(app: &App, identity: &str, address: Option<&str>) -> Result<(), ApiError> {
    let refused = |retry_after| ApiError::TooManyAttempts { retry_after };
    let now = Instant::now();
    if let Some(address) = address {
        app.address_throttle.take(address, now).map_err(refused)?;
    }
    app.identity_throttle.take(identity, now).map_err(refused)
}
