//! Browsers somebody has signed in from before.
//!
//! A browser keeps one random cookie; a device is that cookie together with a user's name, so that
//! people who share a browser share no device.

use jiff::{SignedDuration, Timestamp};
use reportapp_session::refresh::sha256;

use super::{Store, StoreError, moment, text};

/// A device that was not seen for so many days is known no more.
pub(super) const KNOWN_DAYS: i32 = 180;
/// How long a browser is asked to keep its cookie.
pub const KNOWN: SignedDuration = SignedDuration::from_hours(24 * KNOWN_DAYS as i64);

/// What the store knows a device by.
pub fn device_hash(cookie: &str, username_key: &str) -> String {
    sha256(&format!("{cookie} {username_key}"))
}

impl Store {
    /// Whether the user of that name has signed in from this device.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn is_known_device(&self, hash: &str, now: Timestamp) -> Result<bool, StoreError> {
        let oldest = now.checked_sub(KNOWN).unwrap_or(Timestamp::MIN);
        let sql = "SELECT user_id FROM known_devices WHERE device_hash = $1 AND last_seen_at > $2";
        let params = [text(hash), moment(oldest)];
        Ok(self.pool()?.query_opt(sql, &params).await?.is_some())
    }

    /// Remembers that the user has signed in from this device.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn remember_device(
        &self,
        hash: &str,
        user_id: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO known_devices (device_hash, user_id, created_at, last_seen_at)
                   VALUES ($1, $2, $3, $3)
                   ON CONFLICT (device_hash) DO UPDATE
                   SET user_id = excluded.user_id, last_seen_at = excluded.last_seen_at";
        let params = [text(hash), text(user_id), moment(now)];
        self.pool()?.execute(sql, &params).await?;
        Ok(())
    }
}
