//! `reportapp-api`: parses the command line and hands over to the library.

use anyhow::Context;
use clap::Parser;
use reportapp_api::args::{Args, Command};
use reportapp_api::{demo, openapi, run};
use reportapp_telemetry::{Shutdown, install_crypto_provider, logs};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    install_crypto_provider();
    let args = Args::parse();
    if let Some(Command::Openapi) = args.command {
        #[allow(
            clippy::print_stdout,
            reason = "the document is the output of this command"
        )]
        {
            print!("{}", openapi::document());
        }
        return Ok(());
    }
    logs::init(&args.log)?;
    let shutdown = Shutdown::listen().context("failed to listen for signals")?;
    if args.demo {
        demo::run(&args, &shutdown).await
    } else {
        run::run(&args.config, &shutdown).await
    }
}
