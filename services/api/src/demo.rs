//! Serves sample data from one process, to look at the product without a cluster.
//!
//! Plain HTTP on the loopback interface, so that a browser opens it without a warning. The sample
//! ERP is a SQLite file that is generated once and kept in the user's cache; users, sessions and
//! keys live only as long as the process.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use reportapp_config::DatabaseConfig;
use reportapp_config::api::CacheConfig;
use reportapp_config::database::PoolConfig;
use reportapp_pool::Pool;
use reportapp_session::access::UserKind;
use reportapp_session::epochs::{SqlEpochStore, Terms};
use reportapp_session::{KeySet, MemoryStore, Passwords, Tokens, random};
use reportapp_telemetry::{Health, Shutdown};

use crate::access;
use crate::admission::Admission;
use crate::app::{App, Throttles};
use crate::args::Args;
use crate::cache::{Cache, CacheMetrics};
use crate::epochs::Epochs;
use crate::erp::{Server, Servers};
use crate::metrics::{EpochMetrics, ExportMetrics, HttpMetrics, SessionMetrics};
use crate::reports::{Catalogue, Folder};
use crate::router;
use crate::run::{SERVICE, serve};
use crate::server::Listener;
use crate::store::Store;
use crate::store::roles::ADMINISTRATOR;
use crate::store::users::NewUser;
use crate::web::WebUi;

mod sample;

/// Name of the one server.
pub(crate) const SERVER: &str = "demo";
/// Name to sign in with.
const USERNAME: &str = "admin";
/// What builds the pages in a clone, which comes without them.
const BUILD_PAGES: &str = "npm --prefix services/web ci && npm --prefix services/web run build";
const TOKEN_LIFETIME_SECONDS: u64 = 15 * 60;
const DRAIN: Duration = Duration::from_secs(3);

/// Serves the demo until a signal comes.
///
/// # Errors
/// An address that is taken or not of this machine, or a folder that cannot be written.
pub async fn run(args: &Args, shutdown: &Shutdown) -> anyhow::Result<()> {
    anyhow::ensure!(
        args.demo_listen.ip().is_loopback(),
        "the demo speaks plain HTTP and listens on this machine only; give a loopback address"
    );
    let health = Health::new(SERVICE, env!("CARGO_PKG_VERSION"));
    let temporary = tempfile::tempdir().context("failed to make a temporary folder")?;
    let erp = sample::open(args.demo_dir.as_deref()).await?;
    let web = WebUi::load(&web_root(args.web_root.as_deref()));
    let has_pages = web.is_installed();
    let app = Arc::new(build(&health, &temporary.path().join("store.sqlite"), erp, web).await?);
    let password = create_user(&app).await?;
    if let Some(folder) = &args.demo_reports {
        let watch = Folder::new(folder).watch(Arc::clone(&app.catalogue), health.advice("reports"));
        tokio::spawn(watch);
    }
    let listener = Listener::bind(args.demo_listen, None, router::public(&app)).await?;
    let url = format!("http://{}/", listener.local_addr()?);
    announce(&url, &password, has_pages);
    health.set_ready(true);
    serve(vec![listener], &health, shutdown.token(), DRAIN).await;
    Ok(())
}

/// An application with a migrated SQLite store at `store`, in-process sessions and one server.
pub(crate) async fn build(
    health: &Health,
    store: &Path,
    erp: Server,
    web: WebUi,
) -> anyhow::Result<App> {
    let pool = Pool::open("store", &sqlite(store, false)).await?;
    let store = Store::new(pool.clone());
    store.migrate().await?;
    let epochs = Epochs::new(
        Arc::new(SqlEpochStore::new(pool)),
        Terms::default(),
        EpochMetrics::register(health.registry())?,
    );
    epochs.start();
    let epochs = Arc::new(epochs);
    let cache_metrics = CacheMetrics::register(health.registry())?;
    // One process whose store dies with it: memory is all that a cache could use.
    let cache = Cache::new(&CacheConfig::default(), &epochs, None, cache_metrics);
    Ok(App {
        name: "demo".to_owned(),
        path_prefix: "/".to_owned(),
        secure: false,
        trusted_proxies: Vec::new(),
        store: Arc::new(store),
        epochs,
        cache: Arc::new(cache),
        people: access::memories(),
        sessions: Arc::new(MemoryStore::new()),
        tokens: Tokens::new("demo", TOKEN_LIFETIME_SECONDS, KeySet::ephemeral()),
        passwords: Passwords::new()?,
        servers: Servers::new(vec![erp]),
        catalogue: Arc::new(Catalogue::built_in()),
        throttles: Throttles::default(),
        internal_token: None,
        bot_username: None,
        web,
        admission: Arc::new(Admission::register(health.registry())?),
        metrics: HttpMetrics::register(health.registry())?,
        export_metrics: ExportMetrics::register(health.registry())?,
        session_metrics: SessionMetrics::register(health.registry())?,
    })
}

async fn create_user(app: &App) -> anyhow::Result<String> {
    let password = random::password(12);
    let user = NewUser {
        username: USERNAME.to_owned(),
        name: "Demo".to_owned(),
        email: None,
        password_hash: app.passwords.hash(&password).await?,
        kind: UserKind::EnterpriseAdmin,
        tenant: None,
        roles: vec![ADMINISTRATOR.to_owned()],
        must_change_password: false,
    };
    app.store.create_first_user(&user).await?;
    Ok(password)
}

/// Settings of a SQLite file.
pub(crate) fn sqlite(path: &Path, read_only: bool) -> DatabaseConfig {
    DatabaseConfig::Sqlite {
        path: path.to_owned(),
        read_only,
        pool: PoolConfig::default(),
    }
}

/// Where the UI is: as told, as installed, or as built in a checkout.
fn web_root(given: Option<&Path>) -> PathBuf {
    let candidates = ["/usr/share/reportapp/web", "services/web/dist"];
    let found = candidates.iter().map(Path::new);
    let found = found
        .into_iter()
        .find(|path| path.join("index.html").exists());
    given
        .or(found)
        .unwrap_or(Path::new(candidates[0]))
        .to_owned()
}

#[allow(
    clippy::print_stdout,
    reason = "this is what the person who started it reads"
)]
fn announce(url: &str, password: &str, has_pages: bool) {
    println!();
    println!("  ReportApp demo with sample data");
    println!("  open      {url}");
    println!("  user      {USERNAME}");
    println!("  password  {password}");
    println!();
    if !has_pages {
        println!(
            "  Only the API: the pages are not built. In a clone, build them and start again:"
        );
        println!("  {BUILD_PAGES}");
        println!();
    }
}
