//! Who asks: an access key that is good now. That of a role is temporary; it is replaced when two
//! thirds of its life are over, and at once when AWS refuses it.

use std::sync::Arc;

use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

use super::explain::{Attempt, explain};
use super::place::Action;
use super::region::Region;
use super::request::{self, Failure, SESSION, TIMEOUT};
use super::settings::{AccessKey, Login, Settings};
use crate::secret_store::StoreError;

/// Longest name of a session, which shows in CloudTrail.
const MAX_SESSION_NAME: usize = 64;

/// A connection to AWS whose access key is made when it is needed.
pub(super) struct Session {
    http: reqwest::Client,
    region: Region,
    endpoint: Url,
    sts: Url,
    login: Login,
    name: String,
    held: Mutex<Option<Held>>,
}

/// A temporary access key.
#[derive(Clone)]
struct Held {
    key: Arc<AccessKey>,
    since: Instant,
}

/// What to do about a temporary access key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Keep,
    /// Replace it, but it is still good.
    Renew,
    LogIn,
}

fn step(since: Instant, now: Instant) -> Step {
    let age = now.duration_since(since);
    match age {
        age if age >= SESSION => Step::LogIn,
        age if age >= SESSION * 2 / 3 => Step::Renew,
        _ => Step::Keep,
    }
}

impl Session {
    /// A session that CloudTrail shows as `name`; nothing is asked yet.
    pub(super) fn new(settings: &Settings, name: &str) -> Result<Self, StoreError> {
        let region = Region::new(&settings.region)?;
        let sts = match &settings.login {
            Login::WebIdentity { sts_endpoint, .. } => sts_endpoint.as_deref(),
            Login::AccessKey(_) => None,
        };
        let endpoint = region.endpoint("secretsmanager", settings.endpoint.as_deref())?;
        let sts = region.endpoint("sts", sts)?;
        if let Login::AccessKey(key) = &settings.login {
            check(key, "the access key in the Secret")?;
        }
        Ok(Self {
            http: http(&endpoint, &sts)?,
            region,
            endpoint,
            sts,
            login: settings.login.clone(),
            name: session_name(name),
            held: Mutex::new(None),
        })
    }

    /// An access key that is good, as far as is known.
    pub(super) async fn key(&self) -> Result<Arc<AccessKey>, StoreError> {
        if let Login::AccessKey(key) = &self.login {
            return Ok(Arc::new(key.clone()));
        }
        let mut held = self.held.lock().await;
        let next = match held.clone() {
            None => self.log_in().await?,
            Some(old) => match step(old.since, Instant::now()) {
                Step::Keep => old,
                // It is still good for a while, and the next use tries again.
                Step::Renew => self.log_in().await.unwrap_or(old),
                Step::LogIn => self.log_in().await?,
            },
        };
        let key = Arc::clone(&next.key);
        *held = Some(next);
        Ok(key)
    }

    /// Another key than `refused`; `None` when there is no way to one.
    pub(super) async fn replacement(
        &self,
        refused: &Arc<AccessKey>,
    ) -> Result<Option<Arc<AccessKey>>, StoreError> {
        if matches!(self.login, Login::AccessKey(_)) {
            return Ok(None);
        }
        let mut held = self.held.lock().await;
        if let Some(other) = held.as_ref()
            && !Arc::ptr_eq(&other.key, refused)
        {
            return Ok(Some(Arc::clone(&other.key)));
        }
        let fresh = self.log_in().await?;
        let key = Arc::clone(&fresh.key);
        *held = Some(fresh);
        Ok(Some(key))
    }

    /// Asks Secrets Manager, signed with `key`.
    pub(super) async fn call(
        &self,
        key: &AccessKey,
        action: Action,
        body: &Value,
    ) -> Result<Value, Failure> {
        request::call(
            &self.http,
            &self.endpoint,
            &self.region.name,
            key,
            action,
            body,
        )
        .await
    }

    pub(super) fn explain(&self, failure: &Failure, attempt: &Attempt<'_>) -> StoreError {
        let address = match attempt {
            Attempt::Login => &self.sts,
            Attempt::Call(..) => &self.endpoint,
        };
        let address = address.as_str().trim_end_matches('/');
        explain(address, &self.region, &self.login, failure, attempt)
    }

    async fn log_in(&self) -> Result<Held, StoreError> {
        let Login::WebIdentity {
            role_arn,
            audience,
            tokens,
            ..
        } = &self.login
        else {
            return Err(StoreError::Unusable(
                "an access key is not exchanged".to_owned(),
            ));
        };
        let token = tokens.token(audience).await?;
        let since = Instant::now();
        let key = request::assume_role(&self.http, &self.sts, role_arn, &self.name, &token).await;
        let key = key.map_err(|failure| self.explain(&failure, &Attempt::Login))?;
        check(&key, "the access key that AWS gave")?;
        Ok(Held {
            key: Arc::new(key),
            since,
        })
    }
}

/// The HTTP client. It follows no redirect: token and signature would go along.
fn http(endpoint: &Url, sts: &Url) -> Result<reqwest::Client, StoreError> {
    let mut builder = reqwest::Client::builder()
        .timeout(TIMEOUT)
        .connect_timeout(TIMEOUT)
        .redirect(reqwest::redirect::Policy::none());
    if [endpoint, sts].iter().all(|url| url.scheme() == "http") {
        // Nothing to verify: the system need not have authorities.
        builder = builder.tls_certs_only([]);
    }
    builder.build().map_err(|_| {
        StoreError::Unusable(
            "no TLS client can be made for AWS; the image of the operator needs the certificates of public authorities"
                .to_owned(),
        )
    })
}

fn session_name(name: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    let letters = name.chars().map(|c| if fits(c) { c } else { '-' });
    letters.take(MAX_SESSION_NAME).collect()
}

/// What is sent as headers must be able to be; a value is not shown.
fn check(key: &AccessKey, what: &str) -> Result<(), StoreError> {
    let session = key.session.iter().map(|session| session.expose());
    let mut parts = [key.id.as_str(), key.secret.expose()]
        .into_iter()
        .chain(session);
    let fits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_graphic());
    if parts.all(fits) {
        return Ok(());
    }
    Err(StoreError::Unusable(format!(
        "{what} has a part that is empty or has characters that cannot be sent to AWS"
    )))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_temporary_key_is_replaced_when_two_thirds_of_its_life_are_over() {
        let since = Instant::now();
        let after = |seconds| step(since, since + Duration::from_secs(seconds));
        assert_eq!(after(2399), Step::Keep);
        assert_eq!(after(2400), Step::Renew);
        assert_eq!(after(3600), Step::LogIn);
    }

    #[test]
    fn a_session_has_a_name_that_aws_takes() {
        assert_eq!(session_name("reportapp/a b"), "reportapp-a-b");
        assert_eq!(session_name(&"a".repeat(100)).len(), MAX_SESSION_NAME);
    }
}
