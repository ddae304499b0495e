//! Fixtures shared by the tests of this crate: a whole application on SQLite, asked in process.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use jiff::Timestamp;
use jiff::civil::date;
use reportapp_pool::Pool;
use reportapp_sample_erp::ledger::{Account, Company, Posting};
use reportapp_sample_erp::{Ledger, load};
use reportapp_session::access::UserKind;
use reportapp_session::store::Answer as Promise;
use reportapp_session::{MemoryStore, RefreshToken, Session, SessionStore};
use reportapp_telemetry::Health;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt;

use crate::app::{App, InternalToken};
use crate::demo;
use crate::erp::Server;
use crate::peer::PeerAddr;
use crate::router;
use crate::service::{AnswerBody, AppService};
use crate::store::SessionRow;
use crate::store::roles::READER;
use crate::store::users::NewUser;
use crate::web::WebUi;

/// Passwords and tokens that must never appear in an answer to somebody else's question.
pub(crate) const PASSWORD: &str = "canary-user-password";
pub(crate) const BOT_TOKEN: &str = "canary-internal-token";

/// An empty SQLite database in a folder of its own.
pub(crate) async fn sqlite_pool() -> (TempDir, Pool) {
    let folder = tempfile::tempdir().unwrap();
    let pool = open(&folder.path().join("test.sqlite"), false).await;
    (folder, pool)
}

pub(crate) async fn open(path: &Path, read_only: bool) -> Pool {
    let config = demo::sqlite(path, read_only);
    Pool::open("test", &config).await.unwrap()
}

/// An application with one user `ana` and the server `demo`.
pub(crate) struct TestApp {
    pub(crate) app: Arc<App>,
    pub(crate) health: Health,
    public: AppService,
    internal: AppService,
    folder: TempDir,
}

/// Records of sessions in a store that is never told of an end, as a Redis that lost its last writes:
/// whatever is refused is refused by the epochs.
#[derive(Default)]
pub(crate) struct Untold(MemoryStore);

impl SessionStore for Untold {
    fn begin<'a>(&'a self, session: &'a Session) -> Promise<'a, ()> {
        self.0.begin(session)
    }
    fn find<'a>(&'a self, id: &'a str) -> Promise<'a, Option<Session>> {
        self.0.find(id)
    }
    fn end<'a>(&'a self, _: &'a Session) -> Promise<'a, ()> {
        Box::pin(std::future::ready(Ok(())))
    }
    fn list<'a>(&'a self, user: &'a str) -> Promise<'a, Vec<Session>> {
        self.0.list(user)
    }
    fn end_others<'a>(&'a self, _: &'a str, _: Option<&'a str>) -> Promise<'a, usize> {
        Box::pin(std::future::ready(Ok(0)))
    }
    fn probe(&self) -> Promise<'_, ()> {
        self.0.probe()
    }
}

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// The body; empty if it is no text.
    pub(crate) text: String,
    pub(crate) bytes: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }

    /// What a refusal says, without the id of its request.
    pub(crate) fn refusal(&self) -> Value {
        let mut problem = self.json();
        problem["requestId"].take();
        problem
    }

    /// The value of a cookie the answer sets.
    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        let set = self.headers.get_all("set-cookie").iter();
        let pairs = set.filter_map(|cookie| cookie.to_str().ok()?.split(';').next());
        let mut pairs = pairs.filter_map(|pair| pair.split_once('='));
        pairs
            .find(|(found, _)| *found == name)
            .map(|(_, value)| value.to_owned())
    }

    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or("none").to_owned()
    }
}

impl TestApp {
    /// The application with a ledger of a few postings.
    pub(crate) async fn start() -> Self {
        Self::with(small_ledger(), |_| {}).await
    }

