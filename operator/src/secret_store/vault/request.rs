//! Single HTTP calls to Vault, and what came of each.
//!
//! vaultrs logs every answer that is not a success as an error, "there is no such secret" included.
//! Its calls are therefore made where nobody listens ([`quietly`]): whoever asked tells the failure.

use std::future::Future;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};
use tracing::dispatcher::Dispatch;
use tracing::instrument::WithSubscriber as _;
use vaultrs::api::kv2::requests::{ReadSecretRequest, SetSecretRequestOptions};
use vaultrs::api::{self, AuthInfo};
use vaultrs::client::VaultClient;
use vaultrs::error::ClientError;
use vaultrs::{kv2, token};

use super::path::Place;
use crate::secret_store::tls::tls_error;

/// How long one call may take, connecting included.
pub(super) const TIMEOUT: Duration = Duration::from_secs(5);
/// Most characters of Vault's own words that are passed on.
const MOST_WORDS: usize = 200;

/// A call did not succeed. Nothing in here is secret: Vault's words are kept only of calls that
/// carry no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// It does not answer; the text says why.
    Unreachable(String),
    /// 503.
    Sealed,
    /// A node that is not active and does not pass requests on.
    Standby,
    /// 429.
    Busy,
    /// Another 5xx.
    Broken { code: u16, words: String },
    /// 403: the token or its policies. Vault's words.
    Denied(String),
    /// There is no engine at the mount.
    NoMount,
    /// The version is not the one that was to be replaced.
    Raced,
    /// Another 4xx.
    Refused { code: u16, words: String },
    /// An answer that KV version 2 does not give.
    Strange,
}

/// A secret as read. Version 0: it was never written; no data: its last version was deleted.
#[derive(Debug)]
pub(super) struct Found {
    pub data: Option<Map<String, Value>>,
    pub version: u32,
}

/// Reads the last version.
pub(super) async fn read(client: &VaultClient, place: &Place) -> Result<Found, Failure> {
    let request = ReadSecretRequest {
        mount: place.mount.clone(),
        path: place.path.clone(),
        version: None,
    };
    match quietly(api::exec_with_result(client, request)).await {
        Ok(answer) => {
            let version = u32::try_from(answer.metadata.version).map_err(|_| Failure::Strange)?;
            match answer.data {
                Value::Object(data) => Ok(Found {
                    data: Some(data),
                    version,
                }),
                Value::Null => Ok(Found {
                    data: None,
                    version,
                }),
                _ => Err(Failure::Strange),
            }
        }
        Err(error) => match answer(&error) {
            Some((404, [], body)) => Ok(Found {
                data: None,
                version: deleted_version(body),
            }),
            _ => Err(failure(&error)),
        },
    }
}

/// Writes a version in place of version `replaces` (0: there must be none), and gives the new one.
pub(super) async fn write(
    client: &VaultClient,
    place: &Place,
    data: &Value,
    replaces: u32,
) -> Result<u32, Failure> {
    let options = SetSecretRequestOptions { cas: replaces };
    let write = kv2::set_with_options(client, &place.mount, &place.path, data, options);
    match quietly(write).await {
        Ok(written) => u32::try_from(written.version).map_err(|_| Failure::Strange),
        // A complaint about the data may repeat it.
        Err(error) => Err(match failure(&error) {
            Failure::Refused { code, .. } => Failure::Refused {
                code,
                words: String::new(),
            },
            other => other,
        }),
    }
}

/// Logs in.
pub(super) async fn login(
    call: impl Future<Output = Result<AuthInfo, ClientError>>,
) -> Result<AuthInfo, Failure> {
    quietly(call).await.map_err(|error| failure(&error))
}

/// Prolongs the token of `client`.
pub(super) async fn renew(client: &VaultClient) -> Result<AuthInfo, Failure> {
    login(token::renew_self(client, None)).await
}

/// Seconds the token of `client` has left (0: it does not end), and whether it can be prolonged.
pub(super) async fn look_up(client: &VaultClient) -> Result<(u64, bool), Failure> {
    let answer = quietly(token::lookup_self(client)).await;
    let answer = answer.map_err(|error| failure(&error))?;
    Ok((answer.ttl, answer.renewable.unwrap_or(false)))
}

/// Gives the token of `client` up; without it a token that is replaced would live on in Vault. What
/// comes of it does not matter.
pub(super) async fn revoke(client: &VaultClient) {
    let _ = quietly(token::revoke_self(client)).await;
}

async fn quietly<T>(call: impl Future<Output = T>) -> T {
    call.with_subscriber(Dispatch::none()).await
}

/// Status, words and body of an answer.
fn answer(error: &ClientError) -> Option<(u16, &[String], &str)> {
    use rustify::errors::ClientError::ServerResponseError;
    match error {
        ClientError::APIError { code, errors } => Some((*code, errors, "")),
        ClientError::RestClientError {
            source: ServerResponseError { code, content },
        } => Some((*code, &[], content.as_deref().unwrap_or_default())),
        _ => None,
    }
}

fn failure(error: &ClientError) -> Failure {
    let Some((code, words, _)) = answer(error) else {
        return without_answer(error);
    };
    let words = words.join(", ");
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    let says = |text: &str| words.contains(text);
    match code {
        400 if says("check-and-set parameter did not match") => Failure::Raced,
        403 => Failure::Denied(shortened(&words)),
        404 if says("no handler for route") => Failure::NoMount,
        429 => Failure::Busy,
        300..=399 | 412 => Failure::Standby,
        503 => Failure::Sealed,
        _ if says("local node not active") => Failure::Standby,
        500..=599 => Failure::Broken {
            code,
            words: shortened(&words),
        },
        _ => Failure::Refused {
            code,
            words: shortened(&words),
        },
    }
}

fn shortened(words: &str) -> String {
    crate::api_error::shortened(words, MOST_WORDS).into_owned()
}

fn without_answer(error: &ClientError) -> Failure {
    use rustify::errors::ClientError::{RequestError, ResponseError};
    let ClientError::RestClientError {
        source: RequestError { source, .. } | ResponseError { source },
    } = error
    else {
        return Failure::Strange;
    };
    if let Some(tls) = source.chain().find_map(tls_error) {
        return Failure::Unreachable(format!(
            "the TLS handshake failed ({tls}); give the authority that signed its certificate as spec.secretStore.vault.caSecretRef"
        ));
    }
    let timed_out = source
        .downcast_ref::<reqwest::Error>()
        .is_some_and(reqwest::Error::is_timeout);
    Failure::Unreachable(if timed_out {
        format!("no answer within {} s", TIMEOUT.as_secs())
    } else {
        let cause = source.chain().last();
        cause.map_or_else(String::new, |cause| cause.to_string())
    })
}

/// The version in the answer about a deleted one, which is a 404 with metadata.
fn deleted_version(body: &str) -> u32 {
    #[derive(Deserialize)]
    struct Answer {
        data: Data,
    }
    #[derive(Deserialize)]
    struct Data {
        metadata: Metadata,
    }
    #[derive(Deserialize)]
    struct Metadata {
        version: u32,
    }
    serde_json::from_str::<Answer>(body).map_or(0, |answer| answer.data.metadata.version)
}
