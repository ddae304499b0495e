//! For tests of other crates: a Redis server of one's own that knows the application as an ACL user,
//! and a link to it that can be cut and stalled. Both are gone when the value is dropped. Also a password
//! hash of earlier parameters.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use argon2::{Algorithm, Argon2, Params, PasswordHasher, Version};
use reportapp_config::api::RedisConfig;
use reportapp_config::database::{TlsConfig, TlsMode};
use tempfile::TempDir;

mod link;

pub use link::TestLink;

/// The user the application `shop` logs in as.
pub const USERNAME: &str = "reportapp_a";
/// Its password; also the value tests search for in outputs.
pub const PASSWORD: &str = "canary-redis-password";
/// What that user may do: what the documentation asks for.
pub const RULES: &str = "~shop:* &shop:* &permissions:invalidate &sessions:invalidate \
                         &cache:invalidate +@read +@write +subscribe +publish";

/// A hash of this password with so little memory that [`crate::password::is_outdated`].
///
/// # Panics
/// When argon2 cannot run here at all.
pub fn outdated_hash(password: &str) -> String {
    let params = Params::new(Params::MIN_M_COST, 1, 1, None).expect("parameters in range");
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::default(), params);
    let hash = argon2.hash_password(password.as_bytes());
    hash.expect("argon2 runs").to_string()
}

/// A Redis server on a free loopback port.
pub struct TestRedis {
    child: Child,
    port: u16,
    folder: TempDir,
}

impl TestRedis {
    /// Starts a server; it answers soon after.
    ///
    /// # Panics
    /// When Redis is not installed.
    pub fn start() -> Self {
        Self::start_in(folder(), RULES)
    }

    /// The same, with other rules for the user of the application.
    ///
    /// # Panics
    /// When Redis is not installed.
    pub fn start_with(rules: &str) -> Self {
        Self::start_in(folder(), rules)
    }

    /// The same with TLS; the certificate is its own authority.
    ///
    /// # Panics
    /// When Redis is not installed.
    pub fn start_tls(certificate: &str, key: &str) -> Self {
        let folder = folder();
        write(folder.path(), "tls.crt", certificate);
        write(folder.path(), "tls.key", key);
        Self::start_in(folder, RULES)
    }

    fn start_in(folder: TempDir, rules: &str) -> Self {
        write(folder.path(), "username", &format!("{USERNAME}\n"));
        write(folder.path(), "password", &format!("{PASSWORD}\n"));
        let acl = format!(
            "user default off\n\
             user admin on >admin ~* &* +@all\n\
             user {USERNAME} on >{PASSWORD} {rules}\n"
        );
        write(folder.path(), "users.acl", &acl);
        let port = free_port();
        let child = spawn(folder.path(), port);
        Self {
            child,
            port,
            folder,
        }
    }

    /// The TCP port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where the credential and the certificate are.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// How the application reaches it, without TLS.
    pub fn config(&self) -> RedisConfig {
        self.config_through(self.port)
    }

    /// The same through another port, such as that of a [`TestLink`].
    pub fn config_through(&self, port: u16) -> RedisConfig {
        RedisConfig {
            host: "127.0.0.1".to_owned(),
            port,
            tls: TlsConfig {
                mode: TlsMode::Disable,
                ..TlsConfig::default()
            },
            credential: self.folder.path().to_owned(),
        }
    }

    /// Kills the server. It can be started again on the same port; what it held is lost.
    ///
    /// # Panics
    /// When it cannot be killed.
    pub fn stop(&mut self) {
        self.child.kill().expect("a child of ours can be killed");
        self.child.wait().expect("a child of ours can be awaited");
    }

    /// Starts a stopped server.
    ///
    /// # Panics
    /// When it does not start.
    pub fn restart(&mut self) {
        self.child = spawn(self.folder.path(), self.port);
    }

    /// A connection of the administrator, for `redis-cli`-like commands; waits until the server answers.
    ///
    /// # Panics
    /// When the server does not answer within a minute.
    pub async fn admin_connection(&self) -> redis::aio::MultiplexedConnection {
        let url = format!("redis://admin:admin@127.0.0.1:{}/", self.port);
        let client = redis::Client::open(url).expect("the address is well formed");
        let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(60);
        loop {
            match client.get_multiplexed_async_connection().await {
                Ok(connection) => return connection,
                Err(error) => assert!(tokio::time::Instant::now() < deadline, "no answer: {error}"),
            }
            tokio::task::yield_now().await;
        }
    }

    /// One command of the administrator, and its answer.
    ///
    /// # Panics
    /// When it is refused or the answer is of another type.
    pub async fn admin<T: redis::FromRedisValue>(&self, words: &[&str]) -> T {
        let mut connection = self.admin_connection().await;
        let mut command = redis::cmd(words[0]);
        let answer = command.arg(&words[1..]).query_async(&mut connection).await;
        answer.expect("the administrator may do everything")
    }
}

impl Drop for TestRedis {
    fn drop(&mut self) {
        let _already_ended = self.child.kill();
        let _already_ended = self.child.wait();
    }
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder can be made")
}

fn write(folder: &Path, name: &str, content: &str) {
    std::fs::write(folder.join(name), content).expect("a temporary folder can be written to");
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let address = listener
        .local_addr()
        .expect("a bound socket has an address");
    address.port()
}

fn spawn(folder: &Path, port: u16) -> Child {
    let mut command = Command::new("redis-server");
    let port = port.to_string();
    if folder.join("tls.crt").exists() {
        command
            .args(["--port", "0", "--tls-port", &port])
            .args(["--tls-auth-clients", "no"])
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
        .expect("redis-server is installed (Debian package redis-server)")
}
