//! What a store is built from: `spec.secretStore.awsSecretsManager` together with the values it
//! refers to.

use std::sync::Arc;

use reportapp_crds::report_app::secret_store::AwsSecretsManager;

use crate::rotation::ledger::SecretText;
use crate::secret_store::StoreError;
use crate::secret_store::tokens::TokenSource;

/// Key of the id of an access key, in the Secret that `auth.accessKey` names.
pub const ID_KEY: &str = "access-key-id";
/// Key of the access key.
pub const SECRET_KEY: &str = "secret-access-key";
/// Key of the session of a temporary one.
pub const SESSION_KEY: &str = "session-token";

/// Where Secrets Manager is, and how to prove who asks.
pub struct Settings {
    /// Region, such as `eu-central-1`.
    pub region: String,
    /// Address in place of the public one.
    pub endpoint: Option<String>,
    /// Where names of ledgers begin.
    pub prefix: String,
    /// Key of KMS for secrets that are created.
    pub kms_key_id: Option<String>,
    /// How to prove who asks.
    pub login: Login,
}

/// A way to prove who asks.
#[derive(Clone)]
pub enum Login {
    /// A role, assumed with a token of a ServiceAccount.
    WebIdentity {
        /// ARN of the role.
        role_arn: String,
        /// Audience of the token.
        audience: String,
        /// Address of the Security Token Service in place of the public one.
        sts_endpoint: Option<String>,
        /// Who the token says it is of: `system:serviceaccount:<namespace>:<name>`.
        subject: String,
        /// Where tokens come from.
        tokens: Arc<dyn TokenSource>,
    },
    /// An access key.
    AccessKey(AccessKey),
}

/// An access key: of a user, or a temporary one of a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessKey {
    /// Its id, which is not secret.
    pub id: String,
    /// The key.
    pub secret: SecretText,
    /// Goes along with a temporary key.
    pub session: Option<SecretText>,
}

impl Settings {
    /// Settings of a spec. `access_key` is what `auth.accessKey` refers to; `account` names the
    /// ServiceAccount that `tokens` are of, as `<namespace>:<name>`.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] when `auth` is not exactly one login, or its value is missing.
    pub fn new(
        spec: &AwsSecretsManager,
        access_key: Option<AccessKey>,
        account: &str,
        tokens: Arc<dyn TokenSource>,
    ) -> Result<Self, StoreError> {
        let login = match (&spec.auth.web_identity, access_key) {
            (Some(auth), None) => Login::WebIdentity {
                role_arn: auth.role_arn.clone(),
                audience: auth.audience.clone(),
                sts_endpoint: auth.sts_endpoint.clone(),
                subject: format!("system:serviceaccount:{account}"),
                tokens,
            },
            (None, Some(key)) => Login::AccessKey(key),
            _ => {
                return Err(StoreError::Unusable(
                    "give exactly one of spec.secretStore.awsSecretsManager.auth.webIdentity and accessKey"
                        .to_owned(),
                ));
            }
        };
        Ok(Self {
            region: spec.region.clone(),
            endpoint: spec.endpoint.clone(),
            prefix: spec.path_prefix.clone(),
            kms_key_id: spec.kms_key_id.clone(),
            login,
        })
    }
}
