//! Plain HTTP/1.1 around the two sides.

use std::convert::Infallible;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::error::ApiError;
use crate::state::FakeTelegram;
use crate::{control, methods};

/// Longest request body.
const MAX_BODY_BYTES: usize = 1024 * 1024;

/// Whose port it is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Side {
    /// The Bot API.
    Bot,
    /// The people.
    Control,
}

/// Accepts connections until dropped; dropping ends the connections too.
pub(crate) async fn run(listener: TcpListener, telegram: FakeTelegram, side: Side) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let telegram = telegram.clone();
                    connections.spawn(async move {
                        let service = service_fn(|request| answer(request, telegram.clone(), side));
                        let served =
                            http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                        if let Err(error) = served.await {
                            tracing::debug!(%error, "a connection broke");
                        }
                    });
                }
                Err(error) => tracing::warn!(%error, "failed to accept a connection"),
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn answer(
    request: Request<Incoming>,
    telegram: FakeTelegram,
    side: Side,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, MAX_BODY_BYTES).collect().await else {
        return Ok(failure(&ApiError::new(413, "Request Entity Too Large")));
    };
    let body = body.to_bytes();
    let path = head.uri.path();
    if matches!(side, Side::Control) {
        let path = path.strip_prefix("/control/").unwrap_or_default();
        let query = head.uri.query().unwrap_or_default();
        return Ok(match control::call(&telegram, path, query, &body).await {
            Ok(value) => respond(200, &value),
            Err((code, error)) => respond(code, &json!({"error": error})),
        });
    }
    Ok(match bot_call(&telegram, path, &body).await {
        Ok(result) => respond(200, &json!({"ok": true, "result": result})),
        Err(error) => failure(&error),
    })
}

async fn bot_call(telegram: &FakeTelegram, path: &str, body: &[u8]) -> Result<Value, ApiError> {
    let called = path
        .strip_prefix("/bot")
        .and_then(|rest| rest.split_once('/'));
    let Some((token, method)) = called else {
        return Err(ApiError::new(404, "Not Found"));
    };
    // A token that cannot be one is not looked up at all.
    let is_token = token.split_once(':').is_some_and(|(id, secret)| {
        !secret.is_empty() && !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit())
    });
    if !is_token {
        return Err(ApiError::new(404, "Not Found"));
    }
    if telegram.lock().token != token {
        return Err(ApiError::new(401, "Unauthorized"));
    }
    let parameters = if body.is_empty() {
        json!({})
    } else {
        serde_json::from_slice(body)
            .map_err(|_| ApiError::bad_request("can't parse request body as JSON object"))?
    };
    methods::call(telegram, method, &parameters).await
}

fn failure(error: &ApiError) -> Response<Full<Bytes>> {
    let mut body = json!({"ok": false, "error_code": error.code, "description": error.description});
    if let Some(seconds) = error.retry_after {
        body["parameters"] = json!({"retry_after": seconds});
    }
    respond(error.code, &body)
}

fn respond(code: u16, body: &Value) -> Response<Full<Bytes>> {
    Response::builder()
        .status(code)
        .header(CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from(body.to_string())))
        .expect("status codes here are valid")
}
