//! TLS towards PostgreSQL: certificate and name are always verified. The name may differ from the
//! dialled host, because through a tunnel the dialled host is the tunnel.

use std::fmt;
use std::sync::Arc;

use reportapp_config::database::TlsConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::Socket;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres_rustls::MakeRustlsConnect;

/// Makes TLS sessions for one fixed server name; give it to `tokio_postgres::Config::connect`.
#[derive(Clone)]
pub struct NamedTls {
    inner: MakeRustlsConnect,
    server_name: Arc<str>,
}

impl NamedTls {
    /// Verifies certificates for `server_name` by the authorities of a PEM text, or by the public
    /// ones bundled in the program.
    ///
    /// # Errors
    /// A text that says whether the name or the authorities are not usable.
    pub fn new(authority: Option<&str>, server_name: &str) -> Result<Self, String> {
        let roots = match authority {
            Some(pem) => authorities(pem.as_bytes())
                .map_err(|detail| format!("the TLS authority is not usable: {detail}"))?,
            None => RootCertStore {
                roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
            },
        };
        ServerName::try_from(server_name).map_err(|_| {
            format!("tls.serverName {server_name:?} is neither a DNS name nor an address")
        })?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let client = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| format!("TLS cannot be set up: {error}"))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            inner: MakeRustlsConnect::new(client),
            server_name: server_name.into(),
        })
    }

    /// As a configuration file says it; the authorities are read from their file.
    pub(crate) fn configured(config: &TlsConfig, host: &str) -> Result<Self, String> {
        let name = config.server_name.as_deref().unwrap_or(host);
        let Some(path) = &config.ca_file else {
            return Self::new(None, name);
        };
        let unreadable = |detail: String| format!("failed to read {}: {detail}", path.display());
        let pem = std::fs::read(path).map_err(|error| unreadable(error.to_string()))?;
        // Checked here as well, because only here the error can name the file.
        authorities(&pem).map_err(unreadable)?;
        Self::new(Some(&String::from_utf8_lossy(&pem)), name)
    }
}

impl fmt::Debug for NamedTls {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("NamedTls")
            .field("server_name", &self.server_name)
            .finish_non_exhaustive()
    }
}

fn authorities(pem: &[u8]) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    if roots.is_empty() {
        return Err("it holds no certificate".to_owned());
    }
    Ok(roots)
}

impl MakeTlsConnect<Socket> for NamedTls {
    type Stream = <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream;
    type TlsConnect = <MakeRustlsConnect as MakeTlsConnect<Socket>>::TlsConnect;
    type Error = <MakeRustlsConnect as MakeTlsConnect<Socket>>::Error;

    fn make_tls_connect(&mut self, _dialled: &str) -> Result<Self::TlsConnect, Self::Error> {
        let name = self.server_name.clone();
        <MakeRustlsConnect as MakeTlsConnect<Socket>>::make_tls_connect(&mut self.inner, &name)
    }
}
