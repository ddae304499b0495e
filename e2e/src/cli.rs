//! The command line: arguments in, one function called, an exit code out.
//!
//! Each subcommand is a struct with its arguments and a `run` in a file of its own.

mod cluster_commands;
mod internal;
mod status;

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

use crate::cluster::{DEFAULT_NAME, settle};

/// A real Kubernetes cluster on this machine: built from source, in namespaces of its own.
///
/// The first `up` builds the pinned programs (a quarter of an hour on two cores), later ones take
/// them from the cache in $REPORTAPP_CACHE or ~/.cache/reportapp-e2e. Needs Debian, root and Go.
#[derive(Debug, Parser)]
#[command(
    name = "cargo e2e",
    bin_name = "cargo e2e",
    version,
    disable_help_subcommand = true
)]
pub struct Cli {
    #[command(subcommand)]
    command: Subcommands,
}

#[derive(Debug, Subcommand)]
enum Subcommands {
    /// Start a cluster and wait until it can be used.
    Up(cluster_commands::Up),
    /// Run the whole product: cluster, operator, databases, bastion and one ReportApp.
    Demo(crate::demo::DemoArgs),
    /// Load your own postings into the running demo.
    Load(crate::demo::LoadArgs),
    /// Write to the demo's Telegram bot and see its answer.
    Chat(crate::demo::ChatArgs),
    /// Run the tests: every tier, or some.
    Test(crate::scenarios::TestArgs),
    /// Measure the demo: time and CPU of a report, writes of an idle operator, rotations under traffic.
    Bench(crate::bench::BenchArgs),
    /// End a cluster; nothing of it is left.
    Down(cluster_commands::Down),
    /// Show the running clusters: nodes, pods, processes, memory, loopback listeners.
    Status(status::Status),
    /// Run kubectl against a cluster.
    Kubectl(cluster_commands::Kubectl),
    /// Run a command inside a cluster's namespaces, to look at its network and mounts.
    Enter(cluster_commands::Enter),
    /// Show the logs of the node's own programs.
    Logs(cluster_commands::Logs),
    /// Parts of the cluster; started by it.
    #[command(hide = true)]
    Internal(internal::Internal),
}

/// Which cluster.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Named {
    /// Name of the cluster; several can run side by side.
    #[arg(long, default_value = DEFAULT_NAME, env = "REPORTAPP_CLUSTER")]
    pub(crate) name: String,
}

/// Prints a result. A reader that has seen enough is no failure.
pub(crate) fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

impl Cli {
    /// Does what was asked.
    ///
    /// # Errors
    /// Whatever went wrong, in words for the user.
    pub fn run(self) -> Result<ExitCode> {
        if let Subcommands::Internal(internal) = &self.command
            && let Some(code) = internal.run_alone()?
        {
            return Ok(code);
        }
        rustls::crypto::aws_lc_rs::default_provider()
            .install_default()
            .ok()
            .context("a TLS provider was installed before")?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .context("failed to start the runtime")?;
        if matches!(self.command, Subcommands::Internal(_)) {
            // Parts of a cluster look after signals themselves.
            return runtime.block_on(self.dispatch());
        }
        let outcome = runtime.block_on(self.dispatch_until_interrupted());
        runtime.block_on(settle());
        outcome
    }

    /// Whatever is dropped by an interruption cleans up after itself; see [`settle`].
    async fn dispatch_until_interrupted(self) -> Result<ExitCode> {
        let mut terminated =
            signal(SignalKind::terminate()).context("failed to watch for signals")?;
        let code = tokio::select! {
            outcome = self.dispatch() => return outcome,
            _ = tokio::signal::ctrl_c() => 130,
            _ = terminated.recv() => 143,
        };
        eprintln!("interrupted: clearing up");
        Ok(ExitCode::from(code))
    }

    async fn dispatch(self) -> Result<ExitCode> {
        match self.command {
            Subcommands::Up(up) => up.run().await,
            Subcommands::Demo(demo) => crate::demo::run(demo).await,
            Subcommands::Load(load) => crate::demo::load(load).await,
            Subcommands::Chat(chat) => crate::demo::chat(chat).await,
            Subcommands::Test(test) => crate::scenarios::run(test).await,
            Subcommands::Bench(bench) => crate::bench::run(bench).await,
            Subcommands::Down(down) => down.run().await,
            Subcommands::Status(status) => status.run().await,
            Subcommands::Kubectl(kubectl) => kubectl.run().await,
            Subcommands::Enter(enter) => enter.run().await,
            Subcommands::Logs(logs) => logs.run().await,
            Subcommands::Internal(internal) => internal.run().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_contradicts_itself_nowhere() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_measurement_takes_its_own_options_and_the_name_of_the_cluster() {
        for line in [
            "cargo-e2e bench",
            "cargo-e2e bench --name other",
            "cargo-e2e bench quiet --seconds 5",
            "cargo-e2e bench rotation --count 3 --rounds 1 --name other",
        ] {
            let parsed = Cli::try_parse_from(line.split(' '));
            assert!(parsed.is_ok(), "{line}: {:?}", parsed.err());
        }
        assert!(Cli::try_parse_from(["cargo-e2e", "bench", "report", "--count", "3"]).is_err());
    }
}
