//! `POST /api/auth/login`: name and password become a session and its tokens, here or at an ERP server.
//!
//! The order matters: the guess is counted before the password is looked at, the stamp of the tokens is
//! taken before it too, the audit row is written before the session begins, and an unknown name costs as
//! much time as a known one.

use std::net::IpAddr;
use std::sync::Arc;

use http::HeaderMap;
use warp::Filter;
use warp::reply::Response;

use crate::app::App;
use crate::eligibility::Eligibility;
use crate::error::{ApiError, ErrorBody};
use crate::handlers::endpoint::{Body, Route, body, client, endpoint, headers, with};
use crate::model::{LoginRequest, LoginResponse};
use crate::sessions::{Delivery, Visitor};
use crate::sign_in::{Judged, Way};
use crate::store::User;
use crate::store::attempts::{Attempt, Outcome};

/// Longer names and passwords are nobody's.
const MAX_LENGTH: usize = 256;

pub(crate) fn route(app: &Arc<App>) -> Route {
    let path = warp::path!("api" / "auth" / "login").and(warp::post());
    let arguments = path.and(with(app)).and(client(app));
    let arguments = arguments.and(headers()).and(body());
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
        (status = 200, description = "Signed in; also sets the cookies", body = LoginResponse),
        (status = 400, description = "The body is not understood", body = ErrorBody),
        (status = 401, description = "`InvalidCredentials`", body = ErrorBody),
        (status = 403, description = "`PasswordResetRequired`: the password is right and has to be replaced", body = ErrorBody),
        (status = 404, description = "`ServerUnknown`", body = ErrorBody),
        (status = 409, description = "`Taken`: an account of the application has the name under which one of an ERP would be known", body = ErrorBody),
        (status = 429, description = "`TooManyAttempts`; see `Retry-After`", body = ErrorBody),
        (status = 503, description = "A store does not answer; `DatabaseUnavailable` or `ErpSignInUnavailable` of an ERP", body = ErrorBody),
    )
)]
pub(crate) async fn login(
    app: Arc<App>,
    address: Option<IpAddr>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let request: LoginRequest = body.json()?;
    check_lengths(&request)?;
    let LoginRequest {
        username, password, ..
    } = &request;
    let way = app.way(request.server.as_deref())?;
    let guess = app
        .count_guess(&way.identity(username), address, &headers)
        .await?;
    let visitor = Visitor::of(address, &headers);

    let issued = app.epochs.stamp().await?;
    let Judged {
        user,
        is_right,
        hash,
    } = match way {
        Way::Store => app.judge_here(username, password).await?,
        Way::Erp(server) => {
            app.judge_there(server, (username, password), &guess)
                .await?
        }
    };
    let verdict = match &user {
        Some(user) if is_right => Eligibility::of(user),
        _ => Eligibility::Locked,
    };
    record(&app, user.as_ref(), &visitor, verdict).await?;
    match verdict {
        Eligibility::Eligible => {}
        Eligibility::MustReset => return Err(ApiError::PasswordResetRequired),
        Eligibility::Locked => return Err(ApiError::InvalidCredentials),
    }
    let user = user.ok_or(ApiError::InvalidCredentials)?;
    app.guessed_right(&guess);
    let id = user.id.clone();
    let signed_in = app.begin_session(user, issued, visitor).await?;
    if let Some(hash) = hash {
        app.rehash(&id, &request.password, &hash).await;
    }
    let mut response = app.hand_over(
        signed_in,
        Delivery {
            cookies: true,
            access_in_body: true,
            refresh_in_body: request.with_refresh_token,
        },
    );
    // A program that keeps a refresh token of its own is no browser.
    if !request.with_refresh_token {
        app.remember_device(&guess, &id, response.headers_mut())
            .await?;
    }
    Ok(response)
}

async fn record(
    app: &App,
    user: Option<&User>,
    visitor: &Visitor,
    verdict: Eligibility,
) -> Result<(), ApiError> {
    let attempt = Attempt {
        known: user.map(|user| (user.id.as_str(), user.username.as_str())),
        address: visitor.address.as_deref(),
        user_agent: visitor.user_agent.as_deref(),
        outcome: match verdict {
            Eligibility::Eligible => Outcome::SignedIn,
            Eligibility::MustReset => Outcome::ResetRequired,
            Eligibility::Locked => Outcome::Refused,
        },
    };
    Ok(app.store.record_attempt(&attempt).await?)
}

fn check_lengths(request: &LoginRequest) -> Result<(), ApiError> {
    check_length("username", request.username.trim())?;
    check_length("password", &request.password)
}

/// Refuses what can be nobody's name or password.
///
/// # Errors
/// `InvalidCredentialsForm`.
pub(crate) fn check_length(field: &'static str, value: &str) -> Result<(), ApiError> {
    // No text of a database holds a zero, so nobody's name or password does.
    if value.is_empty() || value.len() > MAX_LENGTH || value.contains('\0') {
        let message = format!("Give a {field} of 1 to {MAX_LENGTH} characters.");
        return Err(ApiError::invalid("InvalidCredentialsForm", field, message));
    }
    Ok(())
}
