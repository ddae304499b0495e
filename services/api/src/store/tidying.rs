//! What is forgotten, and when.

use jiff::{SignedDuration, Timestamp};
use reportapp_pool::Engine;

use super::{Store, StoreError, moment};

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Each table, the column with the moment a row ceases to be of use, and how long it is kept beyond.
const OUTDATED: [(&str, &str, i32); 5] = [
    ("login_attempts", "created_at", 90),
    ("telegram_codes", "expires_at", 0),
    ("password_resets", "expires_at", 30),
    ("user_sessions", "expires_at", 7),
    ("known_devices", "last_seen_at", super::devices::KNOWN_DAYS),
];

impl Store {
    /// Deletes what nobody needs any more at `now`.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn delete_outdated(&self, now: Timestamp) -> Result<(), StoreError> {
        let pool = self.pool()?;
        for (table, column, days) in OUTDATED {
            let old = now.checked_sub(DAY * days).unwrap_or(Timestamp::MIN);
            let sql = format!("DELETE FROM {table} WHERE {column} < $1");
            pool.execute(&sql, &[moment(old)]).await?;
        }
        // On PostgreSQL the sealer does it, by a function: whoever serves may not.
        if pool.engine() == Engine::Sqlite {
            let old = now.checked_sub(DAY * 180).unwrap_or(Timestamp::MIN);
            let sql = "DELETE FROM security_events WHERE created_at < $1";
            pool.execute(sql, &[moment(old)]).await?;
        }
        Ok(())
    }
}
