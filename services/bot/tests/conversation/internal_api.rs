//! A stand-in for the internal API: the contract's paths and codes over TLS, with one user, two
//! companies and a switch to make it fail.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rcgen::{CertifiedIssuer, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// Name in the certificate, which is not the host that is dialled.
pub const SERVER_NAME: &str = "reports-api-internal.reports.svc";
/// The token the bot must present.
pub const TOKEN: &str = "canary-internal-token";
/// The code that links a chat.
pub const CODE: &str = "AB12CD34";

/// What the stand-in remembers.
#[derive(Default)]
pub struct State {
    pub linked: Option<i64>,
    pub chosen: Option<Value>,
    pub is_down: bool,
    pub refuses_token: bool,
    /// The password of the user is kept by an ERP.
    pub is_of_erp: bool,
}

/// A running stand-in.
#[derive(Clone)]
pub struct InternalApi {
    pub address: SocketAddr,
    /// PEM of the authority.
    pub ca: String,
    pub state: Arc<Mutex<State>>,
}

impl InternalApi {
    pub async fn start() -> Self {
        let (ca, acceptor) = certificates();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (acceptor, shared) = (acceptor.clone(), Arc::clone(&shared));
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else {
                        return;
                    };
                    let service = service_fn(|request| answer(request, Arc::clone(&shared)));
                    let _peer_may_be_gone = http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Self { address, ca, state }
    }
}

fn certificates() -> (String, TlsAcceptor) {
    let mut authority = rcgen::CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec![SERVER_NAME.to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &authority).unwrap();
    let config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    (authority.pem(), TlsAcceptor::from(Arc::new(config)))
}

async fn answer(
    request: Request<Incoming>,
    state: Arc<Mutex<State>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let authorization = head.headers.get("authorization").unwrap().to_str().unwrap();
    let mut state = state.lock().unwrap();
    let (status, answer) = if authorization != format!("Bearer {TOKEN}") || state.refuses_token {
        refuse(401, "NotSignedIn")
    } else if state.is_down {
        refuse(503, "DatabaseUnavailable")
    } else {
        let path = head
            .uri
            .path()
            .strip_prefix("/api/telegram/internal/")
            .unwrap();
        route(&mut state, &head.method, path, &body)
    };
    let body = if answer.is_null() {
        Bytes::new()
    } else {
        Bytes::from(answer.to_string())
    };
    Ok(Response::builder()
        .status(status)
        .body(Full::new(body))
        .unwrap())
}

fn route(state: &mut State, method: &Method, path: &str, body: &Value) -> (u16, Value) {
    let segments: Vec<_> = path.split('/').collect();
    if (method, path) == (&Method::POST, "redeem") {
        if body["code"] != CODE || state.linked.is_some() {
            return refuse(404, "CodeUnknown");
        }
        state.linked = body["chatId"].as_i64();
        return (
            200,
            json!({"user": {"id": "u1", "displayName": "Ana <Pop>"}}),
        );
    }
    let chat: i64 = segments[1].parse().unwrap();
    if state.linked != Some(chat) {
        return refuse(404, "NotLinked");
    }
    match (method.as_str(), segments.get(2).copied()) {
        ("GET", None) => (
            200,
            json!({"user": {"displayName": "Ana"}, "server": "main"}),
        ),
        ("GET", Some("companies")) => (200, companies()),
        ("PUT", Some("company")) => {
            state.chosen = Some(body.clone());
            (204, Value::Null)
        }
        ("GET", Some("balance")) if state.chosen.is_none() => refuse(404, "CompanyNotChosen"),
        ("GET", Some("balance")) => (200, balance()),
        ("POST", Some("unlink")) => {
            state.linked = None;
            (204, Value::Null)
        }
        ("POST", Some("password-reset")) if state.is_of_erp => refuse(409, "ErpAccount"),
        ("POST", Some("password-reset")) => (
            200,
            json!({"code": "ABCDEF-234567", "username": "ana", "expiresAt": "2026-11-29T12:00:00Z"}),
        ),
        _ => panic!("{method} {path} is not in the contract"),
    }
}

fn refuse(status: u16, code: &str) -> (u16, Value) {
    (
        status,
        json!({"status": status, "code": code, "detail": "internal words, not for chats"}),
    )
}

fn companies() -> Value {
    let company = |id: &str, name: &str| json!({"server": "main", "id": id, "name": name, "taxId": "RO1", "currency": "RON"});
    json!([company("1", "Alfa SRL"), company("2", "Beta & Fiii SRL")])
}

fn balance() -> Value {
    json!({
        "company": {"id": "2", "name": "Beta & Fiii SRL", "taxId": "RO1", "currency": "RON"},
        "year": 2026, "month": 6,
        "totals": {"precdeb": "0.00"},
        "accounts": [
            {"cont": "5121", "denumire": "Conturi la bănci în lei",
             "solddeb": "1234567.50", "soldcred": "0.00"},
            {"cont": "5311", "denumire": null, "solddeb": "0.00", "soldcred": "67.50"},
        ],
    })
}
