//! A server as a platform team would have set it up: an application role that owns nothing, a
//! database not everybody may enter, an administrator with few rights.

use reportapp_config::database::TlsMode;
use reportapp_operator::backend::postgres::Postgres;
use reportapp_operator::backend::{Admin, BackendError, Endpoint};
use reportapp_operator::rotation::ledger::SecretText;
use reportapp_pool::testing::{DATABASE, PASSWORD, SUPERUSER, TestPostgres};
use tokio_postgres::{Client, NoTls};

/// The application's role and the login it has at first.
pub const ROLE: &str = "bisman_backend";
/// Its first password.
pub const FIRST: &str = "canary-first-password";
/// The administrator.
pub const ADMIN: &str = "rotation_admin";
/// Its password.
pub const ADMIN_PASSWORD: &str = "canary-admin-password";
/// Owner of the role.
pub const KEY: &str = "shop/erp/main";
/// Its twins.
pub const A: &str = "bisman_backend_a";
/// The other one.
pub const B: &str = "bisman_backend_b";

/// The server, a superuser's session on it, and the backend under test.
pub struct World {
    pub server: TestPostgres,
    pub root: Client,
    pub postgres: Postgres,
}

const SETUP: &str = "
    SET password_encryption = 'scram-sha-256';
    CREATE ROLE bisman_backend LOGIN PASSWORD 'canary-first-password'
        CONNECTION LIMIT 7 VALID UNTIL '2099-01-01 12:00+00';
    CREATE ROLE rotation_admin LOGIN CREATEROLE PASSWORD 'canary-admin-password';
    GRANT pg_signal_backend TO rotation_admin;
    REVOKE ALL ON DATABASE erp FROM PUBLIC;
    GRANT CONNECT ON DATABASE erp TO bisman_backend, rotation_admin;
    CREATE SCHEMA reports;
    GRANT USAGE, CREATE ON SCHEMA reports TO bisman_backend;
    ALTER ROLE bisman_backend SET search_path = '$user', reports, 'My Own';
    ALTER ROLE bisman_backend SET app.greeting = 'it''s';
    GRANT SET ON PARAMETER app.greeting TO rotation_admin;
    ALTER ROLE bisman_backend IN DATABASE erp SET statement_timeout = '42s';
    COMMENT ON ROLE bisman_backend IS 'Reports; ask the DBA';";

impl World {
    /// Starts it.
    pub async fn start() -> Self {
        let server = TestPostgres::start().await;
        let root = login(&server, SUPERUSER, PASSWORD)
            .await
            .expect("the superuser may log in");
        root.batch_execute(SETUP)
            .await
            .expect("the setup is accepted");
        if version(&root).await >= 160_000 {
            let grant = "GRANT bisman_backend TO rotation_admin \
                         WITH ADMIN TRUE, INHERIT FALSE, SET FALSE";
            root.batch_execute(grant)
                .await
                .expect("the grant is accepted");
        }
        let postgres = backend(&server, KEY);
        Self {
            server,
            root,
            postgres,
        }
    }

    /// The same backend for another credential.
    pub fn other(&self, key: &str) -> Postgres {
        backend(&self.server, key)
    }

    /// Logs in with a client of its own; the error is the SQL state.
    pub async fn login(&self, username: &str, password: &str) -> Result<Client, String> {
        login(&self.server, username, password).await
    }

    /// Runs statements as superuser.
    pub async fn sql(&self, sql: &str) {
        let outcome = self.root.batch_execute(sql).await;
        outcome.expect("a superuser may");
    }

    /// One text the superuser reads.
    pub async fn text(&self, sql: &str) -> String {
        text(&self.root, sql).await
    }
}

/// The first column of the first row.
pub async fn text(client: &Client, sql: &str) -> String {
    let row = client.query_one(sql, &[]).await;
    row.expect("one row").get(0)
}

/// `server_version_num`.
pub async fn version(client: &Client) -> i32 {
    let sql = "SELECT current_setting('server_version_num')::int";
    let row = client.query_one(sql, &[]).await;
    row.expect("one row").get(0)
}

/// Where the server listens.
pub fn endpoint(server: &TestPostgres) -> Endpoint {
    Endpoint {
        host: "127.0.0.1".to_owned(),
        port: server.port(),
        tls: TlsMode::Disable,
        authority: None,
        server_name: None,
    }
}

/// The administrator as the operator is told of it.
pub fn admin(username: &str, password: &str) -> Admin {
    Admin {
        username: username.to_owned(),
        password: SecretText::new(password),
    }
}

/// A backend for any administrator and role.
pub fn with_admin(
    server: &TestPostgres,
    username: &str,
    password: &str,
    role: &str,
) -> Result<Postgres, BackendError> {
    let (database, admin) = (DATABASE.to_owned(), admin(username, password));
    let (role, key) = (role.to_owned(), KEY.to_owned());
    Postgres::new(endpoint(server), database, admin, role, key)
}

fn backend(server: &TestPostgres, key: &str) -> Postgres {
    let (database, admin) = (DATABASE.to_owned(), admin(ADMIN, ADMIN_PASSWORD));
    let (role, key) = (ROLE.to_owned(), key.to_owned());
    Postgres::new(endpoint(server), database, admin, role, key).expect("usable names")
}

async fn login(server: &TestPostgres, username: &str, password: &str) -> Result<Client, String> {
    let mut config = tokio_postgres::Config::new();
    config
        .host("127.0.0.1")
        .port(server.port())
        .user(username)
        .password(password)
        .application_name("bisman")
        .dbname(DATABASE);
    match config.connect(NoTls).await {
        Ok((client, connection)) => {
            tokio::spawn(connection);
            Ok(client)
        }
        Err(error) => Err(error
            .code()
            .map_or_else(|| error.to_string(), |code| code.code().to_owned())),
    }
}
