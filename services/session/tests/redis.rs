//! The Redis store against a real server that knows us as an ACL user.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use reportapp_config::api::RedisConfig;
use reportapp_config::database::{TlsConfig, TlsMode};
use reportapp_session::epochs::Revision;
use reportapp_session::{RedisStore, Session, SessionError, SessionStore};

const PASSWORD: &str = "canary-redis-password";

struct Server {
    child: Child,
    port: u16,
    folder: tempfile::TempDir,
}

impl Server {
    fn start() -> Self {
        Self::start_in(tempfile::tempdir().unwrap())
    }

    /// A server whose certificate carries `name`.
    fn start_tls(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pair = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        std::fs::write(folder.path().join("tls.crt"), pair.cert.pem()).unwrap();
        let key = pair.signing_key.serialize_pem();
        std::fs::write(folder.path().join("tls.key"), key).unwrap();
        Self::start_in(folder)
    }

    fn start_in(folder: tempfile::TempDir) -> Self {
        std::fs::write(folder.path().join("username"), "reportapp_a\n").unwrap();
        std::fs::write(folder.path().join("password"), format!("{PASSWORD}\n")).unwrap();
        let acl = format!(
            "user default off\n\
             user admin on >admin ~* &* +@all\n\
             user reportapp_a on >{PASSWORD} ~shop:* +@read +@write +@transaction\n"
        );
        std::fs::write(folder.path().join("users.acl"), acl).unwrap();
        let port = free_port();
        let child = spawn(folder.path(), port);
        Self {
            child,
            port,
            folder,
        }
    }

    fn config(&self) -> RedisConfig {
        RedisConfig {
            host: "127.0.0.1".to_owned(),
            port: self.port,
            tls: TlsConfig {
                mode: TlsMode::Disable,
                ..TlsConfig::default()
            },
            credential: self.folder.path().to_owned(),
        }
    }

    fn stop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn restart(&mut self) {
        self.child = spawn(self.folder.path(), self.port);
    }

