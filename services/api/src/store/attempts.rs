//! What is remembered about sign-ins.

use jiff::Timestamp;
use reportapp_pool::Value;

use super::{Store, StoreError, moment, opt_text, text};

/// How a sign-in ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The password was right, and a session began.
    SignedIn,
    /// Name or password was wrong, or the user may not sign in.
    Refused,
    /// The password was right, but it has to be replaced first.
    ResetRequired,
}

impl Outcome {
    /// `None`: it did not fail.
    fn failure(self) -> Option<&'static str> {
        match self {
            Self::SignedIn => None,
            Self::Refused => Some("refused"),
            Self::ResetRequired => Some("reset-required"),
        }
    }
}

/// One sign-in that was tried.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// Id and name of an existing user. A name nobody has may be a password typed into the wrong field
    /// and is not stored.
    pub known: Option<(&'a str, &'a str)>,
    /// Where it came from.
    pub address: Option<&'a str>,
    /// What it says it was sent by.
    pub user_agent: Option<&'a str>,
    /// How it ended.
    pub outcome: Outcome,
}

impl Store {
    /// Writes one attempt down.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn record_attempt(&self, attempt: &Attempt<'_>) -> Result<(), StoreError> {
        let failure = attempt.outcome.failure();
        let params = [
            text(reportapp_session::random::id()),
            moment(Timestamp::now()),
            opt_text(
                attempt
                    .known
                    .map(|(_, name)| super::users::username_key(name)),
            ),
            opt_text(attempt.known.map(|(id, _)| id)),
            opt_text(attempt.address),
            opt_text(attempt.user_agent),
            Value::Bool(failure.is_none()),
            opt_text(failure),
        ];
        let sql = "INSERT INTO login_attempts (id, created_at, identifier, user_id, ip_address,
                                               user_agent, success, failure_reason)
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        self.pool()?.execute(sql, &params).await?;
        Ok(())
    }
}
