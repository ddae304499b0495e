//! The contract between the operator and the services it runs.
//!
//! The operator serialises these types into a ConfigMap (`config.yaml`); each service reads its
//! own type at start. The services answer `GET /status` on their health port with
//! [`status::ServiceStatus`], which the operator maps to conditions. Both directions live in one
//! crate so that neither side can drift from the other.
//!
//! Nothing here is secret: credentials are *directories* of files mounted from versioned Secrets,
//! named by path (see [`credential`]).

pub mod api;
pub mod bot;
pub mod credential;
pub mod database;
pub mod file;
pub mod status;
pub mod tunnel;

pub use api::{ApiConfig, MIN_RETENTION_DAYS, StoreConfig};
pub use bot::BotConfig;
pub use credential::Secret;
pub use database::DatabaseConfig;
pub use status::ServiceStatus;
pub use tunnel::TunnelConfig;

/// Where the operator mounts a service's configuration file.
pub const CONFIG_PATH: &str = "/etc/reportapp/config/config.yaml";

/// Below this folder each credential has a folder named after it.
pub const CREDENTIALS_DIR: &str = "/etc/reportapp/credentials";

/// Port of `/livez`, `/readyz`, `/status` and `/metrics` in every service (plain HTTP).
pub const HEALTH_PORT: u16 = 9090;

/// Port of the API and the web UI (HTTPS).
pub const API_PORT: u16 = 8443;

/// Port of `/api/telegram/internal/*`, reachable by the bot alone (HTTPS).
pub const INTERNAL_PORT: u16 = 8444;

/// Port on which a tunnel pod accepts connections for its ERP database.
pub const TUNNEL_PORT: u16 = 5432;
