//! What is remembered about sign-ins, and for how long.

use jiff::{SignedDuration, Timestamp};

use super::{Store, StoreError, moment, opt_text, text};

/// Attempts older than this are deleted.
const KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);

/// How a sign-in ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The password was right.
    SignedIn,
    /// Name or password was wrong, or the user is not active.
    Refused,
}

impl Outcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::SignedIn => "signed-in",
            Self::Refused => "refused",
        }
    }
}

impl Store {
    /// Writes one attempt down. `known` is the name of an existing user: a name nobody has may be
    /// a password typed into the wrong field and is not stored.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn record_attempt(
        &self,
        known: Option<&str>,
        address: Option<&str>,
        outcome: Outcome,
    ) -> Result<(), StoreError> {
        let params = [
            text(reportapp_session::random::id()),
            moment(Timestamp::now()),
            opt_text(known.map(super::users::username_key)),
            opt_text(address),
            reportapp_pool::Value::Bool(outcome.as_str() == "signed-in"),
        ];
        let sql = "INSERT INTO login_attempts (id, created_at, identifier, ip_address, success)
                   VALUES ($1, $2, $3, $4, $5)";
        self.pool()?.execute(sql, &params).await?;
        Ok(())
    }

    /// Deletes old sign-in attempts and codes that can no longer be used.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn delete_outdated(&self, now: Timestamp) -> Result<(), StoreError> {
        let pool = self.pool()?;
        let old = moment(now.checked_sub(KEPT).unwrap_or(Timestamp::MIN));
        let sql = "DELETE FROM login_attempts WHERE created_at < $1";
        pool.execute(sql, &[old]).await?;
        let sql = "DELETE FROM telegram_codes WHERE expires_at < $1";
        pool.execute(sql, &[moment(now)]).await?;
        Ok(())
    }
}
