//! `reportapp-operator`: parses its arguments, sets up logs and runs until told to stop.

use std::process::ExitCode;

use clap::Parser as _;
use reportapp_operator::{cli::Cli, operator};

#[tokio::main]
async fn main() -> ExitCode {
    reportapp_telemetry::install_crypto_provider();
    let args = Cli::parse().into_run();
    if let Err(error) = reportapp_telemetry::logs::init(&args.log) {
        use std::io::Write as _;
        let _unwritable = writeln!(std::io::stderr(), "reportapp-operator: {error}");
        return ExitCode::FAILURE;
    }
    match operator::run(args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let error = anyhow::Error::new(error);
            tracing::error!("the operator ends: {error:#}");
            ExitCode::FAILURE
        }
    }
}
