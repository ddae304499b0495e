//! The command line. Parsing has no effects.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use reportapp_telemetry::LogArgs;

use crate::audit::verify::Noted;

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

    /// Folder of report files that the demo adds to the built-in ones; read again when they change.
    #[arg(long, value_name = "FOLDER", requires = "demo")]
    pub demo_reports: Option<PathBuf>,

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
    /// Bring the store's schema up to date and end; safe twice and in parallel.
    Migrate(MigrateArgs),
    /// Verify the sealed audit trail and end: 0 when it is intact, 3 when it differs.
    VerifyAudit(VerifyArgs),
    /// Read a folder of report files and print what would be refused, without a database: 0 when nothing
    /// is, 1 otherwise.
    CheckReports(CheckReportsArgs),
    /// Print the functions a report may call, by database.
    ReportFunctions,
}

/// Options of `check-reports`.
#[derive(Debug, clap::Args)]
pub struct CheckReportsArgs {
    /// The folder; its files end in `.yaml` or `.yml`.
    pub folder: PathBuf,
}

/// Which store, and under which login.
#[derive(Debug, clap::Args)]
pub struct StoreArgs {
    /// Configuration file, as for serving; its `store` is used.
    #[arg(long, default_value = reportapp_config::CONFIG_PATH)]
    pub config: PathBuf,

    /// Folder with `username` and `password` of another login than the one in the configuration.
    #[arg(long, value_name = "FOLDER")]
    pub credential: Option<PathBuf>,
}

/// Options of `migrate`.
#[derive(Debug, clap::Args)]
pub struct MigrateArgs {
    /// Which store.
    #[command(flatten)]
    pub store: StoreArgs,

    /// PostgreSQL role that serves without owning the tables: afterwards it has the rights it needs.
    #[arg(long, value_name = "ROLE")]
    pub grant_to: Option<String>,
}

/// Options of `verify-audit`.
#[derive(Debug, clap::Args)]
pub struct VerifyArgs {
    /// Which store.
    #[command(flatten)]
    pub store: StoreArgs,

    /// Head noted outside of the database, from the log or the metric; may be given several times.
    #[arg(long, value_name = "BATCH:HEAD")]
    pub expect: Vec<Noted>,
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

    #[test]
    fn a_noted_head_has_a_batch_and_64_digits() {
        let head = "ab".repeat(32);
        let parse = |noted: &str| Args::try_parse_from(["x", "verify-audit", "--expect", noted]);
        assert!(parse(&format!("17:{head}")).is_ok());
        for bad in ["17", "17:abc", &format!("x:{head}"), &head] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
