//! The command line. Parsing has no effects.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use reportapp_telemetry::LogArgs;

/// The HTTP API and web interface of ReportApp.
#[derive(Debug, Parser)]
#[command(
    name = "reportapp-api",
    version,
    args_conflicts_with_subcommands = true
)]
pub struct Args {
    /// What to do instead of serving.
    #[command(subcommand)]
    pub command: Option<Command>,

    /// Configuration file, written by the operator.
    #[arg(long, default_value = reportapp_config::CONFIG_PATH, conflicts_with = "demo")]
    pub config: PathBuf,

    /// Serve sample data from this process alone: no cluster, no database, no Redis.
    #[arg(long)]
    pub demo: bool,

    /// Address of the demo; only this machine should reach it.
    #[arg(long, default_value = "127.0.0.1:8080", requires = "demo")]
    pub demo_listen: SocketAddr,

    /// Folder that keeps the sample data of the demo between runs [default: the user's cache].
    #[arg(long, requires = "demo")]
    pub demo_dir: Option<PathBuf>,

    /// Folder of the built web interface for the demo.
    #[arg(long, env = "WEB_ROOT", requires = "demo")]
    pub web_root: Option<PathBuf>,

    /// Logging.
    #[command(flatten)]
    pub log: LogArgs,
}

/// Things to do instead of serving.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print the OpenAPI document.
    Openapi,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn demo_options_need_the_demo() {
        assert!(Args::try_parse_from(["reportapp-api", "--demo-dir", "/x"]).is_err());
        assert!(Args::try_parse_from(["reportapp-api", "--demo", "--demo-dir", "/x"]).is_ok());
        assert!(Args::try_parse_from(["reportapp-api", "--demo", "--config", "x"]).is_err());
    }
}
