//! What all endpoints have in common: shared state, JSON bodies, and the way to a response.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{AGE, CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, HeaderName, StatusCode};
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use warp::filters::BoxedFilter;
use warp::reply::{Reply, Response};
use warp::{Filter, Rejection};

use crate::app::App;
use crate::delivery::Tagged;
use crate::error::ApiError;
use crate::model::figures::Dated;
use crate::peer::{PeerAddr, client_address};
use crate::reports::asked::Asked;

/// A filter that answers one method of one path.
pub(crate) type Route = BoxedFilter<(Response,)>;

/// The template of the path that answered, for metrics; an extension of the response.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RouteName(pub(crate) &'static str);

/// Where figures were found: `database`, `memory` or `redis`.
const FOUND_IN: HeaderName = HeaderName::from_static("x-cache");

/// No request of ours is larger.
pub(crate) const MAX_BODY_BYTES: u64 = 64 * 1024;

/// Makes the result of a handler the answer of the path `template`.
pub(crate) fn endpoint<F, R>(template: &'static str, filter: F) -> Route
where
    F: Filter<Extract = (Result<R, ApiError>,), Error = Rejection> + Clone + Send + Sync + 'static,
    R: Reply,
{
    filter
        .map(move |result: Result<R, ApiError>| {
            let mut response = match result {
                Ok(reply) => reply.into_response(),
                Err(error) => error.into_response(),
            };
            response.extensions_mut().insert(RouteName(template));
            response
        })
        .boxed()
}

/// Hands the shared state to a handler.
pub(crate) fn with(
    app: &Arc<App>,
) -> impl Filter<Extract = (Arc<App>,), Error = Infallible> + Clone + use<> {
    let app = Arc::clone(app);
    warp::any().map(move || Arc::clone(&app))
}

/// Hands the headers to a handler.
pub(crate) fn headers() -> impl Filter<Extract = (HeaderMap,), Error = Infallible> + Copy {
    warp::header::headers_cloned()
}

/// Hands the parameters of the address to a handler, also those that are repeated.
pub(crate) fn asked() -> impl Filter<Extract = (Asked,), Error = Rejection> + Copy {
    warp::query::<Vec<(String, String)>>().map(Asked::new)
}

/// Hands the client's address to a handler.
pub(crate) fn client(
    app: &Arc<App>,
) -> impl Filter<Extract = (Option<IpAddr>,), Error = Infallible> + Clone + use<> {
    with(app)
        .and(warp::ext::optional::<PeerAddr>())
        .and(headers())
        .map(
            |app: Arc<App>, peer: Option<PeerAddr>, headers: HeaderMap| {
                peer.map(|PeerAddr(peer)| client_address(peer, &headers, &app.trusted_proxies))
            },
        )
}

/// A request body, not yet understood.
pub(crate) struct Body {
    bytes: Bytes,
    is_json: bool,
}

/// Reads a body of at most 64 KiB.
pub(crate) fn body() -> impl Filter<Extract = (Body,), Error = Rejection> + Copy {
    warp::body::content_length_limit(MAX_BODY_BYTES)
        .and(headers())
        .and(warp::body::bytes())
        .map(|headers: HeaderMap, bytes| Body {
            bytes,
            is_json: is_json(&headers),
        })
}

impl Body {
    /// Whether nothing was sent.
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Reads the body as JSON.
    ///
    /// # Errors
    /// 415 for another content type, 400 naming what is missing.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        if !self.is_json {
            return Err(ApiError::BodyRefused {
                status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
                message: "Send the request as JSON with `Content-Type: application/json`.",
            });
        }
        serde_json::from_slice(&self.bytes).map_err(|error| ApiError::Invalid {
            code: "InvalidBody",
            field: None,
            message: format!(
                "The request body is not what this address expects: {}.",
                say(&error)
            ),
        })
    }
}

/// The reason without any value of the body: it may be a password.
fn say(error: &serde_json::Error) -> String {
    let text = error.to_string();
    if text.starts_with("missing field") {
        let name = text.split('`').nth(1).unwrap_or_default();
        return format!("the field `{name}` is missing");
    }
    format!("look at line {}, column {}", error.line(), error.column())
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let media_type = value.and_then(|value| value.split(';').next());
    media_type.is_some_and(|found| found.trim().eq_ignore_ascii_case("application/json"))
}

/// JSON with status 200.
pub(crate) fn json<T: Serialize>(value: &T) -> Response {
    warp::reply::json(value).into_response()
}

/// Figures, with status 200: how old they are and where they were found, and a client that has them
/// already is told so ([`crate::delivery`]).
pub(crate) fn report<T: Serialize + Dated>(answer: &T) -> Response {
    let mut response = json(answer);
    let found = answer.found();
    let age = Timestamp::now().duration_since(found.read_at).as_secs();
    let headers = response.headers_mut();
    headers.insert(AGE, HeaderValue::from(age.max(0)));
    let origin = HeaderValue::from_static(found.origin.as_str());
    headers.insert(FOUND_IN, origin);
    response.extensions_mut().insert(Tagged);
    response
}

/// Status 204.
pub(crate) fn no_content() -> Response {
    StatusCode::NO_CONTENT.into_response()
}
