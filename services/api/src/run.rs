//! Wires the API for production from its configuration file, and ends it without losing a request.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use reportapp_config::api::ErpAuth;
use reportapp_config::credential::{Secret, TOKEN};
use reportapp_config::{ApiConfig, MIN_RETENTION_DAYS};
use reportapp_pool::{Engine, Pool};
use reportapp_session::epochs::{SqlEpochStore, Terms};
use reportapp_session::{
    KeySet, MemoryStore, Passwords, RedisStore, RedisValues, SessionStore, Tokens, Wakes,
};
use reportapp_telemetry::{Drained, Health, HealthServer, Shutdown, drain};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::access;
use crate::admission::Admission;
use crate::app::{App, InternalToken, Throttles};
use crate::audit::sealer::{self, SEAL_EVERY};
use crate::cache::{Cache, CacheMetrics};
use crate::channels;
use crate::credentials;
use crate::dependencies::{TIDY_EVERY, watch_epochs, watch_redis, watch_server, watch_store};
use crate::epochs::Epochs;
use crate::erp::{Server, Servers};
use crate::metrics::{AuditMetrics, EpochMetrics, ExportMetrics, HttpMetrics, SessionMetrics};
use crate::peer::Cidr;
use crate::reports::{Catalogue, Folder};
use crate::router;
use crate::server::{End, Listener};
use crate::sessions::LONGEST_PAUSE;
use crate::store::Store;
use crate::tls::Certificate;
use crate::web::WebUi;

/// Name and version on the health port.
pub(crate) const SERVICE: &str = "reportapp-api";

/// Access tokens live no longer, whatever is configured: a session is renewed with a refresh token.
const LONGEST_TOKEN_SECONDS: u64 = 15 * 60;

/// Load balancers learn within a few seconds that a pod is going.
const NOTICE: Duration = Duration::from_secs(5);

/// Serves until a signal comes.
///
/// # Errors
/// Configuration that cannot be used, or an address that cannot be bound. A dependency that does
/// not answer is no error: it is waited for.
pub async fn run(config: &Path, shutdown: &Shutdown) -> anyhow::Result<()> {
    let config = load(config)?;
    let health = Health::new(SERVICE, env!("CARGO_PKG_VERSION"));
    // First of all, so that whatever fails next can be asked about.
    HealthServer::bind(config.listen.health, health.clone())
        .await?
        .spawn();
    let mut tasks = JoinSet::new();
    let app = Arc::new(build(&config, &health, &mut tasks).await?);
    let public_certificate = Certificate::new(config.tls.clone());
    let internal_certificate = Certificate::new(config.internal_tls.clone());

    let mut listeners = Vec::new();
    let (address, tls) = (config.listen.https, public_certificate.server_config());
    listeners.push(Listener::bind(address, Some(tls), router::public(&app)).await?);
    tasks.spawn(public_certificate.watch(health.dependency("certificate")));
    if app.internal_token.is_some() {
        let (address, tls) = (config.listen.internal, internal_certificate.server_config());
        listeners.push(Listener::bind(address, Some(tls), router::internal(&app)).await?);
        tasks.spawn(internal_certificate.watch(health.dependency("certificate/internal")));
    }
    watch_store(
        &mut tasks,
        &health,
        &app.store,
        &app.epochs,
        &app.passwords,
        config.first_administrator.clone(),
        TIDY_EVERY,
    );
    let audit = AuditMetrics::register(health.registry())?;
    let retention_days = config.audit.retention_days;
    sealer::watch(&mut tasks, &app.store, audit, retention_days, SEAL_EVERY);
    watch_epochs(&mut tasks, &health, &app.epochs, LONGEST_PAUSE);
    if let Some(redis) = &config.redis {
        watch_redis(&mut tasks, &health, &app.sessions);
        let wakes = Wakes::new(&config.app, redis)?;
        channels::watch(&mut tasks, &app.epochs, wakes);
    }
    for server in app.servers.all() {
        watch_server(&mut tasks, &health, server);
    }
    if let Some(folder) = &config.reports {
        let advice = health.advice("reports");
        tasks.spawn(Folder::new(folder).watch(Arc::clone(&app.catalogue), advice));
    }
    health.set_ready(true);
    log_addresses(&listeners);
    let drain_time = Duration::from_secs(config.drain_seconds);
    serve(listeners, &health, shutdown.token(), drain_time).await;
    tasks.shutdown().await;
    // Requests that outlived the drain are judged no more from here on.
    app.epochs.leave().await;
    Ok(())
}

/// Serves on all listeners until `shutdown`, then ends in two steps: go on accepting while load balancers notice
/// and until every client has let go of its connection, at most half of the time there is; then finish what was
/// begun.
pub(crate) async fn serve(
    listeners: Vec<Listener>,
    health: &Health,
    shutdown: CancellationToken,
    drain_time: Duration,
) {
    let end = End::default();
    let mut serving = JoinSet::new();
    for listener in listeners {
        serving.spawn(listener.serve(end.clone()));
    }
    shutdown.cancelled().await;
    let work = async {
        wind_down(&end, drain_time).await;
        while serving.join_next().await.is_some() {}
    };
    let drained = drain(health, drain_time, work).await;
    if drained == Drained::Finished {
        tracing::info!("ended: every request was answered");
    }
}

/// Asks all clients to let go of their connections, and waits until they have; then says that the end is here.
async fn wind_down(end: &End, drain_time: Duration) {
    end.lame_duck.cancel();
    let let_go = async {
        tokio::time::sleep((drain_time / 3).min(NOTICE)).await;
        end.emptied().await;
    };
    // Whoever has not let go by then asks too seldom to wait for; requests in hand need the rest of the time.
    drop(tokio::time::timeout(drain_time / 2, let_go).await);
    end.stop.cancel();
}

