//! `fake-telegram`: the fake Bot API as a program, for the demo's cluster.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use clap::Parser;
use fake_telegram::Server;
use reportapp_config::Secret;
use reportapp_telemetry::{LogArgs, Shutdown};

/// Plays Telegram's servers for a bot, and its users for a test.
///
/// The bot calls the one port; `POST /control/say`, `GET /control/outbox` and the other control
/// calls go to the other one. Nothing is kept when it ends.
#[derive(Debug, Parser)]
#[command(name = "fake-telegram", version)]
struct Arguments {
    /// Address for the bot.
    #[arg(long, default_value = "0.0.0.0:8081")]
    listen: SocketAddr,

    /// Address for whoever plays the users.
    #[arg(long, default_value = "0.0.0.0:8082")]
    control: SocketAddr,

    /// Folder with the file `token`, which holds the bot token to accept.
    #[arg(long, value_name = "FOLDER", default_value = "/etc/backend/token")]
    token: PathBuf,

    #[command(flatten)]
    log: LogArgs,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    reportapp_telemetry::logs::init(&arguments.log)?;
    let token = Secret::read_file(&arguments.token, reportapp_config::credential::TOKEN)?;
    let shutdown = Shutdown::listen().context("failed to listen for signals")?;
    let server = Server::bind(arguments.listen, token.expose())
        .await
        .with_context(|| format!("failed to listen on {}", arguments.listen))?
        .with_control(arguments.control)
        .await
        .with_context(|| format!("failed to listen on {}", arguments.control))?;
    tracing::info!(address = %arguments.listen, control = %arguments.control, "serving");
    tokio::select! {
        () = server.run() => {}
        () = shutdown.requested() => {}
    }
    Ok(())
}
