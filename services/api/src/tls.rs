//! The certificate of the HTTPS listeners, read again whenever its files change.
//!
//! Kubernetes replaces mounted files by swapping a symlink, which file watchers miss in part; so
//! the content is read and compared every few seconds. A pair that cannot be used leaves the last
//! good one in place and is reported as the dependency `certificate`. Before the first good pair
//! every handshake fails, and the service is not ready.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use reportapp_config::api::TlsFiles;
use reportapp_config::status::Reason;
use reportapp_telemetry::DependencyHandle;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

/// How long a new certificate may go unnoticed.
const POLL_EVERY: Duration = Duration::from_secs(3);

/// Why a pair of files cannot be used. Never shows a key.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file cannot be read.
    #[error("failed to read {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The certificate file holds no certificate.
    #[error("{} holds no PEM certificate", path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// The key file holds no private key.
    #[error("{} holds no PEM private key", path.display())]
    NoKey {
        /// The file.
        path: PathBuf,
    },
    /// Both are readable and do not fit.
    #[error("the key does not belong to the certificate or is of an unsupported kind")]
    Mismatch,
}

/// The certificate at this moment.
#[derive(Debug)]
pub struct Certificate {
    files: TlsFiles,
    current: ArcSwapOption<CertifiedKey>,
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _client_hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.current.load_full()
    }
}

/// The raw content of both files, to notice a change.
type Content = (Vec<u8>, Vec<u8>);

impl Certificate {
    /// Nothing is read yet.
    pub fn new(files: TlsFiles) -> Arc<Self> {
        Arc::new(Self {
            files,
            current: ArcSwapOption::empty(),
        })
    }

    /// Reads the files and uses them if they fit.
    ///
    /// # Errors
    /// [`CertificateError`]; the last good pair stays in use.
    pub fn reload(&self) -> Result<(), CertificateError> {
        self.apply(&self.read()?)
    }

    /// Keeps the certificate up to date and reports it; runs until dropped.
    pub async fn watch(self: Arc<Self>, dependency: DependencyHandle) {
        let mut tick = tokio::time::interval(POLL_EVERY);
        let mut last: Option<Content> = None;
        loop {
            tick.tick().await;
            let content = match self.read() {
                Ok(content) => content,
                Err(error) => {
                    last = None;
                    dependency.failing(Reason::CertificateInvalid, self.say(&error));
                    continue;
                }
            };
            if last.as_ref() == Some(&content) {
                continue;
            }
            match self.apply(&content) {
                Ok(()) => {
                    tracing::info!("a new certificate is in use");
                    dependency.ok();
                }
                Err(error) => {
                    dependency.failing(Reason::CertificateInvalid, self.say(&error));
                }
            }
            last = Some(content);
        }
    }

    /// A server configuration that offers HTTP/2 and HTTP/1 under this certificate.
    pub fn server_config(self: &Arc<Self>) -> Arc<rustls::ServerConfig> {
        let resolver = Arc::clone(self) as Arc<dyn ResolvesServerCert>;
        let mut config = rustls::ServerConfig::builder()
            .with_no_client_auth()
            .with_cert_resolver(resolver);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Arc::new(config)
    }

    fn say(&self, error: &CertificateError) -> String {
        if self.current.load().is_some() {
            format!("{error}; the last good certificate is still served")
        } else {
            format!("{error}; no certificate can be served")
        }
    }

    fn read(&self) -> Result<Content, CertificateError> {
        Ok((read(&self.files.certificate)?, read(&self.files.key)?))
    }

    fn apply(&self, (chain, key): &Content) -> Result<(), CertificateError> {
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(chain)
            .collect::<Result<_, _>>()
            .unwrap_or_default();
        if chain.is_empty() {
            return Err(CertificateError::NoCertificate {
                path: self.files.certificate.clone(),
            });
        }
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| CertificateError::NoKey {
            path: self.files.key.clone(),
        })?;
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let pair = CertifiedKey::from_der(chain, key, &provider);
        let pair = pair.map_err(|_| CertificateError::Mismatch)?;
        self.current.store(Some(Arc::new(pair)));
        Ok(())
    }
}

fn read(path: &Path) -> Result<Vec<u8>, CertificateError> {
    std::fs::read(path).map_err(|source| CertificateError::Unreadable {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests;
