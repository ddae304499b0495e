//! The HTTP client of the internal API: one authority, one certificate name.

use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use reportapp_config::bot::InternalApi;
use reqwest012::dns::{Addrs, Name, Resolve, Resolving};
use reqwest012::redirect::Policy;
use reqwest012::{Certificate, Client};
use url::Url;

use super::TIMEOUT;

/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The client cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The authority's file is missing or may not be read.
    #[error("failed to read the authority of the internal API, {}", path.display())]
    Read {
        /// Path of the file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The authority's file holds no certificates.
    #[error("{} holds no PEM certificates", path.display())]
    Parse {
        /// Path of the file.
        path: PathBuf,
        /// What the library said, if the file is not PEM at all.
        source: Option<reqwest012::Error>,
    },
    /// The TLS library refuses the settings.
    #[error("failed to set up TLS for the internal API")]
    Tls(#[source] reqwest012::Error),
}

/// The base address with the certificate's name as its host, which is what the TLS library
/// compares; [`build`] resolves that name to the real host.
pub(super) fn base(url: &Url, server_name: &str) -> Result<Url, url::ParseError> {
    let mut base = url.clone();
    if needs_alias(url, server_name) {
        base.set_host(Some(server_name))?;
    }
    if !base.path().ends_with('/') {
        base.set_path(&format!("{}/", base.path()));
    }
    Ok(base)
}

/// A client for the address `url` as configured.
pub(super) fn build(config: &InternalApi, url: &Url) -> Result<Client, ClientError> {
    let path = &config.ca_file;
    let pem = std::fs::read(path).map_err(|source| ClientError::Read {
        path: path.clone(),
        source,
    })?;
    let authorities = Certificate::from_pem_bundle(&pem).map_err(|source| ClientError::Parse {
        path: path.clone(),
        source: Some(source),
    })?;
    if authorities.is_empty() {
        return Err(ClientError::Parse {
            path: path.clone(),
            source: None,
        });
    }
    let mut builder = Client::builder()
        .use_rustls_tls()
        .tls_built_in_root_certs(false)
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(TIMEOUT)
        .redirect(Policy::none())
        // The API is a neighbour; a proxy for the internet must not see its token.
        .no_proxy();
    for authority in authorities {
        builder = builder.add_root_certificate(authority);
    }
    if needs_alias(url, &config.server_name) {
        let host = url.host_str().unwrap_or_default();
        let host = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        builder = builder.dns_resolver(Arc::new(Alias { host }));
    }
    builder.build().map_err(ClientError::Tls)
}

/// The causes of an error in one line. Its own text is left out since that holds the address.
pub(crate) fn describe(error: &reqwest012::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let mut parts = Vec::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        parts.push(error.to_string());
        cause = error.source();
    }
    parts.dedup();
    if parts.is_empty() {
        "the request failed".to_owned()
    } else {
        parts.join(": ")
    }
}

fn needs_alias(url: &Url, server_name: &str) -> bool {
    url.host_str() != Some(server_name) && server_name.parse::<IpAddr>().is_err()
}

/// Looks up the configured host whatever name is asked for: only one is.
struct Alias {
    host: String,
}

impl Resolve for Alias {
    fn resolve(&self, _name: Name) -> Resolving {
        let host = self.host.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((host.as_str(), 0)).await?;
            let addresses: Vec<SocketAddr> = found.collect();
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_certificates_name_becomes_the_host_and_the_path_a_folder() {
        let url = Url::parse("https://10.0.0.1:8444").unwrap();
        assert_eq!(
            base(&url, "api.example").unwrap().as_str(),
            "https://api.example:8444/"
        );
        let url = Url::parse("https://api.example:8444/reports").unwrap();
        let expected = "https://api.example:8444/reports/";
        assert_eq!(base(&url, "api.example").unwrap().as_str(), expected);
    }
}
