//! Configuration of `reportapp-bot`.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Everything the bot needs to start, apart from the credential files it names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BotConfig {
    /// Name of the `ReportApp`.
    pub app: String,
    /// Plain HTTP for health and metrics.
    pub health: SocketAddr,
    /// The internal API the bot asks for links and figures.
    pub api: InternalApi,
    /// The Bot API server.
    pub telegram: Telegram,
    /// Seconds to finish the updates in hand after SIGTERM.
    pub drain_seconds: u64,
}

/// Where and how to call `/api/telegram/internal/*`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InternalApi {
    /// Base address, `https://host:port/`.
    pub url: String,
    /// PEM file of the authority that signed the API's certificate.
    pub ca_file: PathBuf,
    /// Name the API's certificate must carry.
    pub server_name: String,
    /// Credential folder with `token`.
    pub credential: PathBuf,
}

/// The Bot API server and how updates arrive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Telegram {
    /// Base address of the Bot API; absent: Telegram's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_url: Option<String>,
    /// Credential folder with `token`.
    pub credential: PathBuf,
}
