//! Log output: one JSON object per line for machines, aligned text for people, always on stdout.
//!
//! Containers write logs to stdout because that is what every cluster's log collector reads;
//! stderr is left to panics. Each JSON line has `timestamp`, `level`, `target` and `message`, and
//! the event's own fields beside them.
//!
//! Libraries that see credentials on the wire (HTTP and SSH) are never logged below `info`,
//! whatever level is asked for: their debug output contains headers and addresses with tokens.

use std::io::IsTerminal;

use clap::{Args, ValueEnum};
use tracing::{Level, Metadata};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::{ParseError, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

/// Crates whose debug output may contain what they send.
const WIRE_LIBRARIES: [&str; 9] = [
    "h2",
    "hyper",
    "hyper_util",
    "kube_client",
    "reqwest",
    "russh",
    "teloxide",
    "teloxide_core",
    "tokio_postgres",
];

/// Logging arguments, to be flattened into every binary's own.
#[derive(Clone, Debug, Args)]
pub struct LogArgs {
    /// Form of the log lines on stdout [default: human on a terminal, else json].
    #[arg(long, env = "LOG_FORMAT", value_enum)]
    pub log_format: Option<LogFormat>,

    /// Least severe level to log: error, warn, info, debug or trace, also per module, for example
    /// `info,reportapp_tunnel=debug`.
    #[arg(long, env = "LOG_LEVEL", default_value = "info", value_parser = parse_level)]
    pub log_level: String,
}

/// Form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One JSON object per line.
    Json,
    /// Text for a person.
    Human,
}

/// Logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The level is not a filter expression.
    #[error("failed to read the log level `{level}`")]
    Level {
        /// What was given.
        level: String,
        /// What is wrong with it.
        source: ParseError,
    },
    /// Another part of the process set up logging before.
    #[error("failed to set up logging")]
    AlreadySet(#[source] TryInitError),
}

/// Sets up logging for the whole process.
///
/// # Errors
/// [`LogError`] when the level cannot be read or logging was set up before.
pub fn init(args: &LogArgs) -> Result<(), LogError> {
    let filter = EnvFilter::try_new(&args.log_level).map_err(|source| LogError::Level {
        level: args.log_level.clone(),
        source,
    })?;
    let registry = tracing_subscriber::registry()
        .with(filter)
        .with(filter_fn(never_shows_wire_data));
    match args.log_format.unwrap_or_else(default_format) {
        LogFormat::Json => registry
            .with(
                tracing_subscriber::fmt::layer()
                    .json()
                    .flatten_event(true)
                    .with_ansi(false),
            )
            .try_init(),
        LogFormat::Human => registry
            .with(tracing_subscriber::fmt::layer().with_ansi(std::io::stdout().is_terminal()))
            .try_init(),
    }
    .map_err(LogError::AlreadySet)
}

fn default_format() -> LogFormat {
    if std::io::stdout().is_terminal() {
        LogFormat::Human
    } else {
        LogFormat::Json
    }
}

fn never_shows_wire_data(metadata: &Metadata<'_>) -> bool {
    *metadata.level() <= Level::INFO || !is_wire_library(metadata.target())
}

fn is_wire_library(target: &str) -> bool {
    let krate = target.split("::").next().unwrap_or(target);
    WIRE_LIBRARIES.contains(&krate)
}

fn parse_level(level: &str) -> Result<String, ParseError> {
    EnvFilter::try_new(level).map(|_| level.to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        log: LogArgs,
    }

    #[test]
    fn the_level_defaults_to_info_and_the_format_to_what_reads_it() {
        let cli = Cli::parse_from(["x"]);
        assert_eq!(cli.log.log_level, "info");
        assert_eq!(cli.log.log_format, None);
    }

    #[test]
    fn a_level_that_is_no_filter_is_refused_at_the_command_line() {
        assert!(Cli::try_parse_from(["x", "--log-level", "info,tunnel=loud"]).is_err());
        assert!(Cli::try_parse_from(["x", "--log-level", "info,tunnel=debug"]).is_ok());
    }

    #[test]
    fn libraries_that_see_credentials_are_known_by_crate_not_by_prefix() {
        assert!(is_wire_library("h2::codec::framed_read"));
        assert!(is_wire_library("reqwest"));
        assert!(!is_wire_library("h2o::x"));
        assert!(!is_wire_library("reportapp_bot::poll"));
    }
}
