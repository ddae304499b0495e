//! What every request goes through, whatever its route.
//!
//! In order: the path prefix is taken off, requests that another site or page made a browser send are
//! refused, the body is taken in, the request is let in or turned away ([`crate::admission`]), the router
//! answers within a deadline, which holds for its statements too, and in a context of its own, a panic becomes
//! a 500, refusals are written down, the answer is tagged and compressed ([`crate::delivery`]), the request id
//! and the security headers are set, the answer is counted, and its body is watched over on its way out.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use http::header::{HeaderName, HeaderValue, LOCATION};
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use http_body_util::Full;
use reportapp_session::Context as Acting;
use tokio::time::Instant;
use tower::ServiceExt;
use tracing::Instrument;
use warp::reply::Reply;

use crate::admission::{Class, Permit};
use crate::app::App;
use crate::csrf;
use crate::delivery::{self, Client};
use crate::error::ApiError;
use crate::handlers::endpoint::{Route, RouteName};
use crate::peer::{PeerAddr, client_address};
use crate::refusals::{Asked, Notes};
use crate::request_id::{self, REQUEST_ID};
use crate::store::context;

mod incoming;
mod outgoing;

pub(crate) use outgoing::STALL;
pub use outgoing::{AnswerBody, Broken};

/// From the head of a request to the head of its answer; longer than any statement of a page may run. The body of
/// an export has a limit of its own ([`crate::exports`]).
const DEADLINE: Duration = Duration::from_secs(60);
const API_POLICY: &str = "default-src 'none'; frame-ancestors 'none'";

/// A router with everything around it; cheap to clone.
#[derive(Clone)]
pub struct AppService {
    app: Arc<App>,
    routes: Route,
    notes: Arc<Notes>,
    /// Whether all that comes is from our own services, and always let in.
    is_essential: bool,
}

impl AppService {
    /// For everybody: each request has the class of who waits for it.
    pub(crate) fn new(app: &Arc<App>, routes: Route) -> Self {
        Self {
            app: Arc::clone(app),
            routes,
            notes: Arc::default(),
            is_essential: false,
        }
    }

    /// For our own services, whose requests are always let in.
    pub(crate) fn essential(app: &Arc<App>, routes: Route) -> Self {
        Self {
            is_essential: true,
            ..Self::new(app, routes)
        }
    }

    async fn answer<B>(self, mut request: Request<B>) -> Response<AnswerBody>
    where
        B: hyper::body::Body + Send + Sync + 'static,
        B::Data: Send,
    {
        let _in_flight = self.app.metrics.begin();
        let begun = Instant::now();
        let deadline = begun + DEADLINE;
        let method = request.method().clone();
        let client = Client::of(&request);
        let id = request_id::of(request.headers());
        let span = tracing::info_span!("request", id = id.as_str(), %method);
        let answer = async {
            match enter(&mut request, &self.app.path_prefix) {
                Entry::Redirect(to) => redirect(&to).into(),
                Entry::Refused(error) => error.into(),
                Entry::Accepted => match self.check_csrf(&request) {
                    Ok(()) => self.answer_in_context(request, &id, deadline).await,
                    Err(error) => error.into(),
                },
            }
        };
        let answer = request_id::scope(id.clone(), answer.instrument(span));
        let Answer { response, permit } = answer.await;
        let response = delivery::deliver(&client, response).await;
        let mut response = outgoing::watch(response, permit);
        let route = response.extensions().get::<RouteName>();
        let route = route.map_or("unmatched", |RouteName(template)| template);
        self.app
            .metrics
            .observe(route, &method, response.status(), begun.elapsed());
        let headers = response.headers_mut();
        set_security_headers(headers, self.app.secure);
        let id = HeaderValue::from_str(&id).expect("request ids are checked or our own");
        headers.insert(REQUEST_ID, id);
        response
    }

    /// For whom the request asks the store, before anybody is identified.
    fn context<B>(&self, request: &Request<B>, id: &str) -> Acting {
        let peer = request.extensions().get::<PeerAddr>();
        let address = peer.map(|PeerAddr(peer)| {
            client_address(*peer, request.headers(), &self.app.trusted_proxies).to_string()
        });
        Acting {
            sight: context::sight_of(request.uri().path()),
            user: None,
            service: context::SERVICE,
            request: Some(id.to_owned()),
            address,
        }
    }

    /// Answers, and writes a refusal down that a security lead wants to see.
    async fn answer_in_context<B>(&self, request: Request<B>, id: &str, deadline: Instant) -> Answer
    where
        B: hyper::body::Body + Send + Sync + 'static,
        B::Data: Send,
    {
        let context = self.context(&request, id);
        let asked = Asked::of(&request);
        // Boxed, as what they call is large: each scope around it would need as much of the stack again.
        let answer = Box::pin(async {
            let answer = Box::pin(self.admit(request, deadline)).await;
            let answer = answer.unwrap_or_else(Answer::from);
            if let Some(event) = asked.event(answer.response.status()) {
                Box::pin(self.notes.write(&self.app.store, &event)).await;
            }
            answer
        });
        reportapp_pool::within(deadline, context::scope(context, answer)).await
    }

