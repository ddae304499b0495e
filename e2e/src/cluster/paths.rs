//! Where everything is: the cache shared by all clusters, and one cluster's files.
//!
//! Sockets and the state file live below `/run`, as they must have short names and mean
//! nothing after a reboot; everything large lives in the cache, outside the clone.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};

/// Folders of the host that the box replaces by its own, so nothing it needs may be there.
pub(crate) const REPLACED: [&str; 3] = ["/run", "/var/lib", "/var/log"];

const RUN_ROOT: &str = "/run/reportapp-e2e";

/// The cache folder: `$REPORTAPP_CACHE`, or `reportapp-e2e` in the user's cache.
///
/// # Errors
/// When neither is known, or the folder is one that the box hides.
pub fn cache() -> Result<PathBuf> {
    let given = std::env::var_os("REPORTAPP_CACHE")
        .filter(|value| !value.is_empty())
        .map(PathBuf::from);
    let user = || {
        std::env::var_os("XDG_CACHE_HOME")
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
            .or_else(|| std::env::home_dir().map(|home| home.join(".cache")))
            .map(|cache| cache.join("reportapp-e2e"))
    };
    let dir = given
        .or_else(user)
        .context("set REPORTAPP_CACHE or HOME: there is no place for the cache")?;
    let dir = std::path::absolute(&dir)
        .with_context(|| format!("{} is not a usable path", dir.display()))?;
    if let Some(hidden) = REPLACED.iter().find(|hidden| dir.starts_with(hidden)) {
        bail!("REPORTAPP_CACHE must not be below {hidden}: the cluster has its own {hidden}");
    }
    Ok(dir)
}

/// The files of one cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    name: String,
    data: PathBuf,
}

impl Paths {
    /// The files of the cluster `name`.
    ///
    /// # Errors
    /// When the name is not a short DNS label or there is no cache folder.
    pub fn new(name: &str) -> Result<Self> {
        check_name(name)?;
        Ok(Self {
            name: name.to_owned(),
            data: cache()?.join("clusters").join(name),
        })
    }

    /// The cluster's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The folder of sockets and the state file.
    pub fn run(&self) -> PathBuf {
        Path::new(RUN_ROOT).join(&self.name)
    }

    /// What the box sees as `/run`.
    pub fn box_run(&self) -> PathBuf {
        self.run().join("box")
    }

    /// The keeper's control socket.
    pub fn control_socket(&self) -> PathBuf {
        self.run().join("control.sock")
    }

    /// What the keeper says about itself.
    pub fn state(&self) -> PathBuf {
        self.run().join("state.json")
    }

    /// containerd's socket as seen from the host.
    pub fn containerd_socket(&self) -> PathBuf {
        self.box_run().join("containerd/containerd.sock")
    }

    /// The folder of everything large.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// What the box sees as `/var/lib`.
    pub fn lib_dir(&self) -> PathBuf {
        self.data.join("lib")
    }

    /// What the box sees as `/var/log`.
    pub fn log_dir(&self) -> PathBuf {
        self.data.join("log")
    }

    /// Certificates and configuration files.
    pub fn etc(&self) -> PathBuf {
        self.data.join("etc")
    }

    /// The administrator's kubeconfig, usable from the host.
    pub fn kubeconfig(&self) -> PathBuf {
        self.data.join("kubeconfig")
    }

    /// The API server's audit log.
    pub fn audit_log(&self) -> PathBuf {
        self.log_dir().join("audit.log")
    }
}

/// Names of all clusters that left a state folder, running or not.
pub fn known_clusters() -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(RUN_ROOT)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| check_name(name).is_ok())
        .collect();
    names.sort();
    names
}

fn check_name(name: &str) -> Result<()> {
    let fits = !name.is_empty()
        && name.len() <= 20
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && !name.starts_with('-')
        && !name.ends_with('-');
    ensure!(
        fits,
        "{name:?} is no cluster name: use up to 20 lower-case letters, digits and dashes"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_must_be_a_short_label() {
        for good in ["reportapp", "a", "t-1"] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "-a",
            "a-",
            "A",
            "a/b",
            "..",
            "name-that-is-far-too-long",
        ] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }
}
