//! The binary as the operator starts it: a configuration file, credential folders, TLS, Redis.
//! Everything comes up in the wrong order, fails, recovers and ends.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::Arc;
use std::time::{Duration, Instant};

use reportapp_config::ApiConfig;
use reportapp_config::api::{
    ApiListen, AuditConfig, CacheConfig, ErpAuth, ErpServer, TlsFiles, TokenConfig,
};
use reportapp_config::database::{DatabaseConfig, PoolConfig};
use reportapp_pool::Pool;
use reportapp_sample_erp::{Ledger, load};
use reportapp_session::testing::TestRedis;
use reqwest::StatusCode;
use serde_json::{Value, json};

const PASSWORD: &str = "canary-first-password";
const TOKEN: &str = "canary-internal-token";

/// A child process that does not outlive the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _already_ended = self.0.kill();
        let _already_ended = self.0.wait();
    }
}

struct Setup {
    folder: tempfile::TempDir,
    config: ApiConfig,
    redis: TestRedis,
    client: reqwest::Client,
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn free_address() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], free_port()))
}

fn write(folder: &Path, files: &[(&str, &str)]) -> PathBuf {
    fs::create_dir_all(folder).unwrap();
    for (name, content) in files {
        fs::write(folder.join(name), content).unwrap();
    }
    folder.to_owned()
}

fn certificate(folder: &Path) -> (TlsFiles, reqwest::Certificate) {
    let pair = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = pair.signing_key.serialize_pem();
    write(folder, &[("tls.crt", &pair.cert.pem()), ("tls.key", &key)]);
    let files = TlsFiles {
        certificate: folder.join("tls.crt"),
        key: folder.join("tls.key"),
    };
    let trusted = reqwest::Certificate::from_pem(pair.cert.pem().as_bytes()).unwrap();
    (files, trusted)
}

fn sqlite(path: PathBuf, read_only: bool) -> DatabaseConfig {
    DatabaseConfig::Sqlite {
        path,
        read_only,
        pool: PoolConfig::default(),
    }
}

async fn set_up() -> Setup {
    reportapp_telemetry::install_crypto_provider();
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (tls, public) = certificate(&at("tls"));
    let (internal_tls, internal) = certificate(&at("internal-tls"));
    let signing = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let erp = Pool::open("erp", &sqlite(at("erp.sqlite"), false))
        .await
        .unwrap();
    load(&erp, &Arc::new(Ledger::default())).await.unwrap();
    erp.close().await;
    // It comes up later than those who need it.
    let mut redis = TestRedis::start();
    redis.stop();
    let config = ApiConfig {
        app: "shop".to_owned(),
        listen: ApiListen {
            https: free_address(),
            internal: free_address(),
            health: free_address(),
        },
        tls,
        internal_tls,
        path_prefix: "/".to_owned(),
        trusted_proxies: vec!["10.0.0.0/8".to_owned()],
        servers: vec![ErpServer {
            name: "main".to_owned(),
            database: sqlite(at("erp.sqlite"), true),
            auth: ErpAuth::Store,
        }],
        store: sqlite(at("store.sqlite"), false),
        redis: Some(redis.config()),
        cache: CacheConfig::default(),
        tokens: TokenConfig {
            keys: write(&at("keys"), &[("signing.pem", &signing.serialize_pem())]),
            lifetime_seconds: 600,
        },
        audit: AuditConfig::default(),
        first_administrator: Some(write(
            &at("administrator"),
            &[("username", "root\n"), ("password", PASSWORD)],
        )),
        internal_token: Some(write(&at("token"), &[("token", TOKEN)])),
        bot_username: None,
        reports: None,
        web_root: at("web"),
        drain_seconds: 3,
    };
    let text = serde_yaml_ng::to_string(&config).unwrap();
    fs::write(at("config.yaml"), text).unwrap();
    let client = reqwest::Client::builder().tls_certs_only([public, internal]);
    Setup {
        folder,
        config,
        redis,
        client: client.build().unwrap(),
    }
}

