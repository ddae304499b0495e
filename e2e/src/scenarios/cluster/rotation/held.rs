//! A login somebody holds: kept from before a rotation and tried afterwards.

use anyhow::{Result, ensure};

use crate::backends::Attempt;
use crate::scenarios::cluster::credentials::{Credential, Login};
use crate::scenarios::cluster::subject::Subject;

/// A login that worked when it was taken.
pub struct Held {
    credential: Credential,
    login: Login,
}

impl Held {
    /// The login the application uses now.
    ///
    /// # Errors
    /// When it does not work.
    pub async fn take(subject: &Subject<'_>, credential: Credential) -> Result<Self> {
        let login = credential.in_use(subject).await?;
        let held = Self { credential, login };
        held.works(subject).await?;
        Ok(held)
    }

    /// A login that is known otherwise.
    pub fn of(credential: Credential, login: Login) -> Self {
        Self { credential, login }
    }

    /// The login itself.
    pub fn login(&self) -> &Login {
        &self.login
    }

    /// Sees it accepted, with the privileges of the application.
    ///
    /// # Errors
    /// When it is refused, or opens something else.
    pub async fn works(&self, subject: &Subject<'_>) -> Result<()> {
        let attempt = self.attempt(subject).await?;
        let user = &self.login.username;
        // A database user becomes the role that owns the privileges; Redis knows no such thing.
        let runs_as = match self.credential {
            Credential::Redis => user,
            credential => credential.role(),
        };
        ensure!(
            attempt == Attempt::Accepted(runs_as.to_owned()),
            "a login as {user} should run as {runs_as}, but: {attempt:?}"
        );
        Ok(())
    }

    /// Sees it refused.
    ///
    /// # Errors
    /// When it is accepted.
    pub async fn is_refused(&self, subject: &Subject<'_>) -> Result<()> {
        let attempt = self.attempt(subject).await?;
        ensure!(
            matches!(attempt, Attempt::Refused(_)),
            "{} is accepted still: {attempt:?}",
            self.login.username
        );
        Ok(())
    }

    /// Sees it refused, and another one in its place that works.
    ///
    /// # Errors
    /// When either is not so.
    pub async fn is_replaced(&self, subject: &Subject<'_>) -> Result<()> {
        let next = Self::take(subject, self.credential).await?;
        ensure!(
            next.login.username != self.login.username,
            "{} is in use as before",
            self.login.username
        );
        self.is_refused(subject).await
    }

    /// Sees it in use as before.
    ///
    /// # Errors
    /// When another one is in use, or it does not work.
    pub async fn is_in_use(&self, subject: &Subject<'_>) -> Result<()> {
        let now = self.credential.in_use(subject).await?;
        ensure!(
            now.username == self.login.username
                && now.password.expose() == self.login.password.expose(),
            "{} is in use instead of {}",
            now.username,
            self.login.username
        );
        self.works(subject).await
    }

    async fn attempt(&self, subject: &Subject<'_>) -> Result<Attempt> {
        let backends = subject.backends();
        self.credential.attempt(backends, &self.login).await
    }
}
