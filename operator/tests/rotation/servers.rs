//! A PostgreSQL and a Redis server, shared by all tests that run at the same time and stopped after
//! the last of them. Each test makes roles and users of its own.

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

/// How long a server may take.
const PATIENCE: Duration = Duration::from_secs(20);

static SHARED: Mutex<Weak<Servers>> = Mutex::const_new(Weak::new());
static NUMBER: AtomicUsize = AtomicUsize::new(0);

/// Both servers.
pub struct Servers {
    pub postgres: TestPostgres,
    pub redis: RedisServer,
}

/// The running servers, started if there are none.
pub async fn shared() -> Arc<Servers> {
    let mut shared = SHARED.lock().await;
    if let Some(running) = shared.upgrade() {
        return running;
    }
    let servers = Servers {
        postgres: TestPostgres::start().await,
        redis: RedisServer::start().await,
    };
    let servers = Arc::new(servers);
    *shared = Arc::downgrade(&servers);
    servers
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
        let mut config = tokio_postgres::Config::new();
        config
            .host("127.0.0.1")
            .port(self.postgres.port())
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
}

/// A Redis server, ended when dropped.
pub struct RedisServer {
    child: Child,
    pub port: u16,
    _folder: TempDir,
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        let _already_ended = self.child.kill();
        let _already_ended = self.child.wait();
    }
}

impl RedisServer {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let users = folder.path().join("users.acl");
        let lines = format!("user default off\nuser {ROOT} on >{ROOT_PASSWORD} ~* &* +@all\n");
        std::fs::write(&users, lines).unwrap();
        let port = free_port();
        let mut command = Command::new("redis-server");
        command.args(["--port", &port.to_string(), "--bind", "127.0.0.1"]);
        command.args(["--save", "", "--appendonly", "no", "--aclfile"]);
        command.arg(users).arg("--dir").arg(folder.path());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let server = Self {
            child: command.spawn().unwrap(),
            port,
            _folder: folder,
        };
        let deadline = Instant::now() + PATIENCE;
        while server.login(ROOT, ROOT_PASSWORD).await.is_err() {
            assert!(Instant::now() < deadline, "Redis does not start");
            tokio::task::yield_now().await;
        }
        server
    }

    /// A login with a client that is not the operator's.
    pub async fn login(&self, user: &str, password: &str) -> RedisResult<MultiplexedConnection> {
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

/// A way to a server that a test can close, or cut right after the server has answered a message.
pub struct Gate {
    pub port: u16,
    state: Arc<GateState>,
    task: tokio::task::JoinHandle<()>,
}

#[derive(Default)]
struct GateState {
    closed: std::sync::atomic::AtomicBool,
    /// Text of a message, and how many such messages pass before.
    cut: std::sync::Mutex<Option<(&'static str, usize)>>,
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Gate {
    /// An open way to `port`.
    pub async fn to(port: u16) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let gate = listener.local_addr().unwrap().port();
        let state = Arc::<GateState>::default();
        let shared = state.clone();
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if !shared.closed.load(Ordering::Relaxed) {
                    tokio::spawn(pass_on(client, port, shared.clone()));
                }
            }
        });
        Self {
            port: gate,
            state,
            task,
        }
    }

    /// Takes no new connection, or takes them again.
    pub fn close(&self, closed: bool) {
        self.state.closed.store(closed, Ordering::Relaxed);
    }

    /// Cuts the connection after the answer to the message with `text`, after `before` such ones.
    pub fn cut(&self, text: &'static str, before: usize) {
        *self.state.cut.lock().unwrap() = Some((text, before));
    }

    /// Whether the cut is still to come.
    pub fn is_armed(&self) -> bool {
        self.state.cut.lock().unwrap().is_some()
    }
}

impl GateState {
    fn cuts(&self, message: &[u8]) -> bool {
        let mut cut = self.cut.lock().unwrap();
        let Some((text, before)) = *cut else {
            return false;
        };
        if !message
            .windows(text.len())
            .any(|part| part == text.as_bytes())
        {
            return false;
        }
        *cut = before.checked_sub(1).map(|before| (text, before));
        cut.is_none()
    }
}

async fn pass_on(mut client: tokio::net::TcpStream, port: u16, state: Arc<GateState>) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let server = tokio::net::TcpStream::connect(("127.0.0.1", port)).await;
    let Ok(mut server) = server else { return };
    let (mut asked, mut answered) = ([0; 16_384], [0; 16_384]);
    loop {
        tokio::select! {
            count = client.read(&mut asked) => {
                let Some(count) = count.ok().filter(|count| *count > 0) else { return };
                let cuts = state.cuts(&asked[..count]);
                if server.write_all(&asked[..count]).await.is_err() {
                    return;
                }
                if cuts {
                    let _unheard = server.read(&mut answered).await;
                    return;
                }
            }
            count = server.read(&mut answered) => {
                let Some(count) = count.ok().filter(|count| *count > 0) else { return };
                if client.write_all(&answered[..count]).await.is_err() {
                    return;
                }
            }
        }
    }
}
