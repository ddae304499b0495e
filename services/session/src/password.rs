//! Password hashes: argon2id, computed on blocking threads, never more at once than there are cores.
//!
//! Each hash costs about 20 MiB and tens of milliseconds by design. Without the bound a burst of
//! sign-ins would starve every other request and exhaust the memory limit of the pod. An unknown
//! user costs the same work as a known one, so that the time of an answer tells nothing.

use std::sync::Arc;
use std::time::Duration;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::random;

/// How long a sign-in waits for a core before it is told to come back.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why no answer about a password could be given. Says nothing about the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Too many sign-ins are being checked at this moment.
    #[error("too many passwords are being checked at once")]
    Busy,
    /// The computation itself failed; the stored hash may be damaged.
    #[error("failed to compute a password hash")]
    Failed,
}

/// Hashes and verifies passwords. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Passwords {
    cores: Arc<Semaphore>,
    decoy: Arc<str>,
}

impl Passwords {
    /// Bounded by the cores of this machine. Computes one hash, so it takes tens of milliseconds.
    ///
    /// # Errors
    /// [`PasswordError::Failed`] when argon2 cannot run here at all.
    pub fn new() -> Result<Self, PasswordError> {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let decoy = compute(&random::password(24))?.into();
        Ok(Self {
            cores: Arc::new(Semaphore::new(cores)),
            decoy,
        })
    }

    /// A PHC string (`$argon2id$…`) to store in place of the password.
    ///
    /// # Errors
    /// [`PasswordError::Busy`] after five seconds without a free core.
    pub async fn hash(&self, password: &str) -> Result<String, PasswordError> {
        let _core = self.core().await?;
        let password = password.to_owned();
        run(move || compute(&password)).await
    }

    /// Whether `password` belongs to the stored hash. With `None` (no such user) the answer is
    /// `false` after the same work.
    ///
    /// # Errors
    /// [`PasswordError::Busy`] after five seconds without a free core; [`PasswordError::Failed`]
    /// for a stored hash that is not a PHC string.
    pub async fn verify(
        &self,
        password: &str,
        stored: Option<&str>,
    ) -> Result<bool, PasswordError> {
        let _core = self.core().await?;
        let known = stored.is_some();
        let hash = stored.unwrap_or(&self.decoy).to_owned();
        let password = password.to_owned();
        let right = run(move || {
            let parsed = PasswordHash::new(&hash).map_err(|_| PasswordError::Failed)?;
            Ok(Argon2::default()
                .verify_password(password.as_bytes(), &parsed)
                .is_ok())
        });
        Ok(right.await? && known)
    }

    async fn core(&self) -> Result<SemaphorePermit<'_>, PasswordError> {
        let permit = tokio::time::timeout(PATIENCE, self.cores.acquire()).await;
        Ok(permit
            .map_err(|_| PasswordError::Busy)?
            .expect("the semaphore is never closed"))
    }
}

async fn run<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
) -> Result<T, PasswordError> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or(Err(PasswordError::Failed))
}

fn compute(password: &str) -> Result<String, PasswordError> {
    let hash = Argon2::default().hash_password(password.as_bytes());
    Ok(hash.map_err(|_| PasswordError::Failed)?.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_of_a_known_user_is_accepted() {
        let passwords = Passwords::new().unwrap();
        let stored = passwords.hash("correct horse").await.unwrap();
        assert!(stored.starts_with("$argon2id$"));
        assert_eq!(
            passwords.verify("correct horse", Some(&stored)).await,
            Ok(true)
        );
        assert_eq!(
            passwords.verify("wrong horse", Some(&stored)).await,
            Ok(false)
        );
        assert_eq!(passwords.verify("correct horse", None).await, Ok(false));
    }

    #[tokio::test]
    async fn one_password_never_has_the_same_hash_twice() {
        let passwords = Passwords::new().unwrap();
        assert_ne!(passwords.hash("same").await, passwords.hash("same").await);
    }

    #[tokio::test]
    async fn a_damaged_hash_is_a_failure_not_a_refusal() {
        let passwords = Passwords::new().unwrap();
        assert_eq!(
            passwords.verify("x", Some("plain")).await,
            Err(PasswordError::Failed)
        );
    }

    #[tokio::test]
    async fn a_sign_in_that_finds_no_free_core_is_told_so() {
        let passwords = Passwords::new().unwrap();
        let cores = u32::try_from(passwords.cores.available_permits()).unwrap();
        let _all = passwords.cores.acquire_many(cores).await.unwrap();
        tokio::time::pause();
        assert_eq!(passwords.hash("x").await, Err(PasswordError::Busy));
    }
}