    async fn admin(&self, words: &[&str]) {
        let url = format!("redis://admin:admin@127.0.0.1:{}/", self.port);
        let client = redis::Client::open(url).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let () = redis::cmd(words[0])
            .arg(&words[1..])
            .query_async(&mut connection)
            .await
            .unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _already_ended = self.child.kill();
        let _already_ended = self.child.wait();
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn spawn(folder: &Path, port: u16) -> Child {
    let mut command = Command::new("redis-server");
    let port = port.to_string();
    if folder.join("tls.crt").exists() {
        command
            .args([
                "--port",
                "0",
                "--tls-port",
                &port,
                "--tls-auth-clients",
                "no",
            ])
            .arg("--tls-cert-file")
            .arg(folder.join("tls.crt"))
            .arg("--tls-key-file")
            .arg(folder.join("tls.key"));
    } else {
        command.args(["--port", &port]);
    }
    command
        .args(["--bind", "127.0.0.1"])
        .args(["--save", "", "--appendonly", "no", "--dir"])
        .arg(folder)
        .arg("--aclfile")
        .arg(folder.join("users.acl"))
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

async fn answers(store: &RedisStore) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while let Err(error) = store.probe().await {
        assert!(Instant::now() < deadline, "no answer: {error}");
        tokio::task::yield_now().await;
    }
}

fn session(user: &str) -> Session {
    let life = Duration::from_secs(600);
    let address = Some("192.0.2.7".to_owned());
    Session::begin(user, Revision(7), address, life, Timestamp::now())
}

#[tokio::test]
async fn a_session_is_found_until_it_ends() {
    let server = Server::start();
    let store = RedisStore::new("shop", &server.config()).unwrap();
    answers(&store).await;
    let session = session("ana");
    store.begin(&session).await.unwrap();
    assert_eq!(
        store.find(&session.id).await.unwrap(),
        Some(session.clone())
    );
    store.end(&session).await.unwrap();
    assert_eq!(store.find(&session.id).await.unwrap(), None);
    store.end(&session).await.unwrap();
}

#[tokio::test]
async fn a_session_is_forgotten_when_its_life_is_over() {
    let server = Server::start();
    let store = RedisStore::new("shop", &server.config()).unwrap();
    answers(&store).await;
    let life = Duration::from_millis(200);
    let session = Session::begin("ana", Revision(7), None, life, Timestamp::now());
    store.begin(&session).await.unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    while store.find(&session.id).await.unwrap().is_some() {
        assert!(Instant::now() < deadline);
    }
    assert_eq!(store.list("ana").await.unwrap(), []);
}

#[tokio::test]
async fn a_user_sees_and_ends_only_their_own_sessions() {
    let server = Server::start();
    let store = RedisStore::new("shop", &server.config()).unwrap();
    answers(&store).await;
    let (first, second, other) = (session("ana"), session("ana"), session("ion"));
    for session in [&first, &second, &other] {
        store.begin(session).await.unwrap();
    }
    assert_eq!(store.list("ana").await.unwrap().len(), 2);
    assert_eq!(store.end_others("ana", Some(&second.id)).await.unwrap(), 1);
    assert_eq!(store.list("ana").await.unwrap(), [second]);
    assert_eq!(store.list("ion").await.unwrap(), [other]);
}

#[tokio::test]
async fn two_applications_share_a_server_without_seeing_each_other() {
    let server = Server::start();
    let shop = RedisStore::new("shop", &server.config()).unwrap();
    let bank = RedisStore::new("bank", &server.config()).unwrap();
    answers(&shop).await;
    let session = session("ana");
    shop.begin(&session).await.unwrap();
    let refused = bank.find(&session.id).await.unwrap_err();
    assert!(
        matches!(refused, SessionError::LoginRefused { .. }),
        "{refused}"
    );
}

#[tokio::test]
async fn a_lost_server_is_an_error_and_its_return_needs_no_restart() {
    let mut server = Server::start();
    let store = RedisStore::new("shop", &server.config()).unwrap();
    answers(&store).await;
    server.stop();
    let error = store.find("any").await.unwrap_err();
    assert!(matches!(error, SessionError::Unreachable { .. }), "{error}");
    server.restart();
    answers(&store).await;
    assert_eq!(store.find("any").await.unwrap(), None);
}

#[tokio::test]
async fn a_server_that_hangs_costs_one_short_wait_and_not_one_per_question() {
    let server = Server::start();
    let store = RedisStore::new("shop", &server.config()).unwrap();
    answers(&store).await;
    signal(&server, "-STOP");
    let asked = Instant::now();
    store.find("any").await.unwrap_err();
    let first = asked.elapsed();
    for _ in 0..1_000 {
        store.find("any").await.unwrap_err();
    }
    let all = asked.elapsed();
    signal(&server, "-CONT");
    assert!(
        first < Duration::from_secs(3) && all < Duration::from_secs(6),
        "{first:?} {all:?}"
    );
    answers(&store).await;
}

fn signal(server: &Server, signal: &str) {
    let pid = server.child.id().to_string();
    let sent = Command::new("kill").args([signal, &pid]).status().unwrap();
    assert!(sent.success());
}

#[tokio::test]
async fn a_locked_login_is_named_and_works_again_once_unlocked() {
    let server = Server::start();
    let store = RedisStore::new("shop", &server.config()).unwrap();
    answers(&store).await;
    server
        .admin(&["ACL", "SETUSER", "reportapp_a", "off"])
        .await;
    server
        .admin(&["CLIENT", "KILL", "USER", "reportapp_a"])
        .await;
    let error = store.find("any").await.unwrap_err();
    assert!(
        matches!(error, SessionError::LoginRefused { .. }),
        "{error}"
    );
    assert!(!format!("{error} {error:?}").contains(PASSWORD));
    server.admin(&["ACL", "SETUSER", "reportapp_a", "on"]).await;
    answers(&store).await;
}

#[tokio::test]
async fn over_tls_the_certificate_must_carry_the_expected_name_whatever_is_dialled() {
    let _already_installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let server = Server::start_tls("redis.internal");
    let mut config = server.config();
    config.tls = TlsConfig {
        mode: TlsMode::VerifyFull,
        ca_file: Some(server.folder.path().join("tls.crt")),
        server_name: Some("redis.internal".to_owned()),
    };
    let store = RedisStore::new("shop", &config).unwrap();
    answers(&store).await;
    store.begin(&session("ana")).await.unwrap();

    for (server_name, ca_file) in [
        (
            Some("other.internal".to_owned()),
            config.tls.ca_file.clone(),
        ),
        (None, config.tls.ca_file.clone()),
        (config.tls.server_name.clone(), None),
    ] {
        config.tls.server_name = server_name;
        config.tls.ca_file = ca_file;
        let wrong = RedisStore::new("shop", &config).unwrap();
        let error = wrong.probe().await.unwrap_err();
        assert!(matches!(error, SessionError::Unreachable { .. }), "{error}");
    }
}
