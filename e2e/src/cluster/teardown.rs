//! Ends a cluster, whatever state it is in.
//!
//! A keeper that answers does it itself. Otherwise everything in the cluster's control group
//! is killed; mounts and namespaces go with the processes, as they belong to them alone.

use std::io;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::cgroup::Cgroups;
use super::keeper::control::ask_to_end;
use super::paths::Paths;

/// Ends the cluster `name` and waits until nothing of it is left. Gives whether there was
/// anything to end.
///
/// # Errors
/// When something cannot be removed.
pub async fn down(name: &str) -> Result<bool> {
    let paths = Paths::new(name)?;
    let ran = ask_to_end(&paths.control_socket()).await;
    // Whatever became of the keeper, nothing may be left.
    let left = clear(name).await?;
    Ok(ran || left)
}

/// Removes what a cluster without a keeper left. Gives whether there was anything.
///
/// # Errors
/// When something cannot be removed.
pub(crate) async fn clear(name: &str) -> Result<bool> {
    let paths = Paths::new(name)?;
    let cgroups = Cgroups::of(name)?;
    tokio::task::spawn_blocking(move || {
        let any = cgroups.exist() || paths.run().exists();
        cgroups.kill("")?;
        cgroups.remove()?;
        remove_files(&paths, false)?;
        Ok(any)
    })
    .await
    .context("the clean-up panicked")?
}

/// Removes the cluster's files, but for its logs if `keep_logs`.
pub(crate) fn remove_files(paths: &Paths, keep_logs: bool) -> Result<()> {
    let mut doomed = vec![paths.lib_dir(), paths.etc(), paths.kubeconfig()];
    if !keep_logs {
        doomed.push(paths.data().to_owned());
    }
    // Last, as it holds the control socket by which a waiting command knows of the end.
    doomed.push(paths.run());
    for path in doomed {
        remove(&path).with_context(|| format!("failed to remove {}", path.display()))?;
    }
    if let Some(parent) = paths.run().parent() {
        // Stays while other clusters run.
        let _ = std::fs::remove_dir(parent);
    }
    Ok(())
}

fn remove(path: &Path) -> io::Result<()> {
    let removed = if path.is_dir() {
        std::fs::remove_dir_all(path)
    } else {
        std::fs::remove_file(path)
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
