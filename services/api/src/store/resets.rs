//! One-time codes that let somebody choose a new password.

use jiff::Timestamp;
use reportapp_pool::{Transaction, Value};
use reportapp_session::refresh::sha256;

use super::users::username_key;
use super::{Store, StoreError, moment, opt_text, text};

/// A code to be remembered.
#[derive(Clone, Copy)]
pub struct NewReset<'a> {
    /// Whose password it replaces.
    pub user_id: &'a str,
    /// The code; only its hash is kept.
    pub code: &'a str,
    /// The administrator who asked for it; `None`: the user did.
    pub issued_by: Option<&'a str>,
    /// From when on.
    pub now: Timestamp,
    /// Until when.
    pub expires_at: Timestamp,
}

/// Codes are compared as people type them: in any case, with any spaces and dashes.
fn hash(code: &str) -> String {
    let typed = code.chars().filter(|c| !c.is_whitespace() && *c != '-');
    sha256(&typed.collect::<String>().to_ascii_uppercase())
}

impl Store {
    /// Remembers a code and makes the user's earlier ones useless.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn save_reset(&self, reset: &NewReset<'_>) -> Result<(), StoreError> {
        let mut transaction = self.pool()?.begin().await?;
        forget_unused(&mut transaction, reset.user_id).await?;
        insert(&mut transaction, reset).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// As [`Store::save_reset`], and the present password is good for nothing from now on. `false`:
    /// there is no such user.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn force_reset(&self, reset: &NewReset<'_>) -> Result<bool, StoreError> {
        let mut transaction = self.pool()?.begin().await?;
        // First the codes, as whoever uses one does: the other order could deadlock.
        forget_unused(&mut transaction, reset.user_id).await?;
        let sql = "UPDATE users_enhanced SET must_reset_password = $2 WHERE id = $1";
        let params = [text(reset.user_id), Value::Bool(true)];
        if transaction.execute(sql, &params).await? == 0 {
            transaction.rollback().await?;
            return Ok(false);
        }
        insert(&mut transaction, reset).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Uses a code up: the user of that name has the password behind `password_hash` from now on, and
    /// none of their codes is good any more. `None`: name or code is wrong, the code was used or has
    /// expired, or the user is locked, which are all the same to the caller.
    ///
    /// # Errors
    /// When the store cannot answer; the code is then still good.
    pub async fn reset_password(
        &self,
        username: &str,
        code: &str,
        password_hash: &str,
        now: Timestamp,
    ) -> Result<Option<String>, StoreError> {
        let mut transaction = self.pool()?.begin().await?;
        // The update itself decides which of two simultaneous users of the code wins.
        let sql = "UPDATE password_resets SET used_at = $2
                   WHERE code_hash = $1 AND used_at IS NULL AND expires_at > $2
                     AND user_id IN (SELECT id FROM users_enhanced
                                     WHERE username_key = $3 AND is_active AND erp_server IS NULL)
                   RETURNING user_id";
        let params = [text(hash(code)), moment(now), text(username_key(username))];
        let Some(row) = transaction.query_opt(sql, &params).await? else {
            transaction.rollback().await?;
            return Ok(None);
        };
        let user_id: String = row.get("user_id")?;
        let sql = "UPDATE users_enhanced
                   SET password_hash = $2, must_reset_password = $3, must_change_password = $3
                   WHERE id = $1";
        let params = [
            text(user_id.clone()),
            text(password_hash),
            Value::Bool(false),
        ];
        transaction.execute(sql, &params).await?;
        forget_unused(&mut transaction, &user_id).await?;
        transaction.commit().await?;
        Ok(Some(user_id))
    }
}

async fn insert(transaction: &mut Transaction, reset: &NewReset<'_>) -> Result<(), StoreError> {
    let sql = "INSERT INTO password_resets (code_hash, user_id, issued_by, created_at, expires_at)
               VALUES ($1, $2, $3, $4, $5)";
    let params = [
        text(hash(reset.code)),
        text(reset.user_id),
        opt_text(reset.issued_by),
        moment(reset.now),
        moment(reset.expires_at),
    ];
    transaction.execute(sql, &params).await?;
    Ok(())
}

async fn forget_unused(transaction: &mut Transaction, user_id: &str) -> Result<(), StoreError> {
    let sql = "DELETE FROM password_resets WHERE user_id = $1 AND used_at IS NULL";
    transaction.execute(sql, &[text(user_id)]).await?;
    Ok(())
}