    /// The application with this ledger, changed before it is used.
    pub(crate) async fn with(ledger: Ledger, change: impl FnOnce(&mut App)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let erp = open(&folder.path().join("erp.sqlite"), false).await;
        load(&erp, &Arc::new(ledger)).await.unwrap();
        let health = Health::new("test", "0");
        let store = folder.path().join("store.sqlite");
        let mut app = demo::build(
            &health,
            &store,
            Server::new(demo::SERVER, erp),
            WebUi::default(),
        )
        .await
        .unwrap();
        app.internal_token = Some(InternalToken::new(BOT_TOKEN.into()));
        let user = NewUser {
            username: "Ana".to_owned(),
            name: "Ana Pop".to_owned(),
            email: None,
            password_hash: app.passwords.hash(PASSWORD).await.unwrap(),
            kind: UserKind::User,
            tenant: None,
            roles: vec![READER.to_owned()],
            must_change_password: true,
        };
        assert!(app.store.create_first_user(&user).await.unwrap());
        change(&mut app);
        let app = Arc::new(app);
        Self {
            public: router::public(&app),
            internal: router::internal(&app),
            app,
            health,
            folder,
        }
    }

    pub(crate) async fn call(&self, request: Request<Full<Bytes>>) -> Answer {
        ask(&self.public, request).await
    }

    /// Another way into the store of this application.
    pub(crate) async fn store_pool(&self) -> Pool {
        open(&self.folder.path().join("store.sqlite"), false).await
    }

    /// The answer to a question, whose body is not read yet.
    pub(crate) async fn begin(&self, token: &str, path: &str) -> Response<AnswerBody> {
        let mut request = request("GET", path, None);
        let token = format!("Bearer {token}").parse().unwrap();
        request.headers_mut().insert("authorization", token);
        self.public.clone().oneshot(request).await.unwrap()
    }

    /// Asks the internal listener as the bot.
    pub(crate) async fn bot(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let mut request = request(method, path, body);
        let token = format!("Bearer {BOT_TOKEN}").parse().unwrap();
        request.headers_mut().insert("authorization", token);
        ask(&self.internal, request).await
    }

    pub(crate) async fn bot_as(&self, token: &str, path: &str) -> Answer {
        self.bot_ask_as(token, "GET", path).await
    }

    /// Asks the internal listener with another token than the bot's.
    pub(crate) async fn bot_ask_as(&self, token: &str, method: &str, path: &str) -> Answer {
        let mut request = request(method, path, None);
        let token = format!("Bearer {token}").parse().unwrap();
        request.headers_mut().insert("authorization", token);
        ask(&self.internal, request).await
    }

    pub(crate) async fn log_in(&self, username: &str, password: &str) -> Answer {
        let body = json!({"username": username, "password": password});
        self.call(request("POST", "/api/auth/login", Some(body)))
            .await
    }

    /// Signs Ana in and returns her token.
    pub(crate) async fn token(&self) -> String {
        let answer = self.log_in("ana", PASSWORD).await;
        answer.json()["accessToken"].as_str().unwrap().to_owned()
    }

    /// One more user, who has no password; gives the id.
    pub(crate) async fn join(
        &self,
        name: &str,
        kind: UserKind,
        tenant: Option<&str>,
        role: Option<&str>,
    ) -> String {
        let user = NewUser {
            username: name.to_owned(),
            name: name.to_owned(),
            email: None,
            password_hash: "-".to_owned(),
            kind,
            tenant: tenant.map(str::to_owned),
            roles: role.into_iter().map(str::to_owned).collect(),
            must_change_password: false,
        };
        let mut work = self.app.store.administer().await.unwrap();
        let id = work.create_user(&user, "test").await.unwrap();
        work.commit().await.unwrap();
        id
    }

    /// A new session of a user, as if they had signed in.
    pub(crate) async fn session_of(&self, id: &str) -> Session {
        let issued = self.app.epochs.stamp().await.unwrap();
        let user = self.app.store.find_user(id).await.unwrap();
        let tenant = user.and_then(|user| user.tenant);
        let life = Duration::from_secs(600);
        let session = Session::begin(id, issued, None, life, Timestamp::now()).within(tenant);
        let row = SessionRow::begin(session, &RefreshToken::begin(), None);
        self.app.store.insert_session(&row).await.unwrap();
        row.session
    }

