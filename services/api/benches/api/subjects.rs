//! The database, ours and the rivals: started here, asked the same.

use std::ffi::OsString;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use reportapp_config::ApiConfig;
use reportapp_config::api::{
    ApiListen, AuditConfig, CacheConfig, ErpAuth, ErpServer, TlsFiles, TokenConfig,
};
use reportapp_config::database::DatabaseConfig;
use reportapp_pool::Pool;
use reportapp_pool::testing::{DATABASE, PASSWORD, SUPERUSER, TestPostgres};
use reportapp_sample_erp::{DEFAULT_SEED, generate, load};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::exports::{Format, REPORT};
use crate::load::Kind;
use crate::process::Process;

/// A connection as a slow client holds it.
pub(crate) type Stream = tokio_rustls::client::TlsStream<TcpStream>;

/// Name and password of the administrator of ours.
const LOGIN: (&str, &str) = ("root", "bench-of-the-api");
/// Shared by the rivals and this bench.
const RIVAL_SECRET: &str = "a secret of this bench that is long enough";

/// A server that is measured.
pub(crate) struct Subject {
    pub(crate) name: &'static str,
    pub(crate) token: String,
    pub(crate) process: Process,
    port: u16,
    companies: String,
    invoices: String,
    exports: fn(Format, &str) -> String,
    certificate: Arc<str>,
}

/// What all of them use.
pub(crate) struct World {
    database: TestPostgres,
    folder: tempfile::TempDir,
    tls: TlsFiles,
    certificate: Arc<str>,
}

impl World {
    pub(crate) async fn start() -> Self {
        reportapp_telemetry::install_crypto_provider();
        let folder = tempfile::tempdir().unwrap();
        let pair = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let tls = TlsFiles {
            certificate: write(folder.path(), "tls.crt", &pair.cert.pem()),
            key: write(folder.path(), "tls.key", &pair.signing_key.serialize_pem()),
        };
        let database = TestPostgres::start().await;
        let erp = Pool::open("erp", &database.config()).await.unwrap();
        load(&erp, &Arc::new(generate(DEFAULT_SEED))).await.unwrap();
        erp.batch("CREATE DATABASE store").await.unwrap();
        erp.batch("ANALYZE").await.unwrap();
        erp.close().await;
        Self {
            database,
            folder,
            tls,
            certificate: pair.cert.pem().into(),
        }
    }

    /// Tells whoever started this without what `cargo e2e bench` installs.
    pub(crate) fn say_if_alone(&self) {
        if rival_python().is_none() {
            println!(
                "REPORTAPP_RIVAL_PYTHON is not set: without rivals; `cargo e2e bench` installs them."
            );
        }
    }

    /// The books, for those who add to them.
    pub(crate) async fn erp(&self) -> Pool {
        Pool::open("erp", &self.database.config()).await.unwrap()
    }

    fn reports(&self) -> PathBuf {
        let folder = self.folder.path().join("reports");
        write(&folder, "bulk.yaml", REPORT);
        folder
    }

    pub(crate) async fn ours(&self) -> Subject {
        let folder = self.folder.path();
        let health = free_address();
        let port = free_address().port();
        let config = self.configuration(port, health);
        let text = serde_yaml_ng::to_string(&config).unwrap();
        let file = write(folder, "config.yaml", &text);
        let mut command = Command::new(env!("CARGO_BIN_EXE_reportapp-api"));
        command
            .arg("--config")
            .arg(file)
            .args(["--log-level", "warn"]);
        let process = Process::start(&mut command, &folder.join("ours.log"));
        let subject = Subject {
            name: "ours",
            token: String::new(),
            process,
            port,
            companies: "/api/companies".to_owned(),
            invoices: "/api/reports/invoices?from=2025-01-01&to=2025-12-31&pageSize=100&company="
                .to_owned(),
            exports: |format, company| {
                let format = format.as_str();
                format!("/api/reports/bulk?company={company}&format={format}")
            },
            certificate: Arc::clone(&self.certificate),
        };
        let ready = format!("http://{health}/readyz");
        until_answered(&reqwest::Client::new(), &ready).await;
        let login = json!({"username": LOGIN.0, "password": LOGIN.1});
        let client = subject.client();
        let answer = client
            .post(subject.address("/api/auth/login"))
            .json(&login)
            .send();
        let answer: Value = answer.await.unwrap().json().await.unwrap();
        let token = answer["accessToken"].as_str().unwrap().to_owned();
        Subject { token, ..subject }.with_company().await
    }

    fn configuration(&self, port: u16, health: std::net::SocketAddr) -> ApiConfig {
        let folder = self.folder.path();
        let mut store = self.database.config();
        if let DatabaseConfig::Postgres { database, .. } = &mut store {
            "store".clone_into(database);
        }
        let keys = folder.join("keys");
        let signing = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        write(&keys, "signing.pem", &signing.serialize_pem());
        let administrator = folder.join("administrator");
        write(&administrator, "username", LOGIN.0);
        write(&administrator, "password", LOGIN.1);
        ApiConfig {
            app: "bench".to_owned(),
            listen: ApiListen {
                https: ([127, 0, 0, 1], port).into(),
                internal: free_address(),
                health,
            },
            tls: self.tls.clone(),
            internal_tls: self.tls.clone(),
            path_prefix: "/".to_owned(),
            trusted_proxies: Vec::new(),
            servers: vec![ErpServer {
                name: "main".to_owned(),
                database: self.database.config(),
                auth: ErpAuth::Store,
            }],
            store,
            redis: None,
            tokens: TokenConfig {
                keys,
                lifetime_seconds: 900,
            },
            audit: AuditConfig::default(),
            first_administrator: Some(administrator),
            internal_token: None,
            bot_username: None,
            reports: Some(self.reports()),
            cache: CacheConfig::default(),
            web_root: folder.join("web"),
            drain_seconds: 1,
        }
    }