impl Setup {
    fn start_api(&self) -> Running {
        let log = fs::File::create(self.folder.path().join("api.log")).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_reportapp-api"))
            .arg("--config")
            .arg(self.folder.path().join("config.yaml"))
            .args(["--log-format", "json", "--log-level", "debug"])
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn();
        Running(child.unwrap())
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("api.log")).unwrap()
    }

    /// Asks the health port until the answer satisfies `is_it`.
    async fn until(&self, path: &str, is_it: impl Fn(StatusCode, &str) -> bool) {
        let url = format!("http://{}{path}", self.config.listen.health);
        let deadline = Instant::now() + Duration::from_secs(60);
        let mut last = String::new();
        while Instant::now() < deadline {
            if let Ok(answer) = self.client.get(&url).send().await {
                let status = answer.status();
                last = answer.text().await.unwrap();
                if is_it(status, &last) {
                    return;
                }
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{path} stayed {last}\n{}", self.log());
    }

    async fn log_in(&self) -> (StatusCode, Value) {
        let url = format!(
            "https://localhost:{}/api/auth/login",
            self.config.listen.https.port()
        );
        let body = json!({"username": "root", "password": PASSWORD, "withRefreshToken": true});
        let answer = self.client.post(url).json(&body).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }
}

#[tokio::test]
async fn it_waits_for_what_it_needs_survives_a_loss_and_ends_cleanly() {
    let mut setup = set_up().await;
    let mut api = setup.start_api();
    let redis_is_missing = |_, text: &str| text.contains("RedisUnreachable");
    setup.until("/status", redis_is_missing).await;
    setup.until("/readyz", |status, _| status == 503).await;

    setup.redis.restart();
    setup.until("/readyz", |status, _| status == 200).await;
    let has_a_lease = |_, text: &str| text.contains(r#""store/epochs","state":"Ok""#);
    setup.until("/status", has_a_lease).await;
    let (status, body) = setup.log_in().await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert_eq!(body["user"]["userType"], "enterprise_admin");
    assert_eq!(body["user"]["mustChangePassword"], true);
    let issued =
        ["accessToken", "refreshToken"].map(|name| body[name].as_str().unwrap().to_owned());

    let port = setup.config.listen.internal.port();
    let url = format!("https://localhost:{port}/api/telegram/internal/chat/7");
    let as_bot = setup
        .client
        .get(&url)
        .bearer_auth(TOKEN)
        .send()
        .await
        .unwrap();
    assert_eq!(as_bot.status(), StatusCode::NOT_FOUND);
    let stranger = setup
        .client
        .get(&url)
        .bearer_auth("x")
        .send()
        .await
        .unwrap();
    assert_eq!(stranger.status(), StatusCode::UNAUTHORIZED);

    setup.redis.stop();
    let (status, body) = setup.log_in().await;
    assert_eq!(status, StatusCode::OK, "only a copy is lost: {body}");
    setup.until("/status", redis_is_missing).await;
    setup.until("/readyz", |status, _| status == 200).await;
    setup.redis.restart();
    setup
        .until("/status", |_, text| !text.contains("Failing"))
        .await;
    assert_eq!(setup.log_in().await.0, StatusCode::OK);

    let pid = api.0.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .unwrap()
            .success()
    );
    let ended = tokio::task::spawn_blocking(move || api.0.wait().unwrap())
        .await
        .unwrap();
    let log = setup.log();
    assert!(ended.success(), "{log}");
    assert!(log.contains("every request was answered"), "{log}");
    let store = Pool::open("store", &setup.config.store).await.unwrap();
    let left = "SELECT process FROM epoch_processes";
    let left = store.query(left, &[]).await.unwrap();
    assert!(left.is_empty(), "it said that it stopped: {left:?}");
    assert!(!log.contains("canary"), "{log}");
    for token in issued {
        assert!(!log.contains(&token), "{log}");
    }
}
