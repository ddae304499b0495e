//! What the keeper tells other processes about itself, as a file.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use crate::cluster::certificates::write_private;
use crate::cluster::paths::Paths;

/// A running cluster.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct State {
    /// The keeper's process.
    pub(crate) keeper: i32,
    /// Its thread inside the cluster's network namespace.
    pub(crate) thread: i32,
    /// The loopback port that leads to the API server.
    pub(crate) api_port: u16,
    /// When it was started.
    pub(crate) started: jiff::Timestamp,
}

impl State {
    pub(super) fn now(thread: Pid, api_port: u16) -> Self {
        let keeper =
            i32::try_from(std::process::id()).expect("process ids are positive 32-bit numbers");
        Self {
            keeper,
            thread: thread.as_raw(),
            api_port,
            started: jiff::Timestamp::now(),
        }
    }

    pub(super) fn write(&self, paths: &Paths) -> Result<()> {
        write_private(&paths.state(), &serde_json::to_string(self)?)
    }

    /// What the keeper of a cluster wrote.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn read(paths: &Paths) -> Result<Self> {
        let path = paths.state();
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("failed to read {}", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} is damaged", path.display()))
    }

    /// The file that names the cluster's network namespace.
    pub(crate) fn network(&self) -> PathBuf {
        PathBuf::from(format!("/proc/{}/task/{}/ns/net", self.keeper, self.thread))
    }
}
