//! The server process behind [`super::TestPostgres`].
//!
//! PostgreSQL refuses to run as root, so under root both programs run as the system user
//! `postgres`. A thread of its own starts the server and lives as long as it: the kernel's
//! parent-death signal is sent when the *thread* that forked ends.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio_postgres::NoTls;

use super::{DATABASE, PASSWORD, SUPERUSER, TestTls, template, write};

/// How long a server may take to accept connections.
const START_TIMEOUT: Duration = Duration::from_secs(60);

pub(super) struct Server {
    folder: PathBuf,
    port: u16,
    running: Option<Running>,
}

/// The thread that owns the process; dropping the sender ends both.
struct Running {
    stop: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// Processes that were sent SIGSTOP, and go on when this is dropped.
pub struct Frozen(Vec<String>);

impl Drop for Frozen {
    fn drop(&mut self) {
        // The first is the one that starts others; it goes on last.
        self.0.reverse();
        signal("-CONT", &self.0);
    }
}

impl Server {
    pub(super) fn create(folder: &Path, tls: Option<&TestTls>) -> Self {
        let server = Self {
            folder: folder.to_owned(),
            port: free_port(),
            running: None,
        };
        let data = server.data();
        hand_over(folder);
        template::copy_to(&data);
        if let Some(tls) = tls {
            server.install(tls);
        }
        server
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn log_text(&self) -> String {
        let text = fs::read(self.log()).expect("the log file was made at the start");
        String::from_utf8_lossy(&text).into_owned()
    }

    pub(super) async fn start(&mut self) {
        let mut command = command("postgres");
        let (data, folder, port) = (self.data(), self.folder.clone(), self.port);
        command.args([
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            "fsync=off",
            "-c",
            "max_connections=50",
        ]);
        command.args(["-c", "autovacuum=off", "-c", "shared_buffers=64MB"]);
        command
            .arg("-D")
            .arg(data)
            .arg("-p")
            .arg(port.to_string())
            .arg("-k")
            .arg(&folder);
        let log = fs::File::create(self.log()).expect("the log file can be made");
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        let (stop, stopped) = mpsc::channel::<()>();
        let thread = std::thread::spawn(move || {
            let mut child = command.spawn().expect("postgres can be started");
            // Ends with an error when the sender is dropped, which is the signal.
            let _closed = stopped.recv();
            end(&mut child);
        });
        self.running = Some(Running {
            stop: Some(stop),
            thread: Some(thread),
        });
        self.await_ready().await;
    }

    pub(super) async fn stop(&mut self) {
        let running = self.running.take();
        tokio::task::spawn_blocking(move || drop(running))
            .await
            .expect("stopping does not panic");
    }

    pub(super) fn freeze(&self) -> Frozen {
        let file = fs::read_to_string(self.data().join("postmaster.pid"));
        let file = file.expect("a running server has a file with its id");
        let first = file.lines().next().expect("the id is the first line");
        let mut processes = vec![first.to_owned()];
        // From here on no process is added.
        signal("-STOP", &processes);
        processes.extend(children(first));
        signal("-STOP", &processes[1..]);
        Frozen(processes)
    }

    /// Waits for a login over the local socket, where TLS is not asked for, and makes the database.
    async fn await_ready(&self) {
        let began = Instant::now();
        let mut config = tokio_postgres::Config::new();
        config
            .host_path(&self.folder)
            .port(self.port)
            .user(SUPERUSER)
            .password(PASSWORD)
            .dbname("postgres");
        loop {
            if let Ok((client, connection)) = config.connect(NoTls).await {
                let driver = tokio::spawn(connection);
                let sql = format!("SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'");
                if client
                    .query(&sql, &[])
                    .await
                    .expect("the catalogue can be read")
                    .is_empty()
                {
                    let create = format!("CREATE DATABASE {DATABASE}");
                    client
                        .batch_execute(&create)
                        .await
                        .expect("the database can be made");
                }
                drop(client);
                drop(driver.await);
                return;
            }
            let log = || fs::read_to_string(self.log()).unwrap_or_default();
            assert!(
                began.elapsed() < START_TIMEOUT,
                "postgres does not start: {}",
                log()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn log(&self) -> PathBuf {
        self.folder.join("postgres.log")
    }

    fn install(&self, tls: &TestTls) {
        for (file, text) in [("server.crt", &tls.certificate), ("server.key", &tls.key)] {
            let path = self.data().join(file);
            write(&path, text);
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("own file");
            hand_over(&path);
        }
        let settings = self.data().join("postgresql.auto.conf");
        write(&settings, "ssl = on\n");
        hand_over(&settings);
        let access = self.data().join("pg_hba.conf");
        write(
            &access,
            "local all all scram-sha-256\nhostssl all all 127.0.0.1/32 scram-sha-256\n",
        );
        hand_over(&access);
    }
}

/// A server program, run as a user it accepts and ended with the thread that starts it.
pub(super) fn command(program: &str) -> Command {
    let path = programs().join(program);
    let mut command = match system_user() {
        Some((user, group)) => {
            let mut command = Command::new("setpriv");
            command.args([
                format!("--reuid={user}"),
                format!("--regid={group}"),
                "--clear-groups".to_owned(),
                "--pdeathsig=QUIT".to_owned(),
            ]);
            command.arg(path);
            command
        }
        None => Command::new(path),
    };
    // Ctrl-C of a terminal is for the tests, which then stop the server in order.
    command
        .env_clear()
        .env("LC_ALL", "C")
        .env("PATH", "/usr/bin:/bin")
        .current_dir("/")
        .process_group(0);
    command
}

pub(super) fn hand_over(path: &Path) {
    if let Some((user, group)) = system_user() {
        chown(path, Some(user), Some(group)).expect("root may change owners");
    }
}

fn signal(name: &str, processes: &[String]) {
    let sent = Command::new("kill").arg(name).args(processes).status();
    assert!(
        sent.is_ok_and(|status| status.success()),
        "a process of the server is gone"
    );
}

/// The sessions and helpers of the server.
fn children(process: &str) -> Vec<String> {
    let file = format!("/proc/{process}/task/{process}/children");
    let list = fs::read_to_string(file).expect("the kernel lists children");
    list.split_whitespace().map(str::to_owned).collect()
}

/// Immediate shutdown: tests want broken sessions, and the data is thrown away.
fn end(child: &mut Child) {
    let quit = Command::new("kill")
        .args(["-QUIT", &child.id().to_string()])
        .status();
    if !quit.is_ok_and(|status| status.success()) {
        drop(child.kill());
    }
    drop(child.wait());
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
    listener
        .local_addr()
        .expect("a bound listener has an address")
        .port()
}

/// The newest installed version, or what `REPORTAPP_TEST_POSTGRES_BIN` names.
pub(super) fn programs() -> PathBuf {
    if let Some(folder) = std::env::var_os("REPORTAPP_TEST_POSTGRES_BIN") {
        return folder.into();
    }
    let versions = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let newest = versions
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .max()
        .expect("PostgreSQL is installed below /usr/lib/postgresql (Debian: apt-get install postgresql)");
    PathBuf::from(format!("/usr/lib/postgresql/{newest}/bin"))
}

/// User and group of `postgres` when this process is root, which PostgreSQL refuses.
fn system_user() -> Option<(u32, u32)> {
    if own_user() != 0 {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").ok()?;
    let line = users.lines().find(|line| line.starts_with("postgres:"))?;
    let mut fields = line.split(':').skip(2);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

/// The user this process runs as.
pub(super) fn own_user() -> u32 {
    let process = fs::metadata("/proc/self").expect("the kernel shows each process");
    process.uid()
}
