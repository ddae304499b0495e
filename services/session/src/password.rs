//! Password hashes: argon2id, computed on blocking threads, never more at once than half of the cores.
//!
//! Each hash costs about 20 MiB and tens of milliseconds by design. Without the bound a burst of
//! sign-ins would starve every other request and exhaust the memory limit of the pod. The bound holds the
//! computation and not its caller: one who goes away leaves it running. An unknown
//! user costs the same work as a known one, so that the time of an answer tells nothing.
//!
//! Parameters grow over the years. A hash of earlier ones still verifies, and [`is_outdated`] tells whoever
//! has just seen the right password to hash it anew.

use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{ARGON2ID_IDENT, Argon2, Params, Version};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

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
    /// Bounded by half of the cores of this machine; the others are for other requests. Computes one hash, so it takes tens of milliseconds.
    ///
    /// # Errors
    /// [`PasswordError::Failed`] when argon2 cannot run here at all.
    pub fn new() -> Result<Self, PasswordError> {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let decoy = compute(&random::password(24))?.into();
        Ok(Self {
            cores: Arc::new(Semaphore::new((cores / 2).max(1))),
            decoy,
        })
    }

    /// A PHC string (`$argon2id$…`) to store in place of the password.
    ///
    /// # Errors
    /// [`PasswordError::Busy`] after five seconds without a free core.
    pub async fn hash(&self, password: &str) -> Result<String, PasswordError> {
        let core = self.core().await?;
        let password = password.to_owned();
        run(core, move || compute(&password)).await
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
        let core = self.core().await?;
        let known = stored.is_some();
        let hash = stored.unwrap_or(&self.decoy).to_owned();
        let password = password.to_owned();
        let right = run(core, move || {
            let parsed = PasswordHash::new(&hash).map_err(|_| PasswordError::Failed)?;
            Ok(Argon2::default()
                .verify_password(password.as_bytes(), &parsed)
                .is_ok())
        });
        Ok(right.await? && known)
    }

    async fn core(&self) -> Result<OwnedSemaphorePermit, PasswordError> {
        let turn = Arc::clone(&self.cores).acquire_owned();
        let permit = tokio::time::timeout(PATIENCE, turn).await;
        Ok(permit
            .map_err(|_| PasswordError::Busy)?
            .expect("the semaphore is never closed"))
    }
}

/// Whether a stored hash protects its password worse than one made today would: of another variant or
/// version, or with less memory, or with as much and fewer passes.
///
/// One that is stronger stays. While a release with stronger parameters rolls out, processes of both
/// releases serve, and the earlier one must not take back what the later one did.
pub fn is_outdated(stored: &str) -> bool {
    let Ok(hash) = PasswordHash::new(stored) else {
        return false;
    };
    let Ok(params) = Params::try_from(&hash) else {
        return false;
    };
    let cost = |params: &Params| (params.m_cost(), params.t_cost());
    hash.algorithm != ARGON2ID_IDENT
        || hash.version != Some(Version::default().into())
        || cost(&params) < cost(&Params::default())
}

async fn run<T: Send + 'static>(
    core: OwnedSemaphorePermit,
    work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
) -> Result<T, PasswordError> {
    let work = move || {
        let _core = core;
        work()
    };
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
    use argon2::Algorithm;

    use super::*;

    /// A hash as something else than this module makes it.
    fn foreign(algorithm: Algorithm, version: Version, memory: u32, passes: u32) -> String {
        let params = Params::new(memory, passes, 1, None).unwrap();
        let argon2 = Argon2::new(algorithm, version, params);
        argon2.hash_password(b"correct horse").unwrap().to_string()
    }

    #[tokio::test]
    async fn a_weaker_hash_still_verifies_and_is_outdated_while_one_as_strong_or_stronger_is_not() {
        let (memory, passes) = (Params::DEFAULT_M_COST, Params::DEFAULT_T_COST);
        let (id, latest) = (Algorithm::Argon2id, Version::V0x13);
        let passwords = Passwords::new().unwrap();
        for (hash, outdated) in [
            (foreign(id, latest, memory, passes), false),
            (foreign(id, latest, memory * 2, 1), false),
            (foreign(id, latest, memory, passes + 1), false),
            (foreign(id, latest, 8, passes), true),
            (foreign(id, latest, memory / 2, passes * 4), true),
            (foreign(id, latest, memory, 1), true),
            (foreign(id, Version::V0x10, memory, passes), true),
            (foreign(Algorithm::Argon2i, latest, memory, passes), true),
            (foreign(Algorithm::Argon2d, latest, memory, passes), true),
        ] {
            assert_eq!(is_outdated(&hash), outdated, "{hash}");
            let right = passwords.verify("correct horse", Some(&hash)).await;
            assert_eq!(right, Ok(true), "{hash}");
        }
        let own = passwords.hash("correct horse").await.unwrap();
        assert!(!is_outdated(&own), "{own}");
        assert!(!is_outdated("no hash at all"));
    }

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
    async fn a_caller_that_goes_away_frees_no_core_that_still_computes() {
        let passwords = Passwords::new().unwrap();
        let all = passwords.cores.available_permits();
        let (go_on, wait) = std::sync::mpsc::channel::<()>();
        let core = passwords.core().await.unwrap();
        let caller = tokio::spawn(run(core, move || {
            wait.recv().map_err(|_| PasswordError::Failed)
        }));
        tokio::task::yield_now().await;
        caller.abort();
        assert!(caller.await.unwrap_err().is_cancelled());
        assert_eq!(passwords.cores.available_permits(), all - 1);
        go_on.send(()).unwrap();
        drop(passwords.cores.acquire_many(all.try_into().unwrap()).await);
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
