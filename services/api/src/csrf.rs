//! A browser sends cookies along by itself, also with a request that another page made it send. So what
//! changes something under a cookie must show that a page of ours sent it: the header `x-csrf-token`
//! with what the readable cookie of that name holds, which another site can neither read nor guess.
//!
//! The token is an HMAC bound to the session and stands in the signed access token too, so a cookie
//! that a neighbour under the same domain planted does not help. Requests with a bearer token need
//! none: no browser sends that by itself. Where a request comes from is checked besides; see
//! [`crate::service`].

use http::{HeaderMap, Method};
use jiff::Timestamp;

use crate::app::App;
use crate::auth::bearer;
use crate::cookies::{self, ACCESS};
use crate::error::ApiError;

/// Carries the token of a page.
pub const HEADER: &str = "x-csrf-token";

/// What is asked for by a name and a secret, or checked where it is answered.
const ANSWERED_WITHOUT_ACCESS: [&str; 5] = [
    "/api/auth/check-identity",
    "/api/auth/login",
    "/api/auth/password/reset",
    "/api/auth/refresh",
    "/api/token/refresh",
];

/// Refuses a request that changes something under a cookie without the token of its session.
///
/// # Errors
/// [`ApiError::CsrfRefused`].
pub(crate) fn check(
    app: &App,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
) -> Result<(), ApiError> {
    let changes_nothing = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    if changes_nothing || bearer(headers).is_some() || ANSWERED_WITHOUT_ACCESS.contains(&path) {
        return Ok(());
    }
    let claims = cookies::read(headers, ACCESS)
        .and_then(|token| app.tokens.verify(token, Timestamp::now()).ok());
    match claims {
        Some(claims) => matches(headers, claims.csrf.as_deref()),
        // Nothing is done under it either.
        None => Ok(()),
    }
}

/// Refuses a request without the token that is expected of it.
///
/// # Errors
/// [`ApiError::CsrfRefused`].
pub(crate) fn matches(headers: &HeaderMap, expected: Option<&str>) -> Result<(), ApiError> {
    let presented = headers.get(HEADER).map(http::HeaderValue::as_bytes);
    let equal = presented
        .zip(expected)
        .is_some_and(|(presented, expected)| {
            aws_lc_rs::constant_time::verify_slices_are_equal(presented, expected.as_bytes())
                .is_ok()
        });
    if equal {
        Ok(())
    } else {
        Err(ApiError::CsrfRefused)
    }
}
