//! Takes in the body of a request before anything is decided about it.
//!
//! A body is small, and slow only when its sender is. Read first, it holds neither a place among the requests
//! being worked on nor a connection to a database while it trickles in.

use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Body;

use crate::error::ApiError;
use crate::handlers::endpoint::MAX_BODY_BYTES;

/// Enough for the largest body over a poor mobile line.
const BODY_TIMEOUT: Duration = Duration::from_secs(20);

/// Reads the body of a request that announces one of a size we take; the routes refuse any other by its
/// headers and need not see it.
///
/// # Errors
/// 408 for a body that does not arrive in time, 400 for one that ends early.
pub(super) async fn receive<B: Body>(
    request: Request<B>,
) -> Result<Request<Full<Bytes>>, ApiError> {
    let (head, body) = request.into_parts();
    let length = head.headers.get(CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    let refused = |status, message| ApiError::BodyRefused { status, message };
    let bytes = if length.is_some_and(|length| (1..=MAX_BODY_BYTES).contains(&length)) {
        // Not longer than announced: the protocol sees to that.
        let whole = tokio::time::timeout(BODY_TIMEOUT, body.collect()).await;
        let late = "The request body did not arrive within 20 seconds; send it again.";
        let whole = whole.map_err(|_| refused(StatusCode::REQUEST_TIMEOUT, late))?;
        let cut = "The request body ended early; send it again.";
        let whole = whole.map_err(|_| refused(StatusCode::BAD_REQUEST, cut))?;
        whole.to_bytes()
    } else {
        Bytes::new()
    };
    Ok(Request::from_parts(head, Full::new(bytes)))
}
