//! The health port: `/livez`, `/readyz`, `/status` and `/metrics` over plain HTTP.
//!
//! It runs on the service's own runtime, so a runtime that is stuck fails its liveness probe by
//! not answering. It keeps answering while the service drains and ends with the process.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus::{Encoder, TextEncoder};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;

use crate::health::Health;

/// Probes and scrapes are few; more than this is an error or an attack.
const MAX_CONNECTIONS: usize = 64;
/// A peer that sends no request for this long is dropped.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// Pause after a failed `accept`, which mostly means that file descriptors ran out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The health port could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("failed to listen on {address} for health and metrics")]
pub struct BindError {
    address: SocketAddr,
    source: io::Error,
}

/// A bound health port.
#[derive(Debug)]
pub struct HealthServer {
    listener: TcpListener,
    health: Health,
}

impl HealthServer {
    /// Binds the health port.
    ///
    /// # Errors
    /// [`BindError`] when the address is in use or not ours.
    pub async fn bind(address: SocketAddr, health: Health) -> Result<Self, BindError> {
        let listener = TcpListener::bind(address)
            .await
            .map_err(|source| BindError { address, source })?;
        if let Ok(address) = listener.local_addr() {
            tracing::info!(%address, "health port bound");
        }
        Ok(Self { listener, health })
    }

    /// The bound address, for a port chosen by the system.
    ///
    /// # Errors
    /// Whatever the system says about the socket.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until the task is aborted or the process ends.
    pub fn spawn(self) -> JoinHandle<()> {
        tokio::spawn(self.run())
    }

    async fn run(self) {
        let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        loop {
            let slot = Arc::clone(&slots)
                .acquire_owned()
                .await
                .expect("the semaphore lives as long as this loop and is never closed");
            match self.listener.accept().await {
                Ok((stream, _peer)) => {
                    tokio::spawn(serve(stream, self.health.clone(), slot));
                }
                Err(error) => {
                    tracing::warn!(%error, "failed to accept a connection on the health port");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

async fn serve(stream: TcpStream, health: Health, _slot: OwnedSemaphorePermit) {
    let service = service_fn(|request| {
        let response = answer(&request, &health);
        async move { Ok::<_, Infallible>(response) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection to the health port broke");
    }
}

fn answer<B>(request: &Request<B>, health: &Health) -> Response<Full<Bytes>> {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        let mut response = text(
            StatusCode::METHOD_NOT_ALLOWED,
            "only GET is answered here\n",
        );
        response
            .headers_mut()
            .insert(ALLOW, http::HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    match request.uri().path() {
        "/livez" | "/healthz" => live(health),
        "/readyz" => ready(health),
        "/status" => status(health),
        "/metrics" => metrics(health),
        _ => text(
            StatusCode::NOT_FOUND,
            "try /livez, /readyz, /status or /metrics\n",
        ),
    }
}

fn live(health: &Health) -> Response<Full<Bytes>> {
    let overdue = health.overdue();
    if overdue.is_empty() {
        return text(StatusCode::OK, "ok\n");
    }
    text(
        StatusCode::SERVICE_UNAVAILABLE,
        format!("stuck: {}\n", overdue.join(", ")),
    )
}

fn ready(health: &Health) -> Response<Full<Bytes>> {
    if health.is_ready() {
        return text(StatusCode::OK, "ok\n");
    }
    let why = if health.is_draining() {
        "draining\n"
    } else {
        "not ready, see /status\n"
    };
    text(StatusCode::SERVICE_UNAVAILABLE, why)
}

fn status(health: &Health) -> Response<Full<Bytes>> {
    match serde_json::to_vec(&health.status()) {
        Ok(json) => respond(StatusCode::OK, "application/json", json),
        Err(error) => {
            tracing::error!(%error, "failed to write the status report");
            text(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the status report could not be written\n",
            )
        }
    }
}

fn metrics(health: &Health) -> Response<Full<Bytes>> {
    let encoder = TextEncoder::new();
    let mut body = Vec::with_capacity(8 * 1024);
    match encoder.encode(&health.registry().gather(), &mut body) {
        Ok(()) => respond(StatusCode::OK, encoder.format_type(), body),
        Err(error) => {
            tracing::error!(%error, "failed to write the metrics");
            text(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the metrics could not be written\n",
            )
        }
    }
}

fn text(status: StatusCode, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    respond(status, "text/plain; charset=utf-8", body)
}

fn respond(status: StatusCode, kind: &str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    Response::builder()
        .status(status)
        .header(CONTENT_TYPE, kind)
        .header(CACHE_CONTROL, "no-store")
        .body(Full::new(body.into()))
        .expect("status and headers are valid constants")
}

#[cfg(test)]
mod tests;
