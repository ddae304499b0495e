//! Wake-ups of one application: whoever revoked something from outside of it says so on the channel its
//! processes listen on, with the login they have themselves, so that no other one needs the right.
//!
//! Nothing depends on a wake-up: a process that hears none reads the store a moment later.

use reportapp_session::epochs::Revision;
use reportapp_session::wake::channel_of;

use super::DEFAULT_USER;
use super::connection::{Address, Dialer};
use crate::backend::{BackendError, Endpoint};
use crate::rotation::ledger::Value;

/// The Redis of one application, and the login the application uses.
#[derive(Debug)]
pub struct Wakes {
    dialer: Dialer,
    home: Address,
    login: Value,
    channel: String,
}

impl Wakes {
    /// Wake-ups of `app`. Nothing is dialled.
    ///
    /// # Errors
    /// [`BackendError::Refused`] when the authority is no PEM certificate.
    pub fn new(endpoint: Endpoint, login: Value, app: &str) -> Result<Self, BackendError> {
        let home = Address {
            host: endpoint.host.clone(),
            port: endpoint.port,
        };
        Ok(Self {
            dialer: Dialer::new(endpoint)?,
            home,
            login,
            channel: channel_of(app),
        })
    }

    /// Tells all processes that there is this revision.
    ///
    /// # Errors
    /// When the server does not answer, refuses the login, or does not let it publish.
    pub async fn tell(&self, revision: Revision) -> Result<(), BackendError> {
        let user = self.login.username.as_deref().unwrap_or(DEFAULT_USER);
        let password = self.login.secret.expose();
        let node = self.dialer.enter(&self.home, user, password).await?;
        let mut node = node.ok_or_else(|| {
            BackendError::Refused(format!(
                "Redis at {} refuses the login {user} of the application",
                self.home
            ))
        })?;
        let revision = revision.0.to_string();
        let words = ["PUBLISH", self.channel.as_str(), revision.as_str()];
        let sent = node.ask(&words).await;
        sent.map(drop).map_err(|error| match error {
            BackendError::RightMissing(_) => self.right_missing(user),
            other => other,
        })
    }

    fn right_missing(&self, user: &str) -> BackendError {
        let Self { home, channel, .. } = self;
        BackendError::RightMissing(format!(
            "the Redis user {user} may not run PUBLISH on {channel} at {home}: let it (ACL SETUSER {user} \
             &{channel} +publish)"
        ))
    }
}