    /// The token of a new session of a user.
    pub(crate) async fn token_of(&self, id: &str) -> String {
        let session = self.session_of(id).await;
        let token = self.app.tokens.issue(&session.bearer(), Timestamp::now());
        token.value
    }

    /// Statements typed into the database by somebody else.
    pub(crate) async fn by_hand(&self, sql: &str) {
        self.store_pool().await.batch(sql).await.unwrap();
    }

    /// The column `x` of every row.
    pub(crate) async fn look(&self, sql: &str) -> Vec<String> {
        let rows = self.store_pool().await.query(sql, &[]).await.unwrap();
        rows.iter().map(|row| row.get("x").unwrap()).collect()
    }

    /// Asks as a browser that holds these cookies, from a page that sends this CSRF token.
    pub(crate) async fn browse(
        &self,
        (method, path): (&str, &str),
        cookies: &[(&str, &str)],
        csrf: Option<&str>,
    ) -> Answer {
        let mut request = request(method, path, None);
        for (name, value) in cookies {
            let pair = format!("{name}={value}").parse().unwrap();
            request.headers_mut().append("cookie", pair);
        }
        if let Some(csrf) = csrf {
            let csrf = csrf.parse().unwrap();
            request.headers_mut().insert("x-csrf-token", csrf);
        }
        self.call(request).await
    }

    pub(crate) async fn get(&self, token: &str, path: &str) -> Answer {
        self.ask_as(token, "GET", path, None).await
    }

    pub(crate) async fn ask_as(
        &self,
        token: &str,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        let mut request = request(method, path, body);
        let token = format!("Bearer {token}").parse().unwrap();
        request.headers_mut().insert("authorization", token);
        self.call(request).await
    }
}

pub(crate) fn request(method: &str, path: &str, body: Option<Value>) -> Request<Full<Bytes>> {
    let bytes = body.map(|body| Bytes::from(body.to_string()));
    let bytes = bytes.unwrap_or_default();
    Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", "application/json")
        .header("content-length", bytes.len())
        .extension(PeerAddr("192.0.2.1:4711".parse().unwrap()))
        .body(Full::new(bytes))
        .unwrap()
}

async fn ask(service: &AppService, request: Request<Full<Bytes>>) -> Answer {
    let response = service.clone().oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    Answer {
        status: head.status,
        headers: head.headers,
        text: String::from_utf8(bytes.to_vec()).unwrap_or_default(),
        bytes,
    }
}

/// Two companies: one with two months of postings, one without any.
pub(crate) fn small_ledger() -> Ledger {
    let company = |id: &str, name: &str| Company {
        id: id.into(),
        name: name.to_owned(),
        tax_id: "RO123".to_owned(),
        currency: "RON".to_owned(),
    };
    let account = |cont: &str, denumire: Option<&str>| Account {
        company: "alfa".into(),
        cont: cont.into(),
        denumire: denumire.map(str::to_owned),
    };
    let posting = |document: &str, month: i8, cont: &str, debit: i64, credit: i64| Posting {
        company: "alfa".into(),
        document: document.into(),
        posted_on: date(2025, month, 10),
        cont: cont.into(),
        debit: Decimal::new(debit, 2),
        credit: Decimal::new(credit, 2),
        text: "sale".into(),
    };
    Ledger {
        companies: vec![company("alfa", "Alfa SRL"), company("beta", "Beta SA")],
        accounts: vec![
            account("5121", Some("Conturi la bănci în lei")),
            account("707", None),
        ],
        postings: vec![
            posting("D1", 1, "5121", 100_050, 0),
            posting("D1", 1, "707", 0, 100_050),
            posting("D2", 3, "5121", 1, 0),
            posting("D2", 3, "707", 0, 1),
        ],
        ..Ledger::default()
    }
}
