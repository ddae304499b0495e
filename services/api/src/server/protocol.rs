//! One connection: HTTP/1 or HTTP/2, from its first byte to its graceful end.
//!
//! HTTP/2 can announce an end without losing anything (GOAWAY, then PING, then the last stream: RFC 9113,
//! section 6.8), so that happens as soon as the end is near. HTTP/1 cannot: closing an idle connection races with the
//! next request on it. There the next answer asks for it, and only what is idle at the very end is closed.
//!
//! hyper closes a connection at once when it is told to end before the first byte arrived. A client
//! that has just connected would lose its request, so such a connection is given a moment first.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use http::header::{CONNECTION, HeaderValue};
use http::{Request, Response, Version};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::Service;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::End;
use super::paced::{Paced, Turn};
use crate::peer::PeerAddr;
use crate::service::{AnswerBody, AppService};

/// Also the longest a kept-alive HTTP/1 connection may be idle. Longer than the 60 s after which
/// common proxies close theirs, so that it is the client who closes and no request meets a closing
/// connection. A head that has begun has less time, see [`super::paced`].
const HEADER_TIMEOUT: Duration = Duration::from_secs(65);
const HTTP2_PING_EVERY: Duration = Duration::from_secs(20);
const HTTP2_PING_TIMEOUT: Duration = Duration::from_secs(10);
const HTTP2_MAX_STREAMS: u32 = 128;
/// How long a client that has connected may take to send its first request when we end.
const FIRST_REQUEST_GRACE: Duration = Duration::from_secs(1);

/// The application as one connection sees it.
#[derive(Clone)]
pub(super) struct ConnectionService {
    service: AppService,
    peer: SocketAddr,
    end: End,
    /// Cancelled by the first request.
    asked: CancellationToken,
    turn: Arc<Turn>,
}

impl ConnectionService {
    pub(super) fn new(service: AppService, peer: SocketAddr, end: End) -> Self {
        Self {
            service,
            peer,
            end,
            asked: CancellationToken::new(),
            turn: Arc::default(),
        }
    }
}

impl Service<Request<Incoming>> for ConnectionService {
    type Response = Response<AnswerBody>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        self.asked.cancel();
        request.extensions_mut().insert(PeerAddr(self.peer));
        let is_http1 = request.version() < Version::HTTP_2;
        let end = self.end.clone();
        let answer = self.service.clone().oneshot(request);
        let ours = self.turn.begin();
        let close_in_time = move |response: &mut Response<AnswerBody>| {
            drop(ours);
            if is_http1 && end.lame_duck.is_cancelled() {
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(CONNECTION, close);
            }
        };
        answer
            .map(move |response| {
                response.map(|mut response| {
                    close_in_time(&mut response);
                    response
                })
            })
            .boxed()
    }
}

pub(super) async fn http1<S>(stream: S, service: ConnectionService)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let stream = Paced::new(stream, Some(Arc::clone(&service.turn)));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service.clone());
    let end = service.end.stop.clone();
    run(connection, &service, &end).await;
}

pub(super) async fn http2<S>(stream: S, service: ConnectionService)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let stream = Paced::new(stream, None);
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(HTTP2_PING_EVERY)
        .keep_alive_timeout(HTTP2_PING_TIMEOUT)
        .max_concurrent_streams(HTTP2_MAX_STREAMS)
        .serve_connection(TokioIo::new(stream), service.clone());
    let end = service.end.lame_duck.clone();
    run(connection, &service, &end).await;
}

/// Drives a connection to its end, which comes from the peer, or gracefully from us after `end`. Errors are
/// the peer's: nothing a person could act on.
async fn run(
    connection: impl GracefulConnection,
    service: &ConnectionService,
    end: &CancellationToken,
) {
    let mut connection = pin!(connection);
    if finishes(connection.as_mut(), end.cancelled()).await {
        return;
    }
    let first_request = tokio::time::timeout(FIRST_REQUEST_GRACE, service.asked.cancelled());
    if finishes(connection.as_mut(), first_request).await {
        return;
    }
    connection.as_mut().graceful_shutdown();
    let _broken_by_the_peer = connection.await;
}

/// Drives a connection until `other` happens; `true` if the connection finished first.
async fn finishes<C: GracefulConnection>(
    connection: Pin<&mut C>,
    other: impl Future<Output: Sized>,
) -> bool {
    tokio::select! {
        _broken_by_the_peer = connection => true,
        _ = other => false,
    }
}
