//! What each strategy asks of its backend: one place for the verbs of a rotation, whoever keeps the
//! ledger and publishes.

use std::time::Duration;

use super::ledger::Value;
use super::machine::Sessions;
use super::plan::Backend;
use super::target::Target;
use super::trouble::Trouble;
use crate::backend::{BackendError, Login, Session, identities, postgres, redis};

/// The name a value logs in with; of those that have one.
fn username(value: &Value) -> &str {
    value.username.as_deref().unwrap_or_default()
}

fn counted(sessions: &[Session]) -> Sessions {
    let clients: Vec<_> = sessions
        .iter()
        .map(|session| format!("{} ({})", session.client, session.count))
        .collect();
    Sessions {
        count: sessions.iter().map(|session| session.count).sum(),
        clients: clients.join(", "),
    }
}

impl Backend {
    /// Logs in with a value over the application's own path; `None` where there is nothing to log
    /// in to.
    ///
    /// # Errors
    /// When the backend cannot be asked.
    pub async fn login(&self, value: &Value) -> Result<Option<Login>, Trouble> {
        let (user, password) = (username(value), value.secret.expose());
        Ok(match self {
            Self::Postgres(postgres) => Some(postgres.login(user, password).await?),
            Self::Redis(redis) => Some(redis.login(user, password).await?),
            Self::None => None,
        })
    }

    /// Logs in with a value as the application does, where the application does: of several nodes the
    /// named one alone. Needs no administrator.
    ///
    /// # Errors
    /// When the backend cannot be asked.
    pub async fn visit(&self, value: &Value) -> Result<Option<Login>, Trouble> {
        match self {
            Self::Redis(redis) => {
                let visited = redis.visit(username(value), value.secret.expose()).await;
                Ok(Some(visited?))
            }
            other => other.login(value).await,
        }
    }

    /// What an administrator runs to make `user` accept a known password again; without that password.
    pub fn set_back(&self, user: &str) -> String {
        match self {
            Self::Postgres(_) => postgres::set_back(user),
            Self::Redis(_) => redis::set_back(user),
            Self::None => String::new(),
        }
    }

    /// Sessions of a login that no value in use has.
    ///
    /// # Errors
    /// When the backend cannot be asked.
    pub async fn sessions(&self, value: &Value) -> Result<Sessions, Trouble> {
        let user = username(value);
        Ok(match self {
            Self::Postgres(postgres) => counted(&postgres.sessions(user).await?),
            Self::Redis(redis) => counted(&redis.sessions(user).await?),
            Self::None => Sessions::default(),
        })
    }

    /// Sessions of an old value whose login stays: they are those of the new value as well, so that only
    /// those from before the new one was handed out `since` ago tell anything.
    ///
    /// # Errors
    /// When the backend cannot be asked.
    pub async fn sessions_from_before(
        &self,
        value: &Value,
        since: Option<Duration>,
    ) -> Result<Sessions, Trouble> {
        Ok(match (self, since) {
            (Self::Redis(redis), Some(since)) => {
                counted(&redis.sessions_older_than(username(value), since).await?)
            }
            // PostgreSQL ends no session when a password changes, and its old one opens none.
            _ => Sessions::default(),
        })
    }

    /// Makes the backend accept a value; where the strategy allows it, beside the one in use.
    ///
    /// # Errors
    /// When the backend refuses or cannot be asked.
    pub async fn prepare(&self, target: &Target, fence: u64, value: &Value) -> Result<(), Trouble> {
        let (user, password) = (username(value), value.secret.expose());
        // The login of the spec is no twin: it gets a password, its rights it never lost.
        let is_base = target.role.as_deref() == Some(user);
        let prepared = match self {
            Self::Postgres(postgres) if is_base => {
                postgres.set_password(fence, user, password).await
            }
            Self::Postgres(postgres) => postgres.prepare(fence, user, password).await,
            Self::Redis(redis) if is_base => redis.add_password(fence, user, password).await,
            Self::Redis(redis) => redis.prepare(fence, user, password).await,
            Self::None => Ok(()),
        };
        match prepared {
            // The check of all rights names the statement that gives the missing one.
            Err(error @ BackendError::RightMissing(_)) => {
                Err(self.preflight().await.err().unwrap_or(error).into())
            }
            other => Ok(other?),
        }
    }

    /// Makes the backend refuse a value and ends its sessions. Whether its user goes is told by the value in
    /// use, not by the strategy, which may have been another one when this value was made.
    ///
    /// # Errors
    /// When the backend refuses or cannot be asked.
    pub async fn disable(
        &self,
        fence: u64,
        value: &Value,
        in_use: Option<&Value>,
    ) -> Result<(), Trouble> {
        let (user, password) = (username(value), value.secret.expose());
        match (self, value.shares_login(in_use)) {
            // The password was replaced when that of the value in use was set.
            (Self::Postgres(_), true) | (Self::None, _) => {}
            (Self::Postgres(postgres), false) => {
                postgres.disable(fence, user).await?;
                postgres.end_sessions(user).await?;
            }
            (Self::Redis(redis), true) => {
                redis.remove_password(fence, user, password).await?;
            }
            (Self::Redis(redis), false) => {
                redis.disable(fence, user).await?;
                redis.end_sessions(user).await?;
            }
        }
        Ok(())
    }

    /// Makes the backend refuse every value this credential ever had and ends their sessions; gives
    /// how many those were.
    ///
    /// # Errors
    /// When the backend refuses or cannot be asked.
    pub async fn block(&self, target: &Target, fence: u64) -> Result<u32, Trouble> {
        let mut ended = 0;
        let role = target.role.as_deref().unwrap_or_default();
        // Every one is disabled before any session is ended, or clients come back as another.
        match self {
            Self::Postgres(postgres) => {
                for user in identities(role) {
                    postgres.disable(fence, &user).await?;
                }
                for user in identities(role) {
                    ended += postgres.end_sessions(&user).await?;
                }
            }
            Self::Redis(redis) => {
                for user in identities(role) {
                    redis.disable(fence, &user).await?;
                }
                for user in identities(role) {
                    ended += redis.end_sessions(&user).await?;
                }
            }
            Self::None => {}
        }
        Ok(ended)
    }
}
