//! A way to the API server on which every second change fails, each time in another way, or on which
//! one object cannot be read, or which ends at a chosen change.
//!
//! ```text
//! operator ── http, loopback ──> FaultyWay ── the operator's own login ──> API server
//!                                   └ 409 · 429 · 500 · carried out, but the answer is lost · silence
//! ```

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;

/// How a change fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// Somebody else changed the object meanwhile.
    Conflict,
    /// Too much is asked at once.
    TooManyRequests,
    /// The API server fails.
    Internal,
    /// It is carried out, and nobody learns of it.
    LostAnswer,
}

impl Fault {
    /// Every kind, in the order they happen.
    pub const ALL: [Self; 4] = [
        Self::Conflict,
        Self::TooManyRequests,
        Self::Internal,
        Self::LostAnswer,
    ];

    /// What the API server answers instead of doing what it was asked.
    fn refusal(self) -> Option<(StatusCode, &'static str)> {
        match self {
            Self::Conflict => Some((StatusCode::CONFLICT, "Conflict")),
            Self::TooManyRequests => Some((StatusCode::TOO_MANY_REQUESTS, "TooManyRequests")),
            Self::Internal => Some((StatusCode::INTERNAL_SERVER_ERROR, "InternalError")),
            Self::LostAnswer => None,
        }
    }
}

/// The way; it is closed when this is dropped.
pub struct FaultyWay {
    kubeconfig: PathBuf,
    way: Arc<Way>,
    _connections: JoinSet<()>,
}

struct Way {
    client: kube::Client,
    fails: AtomicBool,
    /// The path that cannot be read, and the answer instead.
    withheld: Mutex<Option<(String, StatusCode)>>,
    seen: Mutex<Seen>,
    /// Told when the way has ended.
    ended: Notify,
}

#[derive(Default)]
struct Seen {
    /// Changes asked for, by method and path.
    asked: HashMap<String, usize>,
    /// Changes that failed, by kind.
    failed: BTreeMap<Fault, usize>,
    /// The last change to come.
    last: Option<Last>,
    /// Whether nothing is answered any more.
    is_silent: bool,
}

/// The last change on a way.
#[derive(Clone, Copy)]
struct Last {
    /// Changes before it.
    left: usize,
    /// Whether it is carried out.
    is_done: bool,
}

