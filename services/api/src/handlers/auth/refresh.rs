//! `POST /api/auth/refresh`, also `POST /api/token/refresh`: a refresh token becomes a new one and a new
//! access token.
//!
//! A browser sends it as a cookie and gets cookies; a program sends it in the body and gets a body. So
//! no script in a page ever sees one.

use std::net::IpAddr;
use std::sync::Arc;

use http::HeaderMap;
use reportapp_session::RefreshToken;
use warp::Filter;
use warp::reply::Response;

use crate::app::App;
use crate::cookies::{self, REFRESH};
use crate::error::{ApiError, ErrorBody};
use crate::handlers::endpoint::{Body, Route, body, client, endpoint, headers, with};
use crate::model::{LoginResponse, RefreshRequest};
use crate::sessions::{Delivery, Visitor};

pub(crate) fn route(app: &Arc<App>) -> Route {
    let path = warp::path!("api" / "auth" / "refresh").and(warp::post());
    let arguments = path.and(with(app)).and(client(app));
    let own = endpoint(
        "/api/auth/refresh",
        arguments.and(headers()).and(body()).then(refresh),
    );
    let path = warp::path!("api" / "token" / "refresh").and(warp::post());
    let arguments = path.and(with(app)).and(client(app));
    let original = endpoint(
        "/api/token/refresh",
        arguments.and(headers()).and(body()).then(refresh),
    );
    own.or(original).unify().boxed()
}

/// Go on with a session. The refresh token is replaced; presenting it again ends the session, but for
/// ten seconds in which an answer may have been lost. A browser sends the cookie `refresh_token` and the
/// header `x-csrf-token`, a program the body.
#[utoipa::path(
    post,
    path = "/api/auth/refresh",
    operation_id = "refreshSession",
    tag = "auth",
    request_body(content = Option<RefreshRequest>),
    security(()),
    responses(
        (status = 200, description = "Renewed; sets the cookies if a cookie was exchanged", body = LoginResponse),
        (status = 400, description = "The body is not understood", body = ErrorBody),
        (status = 401, description = "`NotSignedIn`: the session is over", body = ErrorBody),
        (status = 403, description = "`CsrfTokenInvalid`, `PasswordResetRequired`", body = ErrorBody),
        (status = 503, description = "A store, or the ERP server the user signed in at, does not answer, or too many exchange the same token; the token stays good", body = ErrorBody),
    )
)]
pub(crate) async fn refresh(
    app: Arc<App>,
    address: Option<IpAddr>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let outcome = exchange(&app, address, &headers, &body).await;
    match &outcome {
        Ok(_) => app.session_metrics.refreshed(true),
        Err(ApiError::NotSignedIn | ApiError::PasswordResetRequired) => {
            app.session_metrics.refreshed(false);
        }
        Err(_) => {}
    }
    outcome
}

async fn exchange(
    app: &App,
    address: Option<IpAddr>,
    headers: &HeaderMap,
    body: &Body,
) -> Result<Response, ApiError> {
    let visitor = Visitor::of(address, headers);
    let by_cookie = body.is_empty();
    let token = if by_cookie {
        cookies::read(headers, REFRESH).and_then(RefreshToken::read)
    } else {
        let request: RefreshRequest = body.json()?;
        RefreshToken::read(&request.refresh_token)
    };
    let token = token.ok_or(ApiError::NotSignedIn)?;
    let page = by_cookie.then_some(headers);
    let signed_in = app.refresh(&token, &visitor, page).await?;
    Ok(app.hand_over(
        signed_in,
        Delivery {
            cookies: by_cookie,
            access_in_body: !by_cookie,
            refresh_in_body: !by_cookie,
        },
    ))
}
