//! A PostgreSQL store with the roles of production, for tests: an owner's login that migrates, a login
//! that only serves, and one that only reads.

use reportapp_config::DatabaseConfig;
use reportapp_pool::testing::{SUPERUSER, TestPostgres};
use reportapp_pool::{Pool, Row, Value};
use reportapp_session::{Context, Sight};

use super::context::scope;
use super::{Store, migrations, rights};

/// A login of the role that owns the tables, as rotations make them.
pub(crate) const OWNER: &str = "store_a";
/// A login of the base role `app`, which serves.
pub(crate) const SERVING: &str = "app_a";
/// A login that was given SELECT on everything.
pub(crate) const READER: &str = "reader";
const PASSWORD: &str = "canary-role-password";

const ROLES: &str = "
    CREATE ROLE store NOLOGIN;
    CREATE ROLE store_a LOGIN PASSWORD 'canary-role-password' IN ROLE store;
    ALTER ROLE store_a SET role = store;
    CREATE ROLE app NOLOGIN;
    CREATE ROLE app_a LOGIN PASSWORD 'canary-role-password' IN ROLE app;
    ALTER ROLE app_a SET role = app;
    CREATE ROLE reader LOGIN PASSWORD 'canary-role-password';
    GRANT CREATE ON SCHEMA public TO store;";

/// Two tenants with a user each, a super admin of the first, and somebody of no tenant.
const PEOPLE: &str = "
    INSERT INTO users_enhanced (id, username, username_key, name, user_type, created_at)
        VALUES ('boss', 'boss', 'boss', 'Boss', 'super_admin', now()),
               ('root', 'root', 'root', 'Root', 'enterprise_admin', now());
    INSERT INTO clients (id, name, name_key, super_admin_id, created_at)
        VALUES ('acme', 'Acme', 'acme', 'boss', now()), ('zeta', 'Zeta', 'zeta', NULL, now());
    INSERT INTO users_enhanced (id, username, username_key, name, tenant_id, created_at)
        VALUES ('ana', 'ana', 'ana', 'Ana', 'acme', now()), ('zoe', 'zoe', 'zoe', 'Zoe', 'zeta', now());";

pub(crate) struct TestDatabase {
    server: TestPostgres,
}

impl TestDatabase {
    /// Roles and no tables.
    pub(crate) async fn empty() -> Self {
        let this = Self {
            server: TestPostgres::start().await,
        };
        this.pool(SUPERUSER).await.batch(ROLES).await.unwrap();
        this
    }

    /// Migrated by the owner, with the rights of the serving role and with people.
    pub(crate) async fn new() -> Self {
        let this = Self::empty().await;
        let owner = this.pool(OWNER).await;
        migrations::run(&owner, migrations::ALL).await.unwrap();
        rights::grant(&owner, "app").await.unwrap();
        let reader = "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader";
        owner.batch(reader).await.unwrap();
        this.pool(SUPERUSER).await.batch(PEOPLE).await.unwrap();
        this
    }

    pub(crate) fn config(&self, login: &str) -> DatabaseConfig {
        let mut config = match login {
            SUPERUSER => self.server.config(),
            login => self.server.config_for(login, PASSWORD),
        };
        if let DatabaseConfig::Postgres { pool, .. } = &mut config {
            (pool.min, pool.max) = (0, 4);
        }
        config
    }

    pub(crate) async fn pool(&self, login: &str) -> Pool {
        Pool::open("store", &self.config(login)).await.unwrap()
    }

    /// A pool of one connection, as a transaction pooler with one server would look like.
    pub(crate) async fn single(&self, login: &str) -> Pool {
        let mut config = self.config(login);
        if let DatabaseConfig::Postgres { pool, .. } = &mut config {
            pool.max = 1;
        }
        Pool::open("store", &config).await.unwrap()
    }

    /// The store as its owner serves from it.
    pub(crate) async fn store(&self) -> Store {
        let store = Store::new(self.pool(OWNER).await);
        store.migrate().await.unwrap();
        store
    }
}

pub(crate) fn seeing(sight: Sight) -> Context {
    Context {
        sight,
        user: Some("ana".to_owned()),
        request: Some("request-7".to_owned()),
        address: Some("192.0.2.7".to_owned()),
        ..Context::system("test")
    }
}

pub(crate) fn tenant(id: &str) -> Context {
    seeing(Sight::Tenant(id.to_owned()))
}

/// The first column of the rows a statement gives in a context.
pub(crate) async fn texts(pool: &Pool, context: &Context, sql: &str) -> Vec<String> {
    let rows = pool.query_after(&context.opening(), sql, &[]).await;
    rows.unwrap().into_iter().map(first).collect()
}

fn first(row: Row) -> String {
    match row.into_values().into_iter().next() {
        Some(Value::Text(text)) => text,
        other => panic!("no text: {other:?}"),
    }
}

/// What one statement says when it is refused: its SQL state.
pub(crate) async fn refusal(pool: &Pool, context: &Context, sql: &str) -> String {
    let error = pool.execute_after(&context.opening(), sql, &[]).await;
    match error {
        Err(reportapp_pool::PoolError::Query { code, .. }) => code,
        other => panic!("not refused: {sql}: {other:?}"),
    }
}

/// Runs `work` in a context.
pub(crate) async fn within<F: Future>(context: Context, work: F) -> F::Output {
    scope(context, work).await
}