impl FaultyWay {
    /// Opens a way for the login of `kubeconfig`, on which nothing fails yet.
    ///
    /// # Errors
    /// When the login cannot be used or no port is free.
    pub async fn open(kubeconfig: &Path) -> Result<Self> {
        let config = Kubeconfig::read_from(kubeconfig)?;
        let options = KubeConfigOptions::default();
        let config = kube::Config::from_custom_kubeconfig(config, &options).await?;
        let way = Arc::new(Way {
            client: kube::Client::try_from(config)?,
            fails: AtomicBool::new(false),
            withheld: Mutex::default(),
            seen: Mutex::default(),
            ended: Notify::new(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let own = kubeconfig.with_extension("faulty.kubeconfig");
        write_kubeconfig(&own, listener.local_addr()?)?;
        let mut connections = JoinSet::new();
        connections.spawn(serve(listener, Arc::clone(&way)));
        Ok(Self {
            kubeconfig: own,
            way,
            _connections: connections,
        })
    }

    /// A kubeconfig that leads here.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// From now on changes fail, or no more.
    pub fn fails(&self, fails: bool) {
        self.way.fails.store(fails, Ordering::Relaxed);
    }

    /// From now on reading `path` is answered with `code`.
    pub fn withhold(&self, path: &str, code: StatusCode) {
        *self.way.withheld() = Some((path.to_owned(), code));
    }

    /// From now on everything can be read.
    pub fn withhold_nothing(&self) {
        *self.way.withheld() = None;
    }

    /// From now on changes are counted, and after so many others one is the last: it is carried out or not,
    /// and nothing is answered any more. To the other side that is its own death, once it is killed.
    pub fn ends_after(&self, others: usize, is_done: bool) {
        let mut seen = self.way.seen();
        let left = others;
        seen.last = Some(Last { left, is_done });
        seen.is_silent = false;
    }

    /// Returns when the last change has come.
    pub async fn ended(&self) {
        self.way.ended.notified().await;
    }

    /// How many changes failed so far, by kind.
    pub fn failed(&self) -> BTreeMap<Fault, usize> {
        self.way.seen().failed.clone()
    }
}

impl Way {
    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn withheld(&self) -> std::sync::MutexGuard<'_, Option<(String, StatusCode)>> {
        self.withheld.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer to a read that must not succeed.
    fn denial(&self, method: &Method, path: &str) -> Option<StatusCode> {
        let withheld = self.withheld();
        let (of, code) = withheld.as_ref().filter(|_| method == Method::GET)?;
        (of == path).then_some(*code)
    }

    /// Whether it is the last change, and then whether it is carried out. The ReportApp is told of a rotation
    /// beside it, at any time.
    fn last(&self, method: &Method, path: &str) -> Option<bool> {
        if !is_change(method, path) || path.contains("/reportapps") {
            return None;
        }
        let mut seen = self.seen();
        let last = seen.last.as_mut()?;
        if last.left > 0 {
            last.left -= 1;
            return None;
        }
        let is_done = last.is_done;
        seen.last = None;
        seen.is_silent = true;
        Some(is_done)
    }

    async fn silence<T>(&self) -> T {
        self.ended.notify_one();
        std::future::pending().await
    }

    /// How this request fails, if it does.
    fn fault(&self, method: &Method, path: &str) -> Option<Fault> {
        if !is_change(method, path) || !self.fails.load(Ordering::Relaxed) {
            return None;
        }
        let mut seen = self.seen();
        let asked = seen.asked.entry(format!("{method} {path}")).or_default();
        *asked += 1;
        if asked.is_multiple_of(2) {
            return None;
        }
        let so_far: usize = seen.failed.values().sum();
        let fault = Fault::ALL[so_far % Fault::ALL.len()];
        *seen.failed.entry(fault).or_default() += 1;
        Some(fault)
    }

    /// # Errors
    /// When the answer is to be lost, or there is none.
    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Body>> {
        let (method, path) = (request.method(), request.uri().path());
        if self.seen().is_silent {
            return std::future::pending().await;
        }
        let last = self.last(method, path);
        if last == Some(false) {
            return self.silence().await;
        }
        if let Some(code) = self.denial(method, path) {
            return refuse(code, code.canonical_reason().unwrap_or_default());
        }
        let fault = self.fault(method, path);
        if let Some((code, reason)) = fault.and_then(Fault::refusal) {
            return refuse(code, reason);
        }
        let (mut parts, body) = request.into_parts();
        parts.headers.remove(header::HOST);
        let body = body.collect().await?.to_bytes();
        let request = Request::from_parts(parts, Body::from(body));
        let answer = self.client.send(request).await?;
        if last.is_some() {
            answer.into_body().collect().await?;
            return self.silence().await;
        }
        if fault == Some(Fault::LostAnswer) {
            answer.into_body().collect().await?;
            anyhow::bail!("the answer is lost");
        }
        Ok(answer)
    }
}

/// Leadership and events are not what is tested.
fn is_change(method: &Method, path: &str) -> bool {
    let aside = path.contains("/leases") || path.contains("/events");
    method != Method::GET && !aside
}

fn refuse(code: StatusCode, reason: &str) -> Result<Response<Body>> {
    let status = json!({
        "apiVersion": "v1", "kind": "Status", "metadata": {}, "status": "Failure",
        "message": "refused by the test", "reason": reason, "code": code.as_u16(),
    });
    Response::builder()
        .status(code)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::RETRY_AFTER, "1")
        .body(Body::from(status.to_string().into_bytes()))
        .context("a constant answer is well-formed")
}

async fn serve(listener: TcpListener, way: Arc<Way>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(converse(stream, Arc::clone(&way)));
    }
}

async fn converse(stream: TcpStream, way: Arc<Way>) {
    let service = service_fn(|request| way.answer(request));
    let connection = hyper::server::conn::http1::Builder::new();
    // An answer that is lost ends the connection, which is what the other side sees of it.
    let _ = { connection }
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

fn write_kubeconfig(path: &Path, server: SocketAddr) -> Result<()> {
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "way",
        "clusters": [{ "name": "way", "cluster": { "server": format!("http://{server}") } }],
        "users": [{ "name": "way", "user": {} }],
        "contexts": [{ "name": "way", "context": { "cluster": "way", "user": "way" } }],
    });
    std::fs::write(path, config.to_string())
        .with_context(|| format!("failed to write {}", path.display()))
}
