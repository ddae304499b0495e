//! Real Redis servers, each in a folder of its own on a free loopback port, and clients that are
//! not the operator's.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{FromRedisValue, RedisResult};
use reportapp_config::database::TlsMode;
use reportapp_operator::backend::redis::Redis;
use reportapp_operator::backend::{Admin, Endpoint};
use reportapp_operator::rotation::ledger::SecretText;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The password of the adopted user.
pub const FIRST: &str = "canary-redis-first";
/// The password of the operator's administrator.
pub const ADMIN: &str = "canary-redis-admin";
/// The rules of the adopted user.
pub const RULES: &str = "~shop:* %R~shared:* resetchannels &news -@all +@read +@write +ping \
                         +client|setname -keys (~once:* resetchannels -@all +getdel)";
const ROOT: &str = "canary-redis-root";
const PATIENCE: Duration = Duration::from_secs(20);

/// Where a server keeps its users.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Users {
    AclFile,
    ConfigurationFile,
    Nowhere,
}

/// A server, ended when dropped.
pub struct Server {
    child: Child,
    pub port: u16,
    users: Users,
    arguments: Vec<String>,
    folder: tempfile::TempDir,
}

impl Server {
    pub async fn start(users: Users) -> Self {
        Self::start_with(users, &[]).await
    }

    pub async fn start_with(users: Users, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let lines = format!(
            "user default off\n\
             user root on >{ROOT} ~* &* +@all\n\
             {}\n\
             user shop on >{FIRST} {RULES}\n",
            administrator()
        );
        fs::write(folder.path().join("redis.conf"), lines.as_str()).unwrap();
        fs::create_dir(folder.path().join("users")).unwrap();
        fs::write(folder.path().join("users/users.acl"), lines).unwrap();
        let arguments: Vec<String> = arguments.iter().copied().map(str::to_owned).collect();
        let port = free_port();
        let server = Self {
            child: spawn(folder.path(), port, users, &arguments),
            port,
            users,
            arguments,
            folder,
        };
        server.await_ready().await;
        if users == Users::Nowhere {
            let mut anybody = open(port, None).await.unwrap();
            for line in server.file("redis.conf").lines().skip(1) {
                let words: Vec<&str> = line.split(' ').skip(1).collect();
                let command = [&["ACL", "SETUSER"], &words[..]].concat();
                let () = ask(&mut anybody, &command).await.unwrap();
            }
        }
        server
    }

