//! `cargo e2e bench api` and `cargo e2e bench exports`: the bench of the crate `reportapp-api`, which needs no cluster: a PostgreSQL with the
//! sample books, the API, and beside it the stack of the original from PyPI (`e2e/bench/rival/`).

use anyhow::Result;
use tokio::process::Command;

use crate::cluster::{Toolchain, command};
use crate::progress::Progress;
use crate::scenarios::unit::ensure_servers;

/// Two thousand slow clients and as many ends of theirs.
const OPEN_FILES: &str = "ulimit -n 16384 && exec \"$@\"";

/// Which half of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Load,
    Exports,
}

pub(super) async fn run(part: Part, progress: &Progress) -> Result<()> {
    ensure_servers(progress).await?;
    let rival = Toolchain::locate()?.rival_python(progress).await?;
    let mut cargo = Command::new("sh");
    cargo
        .args(["-c", OPEN_FILES, "sh", "cargo"])
        .args(super::of_crate("api"))
        .args((part == Part::Exports).then_some("exports"))
        .env("REPORTAPP_RIVAL_PYTHON", rival);
    command::show(&mut cargo).await
}