    /// One worker process each, as ours is one process.
    pub(crate) async fn rivals(&self) -> Vec<Subject> {
        let Some(python) = rival_python() else {
            return Vec::new();
        };
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../e2e/bench/rival");
        let tuned = ["--loop", "uvloop", "--http", "httptools"];
        let plain = ["--loop", "asyncio", "--http", "h11"];
        let mut subjects = Vec::new();
        for (name, module, options) in
            [("plain", "plain:app", plain), ("tuned", "tuned:app", tuned)]
        {
            let port = free_address().port();
            let database = self.database.port();
            let dsn = format!("postgres://{SUPERUSER}:{PASSWORD}@127.0.0.1:{database}/{DATABASE}");
            let mut command = Command::new(&python);
            command
                .args([
                    "-m",
                    "uvicorn",
                    module,
                    "--no-access-log",
                    "--log-level",
                    "warning",
                ])
                .args(options)
                .args(["--port", &port.to_string()])
                .arg("--ssl-certfile")
                .arg(&self.tls.certificate)
                .arg("--ssl-keyfile")
                .arg(&self.tls.key)
                .env("RIVAL_DSN", dsn)
                .env("RIVAL_SECRET", RIVAL_SECRET)
                .env("PYTHONDONTWRITEBYTECODE", "1")
                .current_dir(&sources);
            let log = self.folder.path().join(format!("{name}.log"));
            let subject = Subject {
                name: if name == "plain" {
                    "FastAPI plain"
                } else {
                    "FastAPI tuned"
                },
                token: rival_token(),
                process: Process::start(&mut command, &log),
                port,
                companies: "/api/companies".to_owned(),
                invoices: "/api/invoices?first=2025-01-01&last=2025-12-31&company=".to_owned(),
                exports: |format, company| {
                    format!("/api/export.{}?company={company}", format.as_str())
                },
                certificate: Arc::clone(&self.certificate),
            };
            until_answered(&subject.client(), &subject.address("/docs")).await;
            subjects.push(subject.with_company().await);
        }
        subjects
    }
}

impl Subject {
    /// A client with connections of its own.
    pub(crate) fn client(&self) -> reqwest::Client {
        let trusted = reqwest::Certificate::from_pem(self.certificate.as_bytes()).unwrap();
        let builder = reqwest::Client::builder().tls_certs_only([trusted]);
        // uvicorn speaks nothing newer.
        builder.http1_only().build().unwrap()
    }

    pub(crate) fn url(&self, kind: Kind) -> String {
        self.address(match kind {
            Kind::Companies => &self.companies,
            Kind::Invoices => &self.invoices,
        })
    }

    /// Where a company's invoices are as a file.
    pub(crate) fn export(&self, format: Format, company: &str) -> String {
        self.address(&(self.exports)(format, company))
    }

    /// A TLS connection without a request.
    pub(crate) async fn connect(&self) -> Option<Stream> {
        let mut roots = RootCertStore::empty();
        let trusted = CertificateDer::from_pem_slice(self.certificate.as_bytes());
        roots.add(trusted.unwrap()).unwrap();
        let config = ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let stream = TcpStream::connect(("127.0.0.1", self.port)).await.ok()?;
        let name = ServerName::try_from("localhost").unwrap();
        let handshake = TlsConnector::from(Arc::new(config)).connect(name, stream);
        tokio::time::timeout(Duration::from_secs(10), handshake)
            .await
            .ok()?
            .ok()
    }

    fn address(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.port)
    }

    /// Asks for the invoices of the first company.
    async fn with_company(mut self) -> Self {
        let request = self
            .client()
            .get(self.url(Kind::Companies))
            .bearer_auth(&self.token);
        let companies: Value = request.send().await.unwrap().json().await.unwrap();
        self.invoices.push_str(companies[0]["id"].as_str().unwrap());
        self
    }
}

fn rival_python() -> Option<OsString> {
    std::env::var_os("REPORTAPP_RIVAL_PYTHON")
}

/// HS256, which is what such an application signs with.
fn rival_token() -> String {
    use aws_lc_rs::hmac;
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;

    let expires = Timestamp::now().as_second() + 3_600;
    let head = BASE64.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    let claims = BASE64.encode(json!({"sub": "ana", "exp": expires}).to_string());
    let key = hmac::Key::new(hmac::HMAC_SHA256, RIVAL_SECRET.as_bytes());
    let signed = format!("{head}.{claims}");
    let signature = BASE64.encode(hmac::sign(&key, signed.as_bytes()));
    format!("{signed}.{signature}")
}

async fn until_answered(client: &reqwest::Client, url: &str) {
    let answered = async || {
        let answer = client.get(url).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    };
    for _ in 0..600 {
        if answered().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{url} does not answer");
}

fn free_address() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    std::fs::create_dir_all(folder).unwrap();
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}
