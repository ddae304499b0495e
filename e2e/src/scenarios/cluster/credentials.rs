//! The application's logins as they are now: what pods were last given, which after a rotation is
//! no more what the Secrets of the spec hold.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use k8s_openapi::api::core::v1::Secret as KubeSecret;
use reportapp_config::Secret;
use serde_json::Value;

use super::subject::Subject;
use crate::backends::{Attempt, Backends, Database, ERP_ROLE, secrets};

/// Secret with what pods were last given of rotated credentials, as JSON by credential.
pub const PUBLISHED: &str = "demo-published";

/// A credential of the demo that is a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    /// For the ERP's PostgreSQL, behind the tunnel.
    Erp,
    /// For the application's own PostgreSQL.
    Store,
    /// For Redis.
    Redis,
}

/// A user name and its password.
#[derive(Clone)]
pub struct Login {
    /// The user.
    pub username: String,
    /// Its password.
    pub password: Secret,
}

impl Credential {
    /// Its name under `spec.credentials`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Erp => "erp",
            Self::Store => "store",
            Self::Redis => "redis",
        }
    }

    /// The role or user of the spec.
    pub fn role(self) -> &'static str {
        match self {
            Self::Erp => ERP_ROLE,
            Self::Store => "reportapp_store",
            Self::Redis => "reportapp",
        }
    }

    /// The credential of that name, if it is a login.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Erp, Self::Store, Self::Redis]
            .into_iter()
            .find(|credential| credential.name() == name)
    }

    /// Logs in with the backend's own client.
    ///
    /// # Errors
    /// When the backend gives no clear answer.
    pub async fn attempt(self, backends: &Backends, login: &Login) -> Result<Attempt> {
        let (user, password) = (login.username.as_str(), &login.password);
        match self {
            Self::Erp => backends.log_in(Database::Erp, user, password).await,
            Self::Store => backends.log_in(Database::Store, user, password).await,
            Self::Redis => backends.log_in_to_redis(user, password).await,
        }
    }

    /// The login the application uses now.
    ///
    /// # Errors
    /// When the Secrets cannot be read.
    pub async fn in_use(self, subject: &Subject<'_>) -> Result<Login> {
        let Some(published) = published(subject).await?.remove(self.name()) else {
            let spec = format!("{}-login", self.name());
            let secrets = subject.objects::<KubeSecret>();
            return Ok(Login {
                username: self.role().to_owned(),
                password: secrets::read(&secrets, &spec, "password").await?,
            });
        };
        let file = |name: &str| {
            let file = published["files"][name].as_str();
            file.with_context(|| format!("{PUBLISHED} has no {name} of {}", self.name()))
        };
        Ok(Login {
            username: file("username")?.to_owned(),
            password: Secret::from(file("password")?),
        })
    }
}

/// What pods were last given of each credential that was rotated.
///
/// # Errors
/// When the Secret cannot be read.
pub async fn published(subject: &Subject<'_>) -> Result<BTreeMap<String, Value>> {
    let secret = subject.objects::<KubeSecret>().get_opt(PUBLISHED).await?;
    let data = secret.and_then(|secret| secret.data).unwrap_or_default();
    data.into_iter()
        .map(|(credential, value)| {
            // The parser's own words may repeat a value.
            let parsed = serde_json::from_slice(&value.0).ok();
            let parsed = parsed.with_context(|| format!("{PUBLISHED}: {credential} is no JSON"))?;
            Ok((credential, parsed))
        })
        .collect()
}
