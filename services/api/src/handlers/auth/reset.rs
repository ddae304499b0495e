//! `POST /api/auth/password/reset`: a one-time code and a new password, for whoever cannot or may not
//! use the present one.
//!
//! A wrong name, a wrong code and a used one are the same answer after the same work, and guesses are
//! counted as those at a password. It begins no session: whoever holds the code shows at the sign-in
//! that they know the password too.

use std::net::IpAddr;
use std::sync::Arc;

use http::HeaderMap;
use jiff::Timestamp;
use warp::Filter;
use warp::reply::Response;

use super::password::check_new;
use crate::app::App;
use crate::error::{ApiError, ErrorBody};
use crate::handlers::endpoint::{Body, Route, body, client, endpoint, headers, no_content, with};
use crate::model::ResetRequest;

/// Longer names and codes are nobody's.
const MAX_LENGTH: usize = 256;

pub(crate) fn route(app: &Arc<App>) -> Route {
    let path = warp::path!("api" / "auth" / "password" / "reset").and(warp::post());
    let arguments = path.and(with(app)).and(client(app));
    let arguments = arguments.and(headers()).and(body());
    endpoint("/api/auth/password/reset", arguments.then(reset))
}

/// Choose a new password with a one-time code. All sessions of the user end.
#[utoipa::path(
    post,
    path = "/api/auth/password/reset",
    operation_id = "resetPassword",
    tag = "auth",
    request_body = ResetRequest,
    security(()),
    responses(
        (status = 204, description = "The password is changed, and the code used up; sign in with it"),
        (status = 400, description = "`ResetRefused`: name or code is wrong, or the code is no longer good; `InvalidPassword`", body = ErrorBody),
        (status = 429, description = "`TooManyAttempts`; see `Retry-After`", body = ErrorBody),
        (status = 503, description = "`SessionsNotEnded`: the password is changed, older sessions may go on; or a store does not answer", body = ErrorBody),
    )
)]
pub(crate) async fn reset(
    app: Arc<App>,
    address: Option<IpAddr>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let request: ResetRequest = body.json()?;
    if request.username.len() > MAX_LENGTH || request.code.len() > MAX_LENGTH {
        return Err(refused());
    }
    check_new(&request.new, &request.username)?;
    let guess = app
        .count_guess(&request.username, address, &headers)
        .await?;
    let hash = app.passwords.hash(&request.new).await?;
    let ResetRequest { username, code, .. } = &request;
    let now = Timestamp::now();
    let changed = app.store.reset_password(username, code, &hash, now).await?;
    let user = changed.ok_or_else(refused)?;
    app.guessed_right(&guess);
    tracing::info!(user, "a password was reset with a one-time code");
    app.end_all_sessions(&user).await?;
    Ok(no_content())
}

fn refused() -> ApiError {
    let message = "The user name or the code is wrong, or the code was used or has expired; get a new \
                   code from an administrator or from the bot.";
    ApiError::invalid("ResetRefused", "code", message)
}
