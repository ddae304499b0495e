//! ERP databases and the SSH tunnels that lead to them.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::database::{Admin, Pool, Tls};

/// An ERP database the reports read, directly or through an SSH tunnel.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self.engine != 'Oracle' || has(self.serviceName) != has(self.sid)").message("a server with engine Oracle needs exactly one of serviceName and sid"))]
#[x_kube(validation = Rule::new("self.engine == 'Oracle' || (!has(self.serviceName) && !has(self.sid))").message("serviceName and sid are for engine Oracle; use database"))]
#[x_kube(validation = Rule::new("self.engine != 'Postgres' || has(self.database)").message("a server with engine Postgres needs database"))]
pub struct Server {
    /// Name of the server in web, bot, status and metrics.
    #[schemars(
        length(min = 1, max = 20),
        regex(pattern = r"^[a-z]([-a-z0-9]*[a-z0-9])?$")
    )]
    pub name: String,

    /// Kind of database. `Oracle` and `Sqlite` are not implemented yet.
    pub engine: Engine,

    /// Host name or address; with a tunnel, as the bastion resolves it.
    #[schemars(length(min = 1, max = 253))]
    pub host: String,

    /// TCP port. Default: 1521 for Oracle, 5432 for Postgres.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65535))]
    pub port: Option<u16>,

    /// Service name (Oracle).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub service_name: Option<String>,

    /// System identifier (Oracle), for databases without a service name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub sid: Option<String>,

    /// Database name (Postgres).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub database: Option<String>,

    /// Transport security; end to end, also through a tunnel.
    #[serde(default)]
    pub tls: Tls,

    /// Name of the entry of `spec.credentials` to log in with.
    #[schemars(length(min = 1, max = 63))]
    pub credential: String,

    /// Administrator who may change the credential.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admin: Option<Admin>,

    /// Where people who read this server sign in. `Erp`: the functions of its schema `pack_drepturi` check
    /// the password and say which companies somebody may read; the credential must be allowed to call them.
    /// Accounts of the application, administrators among them, go on to sign in at the application.
    /// Default: Store.
    #[serde(default, skip_serializing_if = "ServerAuth::is_default")]
    pub auth: ServerAuth,

    /// Connections of each API pod to this server.
    #[serde(default)]
    pub pool: Pool,

    /// SSH tunnel to reach the host through. Absent: the host is dialled directly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tunnel: Option<Tunnel>,
}

impl Server {
    /// The port to dial, with the default of the engine.
    pub fn port_or_default(&self) -> u16 {
        self.port.unwrap_or(match self.engine {
            Engine::Oracle => 1521,
            Engine::Postgres | Engine::Sqlite => 5432,
        })
    }
}

/// Where people who read an ERP server sign in.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ServerAuth {
    /// At the application, with a password of its own.
    #[default]
    Store,
    /// At the ERP, with the ERP's password.
    Erp,
}

impl ServerAuth {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Kind of an ERP database.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Oracle Database. Not implemented yet.
    Oracle,
    /// PostgreSQL 13 or later.
    Postgres,
    /// A SQLite file. Not implemented yet.
    Sqlite,
}

/// An SSH tunnel: one pod per server that forwards to the host through a bastion.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Tunnel {
    /// The SSH server to go through.
    pub bastion: Bastion,

    /// Host keys of the bastion as lines of a `known_hosts` file. A bastion that shows another key
    /// is refused; there is no trust on first use.
    #[schemars(length(max = 16), inner(length(min = 1, max = 2048)))]
    #[x_kube(validation = Rule::new("self.size() > 0").message("tunnel.knownHosts must name at least one host key of the bastion; get it with: ssh-keyscan -t ed25519 <bastion>, and compare it with what the bastion's administrator tells you"))]
    pub known_hosts: Vec<String>,

    /// Name of the entry of `spec.credentials` that holds the private key.
    #[schemars(length(min = 1, max = 63))]
    pub credential: String,
}

/// An SSH server.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Bastion {
    /// Host name or address.
    #[schemars(length(min = 1, max = 253))]
    pub host: String,

    /// TCP port. Default: 22.
    #[serde(default = "Bastion::default_port")]
    #[schemars(range(min = 1, max = 65535))]
    pub port: u16,

    /// Login name.
    #[schemars(length(min = 1, max = 32))]
    pub user: String,
}

impl Bastion {
    fn default_port() -> u16 {
        22
    }
}
