//! The login: a token that is kept, prolonged when two thirds of its life are over, and replaced by
//! a new login when it cannot be prolonged or Vault refuses it.

use std::sync::Arc;
use std::time::Duration;

use rustify::clients::reqwest::Client as HttpClient;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;
use vaultrs::api::{AuthInfo, EndpointMiddleware};
use vaultrs::auth::{approle, kubernetes, oidc};
use vaultrs::client::{VaultClient, VaultClientSettings};

use super::explain::{Attempt, explain};
use super::request::{self, Failure, TIMEOUT};
use super::settings::{Login, Settings};
use crate::secret_store::StoreError;

/// A connection to Vault that is logged in when it is needed.
pub(super) struct Session {
    http: reqwest::Client,
    address: Url,
    namespace: Option<String>,
    login: Login,
    held: Mutex<Option<Held>>,
}

/// A token, inside the client that sends it.
#[derive(Clone)]
struct Held {
    client: Arc<VaultClient>,
    life: Life,
}

/// How long a token is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Life {
    since: Instant,
    /// `None`: it does not end.
    length: Option<Duration>,
    /// Of the login this token is from; a renewal that gives much less has met the end.
    first: Option<Duration>,
    renewable: bool,
}

/// What to do about a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Keep,
    Renew,
    LogIn,
}

impl Life {
    fn new(seconds: u64, renewable: bool) -> Self {
        let length = (seconds > 0).then(|| Duration::from_secs(seconds));
        Self {
            since: Instant::now(),
            length,
            first: length,
            renewable,
        }
    }

    fn renewed(self, seconds: u64, renewable: bool) -> Self {
        Self {
            first: self.first,
            ..Self::new(seconds, renewable)
        }
    }

    fn has_ended(&self, now: Instant) -> bool {
        let age = now.duration_since(self.since);
        self.length.is_some_and(|length| age >= length)
    }

    fn step(&self, now: Instant) -> Step {
        let age = now.duration_since(self.since);
        match self.length {
            Some(length) if age >= length => Step::LogIn,
            Some(length) if age >= length * 2 / 3 && self.renewable => Step::Renew,
            Some(length) if age >= length * 2 / 3 => Step::LogIn,
            _ => Step::Keep,
        }
    }

    /// Whether a renewal came too close to the greatest age of the token to be worth it.
    fn is_running_out(&self) -> bool {
        match (self.length, self.first) {
            (Some(length), Some(first)) => length < first / 3,
            _ => false,
        }
    }
}

impl Session {
    pub(super) fn new(settings: Settings) -> Result<Self, StoreError> {
        let address = Url::parse(&settings.address)
            .ok()
            .filter(|url| matches!(url.scheme(), "https" | "http") && url.has_host())
            .filter(|url| url.path() == "/" && url.query().is_none() && url.username().is_empty())
            .ok_or_else(|| {
                unusable(&format!(
                    "{:?} is no address of Vault; write it as https://vault.example.com:8200",
                    settings.address
                ))
            })?;
        if let Some(namespace) = &settings.namespace {
            check_header(namespace, "spec.secretStore.vault.namespace")?;
        }
        Ok(Self {
            http: http(&address, settings.authority.as_deref())?,
            address,
            namespace: settings.namespace,
            login: settings.login,
            held: Mutex::new(None),
        })
    }

    /// A client whose token is good, as far as is known.
    pub(super) async fn client(&self) -> Result<Arc<VaultClient>, StoreError> {
        let mut held = self.held.lock().await;
        let now = Instant::now();
        let next = match held.clone() {
            None => self.log_in().await?,
            Some(old) => match old.life.step(now) {
                Step::Keep => old,
                Step::Renew => self.renewed(old, now).await?,
                // A token that was given from outside has no successor: Vault is to say so.
                Step::LogIn if matches!(self.login, Login::Token(_)) => old,
                Step::LogIn => self.log_in().await?,
            },
        };
        let client = Arc::clone(&next.client);
        *held = Some(next);
        Ok(client)
    }

    /// Another client than `refused`, logged in anew; `None` when there is no way to one.
    pub(super) async fn replacement(
        &self,
        refused: &Arc<VaultClient>,
    ) -> Result<Option<Arc<VaultClient>>, StoreError> {
        if matches!(self.login, Login::Token(_)) {
            return Ok(None);
        }
        let mut held = self.held.lock().await;
        if let Some(other) = held.as_ref()
            && !Arc::ptr_eq(&other.client, refused)
        {
            return Ok(Some(Arc::clone(&other.client)));
        }
        let fresh = self.log_in().await?;
        request::revoke(refused).await;
        let client = Arc::clone(&fresh.client);
        *held = Some(fresh);
        Ok(Some(client))
    }

    pub(super) fn explain(&self, failure: &Failure, attempt: &Attempt<'_>) -> StoreError {
        let address = self.address.as_str().trim_end_matches('/');
        explain(address, &self.login, failure, attempt)
    }

