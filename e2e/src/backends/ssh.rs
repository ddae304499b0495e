//! SSH keys in OpenSSH's own format, made by OpenSSH.

use anyhow::{Context as _, Result};
use reportapp_config::Secret;
use tokio::process::Command;

use crate::cluster::command;

/// An Ed25519 key.
#[derive(Clone)]
pub(super) struct Key {
    pub(super) private: Secret,
    /// One line: `ssh-ed25519 AAAA… comment`.
    pub(super) public: String,
}

/// A new key without a passphrase.
pub(super) async fn generate(comment: &str) -> Result<Key> {
    let place = tempfile::tempdir().context("failed to create a folder for an SSH key")?;
    let file = place.path().join("key");
    let mut keygen = Command::new("ssh-keygen");
    keygen
        .args(["-q", "-t", "ed25519", "-N", "", "-C", comment, "-f"])
        .arg(&file);
    command::run(&mut keygen).await?;
    let private = std::fs::read_to_string(&file).context("ssh-keygen wrote no private key")?;
    let public = std::fs::read_to_string(file.with_extension("pub"))
        .context("ssh-keygen wrote no public key")?;
    Ok(Key {
        private: Secret::from(private),
        public: public.trim().to_owned(),
    })
}
