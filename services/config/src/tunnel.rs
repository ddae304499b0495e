//! Configuration of `reportapp-tunnel`: one process forwards to one ERP database.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Everything a tunnel needs to start, apart from the credential files it names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TunnelConfig {
    /// Name of the `ReportApp`.
    pub app: String,
    /// Name of the server this tunnel leads to.
    pub server: String,
    /// Plain HTTP for health and metrics.
    pub health: SocketAddr,
    /// The SSH server to go through.
    pub bastion: Bastion,
    /// `known_hosts` lines; a host key not listed here is refused.
    pub known_hosts: Vec<String>,
    /// Credential folder with `private-key`.
    pub credential: PathBuf,
    /// Local listeners and where they lead.
    pub forwards: Vec<Forward>,
    /// Seconds between SSH keepalives; three unanswered ones end the session.
    pub keepalive_seconds: u64,
    /// Seconds to let open connections finish after SIGTERM.
    pub drain_seconds: u64,
}

/// An SSH server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bastion {
    /// Host to dial.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Login name.
    pub user: String,
}

/// One local listener and the address behind the bastion it leads to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Forward {
    /// Address to accept connections on.
    pub listen: SocketAddr,
    /// Host as the bastion resolves it.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Handshake that proves a database answers at the far end.
    pub handshake: Handshake,
}

/// Handshakes that need no credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Handshake {
    /// `SSLRequest`, answered by one byte `S` or `N` (PostgreSQL protocol, "SSL Session Encryption").
    Postgres,
}
