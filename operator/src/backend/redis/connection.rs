//! A connection to one node: how it is dialled, how it logs in, and what its answers mean.
//!
//! The login is sent here and not by the library, which takes any answer to `AUTH` for a refusal,
//! also "max number of clients reached"; a refusal must be one, as it proves a password dead. The
//! text of an answer may repeat what was sent, so no error carries it.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use ::redis::aio::MultiplexedConnection;
use ::redis::io::AsyncDNSResolver;
use ::redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ConnectionInfo, ErrorKind,
    IntoConnectionInfo, RedisConnectionInfo, RedisError, RedisFuture, ServerErrorKind,
    TlsCertificates, Value, cmd,
};
use reportapp_config::database::TlsMode;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::acl::AclUser;
use super::preflight;
use crate::backend::{Admin, BackendError, Endpoint};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Where a node is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Address {
    pub(super) host: String,
    pub(super) port: u16,
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.host, self.port)
    }
}

/// Opens connections with the transport security of one endpoint. Replicas must show a certificate
/// for the same name as the primary.
#[derive(Debug)]
pub(super) struct Dialer {
    endpoint: Endpoint,
}

/// A node somebody is logged in to.
pub(super) struct Node {
    address: Address,
    login: String,
    connection: MultiplexedConnection,
}

/// An error a server answered. `text` may repeat what was sent: compare it, never show it.
pub(super) struct Answer {
    pub(super) code: String,
    pub(super) text: String,
}

/// Resolves every name to the addresses of one host: for TLS the library itself knows only the
/// name that the certificate must carry.
#[derive(Clone)]
struct Dialled(String);

impl AsyncDNSResolver for Dialled {
    fn resolve<'a, 'b: 'a>(
        &'a self,
        _certificate_name: &'b str,
        port: u16,
    ) -> RedisFuture<'a, Box<dyn Iterator<Item = SocketAddr> + Send + 'a>> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((self.0.as_str(), port)).await?;
            Ok(Box::new(found) as Box<dyn Iterator<Item = SocketAddr> + Send>)
        })
    }
}

impl Dialer {
    pub(super) fn new(endpoint: Endpoint) -> Result<Self, BackendError> {
        let home = Address {
            host: endpoint.host.clone(),
            port: endpoint.port,
        };
        // The library takes a text without any certificate and then trusts nobody.
        if let Some(pem) = &endpoint.authority
            && CertificateDer::pem_slice_iter(pem.as_bytes())
                .next()
                .is_none()
        {
            return Err(unusable(&home));
        }
        let dialer = Self { endpoint };
        dialer.client(&home)?;
        Ok(dialer)
    }

    /// Logs in to a node; `None` when it refuses the user or the password.
    pub(super) async fn enter(
        &self,
        address: &Address,
        username: &str,
        password: &str,
    ) -> Result<Option<Node>, BackendError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(RESPONSE_TIMEOUT))
            .set_dns_resolver(Dialled(address.host.clone()));
        let connection = self
            .client(address)?
            .get_multiplexed_async_connection_with_config(&config)
            .await
            .map_err(|error| {
                BackendError::Unreachable(format!("no connection to Redis at {address}: {error}"))
            })?;
        let mut node = Node {
            address: address.clone(),
            login: username.to_owned(),
            connection,
        };
        match node.answer(&["AUTH", username, password]).await? {
            Ok(_) => Ok(Some(node)),
            Err(answer) if answer.code == "WRONGPASS" => Ok(None),
            Err(answer) => Err(BackendError::Unreachable(format!(
                "Redis at {address} takes no login now ({}): it may have no room for another client",
                answer.code
            ))),
        }
    }

    /// Logs in as the administrator.
    pub(super) async fn administer(
        &self,
        address: &Address,
        admin: &Admin,
    ) -> Result<Node, BackendError> {
        let username = &admin.username;
        self.enter(address, username, admin.password.expose())
            .await?
            .ok_or_else(|| {
                BackendError::AdminRefused(format!(
                    "Redis at {address} refuses the administrator {username}: correct the user or \
                     the password, or switch the user on there (ACL SETUSER {username} on)"
                ))
            })
    }

    fn client(&self, address: &Address) -> Result<Client, BackendError> {
        let Endpoint {
            host,
            tls,
            authority,
            server_name,
            ..
        } = &self.endpoint;
        let plain = *tls == TlsMode::Disable;
        let target = if plain {
            ConnectionAddr::Tcp(address.host.clone(), address.port)
        } else {
            ConnectionAddr::TcpTls {
                host: server_name.clone().unwrap_or_else(|| host.clone()),
                port: address.port,
                insecure: false,
                tls_params: None,
            }
        };
        let certificates = TlsCertificates {
            client_tls: None,
            root_cert: authority.as_ref().map(|pem| pem.clone().into_bytes()),
        };
        let info: ConnectionInfo = target
            .into_connection_info()
            .map_err(|_| unusable(address))?
            // CLIENT SETINFO is one more command an ACL would have to allow.
            .set_redis_settings(RedisConnectionInfo::default().set_skip_set_lib_name());
        if plain {
            Client::open(info).map_err(|_| unusable(address))
        } else {
            Client::build_with_tls(info, certificates).map_err(|_| unusable(address))
        }
    }
}

