//! Databases for tests: a PostgreSQL server of one's own on a free loopback port, and a SQLite file
//! in a temporary folder. Both are gone when the value is dropped, and the server also when the
//! test process dies.

use std::path::{Path, PathBuf};

use reportapp_config::DatabaseConfig;
use reportapp_config::database::{PoolConfig, TlsConfig, TlsMode};
use tempfile::TempDir;

mod noop;
mod server;
mod template;

#[cfg(test)]
pub(crate) use noop::{Noop, Nothing};
pub use noop::{NoopLease, NoopPool};
pub use server::Frozen;
use server::Server;

/// The superuser of a [`TestPostgres`].
pub const SUPERUSER: &str = "erp_admin";
/// Its password; also the value tests search for in outputs.
pub const PASSWORD: &str = "canary-7f3a-pool-password";
/// The database every test server has.
pub const DATABASE: &str = "erp";

/// A PostgreSQL server.
pub struct TestPostgres {
    server: Server,
    folder: TempDir,
}

/// A certificate for the server and the authority to verify it with, all PEM.
pub struct TestTls {
    /// Certificate of the server.
    pub certificate: String,
    /// Its private key.
    pub key: String,
    /// The authority that signed it.
    pub authority: String,
}

impl TestPostgres {
    /// Creates a cluster and starts it without TLS; it accepts connections when this returns.
    ///
    /// # Panics
    /// When PostgreSQL is not installed or does not start; its log is in the message.
    pub async fn start() -> Self {
        Self::start_with(None).await
    }

    /// As [`TestPostgres::start`]; clients must use TLS then.
    ///
    /// # Panics
    /// As [`TestPostgres::start`].
    pub async fn start_tls(tls: &TestTls) -> Self {
        Self::start_with(Some(tls)).await
    }

    async fn start_with(tls: Option<&TestTls>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let mut server = Server::create(folder.path(), tls);
        server.start().await;
        let this = Self { server, folder };
        if let Some(tls) = tls {
            write(&this.folder.path().join("authority.pem"), &tls.authority);
        }
        this
    }

    /// The TCP port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// What the server has logged since it was started last.
    ///
    /// # Panics
    /// When its log cannot be read.
    pub fn log(&self) -> String {
        self.server.log_text()
    }

    /// Stops the server at once; sessions break. It can be started again on the same port.
    pub async fn stop(&mut self) {
        self.server.stop().await;
    }

    /// Starts a stopped server with its data.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start_again(&mut self) {
        self.server.start().await;
    }

    /// Stops every process of the server where it stands until the value is dropped, as a machine does that
    /// hangs: sockets stay open and nobody answers.
    ///
    /// # Panics
    /// When the server does not run.
    pub fn freeze(&self) -> Frozen {
        self.server.freeze()
    }

    /// Configuration of a superuser login.
    pub fn config(&self) -> DatabaseConfig {
        self.config_for(SUPERUSER, PASSWORD)
    }

    /// Configuration of any login; the credential folder is made here.
    pub fn config_for(&self, username: &str, password: &str) -> DatabaseConfig {
        let ca_file = self.folder.path().join("authority.pem");
        let tls = if ca_file.exists() {
            TlsConfig {
                mode: TlsMode::VerifyFull,
                ca_file: Some(ca_file),
                server_name: None,
            }
        } else {
            TlsConfig {
                mode: TlsMode::Disable,
                ca_file: None,
                server_name: None,
            }
        };
        DatabaseConfig::Postgres {
            host: "127.0.0.1".to_owned(),
            port: self.port(),
            database: DATABASE.to_owned(),
            tls,
            credential: credential_folder(self.folder.path(), username, password),
            pool: PoolConfig::default(),
        }
    }
}

/// A SQLite file in a folder of its own.
pub struct TestSqlite {
    folder: TempDir,
}

impl TestSqlite {
    /// Makes the folder; the file comes with the first use.
    ///
    /// # Panics
    /// When no temporary folder can be made.
    #[expect(
        clippy::new_without_default,
        reason = "a default that touches the disk would surprise"
    )]
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a temporary folder can be made"),
        }
    }

    /// Path of the file.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("test.sqlite")
    }

    /// Configuration of the file.
    pub fn config(&self) -> DatabaseConfig {
        DatabaseConfig::Sqlite {
            path: self.path(),
            read_only: false,
            pool: PoolConfig::default(),
        }
    }
}

/// Writes a credential folder below `parent` and returns its path.
///
/// # Panics
/// When the files cannot be written.
pub fn credential_folder(parent: &Path, username: &str, password: &str) -> PathBuf {
    let mut number = 0;
    let folder = loop {
        let candidate = parent.join(format!("credential-{number}"));
        match std::fs::create_dir(&candidate) {
            Ok(()) => break candidate,
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => panic!("failed to make {}: {error}", candidate.display()),
        }
    };
    write(&folder.join("username"), username);
    write(&folder.join("password"), &format!("{password}\n"));
    folder
}

fn write(path: &Path, text: &str) {
    std::fs::write(path, text).expect("a file in a temporary folder can be written");
}
