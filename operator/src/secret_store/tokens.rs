//! Tokens of the ReportApp's own ServiceAccount, by which it logs in to a secret store outside.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::Client;
use kube::api::{Api, PostParams};

use super::StoreError;
use crate::api_error::ApiError;
use crate::rotation::ledger::SecretText;

/// Life of a token of a ServiceAccount, seconds: the shortest there is. It is used once.
const TOKEN_LIFE: i64 = 600;

/// Gives tokens of a ServiceAccount.
pub trait TokenSource: Send + Sync {
    /// A new token for `audience`.
    fn token<'a>(&'a self, audience: &'a str) -> BoxFuture<'a, Result<SecretText, StoreError>>;
}

/// Tokens of one ServiceAccount from the API server (TokenRequest).
pub struct ServiceAccountTokens {
    api: Api<ServiceAccount>,
    name: String,
}

impl ServiceAccountTokens {
    /// Tokens of the ServiceAccount `name` in `namespace`.
    pub fn new(client: Client, namespace: &str, name: &str) -> Self {
        Self {
            api: Api::namespaced(client, namespace),
            name: name.to_owned(),
        }
    }
}

impl TokenSource for ServiceAccountTokens {
    fn token<'a>(&'a self, audience: &'a str) -> BoxFuture<'a, Result<SecretText, StoreError>> {
        let request = TokenRequest {
            spec: TokenRequestSpec {
                audiences: vec![audience.to_owned()],
                expiration_seconds: Some(TOKEN_LIFE),
                bound_object_ref: None,
            },
            ..TokenRequest::default()
        };
        async move {
            let answer = self
                .api
                .create_token_request(&self.name, &PostParams::default(), &request)
                .await;
            let answer = answer.map_err(|error| refused(&self.name, &error))?;
            let token = answer.status.map(|status| SecretText::new(status.token));
            token.ok_or_else(|| {
                StoreError::Unavailable(format!(
                    "the API server gave no token of ServiceAccount {}",
                    self.name
                ))
            })
        }
        .boxed()
    }
}

/// Why there is no token of a ServiceAccount.
fn refused(name: &str, error: &kube::Error) -> StoreError {
    let error = ApiError::new::<ServiceAccount>("create", name, error).on("token");
    match &error {
        ApiError::Forbidden { .. } => StoreError::Denied(format!(
            "{error}, which the login to the secret store needs; add the verb to the Role of the operator in this namespace"
        )),
        ApiError::Refused { code: 404, .. } => StoreError::Denied(format!(
            "there is no ServiceAccount {name} to log in to the secret store with"
        )),
        _ => StoreError::Unavailable(error.to_string()),
    }
}
