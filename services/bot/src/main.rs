//! `reportapp-bot`: reads its configuration, serves its health, runs until a signal.

use std::path::PathBuf;

use anyhow::Context;
use clap::Parser;
use reportapp_config::BotConfig;
use reportapp_telemetry::{Health, HealthServer, LogArgs, Shutdown};

/// Answers Telegram chats with figures of the reports application.
///
/// Exactly one process may poll with a bot token; a second one shows as `TelegramConflict` in
/// /status. /livez, /readyz, /status and /metrics are served on the health address.
#[derive(Debug, Parser)]
#[command(name = "reportapp-bot", version)]
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
    let config: BotConfig = reportapp_config::file::load(&arguments.config)?;
    let shutdown = Shutdown::listen().context("failed to listen for signals")?;
    let health = Health::new("reportapp-bot", env!("CARGO_PKG_VERSION"));
    HealthServer::bind(config.health, health.clone())
        .await?
        .spawn();
    reportapp_bot::run(&config, health, shutdown.token()).await?;
    Ok(())
}
