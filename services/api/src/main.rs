//! `reportapp-api`: parses the command line and hands over to the library.

use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use reportapp_api::args::{Args, Command};
use reportapp_api::audit::verify::Verdict;
use reportapp_api::{commands, demo, openapi, run};
use reportapp_telemetry::{Shutdown, install_crypto_provider, logs};

/// `verify-audit` found the trail changed; 1 stands for errors and 2 for a wrong command line.
const DIFFERS: u8 = 3;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    install_crypto_provider();
    let args = Args::parse();
    match &args.command {
        Some(command) => carry_out(command).await,
        None => serve(&args).await.map(|()| ExitCode::SUCCESS),
    }
}

#[allow(
    clippy::print_stdout,
    reason = "what is printed is the result of these commands"
)]
async fn carry_out(command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Openapi => print!("{}", openapi::document()),
        Command::Migrate(args) => {
            for line in commands::migrate(args).await? {
                println!("{line}");
            }
        }
        Command::CheckReports(args) => {
            let checked = commands::check_reports(&args.folder)?;
            println!("{checked}");
            if !checked.refused.is_empty() {
                return Ok(ExitCode::FAILURE);
            }
        }
        Command::ReportFunctions => print!("{}", commands::report_functions()),
        Command::VerifyAudit(args) => {
            let verdict = commands::verify_audit(args).await?;
            println!("{}", commands::describe(&verdict));
            if let Verdict::Differs { .. } = verdict {
                return Ok(ExitCode::from(DIFFERS));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn serve(args: &Args) -> anyhow::Result<()> {
    logs::init(&args.log)?;
    let shutdown = Shutdown::listen().context("failed to listen for signals")?;
    if args.demo {
        demo::run(args, &shutdown).await
    } else {
        run::run(&args.config, &shutdown).await
    }
}
