//! Where ledgers are kept (`spec.secretStore`): Kubernetes Secrets, Vault or AWS Secrets Manager, behind
//! one trait. Every write names the version it replaces, so that of two writers one is refused.

pub mod aws;
pub mod kubernetes;
pub mod logins;
#[cfg(test)]
mod testing;
mod tls;
pub mod tokens;
pub mod vault;

use std::future::Future;
use std::sync::Arc;

use kube::{Client, ResourceExt as _};
use reportapp_crds::ReportApp;

use crate::rotation::ledger::Entry;
use crate::rotation::plan::Secrets;
use crate::rotation::trouble::Trouble;
use aws::AwsStore;
use kubernetes::KubernetesStore;
use logins::Logins;
use vault::VaultStore;

/// A version of an entry, as the store names it: a resourceVersion, a KV version, an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version(pub String);

/// A store could not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It does not answer, or is sealed. Rotations wait; nothing is lost.
    #[error("{0}")]
    Unavailable(String),
    /// It refuses the login or the right. The text says what to grant.
    #[error("{0}")]
    Denied(String),
    /// Somebody else wrote in between.
    #[error("the ledger was changed by somebody else at the same time")]
    Raced,
    /// What it holds cannot be used. The text names the place, never the content.
    #[error("{0}")]
    Unusable(String),
}

/// The store a `ReportApp` names.
pub enum Store {
    /// Secrets in its namespace.
    Kubernetes(Box<KubernetesStore>),
    /// Vault.
    Vault(Arc<VaultStore>),
    /// AWS Secrets Manager.
    Aws(Arc<AwsStore>),
}

/// What setting one key of a secret of others did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patched {
    /// The value was there already.
    Unchanged,
    /// A new version was written.
    Written,
}

impl Store {
    /// The store of `app`; nothing is read yet.
    ///
    /// # Errors
    /// When the spec names something that cannot be used.
    pub fn of(
        app: &ReportApp,
        secrets: &Secrets,
        client: &Client,
        logins: &Logins,
    ) -> Result<Self, Trouble> {
        let namespace = app.namespace().unwrap_or_default();
        if let Some(spec) = &app.spec.secret_store.vault {
            return Ok(Self::Vault(logins.vault(app, spec, secrets, client)?));
        }
        if let Some(spec) = &app.spec.secret_store.aws_secrets_manager {
            return Ok(Self::Aws(logins.aws(app, spec, secrets, client)?));
        }
        Ok(Self::Kubernetes(Box::new(KubernetesStore::new(
            client.clone(),
            &namespace,
            &app.name_any(),
        ))))
    }
}

impl SecretStore for Store {
    async fn read(&self, credential: &str) -> Result<Option<(Entry, Version)>, StoreError> {
        match self {
            Self::Kubernetes(store) => store.read(credential).await,
            Self::Vault(store) => store.read(credential).await,
            Self::Aws(store) => store.read(credential).await,
        }
    }

    async fn write(
        &self,
        credential: &str,
        entry: &Entry,
        expected: Option<&Version>,
    ) -> Result<Version, StoreError> {
        match self {
            Self::Kubernetes(store) => store.write(credential, entry, expected).await,
            Self::Vault(store) => store.write(credential, entry, expected).await,
            Self::Aws(store) => store.write(credential, entry, expected).await,
        }
    }
}

/// Keeps the ledgers of one `ReportApp`.
pub trait SecretStore: Send + Sync {
    /// The ledger of a credential with its version; `None` when there is none yet.
    fn read(
        &self,
        credential: &str,
    ) -> impl Future<Output = Result<Option<(Entry, Version)>, StoreError>> + Send;

    /// Replaces version `expected` (`None`: there must be none yet) and gives the new one.
    fn write(
        &self,
        credential: &str,
        entry: &Entry,
        expected: Option<&Version>,
    ) -> impl Future<Output = Result<Version, StoreError>> + Send;
}