    /// A replica of `primary` that has caught up.
    pub async fn replica_of(primary: &Self) -> Self {
        let port = primary.port.to_string();
        let arguments = ["--replicaof", "127.0.0.1", &port];
        let login = ["--masteruser", "root", "--masterauth", ROOT];
        let replica = Self::start_with(Users::AclFile, &[&arguments[..], &login].concat()).await;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let info: String = primary.root(&["INFO", "replication"]).await;
            if info.contains("state=online") {
                return replica;
            }
            assert!(Instant::now() < deadline, "no replica: {info}");
            tokio::task::yield_now().await;
        }
    }

    /// Ends the server without warning and starts it from what it saved.
    pub async fn restart(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.child = spawn(self.folder.path(), self.port, self.users, &self.arguments);
        self.await_ready().await;
    }

    /// The operator's side of credential `shop/shop/redis`.
    pub fn backend(&self) -> Redis {
        self.backend_of("shop", "reportapp-operator", ADMIN)
    }

    pub fn backend_of(&self, user: &str, admin: &str, password: &str) -> Redis {
        let admin = Admin {
            username: admin.to_owned(),
            password: SecretText::new(password),
        };
        Redis::new(
            self.endpoint(),
            admin,
            user.to_owned(),
            "shop/shop/redis".to_owned(),
        )
        .unwrap()
    }

    pub fn endpoint(&self) -> Endpoint {
        Endpoint {
            host: "127.0.0.1".to_owned(),
            port: self.port,
            tls: TlsMode::Disable,
            authority: None,
            server_name: None,
        }
    }

    /// Asks as a user that may do everything.
    pub async fn root<T: FromRedisValue>(&self, words: &[&str]) -> T {
        let mut connection = open(self.port, Some(("root", ROOT))).await.unwrap();
        ask(&mut connection, words).await.unwrap()
    }

    /// A connection of the application.
    pub async fn login(&self, user: &str, password: &str) -> RedisResult<MultiplexedConnection> {
        open(self.port, Some((user, password))).await
    }

    /// The words of a user's rules, without state and passwords; sorted, as Redis does not keep
    /// their order.
    pub async fn rules(&self, user: &str) -> String {
        let lines: Vec<String> = self.root(&["ACL", "LIST"]).await;
        let begin = format!("user {user} ");
        let line = lines.iter().find(|line| line.starts_with(&begin)).unwrap();
        let rest = line[begin.len()..].split(' ').filter(|word| {
            !word.starts_with('#') && !["on", "off", "sanitize-payload"].contains(word)
        });
        let mut words: Vec<&str> = rest.collect();
        words.sort_unstable();
        words.join(" ")
    }

    /// Every user as the server would save it.
    pub async fn all_users(&self) -> Vec<String> {
        self.root(&["ACL", "LIST"]).await
    }

    pub fn file(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap()
    }

    /// Takes the folder away that the server saves its users in.
    pub fn lose_users_folder(&self) {
        fs::remove_dir_all(self.folder.path().join("users")).unwrap();
    }

    /// Brings it back, empty.
    pub fn restore_users_folder(&self) {
        fs::create_dir(self.folder.path().join("users")).unwrap();
    }

    /// Watches every command from now on.
    pub async fn transcript(&self) -> Transcript {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        let begin = format!("AUTH root {ROOT}\r\nMONITOR\r\n");
        stream.write_all(begin.as_bytes()).await.unwrap();
        let mut transcript = Transcript {
            stream,
            text: String::new(),
        };
        transcript.read_until("+OK\r\n+OK\r\n").await;
        transcript
    }

    async fn await_ready(&self) {
        let deadline = Instant::now() + PATIENCE;
        let login = (self.users != Users::Nowhere).then_some(("root", ROOT));
        loop {
            if let Ok(mut connection) = open(self.port, login).await
                && ask::<String>(&mut connection, &["PING"]).await.is_ok()
            {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "Redis does not start: {}",
                self.file("log")
            );
            tokio::task::yield_now().await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _already_ended = self.child.kill();
        let _already_ended = self.child.wait();
    }
}

/// What `MONITOR` shows.
pub struct Transcript {
    stream: TcpStream,
    pub text: String,
}

impl Transcript {
    pub async fn read_until(&mut self, end: &str) {
        let mut buffer = [0; 4096];
        while !self.text.contains(end) {
            let read = self.stream.read(&mut buffer);
            let count = tokio::time::timeout(PATIENCE, read).await.unwrap().unwrap();
            assert!(count > 0, "MONITOR ended: {}", self.text);
            self.text
                .push_str(&String::from_utf8_lossy(&buffer[..count]));
        }
    }
}

/// Asks over an open connection.
pub async fn ask<T: FromRedisValue>(
    connection: &mut MultiplexedConnection,
    words: &[&str],
) -> RedisResult<T> {
    redis::cmd(words[0])
        .arg(&words[1..])
        .query_async(connection)
        .await
}

/// The administrator, with the rights its documentation asks for and no other.
fn administrator() -> String {
    let documentation = include_str!("../../../../docs/reference/redis-acl.md");
    let command = documentation
        .lines()
        .find_map(|line| line.strip_prefix("ACL SETUSER reportapp-operator "))
        .unwrap();
    let rules = command.replace("><password>", &format!(">{ADMIN}"));
    format!("user reportapp-operator {rules}")
}

async fn open(port: u16, login: Option<(&str, &str)>) -> RedisResult<MultiplexedConnection> {
    let login = login.map_or(String::new(), |(user, password)| {
        format!("{user}:{password}@")
    });
    redis::Client::open(format!("redis://{login}127.0.0.1:{port}/"))?
        .get_multiplexed_async_connection()
        .await
}

/// A port nobody listens on.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn spawn(folder: &Path, port: u16, users: Users, arguments: &[String]) -> Child {
    let mut command = Command::new("redis-server");
    if users == Users::ConfigurationFile {
        command.arg(folder.join("redis.conf"));
    }
    if users == Users::AclFile {
        command.arg("--aclfile").arg(folder.join("users/users.acl"));
    }
    let log = fs::File::options()
        .create(true)
        .append(true)
        .open(folder.join("log"))
        .unwrap();
    command
        .args(["--port", &port.to_string()])
        .args([
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
            "--dir",
        ])
        .arg(folder)
        .args(arguments)
        .stdout(log)
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}