fn unusable(address: &Address) -> BackendError {
    BackendError::Refused(format!(
        "Redis at {address} cannot be dialled: its authority is not a PEM certificate"
    ))
}

impl Node {
    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    /// The user as this node knows it.
    pub(super) async fn user(&mut self, username: &str) -> Result<Option<AclUser>, BackendError> {
        match self.ask(&["ACL", "GETUSER", username]).await? {
            Value::Nil => Ok(None),
            reply => AclUser::parse(&reply)
                .map(Some)
                .ok_or_else(|| self.odd("ACL GETUSER")),
        }
    }

    /// Asks for something the server should have no objection to.
    pub(super) async fn ask<W: AsRef<str>>(&mut self, words: &[W]) -> Result<Value, BackendError> {
        match self.answer(words).await? {
            Ok(value) => Ok(value),
            Err(answer) => Err(self.refusal(&label(words), &answer)),
        }
    }

    fn refusal(&self, label: &str, answer: &Answer) -> BackendError {
        let (address, code) = (&self.address, &answer.code);
        BackendError::Refused(format!("Redis at {address} refuses {label}: {code}"))
    }

    /// Sends a command whose words may be any octets; `label` is what is told of it.
    pub(super) async fn send(&mut self, command: &Cmd, label: &str) -> Result<Value, BackendError> {
        match command.query_async::<Value>(&mut self.connection).await {
            Ok(value) => Ok(value),
            Err(error) => {
                let answer = self.sort(&error, label)?;
                Err(self.refusal(label, &answer))
            }
        }
    }

    /// Asks; the inner error is one that the caller may understand.
    pub(super) async fn answer<W: AsRef<str>>(
        &mut self,
        words: &[W],
    ) -> Result<Result<Value, Answer>, BackendError> {
        let mut command = cmd(words[0].as_ref());
        for word in &words[1..] {
            command.arg(word.as_ref());
        }
        match command.query_async::<Value>(&mut self.connection).await {
            Ok(value) => Ok(Ok(value)),
            Err(error) => self.sort(&error, &label(words)).map(Err),
        }
    }

    /// An answer of another shape than the documented one.
    pub(super) fn odd(&self, command: &str) -> BackendError {
        BackendError::Refused(format!(
            "Redis at {} answers {command} in a form no Redis since 6.2 does: is it one?",
            self.address
        ))
    }

    fn sort(&self, error: &RedisError, command: &str) -> Result<Answer, BackendError> {
        use ServerErrorKind::{BusyLoading, ClusterDown, MasterDown, TryAgain};
        let (address, login) = (&self.address, &self.login);
        let later = |why: &str| {
            BackendError::Unreachable(format!(
                "Redis at {address} does not answer {command}: {why}"
            ))
        };
        let code = error.code().unwrap_or_default();
        match error.kind() {
            _ if is_forbidden(error) => Err(BackendError::RightMissing(format!(
                "the Redis user {login} may not run {command} at {address}: let it (ACL SETUSER \
                 {login} {})",
                preflight::RIGHTS
            ))),
            ErrorKind::Server(BusyLoading | ClusterDown | MasterDown | TryAgain) => {
                Err(later(code))
            }
            _ if matches!(code, "BUSY" | "NOREPLICAS" | "MISCONF" | "OOM") => Err(later(code)),
            _ if code == "NOAUTH" => Err(BackendError::AdminRefused(format!(
                "Redis at {address} has logged {login} out: it was switched off or deleted"
            ))),
            ErrorKind::Io => Err(later(&error.to_string())),
            _ if code.is_empty() => Err(later(error.category())),
            _ => Ok(Answer {
                code: code.to_owned(),
                text: error.detail().unwrap_or_default().to_owned(),
            }),
        }
    }
}

/// A right is missing; that of EXEC itself comes as an aborted transaction.
fn is_forbidden(error: &RedisError) -> bool {
    match error.kind() {
        ErrorKind::Server(ServerErrorKind::NoPerm) => true,
        ErrorKind::Server(ServerErrorKind::ExecAbort) => {
            error.detail().is_some_and(|text| text.contains("NOPERM"))
        }
        _ => false,
    }
}

/// The command without its values.
fn label<W: AsRef<str>>(words: &[W]) -> String {
    let named = match words[0].as_ref() {
        "ACL" | "CLIENT" | "CONFIG" => 2,
        _ => 1,
    };
    let named: Vec<&str> = words.iter().take(named).map(AsRef::as_ref).collect();
    named.join(" ")
}
