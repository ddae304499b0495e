//! A password that was right is hashed anew when its stored hash is of earlier parameters: only then, and only
//! here, is the password at hand.
//!
//! No session ends by it. Whatever goes wrong is logged and tried again at the next sign-in, which must not
//! fail because of it.

use reportapp_session::PasswordError;
use reportapp_session::password::is_outdated;

use crate::app::App;
use crate::store::StoreError;

/// Why a hash stays as it is.
#[derive(Debug, thiserror::Error)]
enum RehashError {
    #[error("{0}")]
    Hash(#[from] PasswordError),
    #[error("{0}")]
    Store(#[from] StoreError),
}

impl App {
    /// Hashes `password`, which was right for `stored`, anew if that is due.
    pub(crate) async fn rehash(&self, user: &str, password: &str, stored: &str) {
        if !is_outdated(stored) {
            return;
        }
        match self.replace_outdated(user, password, stored).await {
            Ok(true) => tracing::info!(
                user,
                "a password was hashed anew, with the parameters of this release"
            ),
            // A new password, or another sign-in of the same user at this moment.
            Ok(false) => tracing::debug!(user, "an outdated password hash was replaced meanwhile"),
            Err(error) => {
                tracing::warn!(user, %error, "an outdated password hash stays until the next sign-in");
            }
        }
    }

    async fn replace_outdated(
        &self,
        user: &str,
        password: &str,
        stored: &str,
    ) -> Result<bool, RehashError> {
        let hash = self.passwords.hash(password).await?;
        Ok(self.store.rehash_password(user, stored, &hash).await?)
    }
}