    async fn renewed(&self, old: Held, now: Instant) -> Result<Held, StoreError> {
        let from_outside = matches!(self.login, Login::Token(_));
        match request::renew(&old.client).await {
            Ok(auth) => {
                let life = old.life.renewed(auth.lease_duration, auth.renewable);
                if life.is_running_out() && !from_outside {
                    return self.log_in().await;
                }
                Ok(Held { life, ..old })
            }
            Err(Failure::Denied(_) | Failure::Refused { .. }) if !from_outside => {
                self.log_in().await
            }
            // It is still good for a while, and the next use tries again.
            Err(_) if !old.life.has_ended(now) => Ok(old),
            Err(failure) => Err(self.explain(&failure, &Attempt::Login)),
        }
    }

    async fn log_in(&self) -> Result<Held, StoreError> {
        let asking = self.with_token("");
        let answer = match &self.login {
            Login::Token(token) => return self.given(token.expose().trim()).await,
            Login::Kubernetes {
                mount,
                role,
                audience,
                tokens,
            } => {
                let jwt = tokens.token(audience).await?;
                request::login(kubernetes::login(&asking, mount, role, jwt.expose())).await
            }
            Login::Jwt {
                mount,
                role,
                audience,
                tokens,
            } => {
                let (jwt, role) = (tokens.token(audience).await?, Some(role.clone()));
                request::login(oidc::login(&asking, mount, jwt.expose(), role)).await
            }
            Login::AppRole {
                mount,
                role_id,
                secret_id,
            } => {
                let secret_id = secret_id.expose().trim();
                request::login(approle::login(&asking, mount, role_id, secret_id)).await
            }
        };
        let auth: AuthInfo = answer.map_err(|failure| self.explain(&failure, &Attempt::Login))?;
        check_header(&auth.client_token, "the token that Vault gave")?;
        Ok(Held {
            client: Arc::new(self.with_token(&auth.client_token)),
            life: Life::new(auth.lease_duration, auth.renewable),
        })
    }

    /// A token that was given from outside: its life is asked for.
    async fn given(&self, token: &str) -> Result<Held, StoreError> {
        check_header(token, "the token in the Secret")?;
        let client = Arc::new(self.with_token(token));
        let life = match request::look_up(&client).await {
            Ok((seconds, renewable)) => Life::new(seconds, renewable),
            // It may be good for secrets all the same: the next request tells.
            Err(Failure::Denied(_)) => Life::new(0, false),
            Err(failure) => return Err(self.explain(&failure, &Attempt::Login)),
        };
        Ok(Held { client, life })
    }

    fn with_token(&self, token: &str) -> VaultClient {
        VaultClient {
            http: HttpClient::new(self.address.as_str(), self.http.clone()),
            middle: EndpointMiddleware {
                token: token.to_owned(),
                version: "v1".to_owned(),
                wrap: None,
                namespace: self.namespace.clone(),
            },
            settings: VaultClientSettings {
                address: self.address.clone(),
                ca_certs: Vec::new(),
                identity: None,
                timeout: Some(TIMEOUT),
                token: String::new(),
                verify: true,
                version: 1,
                wrapping: false,
                namespace: self.namespace.clone(),
                proxy: None,
            },
        }
    }
}

/// The HTTP client. It follows no redirect: the token would go along.
fn http(address: &Url, authority: Option<&str>) -> Result<reqwest::Client, StoreError> {
    let mut builder = reqwest::Client::builder()
        .timeout(TIMEOUT)
        .connect_timeout(TIMEOUT)
        .redirect(reqwest::redirect::Policy::none());
    if let Some(pem) = authority {
        let certificates = reqwest::Certificate::from_pem_bundle(pem.as_bytes())
            .ok()
            .filter(|certificates| !certificates.is_empty());
        let certificates = certificates.ok_or_else(|| {
            unusable("the value of spec.secretStore.vault.caSecretRef holds no PEM certificate")
        })?;
        builder = builder.tls_certs_only(certificates);
    } else if address.scheme() == "http" {
        // Nothing to verify: the system need not have authorities.
        builder = builder.tls_certs_only([]);
    }
    builder.build().map_err(|_| {
        unusable(
            "no TLS client can be made for Vault; give its authority as spec.secretStore.vault.caSecretRef",
        )
    })
}

/// What is sent as a header must be able to be one; a value is not shown.
fn check_header(text: &str, what: &str) -> Result<(), StoreError> {
    let printable = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
    if !text.is_empty() && printable(text) {
        return Ok(());
    }
    Err(unusable(&format!(
        "{what} is empty or has characters that cannot be sent to Vault"
    )))
}

fn unusable(text: &str) -> StoreError {
    StoreError::Unusable(text.to_owned())
}

#[cfg(test)]
mod tests;
