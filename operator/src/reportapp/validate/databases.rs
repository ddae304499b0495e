//! ERP servers, store and Redis.

use std::ops::RangeInclusive;

use reportapp_config::database::{PoolConfig, TlsMode};
use reportapp_crds::Period;
use reportapp_crds::report_app::{
    Engine, Migrator, Pool, Server, StoreEngine, Tls, TlsMode as SpecTlsMode, Tunnel,
};

use super::super::model::ProblemReason;
use super::credentials::Opens;
use super::secrets::AUTHORITY_KEY;
use super::{
    Check, PostgresStore, ValidatedMigrator, ValidatedRedis, ValidatedServer, ValidatedStore,
    ValidatedTls, ValidatedTunnel, key, known_hosts,
};

/// Port of PostgreSQL.
const POSTGRES_PORT: u16 = 5432;
/// Bounds of the time a migration may take.
const DEADLINES: RangeInclusive<Period> = Period::from_secs(60)..=Period::from_secs(86_400);

impl Check<'_> {
    pub(super) fn servers(&mut self) -> Option<Vec<ValidatedServer>> {
        let spec = self.spec;
        for (index, server) in spec.servers.iter().enumerate() {
            if spec.servers[..index].iter().any(|s| s.name == server.name) {
                self.duplicate("spec.servers", &server.name);
            }
        }
        if spec.servers.is_empty() {
            return self.invalid("spec.servers", "name at least one ERP database");
        }
        // All are checked before the first failure counts, so that no problem hides another.
        let servers: Vec<_> = spec
            .servers
            .iter()
            .map(|server| self.server(server))
            .collect();
        servers.into_iter().collect()
    }

    fn server(&mut self, server: &Server) -> Option<ValidatedServer> {
        let path = format!("spec.servers[{}]", server.name);
        let login = self.credential(
            &server.credential,
            &format!("{path}.credential"),
            Opens::Server(&server.name),
        );
        let through = server.tunnel.is_some().then_some(server.host.as_str());
        let tls = self.tls(
            &server.tls,
            &path,
            &format!("server-{}", server.name),
            through,
        );
        let pool = self.pool(&server.pool, &path);
        let tunnel = match &server.tunnel {
            None => Some(None),
            Some(tunnel) => self.tunnel(tunnel, &server.name, &path).map(Some),
        };
        let database = match (server.engine, &server.database) {
            (Engine::Postgres, Some(database)) => Some(database.clone()),
            (Engine::Postgres, None) => self.invalid(
                format!("{path}.database"),
                "missing; engine Postgres needs it",
            ),
            // Noted by `implemented`.
            (Engine::Oracle | Engine::Sqlite, _) => None,
        };
        Some(ValidatedServer {
            name: server.name.clone(),
            host: server.host.clone(),
            port: server.port_or_default(),
            database: database?,
            tls: tls?,
            login: login?,
            pool: pool?,
            tunnel: tunnel?,
        })
    }

    fn tunnel(&mut self, tunnel: &Tunnel, server: &str, path: &str) -> Option<ValidatedTunnel> {
        let path = format!("{path}.tunnel");
        let key = self.credential(
            &tunnel.credential,
            &format!("{path}.credential"),
            Opens::Bastion(server),
        );
        let bastion = &tunnel.bastion;
        if let Err(why) = known_hosts::check(&tunnel.known_hosts, &bastion.host, bastion.port) {
            let path = format!("{path}.knownHosts");
            return self.problem(ProblemReason::KnownHostsInvalid, path, why.to_string());
        }
        Some(ValidatedTunnel {
            host: bastion.host.clone(),
            port: bastion.port,
            user: bastion.user.clone(),
            known_hosts: tunnel.known_hosts.clone(),
            key: key?,
        })
    }

    pub(super) fn store(&mut self) -> Option<ValidatedStore> {
        let spec = self.spec;
        let store = &spec.store;
        let pool = self.pool(&store.pool, "spec.store");
        if store.engine == StoreEngine::Sqlite {
            return Some(ValidatedStore::Sqlite {
                volume: store.volume.clone().unwrap_or_default(),
                pool: pool?,
            });
        }
        let tls = self.tls(&store.tls, "spec.store", "store", None);
        let login = match &store.credential {
            Some(name) => self.credential(name, "spec.store.credential", Opens::Store),
            None => self.invalid("spec.store.credential", "missing; engine Postgres needs it"),
        };
        let host = match &store.host {
            Some(host) => Some(host.clone()),
            None => self.invalid("spec.store.host", "missing; engine Postgres needs it"),
        };
        let database = match &store.database {
            Some(database) => Some(database.clone()),
            None => self.invalid("spec.store.database", "missing; engine Postgres needs it"),
        };
        let migrator = match &store.migrator {
            None => Some(None),
            Some(migrator) => self.migrator(migrator).map(Some),
        };
        let postgres = PostgresStore {
            host: host?,
            port: store.port.unwrap_or(POSTGRES_PORT),
            database: database?,
            tls: tls?,
            login: login?,
            pool: pool?,
            migrator: migrator?,
        };
        Some(ValidatedStore::Postgres(Box::new(postgres)))
    }

    /// The login that owns the tables, and the role that must not.
    fn migrator(&mut self, migrator: &Migrator) -> Option<ValidatedMigrator> {
        let (spec, path) = (self.spec, "spec.store.migrator");
        let name = &migrator.credential;
        let before = self.problems.len();
        let login = self.credential(name, &format!("{path}.credential"), Opens::Store);
        let serving = spec.store.credential.as_deref().unwrap_or_default();
        let role = |name: &str| {
            let credential = spec.credentials.iter().find(|c| c.name == name)?;
            credential.opens.login()
        };
        let (owner, grants_to) = (role(name), role(serving));
        if let Some(role) = owner.filter(|owner| Some(*owner) == grants_to) {
            self.note_invalid(
                format!("{path}.credential"),
                format!(
                    "credentials {name} and {serving} are both of role {role}, which would serve with the \
                     tables it owns; give one of them a role of its own"
                ),
            );
        }
        if !DEADLINES.contains(&migrator.deadline) {
            let message = format!("{} is not within 1m to 1d", migrator.deadline);
            self.note_invalid(format!("{path}.deadline"), message);
        }
        if self.problems.len() > before {
            return None;
        }
        Some(ValidatedMigrator {
            login: login?,
            grants_to: grants_to?.to_owned(),
            deadline: migrator.deadline.as_duration(),
        })
    }

    /// `Some(None)` when the spec has no Redis.
    pub(super) fn redis(&mut self) -> Option<Option<ValidatedRedis>> {
        let spec = self.spec;
        let Some(redis) = &spec.redis else {
            return Some(None);
        };
        let tls = self.tls(&redis.tls, "spec.redis", "redis", None);
        let login = self.credential(&redis.credential, "spec.redis.credential", Opens::Redis);
        Some(Some(ValidatedRedis {
            host: redis.host.clone(),
            port: redis.port,
            tls: tls?,
            login: login?,
        }))
    }

    /// `through`: the host behind a tunnel, whose name the certificate carries.
    fn tls(
        &mut self,
        tls: &Tls,
        path: &str,
        place: &str,
        through: Option<&str>,
    ) -> Option<ValidatedTls> {
        let path = format!("{path}.tls");
        if tls.mode == SpecTlsMode::Disable {
            if tls.ca_secret_ref.is_some() || tls.server_name.is_some() {
                return self.invalid(
                    path,
                    "caSecretRef and serverName mean nothing with mode Disable; remove them or set mode VerifyFull",
                );
            }
            return Some(ValidatedTls {
                mode: TlsMode::Disable,
                authority: None,
                server_name: None,
            });
        }
        let authority = match &tls.ca_secret_ref {
            None => None,
            Some(reference) => {
                let path = format!("{path}.caSecretRef");
                let value = self.value(reference, AUTHORITY_KEY, &path)?;
                if let Err(why) = key::check_certificates(value) {
                    let name = reference.key_or(AUTHORITY_KEY);
                    let message = format!("key {name} of Secret {}: {why}", reference.name);
                    return self.problem(ProblemReason::CertificateUnusable, path, message);
                }
                let files = [(AUTHORITY_KEY.to_owned(), value.clone())].into();
                Some(self.versioned("authorities", place, files))
            }
        };
        let server_name = tls
            .server_name
            .clone()
            .or_else(|| through.map(str::to_owned));
        Some(ValidatedTls {
            mode: TlsMode::VerifyFull,
            authority,
            server_name,
        })
    }

    fn pool(&mut self, pool: &Pool, path: &str) -> Option<PoolConfig> {
        let path = format!("{path}.pool");
        let before = self.problems.len();
        let (min, max) = (u32::try_from(pool.min), u32::try_from(pool.max));
        let (Ok(min), Ok(max)) = (min, max) else {
            return self.invalid(path, "min and max must not be negative");
        };
        if max == 0 || min > max {
            let message =
                format!("min ({min}) must not exceed max ({max}), and max must be at least 1");
            self.note_invalid(&path, message);
        }
        self.positive(&format!("{path}.acquireTimeout"), pool.acquire_timeout);
        self.positive(&format!("{path}.maxLifetime"), pool.max_lifetime);
        self.positive(&format!("{path}.statementTimeout"), pool.statement_timeout);
        (self.problems.len() == before).then(|| PoolConfig {
            min,
            max,
            acquire_timeout_ms: pool.acquire_timeout.as_millis(),
            max_lifetime_ms: pool.max_lifetime.as_millis(),
            statement_timeout_ms: pool.statement_timeout.as_millis(),
        })
    }

    /// Notes a length of time that is zero where nothing could ever happen in it.
    pub(super) fn positive(&mut self, path: &str, period: Period) {
        if period.as_millis() == 0 {
            self.note_invalid(path, "must be longer than zero, such as 30s");
        }
    }
}
