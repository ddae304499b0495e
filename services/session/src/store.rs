//! Sessions near at hand: in Redis, shared by all replicas, or in this process in a run without Redis.
//!
//! Both are copies; the truth is in the application's database. What is missing here, because it was
//! lost or never written, is read there; a Redis that cannot answer costs time and nothing else. That a
//! session ended is true only by its epoch ([`crate::epochs`]): a copy may outlive its session.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::epochs::{Bearer, Revision};

pub mod memory;
pub mod redis;

pub use memory::MemoryStore;
pub use redis::{RedisStore, RedisValues};

/// One signed-in browser, script or device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// Random id; the `sid` claim of its tokens.
    pub id: String,
    /// Id of the user.
    pub user: String,
    /// Id of the tenant of the user, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// When the user signed in.
    pub created_at: Timestamp,
    /// When the session ends by itself.
    pub expires_at: Timestamp,
    /// The revision its tokens are issued under; see [`Bearer::issued`].
    #[serde(default)]
    pub issued: Revision,
    /// Address the user signed in from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

impl Session {
    /// A new session of `user` that begins now, for tokens issued under `issued`.
    pub fn begin(
        user: &str,
        issued: Revision,
        address: Option<String>,
        life: Duration,
        now: Timestamp,
    ) -> Self {
        let life = jiff::SignedDuration::try_from(life).unwrap_or(jiff::SignedDuration::MAX);
        Self {
            id: crate::random::id(),
            user: user.to_owned(),
            tenant: None,
            created_at: now,
            expires_at: now.checked_add(life).unwrap_or(Timestamp::MAX),
            issued,
            address,
        }
    }

    /// This session, of a user who belongs to a tenant.
    #[must_use]
    pub fn within(self, tenant: Option<String>) -> Self {
        Self { tenant, ..self }
    }

    /// Who its tokens speak for.
    pub fn bearer(&self) -> Bearer<'_> {
        Bearer {
            tenant: self.tenant.as_deref(),
            user: &self.user,
            session: &self.id,
            issued: self.issued,
        }
    }

    /// Time left at `now`; zero once it is over.
    pub fn time_left(&self, now: Timestamp) -> Duration {
        Duration::try_from(self.expires_at.duration_since(now)).unwrap_or(Duration::ZERO)
    }
}

/// Why a session store could not answer. Never contains a credential.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// No connection, or no answer in time.
    #[error("the session store cannot be reached: {detail}")]
    Unreachable {
        /// What the client library said.
        detail: String,
    },
    /// The login or one of its permissions was refused.
    #[error("the session store refused the login: {detail}")]
    LoginRefused {
        /// What the server said.
        detail: String,
    },
    /// The configuration cannot be used at all, such as an unreadable credential folder.
    #[error("the session store is configured wrongly: {detail}")]
    Misconfigured {
        /// What is wrong.
        detail: String,
    },
    /// The store answered with something that is not ours.
    #[error("the session store gave an answer that cannot be understood: {detail}")]
    Corrupt {
        /// What was wrong with it.
        detail: String,
    },
}

/// A boxed answer, so that the store is chosen at run time.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, SessionError>> + Send + 'a>>;

/// The operations both stores offer. Neither an error nor an absent session means "no": ask the
/// database.
pub trait SessionStore: Send + Sync {
    /// Remembers a session until it expires, in place of what was remembered of it before.
    fn begin<'a>(&'a self, session: &'a Session) -> Answer<'a, ()>;
    /// The session with this id, if it is remembered.
    fn find<'a>(&'a self, id: &'a str) -> Answer<'a, Option<Session>>;
    /// Forgets a session. Forgetting one that is not remembered is a success.
    fn end<'a>(&'a self, session: &'a Session) -> Answer<'a, ()>;
    /// All remembered sessions of a user, oldest first.
    fn list<'a>(&'a self, user: &'a str) -> Answer<'a, Vec<Session>>;
    /// Forgets every session of a user but `keep`; returns how many.
    fn end_others<'a>(&'a self, user: &'a str, keep: Option<&'a str>) -> Answer<'a, usize>;
    /// Proves that the store answers under our login, and reconnects if it did not.
    fn probe(&self) -> Answer<'_, ()>;
}
