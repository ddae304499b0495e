//! Configuration files of the services, in the types the services read.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use reportapp_config::api::{
    ApiListen, AuditConfig, CacheConfig, ErpServer, RedisConfig, TlsFiles, TokenConfig,
};
use reportapp_config::bot::{InternalApi, Telegram};
use reportapp_config::database::{PoolConfig, TlsConfig};
use reportapp_config::tunnel::{Bastion, Forward, Handshake};
use reportapp_config::{
    API_PORT, ApiConfig, BotConfig, DatabaseConfig, HEALTH_PORT, INTERNAL_PORT, StoreConfig,
    TUNNEL_PORT, TunnelConfig,
};
use serde::Serialize;

use super::super::naming::{self, Component};
use super::super::validate::{
    PostgresStore, ValidatedApp, ValidatedServer, ValidatedStore, ValidatedTls, ValidatedTunnel,
    VersionedSecret,
};

/// Folder of the certificate of the application's own authority, in API pods.
pub const INTERNAL_TLS_DIR: &str = "/etc/reportapp/internal-tls";
/// Folder of a certificate somebody else keeps fresh, in API pods.
pub const PUBLIC_TLS_DIR: &str = "/etc/reportapp/tls";
/// Folder of the authority's certificate, in bot pods.
pub const AUTHORITY_DIR: &str = "/etc/reportapp/ca";
/// Folder of the first administrator's login, in API pods; empty once its Secret is deleted.
pub const FIRST_ADMINISTRATOR_DIR: &str = "/etc/reportapp/generated/first-admin";
/// Folder of report files, in API pods.
pub const REPORTS_DIR: &str = "/etc/reportapp/reports";
/// Folder of a SQLite store.
pub const STORE_DIR: &str = "/var/lib/reportapp";
/// Folder of the web UI in the image.
const WEB_ROOT: &str = "/usr/share/reportapp/web";
/// Seconds the bot may take to finish the updates in hand.
pub const BOT_DRAIN_SECONDS: u64 = 10;
/// Seconds a tunnel leaves its connections open for the API pods to move on.
pub const TUNNEL_DRAIN_SECONDS: u64 = 30;
/// Seconds between two SSH keepalives.
const KEEPALIVE_SECONDS: u64 = 15;

/// Content of `config.yaml` of a component.
pub fn render_config(app: &ValidatedApp, component: &Component) -> String {
    match component {
        Component::Api => yaml(&api_config(app)),
        Component::Bot => yaml(&bot_config(app)),
        Component::Migrator => migrator_config(app)
            .map(|config| yaml(&config))
            .unwrap_or_default(),
        Component::Tunnel(name) => super::tunnels(app)
            .find(|(server, _)| server.name == *name)
            .map(|(server, tunnel)| yaml(&tunnel_config(app, server, tunnel)))
            .unwrap_or_default(),
    }
}

fn yaml<T: Serialize>(config: &T) -> String {
    serde_yaml_ng::to_string(config)
        .expect("configuration types have string keys and no failing fields")
}

fn api_config(app: &ValidatedApp) -> ApiConfig {
    let spec = app.spec();
    let public = spec.web.as_ref().and_then(|web| web.tls.as_ref());
    ApiConfig {
        app: app.name.clone(),
        listen: ApiListen {
            https: any(API_PORT),
            internal: any(INTERNAL_PORT),
            health: any(HEALTH_PORT),
        },
        tls: tls_files(public.map_or(INTERNAL_TLS_DIR, |_| PUBLIC_TLS_DIR)),
        internal_tls: tls_files(INTERNAL_TLS_DIR),
        path_prefix: spec
            .web
            .as_ref()
            .map_or_else(|| "/".to_owned(), |web| web.path_prefix.clone()),
        trusted_proxies: spec.api.trusted_proxies.clone(),
        servers: app
            .servers
            .iter()
            .map(|server| ErpServer {
                name: server.name.clone(),
                database: erp_database(app, server),
                auth: server.auth,
            })
            .collect(),
        store: store_database(&app.store),
        redis: app.redis.as_ref().map(|redis| RedisConfig {
            host: redis.host.clone(),
            port: redis.port,
            tls: tls_config(&redis.tls),
            credential: folder(&redis.login),
        }),
        cache: CacheConfig::default(),
        tokens: TokenConfig {
            keys: folder(&app.signing),
            lifetime_seconds: spec.api.token_lifetime.as_secs().max(1),
        },
        audit: AuditConfig {
            retention_days: spec.api.audit.retention_days,
        },
        first_administrator: Some(PathBuf::from(FIRST_ADMINISTRATOR_DIR)),
        internal_token: app.internal_token.as_ref().map(folder),
        bot_username: spec.bot.as_ref().and_then(|bot| bot.username.clone()),
        reports: app.reports.as_ref().map(|_| PathBuf::from(REPORTS_DIR)),
        web_root: PathBuf::from(WEB_ROOT),
        drain_seconds: spec.api.drain.as_secs(),
    }
}

