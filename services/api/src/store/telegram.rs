//! Codes that link Telegram chats to users, and the links themselves.

use aws_lc_rs::digest;
use jiff::Timestamp;
use reportapp_pool::{Row, Value};

use super::{Store, StoreError, moment, text};

/// A chat that acts for a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Telegram's id of the chat.
    pub chat_id: i64,
    /// Id of the user.
    pub user_id: String,
    /// ERP server the chat looks at; `None` until chosen.
    pub server: Option<String>,
    /// Company the chat looks at; `None` until chosen.
    pub company: Option<String>,
    /// When the chat was linked.
    pub linked_at: Timestamp,
}

/// Codes are compared as people type them: in any case, with any spaces.
fn hash(code: &str) -> String {
    let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    let code = code.to_ascii_uppercase();
    hex::encode(digest::digest(&digest::SHA256, code.as_bytes()))
}

impl Store {
    /// Remembers a code for a user and makes the user's earlier codes useless.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn save_code(
        &self,
        user_id: &str,
        code: &str,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut transaction = self.pool()?.begin().await?;
        transaction
            .execute(
                "DELETE FROM telegram_codes WHERE user_id = $1",
                &[text(user_id)],
            )
            .await?;
        transaction
            .execute(
                "INSERT INTO telegram_codes (code_hash, user_id, expires_at) VALUES ($1, $2, $3)",
                &[text(hash(code)), text(user_id), moment(expires_at)],
            )
            .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Uses a code up and links the chat to its user, whose id is returned. `None`: the code is
    /// wrong, used or expired, which are the same to the caller.
    ///
    /// # Errors
    /// When the store cannot answer; the code is then still good.
    pub async fn redeem_code(
        &self,
        code: &str,
        chat_id: i64,
        chat_name: &str,
        now: Timestamp,
    ) -> Result<Option<String>, StoreError> {
        let mut transaction = self.pool()?.begin().await?;
        // The update itself decides which of two simultaneous redeemers wins.
        let redeemed = transaction
            .query_opt(
                "UPDATE telegram_codes SET used_at = $2
                 WHERE code_hash = $1 AND used_at IS NULL AND expires_at > $2
                 RETURNING user_id",
                &[text(hash(code)), moment(now)],
            )
            .await?;
        let Some(row) = redeemed else {
            transaction.rollback().await?;
            return Ok(None);
        };
        let user_id: String = row.get("user_id")?;
        transaction
            .execute(
                "INSERT INTO telegram_links (chat_id, user_id, chat_name, linked_at)
                 VALUES ($1, $2, $3, $4)
                 ON CONFLICT (chat_id) DO UPDATE
                 SET user_id = excluded.user_id, chat_name = excluded.chat_name,
                     server = NULL, company = NULL, linked_at = excluded.linked_at",
                &[
                    Value::Int(chat_id),
                    text(user_id.clone()),
                    text(chat_name),
                    moment(now),
                ],
            )
            .await?;
        transaction.commit().await?;
        Ok(Some(user_id))
    }

    /// The link of a chat.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn find_link(&self, chat_id: i64) -> Result<Option<Link>, StoreError> {
        let sql = "SELECT chat_id, user_id, server, company, linked_at
                   FROM telegram_links WHERE chat_id = $1";
        let row = self.pool()?.query_opt(sql, &[Value::Int(chat_id)]).await?;
        row.as_ref().map(parse).transpose()
    }

    /// All chats of a user, oldest link first.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn list_links(&self, user_id: &str) -> Result<Vec<Link>, StoreError> {
        let sql = "SELECT chat_id, user_id, server, company, linked_at
                   FROM telegram_links WHERE user_id = $1 ORDER BY linked_at, chat_id";
        let rows = self.pool()?.query(sql, &[text(user_id)]).await?;
        rows.iter().map(parse).collect()
    }

    /// Remembers which company a chat looks at; `false`: the chat is not linked.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn choose_company(
        &self,
        chat_id: i64,
        server: &str,
        company: &str,
    ) -> Result<bool, StoreError> {
        let sql = "UPDATE telegram_links SET server = $2, company = $3 WHERE chat_id = $1";
        let params = [Value::Int(chat_id), text(server), text(company)];
        Ok(self.pool()?.execute(sql, &params).await? == 1)
    }

    /// Removes a link, of any user or only of the one named; `false`: there was none.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn unlink(&self, chat_id: i64, of_user: Option<&str>) -> Result<bool, StoreError> {
        let sql = match of_user {
            Some(_) => "DELETE FROM telegram_links WHERE chat_id = $1 AND user_id = $2",
            None => "DELETE FROM telegram_links WHERE chat_id = $1",
        };
        let mut params = vec![Value::Int(chat_id)];
        params.extend(of_user.map(text));
        Ok(self.pool()?.execute(sql, &params).await? == 1)
    }
}

fn parse(row: &Row) -> Result<Link, StoreError> {
    Ok(Link {
        chat_id: row.get("chat_id")?,
        user_id: row.get("user_id")?,
        server: row.get("server")?,
        company: row.get("company")?,
        linked_at: row.get("linked_at")?,
    })
}
