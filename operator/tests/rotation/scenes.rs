//! Credentials as a platform team has set them up: each with its strategy, on the real servers.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use rcgen::{KeyPair, PKCS_ED25519};
use reportapp_operator::backend::Admin;
use reportapp_operator::backend::postgres::Postgres;
use reportapp_operator::backend::redis::Redis;
use reportapp_operator::rotation::ledger::{ADOPTED, SecretText, Value};
use reportapp_operator::rotation::plan::Backend;
use reportapp_operator::rotation::target::{Strategy, Target};
use reportapp_pool::testing::{DATABASE, PASSWORD, SUPERUSER};

use crate::servers::{ROOT, ROOT_PASSWORD, Servers, endpoint, fresh_name};

/// The password every adopted login has.
pub const FIRST: &str = "canary-first-password";

/// One credential of a sandbox.
pub struct Credential {
    pub target: Target,
    pub backend: Backend,
    pub adopted: Value,
}

/// What a credential opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Postgres,
    Redis,
    Key,
    Value,
}

/// Seconds the old value is kept: short, and the sandbox's clock runs fast.
pub const HOLD: Duration = Duration::from_secs(6);

impl Credential {
    /// Makes it on the servers.
    pub async fn make(
        servers: &Arc<Servers>,
        kind: Kind,
        strategy: Strategy,
        index: usize,
    ) -> Self {
        let name = fresh_name("cred");
        let role = matches!(kind, Kind::Postgres | Kind::Redis).then(|| fresh_name("erp"));
        let backend = match kind {
            Kind::Postgres => postgres(servers, role.as_deref().unwrap(), &name).await,
            Kind::Redis => redis(servers, role.as_deref().unwrap(), &name).await,
            Kind::Key | Kind::Value => Backend::None,
        };
        let secret = match kind {
            Kind::Key => KeyPair::generate_for(&PKCS_ED25519)
                .unwrap()
                .serialize_pem(),
            _ => FIRST.to_owned(),
        };
        let (file, hold) = match kind {
            Kind::Key => ("signing.pem", HOLD),
            Kind::Value => ("value", Duration::ZERO),
            _ => ("password", Duration::ZERO),
        };
        Self {
            adopted: Value {
                rotation: ADOPTED.to_owned(),
                username: role.clone(),
                secret: SecretText::new(secret),
                created: Timestamp::UNIX_EPOCH,
            },
            target: Target {
                name,
                strategy,
                role,
                file,
                hold,
                index,
            },
            backend,
        }
    }
}

async fn postgres(servers: &Servers, role: &str, name: &str) -> Backend {
    let sql = format!("CREATE ROLE {role} LOGIN PASSWORD '{FIRST}'");
    servers.sql(&sql).await;
    Backend::Postgres(postgres_at(servers.postgres.port(), role, name))
}

/// The backend of a role behind any port.
pub fn postgres_at(port: u16, role: &str, name: &str) -> Postgres {
    let admin = Admin {
        username: SUPERUSER.to_owned(),
        password: SecretText::new(PASSWORD),
    };
    let key = format!("shop/erp/{name}");
    Postgres::new(
        endpoint(port),
        DATABASE.to_owned(),
        admin,
        role.to_owned(),
        key,
    )
    .unwrap()
}

async fn redis(servers: &Servers, user: &str, name: &str) -> Backend {
    let password = format!(">{FIRST}");
    let rules = ["~*", "&*", "+@all"];
    let command = [&["ACL", "SETUSER", user, "on", &password], &rules[..]].concat();
    let () = servers.redis.root(&command).await;
    let admin = Admin {
        username: ROOT.to_owned(),
        password: SecretText::new(ROOT_PASSWORD),
    };
    let key = format!("shop/erp/{name}");
    let at = endpoint(servers.redis.port);
    Backend::Redis(Redis::new(at, admin, user.to_owned(), key).unwrap())
}
