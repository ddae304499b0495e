//! `cargo e2e bench sessions`: the bench of the crate `reportapp-session`, which needs no cluster: a
//! PostgreSQL, a Redis and eight processes of its own.

use anyhow::Result;
use clap::Args;
use tokio::process::Command;

use crate::cluster::command;
use crate::progress::Progress;
use crate::scenarios::unit::ensure_servers;

/// Arguments of `cargo e2e bench sessions`.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct SessionsArgs {
    /// Numbers of sessions.
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 100_000, 1_000_000])]
    pub sessions: Vec<u64>,
}

pub(super) async fn run(args: &SessionsArgs, progress: &Progress) -> Result<()> {
    ensure_servers(progress).await?;
    let mut cargo = Command::new("cargo");
    cargo
        .args(super::of_crate("sessions"))
        .args(args.sessions.iter().map(u64::to_string));
    command::show(&mut cargo).await
}
