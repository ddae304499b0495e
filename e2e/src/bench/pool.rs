//! `cargo e2e bench pool`: the connection pool beside other people's, on a PostgreSQL of its own; needs no
//! cluster.
//!
//! The rivals are dependencies of a crate outside the workspace, so that nobody else compiles them. It is
//! built on demand, optimised, into the cache of the rig. It has no lock file in the repository, which every change of
//! ours would make stale.

use std::path::Path;

use anyhow::{Result, ensure};
use clap::Args;
use tokio::process::Command;

use crate::cluster::{Toolchain, command, paths};
use crate::progress::Progress;
use crate::scenarios::unit::ensure_servers;

/// HikariCP and what runs it.
const PACKAGES: &[(&str, &str)] = &[
    ("libhikaricp-java", "is measured beside our pool"),
    ("default-jdk-headless", "runs HikariCP from a source file"),
];
const CLASS_PATH: &str =
    "/usr/share/java/HikariCP.jar:/usr/share/java/slf4j-api.jar:/usr/share/java/slf4j-nop.jar";

/// The crate of the rivals, from the root of the repository.
const CRATE: &str = "e2e/pool-rivals";

/// Arguments of `cargo e2e bench pool`.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct PoolArgs {
    /// Parts to run: turns, spike, queries, rotation, refusal, frozen; without one: all.
    pub parts: Vec<String>,
    /// Interleaved pairs behind each ratio.
    #[arg(long, default_value_t = 5)]
    pub pairs: usize,
    /// Replaced logins under load, over all lags.
    #[arg(long, default_value_t = 100)]
    pub rotations: usize,
}

pub(super) async fn run(args: &PoolArgs, progress: &Progress) -> Result<()> {
    ensure_servers(progress).await?;
    Toolchain::debian_packages(PACKAGES, progress).await?;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("pool-rivals");
    ensure!(folder.exists(), "{CRATE} is missing in this clone");
    let mut cargo = Command::new("cargo");
    cargo
        .args(["run", "--release", "--quiet", "--"])
        .args(["--pairs", &args.pairs.to_string()])
        .args(["--rotations", &args.rotations.to_string()])
        .args(&args.parts)
        .current_dir(folder)
        .env("POOL_RIVALS_HIKARI", CLASS_PATH)
        .env("CARGO_TARGET_DIR", paths::cache()?.join("pool-rivals"));
    command::show(&mut cargo).await
}
