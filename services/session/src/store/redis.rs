//! Sessions in Redis, shared by all replicas.
//!
//! Keys: `<app>:session:<sid>` holds the session as JSON and lives as long as the session;
//! `<app>:user_sessions:<user>` is the set of a user's session ids, an index that may name ended
//! sessions but never misses a living one.
//!
//! A question that fails drops the connection, and the next one dials again, so every fault ends
//! without a restart: a lost server, a user that was locked and unlocked, a new address. The
//! library's own connection manager keeps the answer of a refused login for ever and cannot
//! verify a certificate under another name than the one it dials, so it is not used.

use std::time::Duration;

use ::redis::{FromRedisValue, Pipeline, ProtocolVersion, pipe};
use jiff::Timestamp;
use reportapp_config::api::RedisConfig;

use super::{Answer, Session, SessionError, SessionStore};
use link::Link;

pub(crate) mod link;
pub(crate) mod target;
mod values;

pub use values::RedisValues;

/// The index outlives every session it may name, also one begun under a longer configured life.
const INDEX_LIFE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Sessions of one application in one Redis.
pub struct RedisStore {
    app: String,
    link: Link,
}

impl RedisStore {
    /// Reads the credential; the server need not be up. [`SessionStore::probe`] tells whether it is.
    ///
    /// # Errors
    /// [`SessionError::Misconfigured`] when the credential folder or the CA file is unusable.
    pub fn new(app: impl Into<String>, config: &RedisConfig) -> Result<Self, SessionError> {
        Ok(Self {
            app: app.into(),
            link: Link::new(target::resolve(config, ProtocolVersion::RESP2)?),
        })
    }

    fn session_key(&self, id: &str) -> String {
        format!("{}:session:{id}", self.app)
    }

    fn index_key(&self, user: &str) -> String {
        format!("{}:user_sessions:{user}", self.app)
    }

    async fn ask<T: FromRedisValue>(&self, pipeline: &Pipeline) -> Result<T, SessionError> {
        self.link.ask(pipeline).await
    }

    async fn living(&self, user: &str) -> Result<Vec<Session>, SessionError> {
        let index = self.index_key(user);
        let (ids,): (Vec<String>,) = self.ask(pipe().smembers(&index)).await?;
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let keys: Vec<String> = ids.iter().map(|id| self.session_key(id)).collect();
        let (values,): (Vec<Option<String>>,) = self.ask(pipe().mget(&keys)).await?;
        let mut sessions = Vec::new();
        let mut ended = Vec::new();
        for (id, value) in ids.into_iter().zip(values) {
            match value {
                Some(json) => sessions.push(parse(&json)?),
                None => ended.push(id),
            }
        }
        if !ended.is_empty() {
            let () = self.ask(pipe().srem(&index, &ended).ignore()).await?;
        }
        sessions.sort_by_key(|session| session.created_at);
        Ok(sessions)
    }
}

impl SessionStore for RedisStore {
    fn begin<'a>(&'a self, session: &'a Session) -> Answer<'a, ()> {
        Box::pin(async move {
            let life = millis(session.time_left(Timestamp::now())).max(1);
            let json = serde_json::to_string(session).expect("a session is plain data");
            let index = self.index_key(&session.user);
            let mut pipeline = pipe();
            // The index first: it may name what does not exist, and must not miss what does.
            pipeline
                .sadd(&index, &session.id)
                .ignore()
                .pexpire(&index, signed(life.max(millis(INDEX_LIFE))))
                .ignore()
                .pset_ex(self.session_key(&session.id), json, life)
                .ignore();
            self.ask(&pipeline).await
        })
    }

    fn find<'a>(&'a self, id: &'a str) -> Answer<'a, Option<Session>> {
        Box::pin(async move {
            let (json,): (Option<String>,) = self.ask(pipe().get(self.session_key(id))).await?;
            json.as_deref().map(parse).transpose()
        })
    }

    fn end<'a>(&'a self, session: &'a Session) -> Answer<'a, ()> {
        Box::pin(async move {
            let mut pipeline = pipe();
            pipeline
                .del(self.session_key(&session.id))
                .ignore()
                .srem(self.index_key(&session.user), &session.id)
                .ignore();
            self.ask(&pipeline).await
        })
    }

    fn list<'a>(&'a self, user: &'a str) -> Answer<'a, Vec<Session>> {
        Box::pin(self.living(user))
    }

    fn end_others<'a>(&'a self, user: &'a str, keep: Option<&'a str>) -> Answer<'a, usize> {
        Box::pin(async move {
            let mut others = self.living(user).await?;
            others.retain(|session| Some(session.id.as_str()) != keep);
            for session in &others {
                self.end(session).await?;
            }
            Ok(others.len())
        })
    }

    fn probe(&self) -> Answer<'_, ()> {
        Box::pin(async move {
            // A read of our own key space proves the login, the key pattern and the command; PING
            // would prove none of them.
            let (_none,): (Option<String>,) =
                self.ask(pipe().get(self.session_key("probe"))).await?;
            Ok(())
        })
    }
}

impl std::fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisStore")
            .field("app", &self.app)
            .finish_non_exhaustive()
    }
}

fn parse(json: &str) -> Result<Session, SessionError> {
    serde_json::from_str(json).map_err(|error| SessionError::Corrupt {
        detail: format!("a session is not valid JSON at column {}", error.column()),
    })
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn signed(millis: u64) -> i64 {
    i64::try_from(millis).unwrap_or(i64::MAX)
}