/// The database as the API dials it: the tunnel's Service when there is a tunnel.
fn erp_database(app: &ValidatedApp, server: &ValidatedServer) -> DatabaseConfig {
    let (host, port) = match server.tunnel {
        Some(_) => {
            let component = Component::Tunnel(server.name.clone());
            let service = naming::workload(&app.name, &component);
            (in_cluster(app, &service), TUNNEL_PORT)
        }
        None => (server.host.clone(), server.port),
    };
    DatabaseConfig::Postgres {
        host,
        port,
        database: server.database.clone(),
        tls: tls_config(&server.tls),
        credential: folder(&server.login),
        pool: server.pool.clone(),
    }
}

fn store_database(store: &ValidatedStore) -> DatabaseConfig {
    match store {
        ValidatedStore::Postgres(postgres) => {
            postgres_store(postgres, &postgres.login, postgres.pool.clone())
        }
        ValidatedStore::Sqlite { pool, .. } => DatabaseConfig::Sqlite {
            path: PathBuf::from(STORE_DIR).join("store.db"),
            read_only: false,
            pool: pool.clone(),
        },
    }
}

fn postgres_store(
    store: &PostgresStore,
    login: &VersionedSecret,
    pool: PoolConfig,
) -> DatabaseConfig {
    DatabaseConfig::Postgres {
        host: store.host.clone(),
        port: store.port,
        database: store.database.clone(),
        tls: tls_config(&store.tls),
        credential: folder(login),
        pool,
    }
}

/// The store under the login that owns its tables. One connection is enough, and a statement may take
/// as long as the whole.
fn migrator_config(app: &ValidatedApp) -> Option<StoreConfig> {
    let (store, migrator) = super::migrator(app)?;
    let pool = PoolConfig {
        min: 0,
        max: 1,
        statement_timeout_ms: u64::try_from(migrator.deadline.as_millis()).unwrap_or(u64::MAX),
        ..PoolConfig::default()
    };
    let store = postgres_store(store, &migrator.login, pool);
    Some(StoreConfig { store })
}

fn bot_config(app: &ValidatedApp) -> BotConfig {
    let name = in_cluster(app, &naming::internal_service(&app.name));
    let folder_of =
        |secret: &Option<VersionedSecret>| secret.as_ref().map(folder).unwrap_or_default();
    BotConfig {
        app: app.name.clone(),
        health: any(HEALTH_PORT),
        api: InternalApi {
            url: format!("https://{name}:{INTERNAL_PORT}/"),
            ca_file: PathBuf::from(AUTHORITY_DIR).join("ca.crt"),
            server_name: name,
            credential: folder_of(&app.internal_token),
        },
        telegram: Telegram {
            api_url: app.spec().bot.as_ref().and_then(|bot| bot.api_url.clone()),
            credential: folder_of(&app.bot_token),
        },
        drain_seconds: BOT_DRAIN_SECONDS,
    }
}

fn tunnel_config(
    app: &ValidatedApp,
    server: &ValidatedServer,
    tunnel: &ValidatedTunnel,
) -> TunnelConfig {
    TunnelConfig {
        app: app.name.clone(),
        server: server.name.clone(),
        health: any(HEALTH_PORT),
        bastion: Bastion {
            host: tunnel.host.clone(),
            port: tunnel.port,
            user: tunnel.user.clone(),
        },
        known_hosts: tunnel.known_hosts.clone(),
        credential: folder(&tunnel.key),
        forwards: vec![Forward {
            listen: any(TUNNEL_PORT),
            host: server.host.clone(),
            port: server.port,
            handshake: Handshake::Postgres,
        }],
        keepalive_seconds: KEEPALIVE_SECONDS,
        drain_seconds: TUNNEL_DRAIN_SECONDS,
    }
}

/// Name of a Service as every pod of the cluster resolves it, whatever the cluster's domain.
fn in_cluster(app: &ValidatedApp, service: &str) -> String {
    format!("{service}.{}.svc", app.namespace)
}

fn any(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::UNSPECIFIED, port))
}

fn folder(secret: &VersionedSecret) -> PathBuf {
    PathBuf::from(&secret.folder)
}

fn tls_files(dir: &str) -> TlsFiles {
    TlsFiles {
        certificate: PathBuf::from(dir).join("tls.crt"),
        key: PathBuf::from(dir).join("tls.key"),
    }
}

fn tls_config(tls: &ValidatedTls) -> TlsConfig {
    TlsConfig {
        mode: tls.mode,
        ca_file: tls
            .authority
            .as_ref()
            .map(|authority| folder(authority).join("ca.crt")),
        server_name: tls.server_name.clone(),
    }
}
