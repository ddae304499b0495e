//! The operator's own memory of a credential's rotations, as the demo keeps it: in a Secret.

use anyhow::{Context as _, Result};
use k8s_openapi::api::core::v1::Secret as KubeSecret;
use reportapp_config::Secret;
use serde::Deserialize;

use crate::demo::NAME;
use crate::scenarios::cluster::credentials::{Credential, Login};
use crate::scenarios::cluster::subject::Subject;

/// What is compared of a ledger. It cannot be printed.
#[derive(Deserialize)]
pub(super) struct Ledger {
    /// Uid of the rotation that is open.
    pub rotation: Option<String>,
    /// The value that is being introduced.
    pub pending: Option<Stored>,
    /// The value in use.
    pub current: Option<Stored>,
}

/// One value.
#[derive(Deserialize)]
pub(super) struct Stored {
    /// Uid of the rotation that made it.
    pub rotation: String,
    username: Option<String>,
    secret: String,
}

impl Stored {
    /// The login it is.
    pub fn login(&self) -> Login {
        Login {
            username: self.username.clone().unwrap_or_default(),
            password: Secret::from(self.secret.as_str()),
        }
    }
}

/// Name of the ledger's Secret.
pub(super) fn name(credential: Credential) -> String {
    format!("{NAME}-ledger-{}", credential.name())
}

/// Reads the ledger of a credential.
pub(super) async fn read(subject: &Subject<'_>, credential: Credential) -> Result<Ledger> {
    let name = name(credential);
    let secret = subject.objects::<KubeSecret>().get(&name).await?;
    parse(&secret).with_context(|| format!("the Secret {name} holds no ledger"))
}

/// The ledger a Secret holds.
pub(super) fn parse(secret: &KubeSecret) -> Option<Ledger> {
    let entry = secret.data.as_ref()?.get("entry.json")?;
    serde_json::from_slice(&entry.0).ok()
}
