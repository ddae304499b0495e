//! Values that may be lost at any time, in Redis, shared by all replicas.
//!
//! A key is `<app>:<namespace>:…` with one of [`crate::wake::caches::NAMESPACES`], so whatever empties
//! caches finds it.

use std::time::Duration;

use ::redis::{ProtocolVersion, pipe};
use reportapp_config::api::RedisConfig;

use super::link::Link;
use super::{millis, target};
use crate::SessionError;
use crate::wake::caches::{Caches, cache_name, forget};

/// The values of one application in one Redis.
pub struct RedisValues {
    app: String,
    link: Link,
}

impl RedisValues {
    /// Reads the credential; the server need not be up.
    ///
    /// # Errors
    /// [`SessionError::Misconfigured`] when the credential folder or the CA file is unusable.
    pub fn new(app: impl Into<String>, config: &RedisConfig) -> Result<Self, SessionError> {
        Ok(Self {
            app: app.into(),
            link: Link::new(target::resolve(config, ProtocolVersion::RESP2)?),
        })
    }

    /// The value of a name such as `report:treasury:…`, if it is there.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn find(&self, name: &str) -> Result<Option<Vec<u8>>, SessionError> {
        let (value,): (Option<Vec<u8>>,) = self.link.ask(pipe().get(self.key(name))).await?;
        Ok(value)
    }

    /// Keeps a value for so long, in place of the one before.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn keep(&self, name: &str, value: &[u8], life: Duration) -> Result<(), SessionError> {
        let mut pipeline = pipe();
        let life = millis(life).max(1);
        pipeline.pset_ex(self.key(name), value, life).ignore();
        self.link.ask(&pipeline).await
    }

    /// Removes values and says how many there were.
    ///
    /// # Errors
    /// When Redis does not answer; what was removed until then stays so.
    pub async fn forget(&self, caches: &Caches) -> Result<u64, SessionError> {
        forget(&self.link, &self.app, caches).await
    }

    fn key(&self, name: &str) -> String {
        debug_assert!(cache_name(&self.app, name).is_some(), "{name} is no cache");
        format!("{}:{name}", self.app)
    }
}

impl std::fmt::Debug for RedisValues {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisValues")
            .field("app", &self.app)
            .finish_non_exhaustive()
    }
}