    /// Takes the request in, and lets it in.
    async fn admit<B>(&self, request: Request<B>, deadline: Instant) -> Result<Answer, ApiError>
    where
        B: hyper::body::Body + Send + Sync + 'static,
        B::Data: Send,
    {
        let class = if self.is_essential {
            Class::Essential
        } else {
            Class::of(&request)
        };
        let request = incoming::receive(request).await?;
        let mut permit: Permit = self.app.admission.enter(class).await?;
        let response = Box::pin(self.route(request, deadline)).await;
        permit.answered(response.status());
        Ok(Answer {
            response,
            permit: Some(permit),
        })
    }

    fn check_csrf<B>(&self, request: &Request<B>) -> Result<(), ApiError> {
        let (method, path) = (request.method(), request.uri().path());
        csrf::check(&self.app, method, path, request.headers())
    }

    async fn route(
        &self,
        mut request: Request<Full<Bytes>>,
        deadline: Instant,
    ) -> warp::reply::Response {
        if request.method() == Method::HEAD {
            // The same answer; its body is left out on its way.
            *request.method_mut() = Method::GET;
        }
        let answer = warp::service(self.routes.clone()).oneshot(request);
        let answer = AssertUnwindSafe(answer).catch_unwind();
        match tokio::time::timeout_at(deadline, answer).await {
            Ok(Ok(Ok(response))) => response,
            Ok(Ok(Err(never))) => match never {},
            Ok(Err(_panic)) => ApiError::Internal("a handler panicked").into_response(),
            Err(_elapsed) => ApiError::DeadlineExceeded.into_response(),
        }
    }
}

impl<B> tower::Service<Request<B>> for AppService
where
    B: hyper::body::Body + Send + Sync + 'static,
    B::Data: Send,
{
    type Response = Response<AnswerBody>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        self.clone().answer(request).map(Ok).boxed()
    }
}

/// What was answered, and the permit under which it was worked on.
struct Answer {
    response: warp::reply::Response,
    permit: Option<Permit>,
}

impl From<warp::reply::Response> for Answer {
    fn from(response: warp::reply::Response) -> Self {
        Self {
            response,
            permit: None,
        }
    }
}

impl From<ApiError> for Answer {
    fn from(error: ApiError) -> Self {
        error.into_response().into()
    }
}

enum Entry {
    Accepted,
    Redirect(String),
    Refused(ApiError),
}

/// Decides whether a request enters, and makes its path relative to the prefix. A proxy may take
/// the prefix off or leave it; both work.
fn enter<B>(request: &mut Request<B>, prefix: &str) -> Entry {
    if is_cross_origin(request.method(), request.headers()) {
        return Entry::Refused(ApiError::CrossOrigin);
    }
    let bare = prefix.trim_end_matches('/');
    if bare.is_empty() {
        return Entry::Accepted;
    }
    match request.uri().path().strip_prefix(bare) {
        Some("") => Entry::Redirect(prefix.to_owned()),
        Some(rest) if rest.starts_with('/') => {
            let query = request.uri().query();
            let query = query.map(|query| format!("?{query}")).unwrap_or_default();
            if let Ok(uri) = format!("{rest}{query}").parse::<Uri>() {
                *request.uri_mut() = uri;
            }
            Entry::Accepted
        }
        _ => Entry::Accepted,
    }
}

/// Browsers say where a request comes from; programs do not.
fn is_cross_origin(method: &Method, headers: &HeaderMap) -> bool {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return false;
    }
    let site = headers.get("sec-fetch-site");
    site.is_some_and(|site| site != "same-origin" && site != "none")
}

fn redirect(to: &str) -> warp::reply::Response {
    let mut response = StatusCode::PERMANENT_REDIRECT.into_response();
    let to = HeaderValue::from_str(to).expect("prefixes are plain ASCII");
    response.headers_mut().insert(LOCATION, to);
    response
}

fn set_security_headers(headers: &mut HeaderMap, secure: bool) {
    let mut set = |name: &'static str, value: &'static str| {
        let name = HeaderName::from_static(name);
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    };
    set("x-content-type-options", "nosniff");
    set("x-frame-options", "DENY");
    set("referrer-policy", "same-origin");
    set("cross-origin-opener-policy", "same-origin");
    set("cross-origin-resource-policy", "same-origin");
    set(
        "permissions-policy",
        "camera=(), geolocation=(), microphone=()",
    );
    if secure {
        set("strict-transport-security", "max-age=31536000");
    }
    set("cache-control", "no-store");
    set("content-security-policy", API_POLICY);
}
