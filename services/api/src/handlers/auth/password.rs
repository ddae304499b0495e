//! `POST /api/auth/password`: a new password for oneself; every session of the user ends, and the
//! caller goes on in a new one.
//!
//! The caller's token cannot be spared: what spares it would also spare one that is just being made
//! for the old password. So this ends like a sign-in with the new password.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use http::HeaderMap;
use warp::Filter;
use warp::reply::Response;

use crate::app::App;
use crate::eligibility::Eligibility;
use crate::error::{ApiError, ErrorBody};
use crate::handlers::endpoint::{Body, Route, body, client, endpoint, headers, with};
use crate::handlers::rules::kept_by_erp;
use crate::model::{LoginResponse, PasswordRequest};
use crate::sessions::{Delivery, Visitor};
use crate::store::users::username_key;

const MIN_CHARACTERS: usize = 12;
const MAX_CHARACTERS: usize = 256;

pub(crate) fn route(app: &Arc<App>) -> Route {
    let path = warp::path!("api" / "auth" / "password").and(warp::post());
    let arguments = path.and(with(app)).and(client(app));
    let arguments = arguments.and(headers()).and(body());
    endpoint("/api/auth/password", arguments.then(change))
}

/// Change one's own password.
#[utoipa::path(
    post,
    path = "/api/auth/password",
    operation_id = "changePassword",
    tag = "auth",
    request_body = PasswordRequest,
    responses(
        (status = 200, description = "Changed; all sessions of the user have ended, and this is a new one. Also sets the cookie", body = LoginResponse),
        (status = 400, description = "`WrongPassword` or `InvalidPassword`", body = ErrorBody),
        (status = 401, description = "`NotSignedIn`", body = ErrorBody),
        (status = 409, description = "`ErpAccount`: an ERP server keeps the password", body = ErrorBody),
        (status = 429, description = "`TooManyAttempts`; see `Retry-After`", body = ErrorBody),
        (status = 503, description = "`SessionsNotEnded`: the password is changed, older sessions may go on; or a store does not answer", body = ErrorBody),
    )
)]
pub(crate) async fn change(
    app: Arc<App>,
    address: Option<IpAddr>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let caller = app.authenticate(&headers).await?;
    if let Some(erp) = &caller.user.erp {
        return Err(kept_by_erp(&erp.server));
    }
    let request: PasswordRequest = body.json()?;
    if request.new == request.current {
        return refuse("Choose a new password that differs from the present one.");
    }
    check_new(&request.new, &caller.user.username)?;
    // A bucket of the user's own: whoever guesses at the sign-in does not use it up.
    let bucket = &app.throttles.device;
    bucket
        .take(&caller.user.id, Instant::now())
        .map_err(|retry_after| ApiError::TooManyAttempts { retry_after })?;

    let hash = app.store.find_password_hash(&caller.user.id).await?;
    let hash = hash.ok_or(ApiError::NotSignedIn)?;
    if !app.passwords.verify(&request.current, Some(&hash)).await? {
        let message = "The present password is wrong; type it again.";
        return Err(ApiError::invalid("WrongPassword", "current", message));
    }
    bucket.forget(&caller.user.id);
    let new = app.passwords.hash(&request.new).await?;
    let replaced = app
        .store
        .replace_password_hash(&caller.user.id, &hash, &new);
    if !replaced.await? {
        let message = "The password was changed elsewhere in the meantime; sign in again.";
        return Err(ApiError::invalid("WrongPassword", "current", message));
    }
    tracing::info!(user = caller.user.id, "a user changed their password");
    let issued = app.end_all_sessions(&caller.user.id).await?;
    // Looked at after that, as a sign-in would: the password, and with it the right to a session, may
    // have been taken away again.
    let known = app.store.find_credentials(&caller.user.username).await?;
    let known = known.filter(|known| known.user.is_active && known.password_hash == new);
    let user = known.ok_or(ApiError::NotSignedIn)?.user;
    if Eligibility::of(&user) != Eligibility::Eligible {
        return Err(ApiError::NotSignedIn);
    }
    let visitor = Visitor::of(address, &headers);
    let signed_in = app.begin_session(user, issued, visitor).await?;
    Ok(app.hand_over(
        signed_in,
        Delivery {
            cookies: true,
            access_in_body: true,
            refresh_in_body: request.with_refresh_token,
        },
    ))
}

/// Refuses a password nobody should choose.
///
/// # Errors
/// `InvalidPassword`.
pub(crate) fn check_new(new: &str, username: &str) -> Result<(), ApiError> {
    let length = new.chars().count();
    if !(MIN_CHARACTERS..=MAX_CHARACTERS).contains(&length) {
        return refuse("Choose a new password of 12 to 256 characters.");
    }
    if username_key(new).contains(&username_key(username)) {
        return refuse("Choose a new password that does not contain your user name.");
    }
    Ok(())
}

fn refuse<T>(message: &str) -> Result<T, ApiError> {
    Err(ApiError::invalid("InvalidPassword", "new", message))
}
