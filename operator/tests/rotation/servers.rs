//! A PostgreSQL and a Redis server, shared by all tests that run at the same time and stopped after
//! the last of them. Each test makes roles and users of its own; one that restarts servers has its own.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, FromRedisValue, RedisResult};
use reportapp_config::database::TlsMode;
use reportapp_operator::backend::Endpoint;
use reportapp_pool::testing::{DATABASE, PASSWORD, SUPERUSER, TestPostgres};
use tempfile::TempDir;
use tokio::sync::Mutex;
use tokio_postgres::{Client, NoTls};

/// Redis user that may do everything.
pub const ROOT: &str = "root";
/// Its password.
pub const ROOT_PASSWORD: &str = "canary-redis-root";

/// File a Redis server saves its users in.
const USERS: &str = "users.acl";

/// How long a server may take.
const PATIENCE: Duration = Duration::from_secs(20);

static SHARED: Mutex<Weak<Servers>> = Mutex::const_new(Weak::new());
static NUMBER: AtomicUsize = AtomicUsize::new(0);

/// Both servers.
pub struct Servers {
    /// Where PostgreSQL listens.
    pub postgres_port: u16,
    /// Held while it is restarted.
    postgres: Mutex<TestPostgres>,
    pub redis: RedisServer,
}

/// The running servers, started if there are none.
pub async fn shared() -> Arc<Servers> {
    let mut shared = SHARED.lock().await;
    if let Some(running) = shared.upgrade() {
        return running;
    }
    let servers = own().await;
    *shared = Arc::downgrade(&servers);
    servers
}

/// Servers of a test's own.
pub async fn own() -> Arc<Servers> {
    let postgres = TestPostgres::start().await;
    Arc::new(Servers {
        postgres_port: postgres.port(),
        postgres: Mutex::new(postgres),
        redis: RedisServer::start().await,
    })
}

/// A name nobody has had.
pub fn fresh_name(kind: &str) -> String {
    format!("{kind}{}", NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// Where a port of this machine is.
pub fn endpoint(port: u16) -> Endpoint {
    Endpoint {
        host: "127.0.0.1".to_owned(),
        port,
        tls: TlsMode::Disable,
        authority: None,
        server_name: None,
    }
}

impl Servers {
    /// A login with a client that is not the operator's.
    pub async fn postgres_login(&self, user: &str, password: &str) -> Result<Client, String> {
        drop(self.postgres.lock().await);
        let mut config = tokio_postgres::Config::new();
        config
            .host("127.0.0.1")
            .port(self.postgres_port)
            .user(user)
            .password(password)
            .application_name("bisman")
            .dbname(DATABASE);
        let (client, connection) = config
            .connect(NoTls)
            .await
            .map_err(|error| error.to_string())?;
        tokio::spawn(connection);
        Ok(client)
    }

    /// Runs statements as superuser.
    pub async fn sql(&self, sql: &str) {
        let root = self.postgres_login(SUPERUSER, PASSWORD).await.unwrap();
        root.batch_execute(sql).await.unwrap();
    }

    /// Stops both without warning.
    pub async fn stop(&self) {
        self.postgres.lock().await.stop().await;
        end(&mut *self.redis.child.lock().await);
    }

    /// Starts both from what they saved.
    pub async fn start_again(&self) {
        self.postgres.lock().await.start_again().await;
        self.redis.restart().await;
    }

    /// Stops PostgreSQL without warning and starts it from what it saved.
    pub async fn restart_postgres(&self) {
        let mut postgres = self.postgres.lock().await;
        postgres.stop().await;
        postgres.start_again().await;
    }
}

/// A Redis server, ended when dropped.
pub struct RedisServer {
    /// Held while it is restarted.
    child: Mutex<Child>,
    pub port: u16,
    folder: TempDir,
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        end(self.child.get_mut());
    }
}

fn end(child: &mut Child) {
    let _already_ended = child.kill();
    let _already_ended = child.wait();
}

impl RedisServer {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let lines = format!("user default off\nuser {ROOT} on >{ROOT_PASSWORD} ~* &* +@all\n");
        std::fs::write(folder.path().join(USERS), lines).unwrap();
        let port = free_port();
        let server = Self {
            child: Mutex::new(run(&folder, port)),
            port,
            folder,
        };
        server.await_ready().await;
        server
    }

    /// Stops it without warning, if it runs, and starts it from the users it saved.
    pub async fn restart(&self) {
        let mut child = self.child.lock().await;
        end(&mut child);
        *child = run(&self.folder, self.port);
        self.await_ready().await;
    }

    async fn await_ready(&self) {
        let deadline = Instant::now() + PATIENCE;
        while self.open(ROOT, ROOT_PASSWORD).await.is_err() {
            assert!(Instant::now() < deadline, "Redis does not start");
            tokio::task::yield_now().await;
        }
    }

    /// A login with a client that is not the operator's.
    pub async fn login(&self, user: &str, password: &str) -> RedisResult<MultiplexedConnection> {
        drop(self.child.lock().await);
        self.open(user, password).await
    }

    async fn open(&self, user: &str, password: &str) -> RedisResult<MultiplexedConnection> {
        let url = format!("redis://{user}:{password}@127.0.0.1:{}/", self.port);
        let client = redis::Client::open(url)?;
        // A busy machine is no refusal.
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE));
        let connected = client.get_multiplexed_async_connection_with_config(&config);
        let mut connection = connected.await?;
        let () = ask(&mut connection, &["PING"]).await?;
        Ok(connection)
    }

    /// Asks as the user that may do everything.
    pub async fn root<T: FromRedisValue>(&self, words: &[&str]) -> T {
        let mut connection = self.login(ROOT, ROOT_PASSWORD).await.unwrap();
        ask(&mut connection, words).await.unwrap()
    }
}

fn run(folder: &TempDir, port: u16) -> Child {
    let mut command = Command::new("redis-server");
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1"]);
    command.args(["--save", "", "--appendonly", "no", "--aclfile"]);
    command.arg(folder.path().join(USERS));
    command.arg("--dir").arg(folder.path());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

async fn ask<T: FromRedisValue>(
    connection: &mut MultiplexedConnection,
    words: &[&str],
) -> RedisResult<T> {
    let mut command = redis::cmd(words[0]);
    command.arg(&words[1..]).query_async(connection).await
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