/// Reads a configuration file.
///
/// # Errors
/// A file that is missing or not understood.
pub(crate) fn load(path: &Path) -> anyhow::Result<ApiConfig> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).with_context(|| {
        format!("failed to read {shown}; give --config, or --demo to look around without one")
    })?;
    serde_yaml_ng::from_str(&text).with_context(|| format!("failed to understand {shown}"))
}

async fn build(
    config: &ApiConfig,
    health: &Health,
    tasks: &mut JoinSet<()>,
) -> anyhow::Result<App> {
    anyhow::ensure!(
        !config.servers.is_empty(),
        "servers is empty; name at least one"
    );
    anyhow::ensure!(
        config.audit.retention_days >= MIN_RETENTION_DAYS,
        "audit.retentionDays is {}; audit rows are kept for {MIN_RETENTION_DAYS} days at least",
        config.audit.retention_days
    );
    let store = Pool::open("store", &config.store).await?;
    store.register_metrics(health.registry())?;
    credentials::follow(tasks, health, "store", &store, &config.store);
    let mut servers = Vec::new();
    for server in &config.servers {
        let pool = Pool::open(&server.name, &server.database).await?;
        anyhow::ensure!(
            server.auth == ErpAuth::Store || pool.engine() == Engine::Postgres,
            "servers[{}].auth is Erp, which takes the functions of a PostgreSQL database; use Store",
            server.name
        );
        pool.register_metrics(health.registry())?;
        let name = format!("server/{}", server.name);
        credentials::follow(tasks, health, &name, &pool, &server.database);
        servers.push(Server::new(&server.name, pool).with_auth(server.auth));
    }
    let values = { config.redis.as_ref() }
        .map(|redis| RedisValues::new(&config.app, redis))
        .transpose()?;
    let sessions: Arc<dyn SessionStore> = match &config.redis {
        Some(redis) => Arc::new(RedisStore::new(&config.app, redis)?),
        None => Arc::new(MemoryStore::new()),
    };
    let keys = KeySet::load(&config.tokens.keys).context("failed to load the token keys")?;
    let token_life = config.tokens.lifetime_seconds.min(LONGEST_TOKEN_SECONDS);
    let epochs = Arc::new(Epochs::new(
        Arc::new(SqlEpochStore::new(store.clone())),
        Terms::default(),
        EpochMetrics::register(health.registry())?,
    ));
    let cache_metrics = CacheMetrics::register(health.registry())?;
    let cache = Cache::new(&config.cache, &epochs, values, cache_metrics);
    Ok(App {
        name: config.app.clone(),
        path_prefix: normalise_prefix(&config.path_prefix)?,
        secure: true,
        trusted_proxies: config
            .trusted_proxies
            .iter()
            .map(|block| block.parse::<Cidr>())
            .collect::<Result<_, _>>()
            .context("failed to read trustedProxies")?,
        epochs,
        cache: Arc::new(cache),
        store: Arc::new(Store::new(store)),
        people: access::memories(),
        sessions,
        tokens: Tokens::new(&config.app, token_life, keys),
        passwords: Passwords::new()?,
        servers: Servers::new(servers),
        catalogue: Arc::new(Catalogue::built_in()),
        throttles: Throttles::default(),
        internal_token: config
            .internal_token
            .as_deref()
            .map(read_token)
            .transpose()?,
        bot_username: config.bot_username.clone(),
        web: WebUi::load(&config.web_root),
        admission: Arc::new(Admission::register(health.registry())?),
        metrics: HttpMetrics::register(health.registry())?,
        export_metrics: ExportMetrics::register(health.registry())?,
        session_metrics: SessionMetrics::register(health.registry())?,
    })
}

fn read_token(folder: &Path) -> anyhow::Result<InternalToken> {
    Ok(InternalToken::new(Secret::read_file(folder, TOKEN)?))
}

/// `/x` and `x/` mean `/x/`.
///
/// # Errors
/// A prefix with characters that have a meaning in URLs, headers or cookies.
fn normalise_prefix(prefix: &str) -> anyhow::Result<String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/-_.~".contains(c);
    anyhow::ensure!(
        prefix.chars().all(is_plain),
        "pathPrefix `{prefix}` may contain letters, digits, `-`, `_`, `.`, `~` and `/` only"
    );
    let inner = prefix.trim_matches('/');
    Ok(if inner.is_empty() {
        "/".to_owned()
    } else {
        format!("/{inner}/")
    })
}

fn log_addresses(listeners: &[Listener]) {
    let addresses: Vec<SocketAddr> = listeners
        .iter()
        .filter_map(|listener| listener.local_addr().ok())
        .collect();
    tracing::info!(?addresses, "listening");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_end_waits_for_load_balancers_then_for_connections_and_not_for_ever() {
        let second = Duration::from_secs(1);
        for (open_for, ended_after) in [(0, 5), (9, 9), (99, 15)] {
            let end = End::default();
            end.connections.spawn(tokio::time::sleep(open_for * second));
            let begun = tokio::time::Instant::now();
            wind_down(&end, 30 * second).await;
            assert!(end.stop.is_cancelled());
            assert_eq!(begun.elapsed().as_secs(), ended_after, "{open_for}");
        }
    }

    #[test]
    fn a_prefix_always_begins_and_ends_with_a_slash() {
        for (given, meant) in [("/", "/"), ("", "/"), ("erp", "/erp/"), ("/a/b/", "/a/b/")] {
            assert_eq!(normalise_prefix(given).unwrap(), meant);
        }
        for bad in ["/a;b/", "/a b/", "/a\"b/"] {
            assert!(normalise_prefix(bad).is_err(), "{bad}");
        }
    }
}
