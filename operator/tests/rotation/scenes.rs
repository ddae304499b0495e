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

use crate::gate::Gate;
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

    /// Lets the operator reach its backend through a gate, and nobody else.
    pub async fn gate(&mut self, servers: &Servers) -> Gate {
        let (role, name) = (self.target.role.as_deref().unwrap(), &self.target.name);
        let gate = Gate::to(match self.backend {
            Backend::Redis(_) => servers.redis.port,
            _ => servers.postgres_port,
        })
        .await;
        self.backend = match self.backend {
            Backend::Redis(_) => redis_at(gate.port, redis_root(), role, name),
            _ => postgres_at(gate.port, postgres_root(), role, name),
        };
        gate
    }

    /// Gives the operator another administrator.
    pub fn administered_by(&mut self, servers: &Servers, admin: Admin) {
        let (role, name) = (self.target.role.as_deref().unwrap(), &self.target.name);
        self.backend = match self.backend {
            Backend::Redis(_) => redis_at(servers.redis.port, admin, role, name),
            _ => postgres_at(servers.postgres_port, admin, role, name),
        };
    }
}

async fn postgres(servers: &Servers, role: &str, name: &str) -> Backend {
    let sql = format!("CREATE ROLE {role} LOGIN PASSWORD '{FIRST}'");
    servers.sql(&sql).await;
    postgres_at(servers.postgres_port, postgres_root(), role, name)
}

fn postgres_root() -> Admin {
    Admin {
        username: SUPERUSER.to_owned(),
        password: SecretText::new(PASSWORD),
    }
}

/// The backend of a role behind any port.
fn postgres_at(port: u16, admin: Admin, role: &str, name: &str) -> Backend {
    let (database, key) = (DATABASE.to_owned(), format!("shop/erp/{name}"));
    let postgres = Postgres::new(endpoint(port), database, admin, role.to_owned(), key);
    Backend::Postgres(postgres.unwrap())
}

async fn redis(servers: &Servers, user: &str, name: &str) -> Backend {
    let password = format!(">{FIRST}");
    let rules = ["~*", "&*", "+@all"];
    let command = [&["ACL", "SETUSER", user, "on", &password], &rules[..]].concat();
    let () = servers.redis.root(&command).await;
    let () = servers.redis.root(&["ACL", "SAVE"]).await;
    redis_at(servers.redis.port, redis_root(), user, name)
}

fn redis_root() -> Admin {
    Admin {
        username: ROOT.to_owned(),
        password: SecretText::new(ROOT_PASSWORD),
    }
}

/// The backend of a user behind any port.
fn redis_at(port: u16, admin: Admin, user: &str, name: &str) -> Backend {
    let key = format!("shop/erp/{name}");
    Backend::Redis(Redis::new(endpoint(port), admin, user.to_owned(), key).unwrap())
}
