//! `reportapp-tunnel`: reads its configuration, serves its health, runs until a signal.

use std::path::PathBuf;

use anyhow::Context;
use clap::Parser;
use reportapp_config::TunnelConfig;
use reportapp_telemetry::{Health, HealthServer, LogArgs, Shutdown};

/// Forwards local connections to one ERP database through an SSH bastion.
///
/// The bastion's host key must be listed in the configuration; a key that is not listed is
/// refused. /livez, /readyz, /status and /metrics are served on the health address.
#[derive(Debug, Parser)]
#[command(name = "reportapp-tunnel", version)]
struct Arguments {
    /// Configuration file (YAML).
    #[arg(long, value_name = "FILE", default_value = reportapp_config::CONFIG_PATH)]
    config: PathBuf,

    #[command(flatten)]
    log: LogArgs,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    reportapp_telemetry::install_crypto_provider();
    let arguments = Arguments::parse();
    reportapp_telemetry::logs::init(&arguments.log)?;
    let config: TunnelConfig = reportapp_config::file::load(&arguments.config)?;
    let shutdown = Shutdown::listen().context("failed to listen for signals")?;
    let health = Health::new("reportapp-tunnel", env!("CARGO_PKG_VERSION"));
    HealthServer::bind(config.health, health.clone())
        .await?
        .spawn();
    reportapp_tunnel::run(config, health, shutdown.token()).await?;
    Ok(())
}
