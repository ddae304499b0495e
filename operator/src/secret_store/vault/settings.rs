//! What a store is built from: `spec.secretStore.vault` together with the values it refers to.

use std::sync::Arc;

use reportapp_crds::report_app::secret_store::{Vault, VaultAuth};

use crate::rotation::ledger::SecretText;
use crate::secret_store::StoreError;
use crate::secret_store::tokens::TokenSource;

/// Where Vault is, and how to log in to it.
pub struct Settings {
    /// Address without a path.
    pub address: String,
    /// Namespace of Vault, where there is one.
    pub namespace: Option<String>,
    /// PEM of the only authority that is trusted; those of the system when absent.
    pub authority: Option<String>,
    /// Mount of the KV engine.
    pub mount: String,
    /// Where ledgers begin, below the mount.
    pub prefix: String,
    /// How to log in.
    pub login: Login,
}

/// A way to log in. `mount` is that of the auth method.
#[derive(Clone)]
pub enum Login {
    /// With a token of a ServiceAccount that Vault has the API server check.
    Kubernetes {
        /// Mount.
        mount: String,
        /// Role.
        role: String,
        /// Audience of the token.
        audience: String,
        /// Where tokens come from.
        tokens: Arc<dyn TokenSource>,
    },
    /// With a token of a ServiceAccount that Vault checks itself.
    Jwt {
        /// Mount.
        mount: String,
        /// Role.
        role: String,
        /// Audience of the token.
        audience: String,
        /// Where tokens come from.
        tokens: Arc<dyn TokenSource>,
    },
    /// With a role id and a secret id.
    AppRole {
        /// Mount.
        mount: String,
        /// Role id.
        role_id: String,
        /// Secret id.
        secret_id: SecretText,
    },
    /// With a token of Vault.
    Token(SecretText),
}

impl Settings {
    /// Settings of a spec. `authority` is the value of `caSecretRef`, `secret` that of
    /// `auth.appRole.secretIdRef` or `auth.token.secretRef`.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] when `auth` is not exactly one login, or its value is missing.
    pub fn new(
        spec: &Vault,
        authority: Option<String>,
        secret: Option<SecretText>,
        tokens: Arc<dyn TokenSource>,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            address: spec.address.clone(),
            namespace: spec.namespace.clone(),
            authority,
            mount: spec.mount.clone(),
            prefix: spec.path_prefix.clone(),
            login: login(&spec.auth, secret, tokens)?,
        })
    }
}

fn login(
    auth: &VaultAuth,
    secret: Option<SecretText>,
    tokens: Arc<dyn TokenSource>,
) -> Result<Login, StoreError> {
    let secret = |field: &str| {
        secret.clone().ok_or_else(|| {
            StoreError::Unusable(format!("spec.secretStore.vault.auth.{field} has no value"))
        })
    };
    match (&auth.kubernetes, &auth.jwt, &auth.app_role, &auth.token) {
        (Some(auth), None, None, None) => Ok(Login::Kubernetes {
            mount: auth.mount.clone(),
            role: auth.role.clone(),
            audience: auth.audience.clone(),
            tokens,
        }),
        (None, Some(auth), None, None) => Ok(Login::Jwt {
            mount: auth.mount.clone(),
            role: auth.role.clone(),
            audience: auth.audience.clone(),
            tokens,
        }),
        (None, None, Some(auth), None) => Ok(Login::AppRole {
            mount: auth.mount.clone(),
            role_id: auth.role_id.clone(),
            secret_id: secret("appRole.secretIdRef")?,
        }),
        (None, None, None, Some(_)) => Ok(Login::Token(secret("token.secretRef")?)),
        _ => Err(StoreError::Unusable(
            "give exactly one of spec.secretStore.vault.auth.kubernetes, jwt, appRole and token"
                .to_owned(),
        )),
    }
}
