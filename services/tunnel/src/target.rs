//! Everything needed to open a session, checked once at start: address, pinned keys, login key.

use std::sync::Arc;

use reportapp_config::credential::{PRIVATE_KEY, Secret};
use reportapp_config::status::Reason;
use reportapp_config::tunnel::TunnelConfig;
use russh::keys::{HashAlg, PrivateKey};

use crate::failure::Failure;
use crate::known_hosts::KnownHosts;
use crate::private_key;

/// A bastion and how to log in to it.
#[derive(Clone, Debug)]
pub struct Target {
    /// Host to dial.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Login name.
    pub user: String,
    /// Keys the bastion may show.
    pub known_hosts: Arc<KnownHosts>,
    /// Key to log in with.
    pub key: Arc<PrivateKey>,
    /// Seconds between SSH keepalives.
    pub keepalive_seconds: u64,
}

impl Target {
    /// Checks the configuration and reads the private key.
    ///
    /// # Errors
    /// A [`Failure`] that only a new configuration or a new key mends.
    pub fn from_config(config: &TunnelConfig) -> Result<Self, Failure> {
        let bastion = &config.bastion;
        let known_hosts = KnownHosts::parse(&config.known_hosts, &bastion.host, bastion.port)
            .map_err(|error| Failure::new(Reason::TunnelHostKeyMismatch, error.to_string()))?;
        let refused = |message| Failure::new(Reason::BastionLoginRefused, message);
        let pem = Secret::read_file(&config.credential, PRIVATE_KEY)
            .map_err(|error| refused(error.to_string()))?;
        let key = private_key::parse(pem.expose()).map_err(|error| refused(error.to_string()))?;
        Ok(Self {
            host: bastion.host.clone(),
            port: bastion.port,
            user: bastion.user.clone(),
            known_hosts: Arc::new(known_hosts),
            key: Arc::new(key),
            keepalive_seconds: config.keepalive_seconds,
        })
    }

    /// `host:port`, for messages.
    pub fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Fingerprint of the login key's public half, for messages.
    pub fn key_fingerprint(&self) -> String {
        self.key
            .public_key()
            .fingerprint(HashAlg::Sha256)
            .to_string()
    }
}
