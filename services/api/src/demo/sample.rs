//! The sample ERP of the demo: a SQLite file, generated once per build and kept in the cache.
//!
//! Generating takes some seconds. The demo does not wait for it: people sign in meanwhile, and
//! their first question waits for the rest.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Instant, UNIX_EPOCH};

use anyhow::Context;
use reportapp_pool::Pool;
use reportapp_sample_erp::{DEFAULT_SEED, generate, load};
use tokio::sync::watch;

use super::{SERVER, sqlite};
use crate::erp::Server;

/// The server, whose data may still be on its way.
///
/// # Errors
/// A folder that cannot be made.
pub(super) async fn open(folder: Option<&Path>) -> anyhow::Result<Server> {
    let folder = folder.map_or_else(cache_folder, Path::to_owned);
    let shown = folder.display().to_string();
    std::fs::create_dir_all(&folder).with_context(|| format!("failed to make {shown}"))?;
    let path = folder.join(format!("sample-{}.sqlite", build_id()));
    let pool = Pool::open(SERVER, &sqlite(&path, true)).await?;
    if path.exists() {
        return Ok(Server::new(SERVER, pool));
    }
    let (sender, prepared) = watch::channel(false);
    tokio::spawn(async move {
        match prepare(&folder, &path).await {
            Ok(()) => drop(sender.send(true)),
            Err(error) => tracing::error!("failed to prepare the sample data: {error:#}"),
        }
    });
    Ok(Server::prepared_later(SERVER, pool, prepared))
}

/// Generates into a file of its own and moves it into place, so that neither an interrupted run
/// nor a second demo leaves or sees half of it.
async fn prepare(folder: &Path, path: &Path) -> anyhow::Result<()> {
    let begun = Instant::now();
    remove_outdated(folder);
    let draft = tempfile::Builder::new()
        .prefix("draft-")
        .tempdir_in(folder)?;
    let draft_path = draft.path().join("sample.sqlite");
    let ledger = tokio::task::spawn_blocking(|| generate(DEFAULT_SEED)).await?;
    let pool = Pool::open("sample", &sqlite(&draft_path, false)).await?;
    load(&pool, &Arc::new(ledger)).await?;
    pool.close().await;
    std::fs::rename(&draft_path, path)?;
    let seconds = begun.elapsed().as_secs_f32();
    tracing::info!(seconds, "the sample data is ready");
    Ok(())
}

/// Samples of other builds.
fn remove_outdated(folder: &Path) {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    for entry in entries.filter_map(Result::ok) {
        let name = entry.file_name();
        if name.to_string_lossy().starts_with("sample-") {
            let _in_use_or_gone = std::fs::remove_file(entry.path());
        }
    }
}

fn cache_folder() -> PathBuf {
    let given = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let cache = given("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| given("HOME").map(|home| Path::new(&home).join(".cache")));
    cache
        .unwrap_or_else(std::env::temp_dir)
        .join("reportapp-demo")
}

/// Changes whenever the program does, and with it perhaps the sample.
fn build_id() -> String {
    let metadata = std::env::current_exe().and_then(std::fs::metadata).ok();
    let modified = metadata.as_ref().and_then(|data| data.modified().ok());
    let modified = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let seconds = modified.map_or(0, |time| time.as_secs());
    format!("{seconds:x}-{:x}", metadata.map_or(0, |data| data.len()))
}
