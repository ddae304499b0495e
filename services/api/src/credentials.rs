//! Logins of databases whose files are written in place, as agents of secret stores and CSI drivers do.
//!
//! ```text
//! credential folder ─ the same at two looks ─▶ offered to the pool ─▶ in use, or refused: the one of before stays
//! ```
//!
//! The operator's own folders never change: there a new value comes with a new pod, and this sees nothing
//! new. A database that refuses the login in use is a reason to look at once.

use std::path::{Path, PathBuf};
use std::time::Duration;

use reportapp_config::DatabaseConfig;
use reportapp_config::credential::{CredentialError, PASSWORD, Secret, USERNAME};
use reportapp_config::status::Reason;
use reportapp_pool::{Pool, PoolError, Renewal};
use reportapp_telemetry::{DependencyHandle, Health};
use tokio::task::JoinSet;

/// How long a change may go unnoticed while the login in use is accepted.
const POLL_EVERY: Duration = Duration::from_secs(3);
/// Between the two looks at a folder that has changed: files are written one after the other.
const SETTLE: Duration = Duration::from_millis(250);

/// Follows the credential folder of a database, if it has one, as the advice `<name>/credential`.
pub fn follow(
    tasks: &mut JoinSet<()>,
    health: &Health,
    name: &str,
    pool: &Pool,
    config: &DatabaseConfig,
) {
    let (Some(renewal), Some(folder)) = (pool.renewal(), config.credential()) else {
        return;
    };
    let follower = Follower {
        renewal,
        folder: folder.to_owned(),
        advice: health.advice(format!("{name}/credential")),
    };
    tasks.spawn(follower.run());
}

struct Follower {
    renewal: Renewal,
    folder: PathBuf,
    advice: DependencyHandle,
}

/// What a folder holds.
struct Login {
    username: Secret,
    password: Secret,
}

impl Login {
    fn read(folder: &Path) -> Result<Self, CredentialError> {
        Ok(Self {
            username: Secret::read_file(folder, USERNAME)?,
            password: Secret::read_file(folder, PASSWORD)?,
        })
    }

    fn is_same(&self, other: &Self) -> bool {
        self.username.expose() == other.username.expose()
            && self.password.expose() == other.password.expose()
    }
}

impl Follower {
    async fn run(self) {
        let mut last: Option<Login> = None;
        loop {
            let pause = match Login::read(&self.folder) {
                Ok(login) if last.as_ref().is_some_and(|last| last.is_same(&login)) => {
                    self.report(self.offer(&login).await);
                    POLL_EVERY
                }
                Ok(login) => {
                    last = Some(login);
                    SETTLE
                }
                Err(error) => {
                    last = None;
                    self.refuse(&error);
                    POLL_EVERY
                }
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.renewal.refused() => {}
            }
        }
    }

    /// A login that is in use already is nothing new to the pool, and one it refused is asked for at the
    /// database again only when a minute has passed.
    async fn offer(&self, login: &Login) -> Result<(), PoolError> {
        let offered = self.renewal.offer(login.username.expose(), &login.password);
        offered.await.map(drop)
    }

    fn report(&self, outcome: Result<(), PoolError>) {
        match outcome {
            Ok(()) => self.advice.ok(),
            Err(error) => self.refuse(&error),
        }
    }

    fn refuse(&self, error: &dyn std::error::Error) {
        let folder = self.folder.display();
        self.advice.failing(
            Reason::CredentialNotUsed,
            format!("{error}; the login of before stays in use: correct {USERNAME} and {PASSWORD} in {folder}"),
        );
    }
}

#[cfg(test)]
mod tests;
