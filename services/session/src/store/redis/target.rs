//! From configuration to a client: address, login, certificate authorities.

use std::net::SocketAddr;
use std::path::Path;

use ::redis::io::AsyncDNSResolver;
use ::redis::io::tcp::TcpSettings;
use ::redis::{
    Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, ProtocolVersion,
    RedisConnectionInfo, RedisFuture, TlsCertificates,
};
use reportapp_config::api::RedisConfig;
use reportapp_config::credential::{PASSWORD, Secret, USERNAME};
use reportapp_config::database::TlsMode;

use crate::SessionError;

/// A client and the host it really dials: for TLS the client itself knows only the name that the
/// certificate must carry.
pub(crate) struct Target {
    pub(crate) client: Client,
    pub(crate) dialled: Dialled,
}

/// Resolves every name to the addresses of one host.
#[derive(Clone)]
pub(crate) struct Dialled {
    host: String,
}

impl AsyncDNSResolver for Dialled {
    fn resolve<'a, 'b: 'a>(
        &'a self,
        _certificate_name: &'b str,
        port: u16,
    ) -> RedisFuture<'a, Box<dyn Iterator<Item = SocketAddr> + Send + 'a>> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((self.host.as_str(), port)).await?;
            Ok(Box::new(found) as Box<dyn Iterator<Item = SocketAddr> + Send>)
        })
    }
}

/// Reads the credential as it is now. What is dialled by the answer speaks `protocol`.
pub(crate) fn resolve(
    config: &RedisConfig,
    protocol: ProtocolVersion,
) -> Result<Target, SessionError> {
    let tls = &config.tls;
    let addr = match tls.mode {
        TlsMode::Disable => ConnectionAddr::Tcp(config.host.clone(), config.port),
        TlsMode::VerifyFull => ConnectionAddr::TcpTls {
            host: tls.server_name.clone().unwrap_or(config.host.clone()),
            port: config.port,
            insecure: false,
            tls_params: None,
        },
    };
    let login = RedisConnectionInfo::default()
        .set_protocol(protocol)
        .set_username(read(&config.credential, USERNAME)?.expose())
        .set_password(read(&config.credential, PASSWORD)?.expose())
        // CLIENT SETINFO is one more command an ACL would have to allow.
        .set_skip_set_lib_name();
    let info = addr
        .into_connection_info()
        .map_err(misconfigured)?
        .set_redis_settings(login)
        .set_tcp_settings(TcpSettings::default().set_nodelay(true));
    Ok(Target {
        client: client(info, tls.mode, tls.ca_file.as_deref())?,
        dialled: Dialled {
            host: config.host.clone(),
        },
    })
}

fn client(
    info: ConnectionInfo,
    mode: TlsMode,
    ca_file: Option<&Path>,
) -> Result<Client, SessionError> {
    if mode == TlsMode::Disable {
        return Client::open(info).map_err(misconfigured);
    }
    let root_cert = ca_file
        .map(|path| std::fs::read(path).map_err(|error| unreadable(path, &error)))
        .transpose()?;
    let certificates = TlsCertificates {
        client_tls: None,
        root_cert,
    };
    Client::build_with_tls(info, certificates).map_err(misconfigured)
}

fn read(folder: &Path, file: &str) -> Result<Secret, SessionError> {
    Secret::read_file(folder, file).map_err(|error| SessionError::Misconfigured {
        detail: error.to_string(),
    })
}

fn unreadable(path: &Path, error: &std::io::Error) -> SessionError {
    SessionError::Misconfigured {
        detail: format!("failed to read {}: {error}", path.display()),
    }
}

fn misconfigured(error: ::redis::RedisError) -> SessionError {
    SessionError::Misconfigured {
        detail: error.category().to_owned(),
    }
}
