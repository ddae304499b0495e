//! Where people are signed in: the truth, of which Redis holds a copy.
//!
//! A session ends by its epoch. `is_active` follows, so that its refresh token is refused also when
//! nobody remembers the epoch any more.

use jiff::Timestamp;
use reportapp_pool::{Row, Value};
use reportapp_session::Session;
use reportapp_session::epochs::Revision;
use reportapp_session::refresh::{Line, RefreshToken};

use super::{Store, StoreError, moment, opt_moment, opt_text, text};

/// A session with all that is known about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// What is copied.
    pub session: Session,
    /// What its refresh tokens have in common.
    pub family_hash: String,
    /// The beginning of its refresh tokens.
    pub token_prefix: String,
    /// Its good refresh tokens.
    pub line: Line,
    /// What it was used by last.
    pub user_agent: Option<String>,
    /// When it was begun or renewed last.
    pub last_activity_at: Timestamp,
}

const COLUMNS: &str = "id, user_id, tenant_id, family_hash, token_hash, previous_hash, rotated_at,
    token_prefix, issued, ip_address, user_agent, created_at, last_activity_at, expires_at";

impl SessionRow {
    /// The row of a session that begins with this refresh token.
    pub fn begin(session: Session, token: &RefreshToken, user_agent: Option<String>) -> Self {
        Self {
            family_hash: token.family_hash(),
            token_prefix: token.prefix().to_owned(),
            line: Line::begin(token),
            user_agent,
            last_activity_at: session.created_at,
            session,
        }
    }
}

impl Store {
    /// Remembers a new session.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn insert_session(&self, row: &SessionRow) -> Result<(), StoreError> {
        let session = &row.session;
        let params = [
            text(session.id.clone()),
            text(session.user.clone()),
            opt_text(session.tenant.clone()),
            text(row.family_hash.clone()),
            text(row.line.current.clone()),
            opt_text(row.line.previous.clone()),
            opt_moment(row.line.rotated_at),
            text(row.token_prefix.clone()),
            session.issued.into(),
            opt_text(session.address.clone()),
            opt_text(row.user_agent.clone()),
            moment(session.created_at),
            moment(row.last_activity_at),
            moment(session.expires_at),
        ];
        let sql = format!(
            "INSERT INTO user_sessions ({COLUMNS})
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"
        );
        self.pool()?.execute(&sql, &params).await?;
        Ok(())
    }

    /// The session with this id, unless it is over.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn find_session(
        &self,
        id: &str,
        now: Timestamp,
    ) -> Result<Option<SessionRow>, StoreError> {
        self.one_session("id", id, now).await
    }

    /// The session a refresh token is or was one of, unless it is over.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn find_session_of(
        &self,
        token: &RefreshToken,
        now: Timestamp,
    ) -> Result<Option<SessionRow>, StoreError> {
        let family = token.family_hash();
        self.one_session("family_hash", &family, now).await
    }

    async fn one_session(
        &self,
        column: &str,
        value: &str,
        now: Timestamp,
    ) -> Result<Option<SessionRow>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM user_sessions
             WHERE {column} = $1 AND is_active AND expires_at > $2"
        );
        let params = [text(value), moment(now)];
        let row = self.pool()?.query_opt(&sql, &params).await?;
        row.as_ref().map(parse).transpose()
    }

    /// The sessions of a user that are not over, oldest first.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn list_sessions(
        &self,
        user_id: &str,
        now: Timestamp,
    ) -> Result<Vec<SessionRow>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM user_sessions
             WHERE user_id = $1 AND is_active AND expires_at > $2 ORDER BY created_at, id"
        );
        let params = [text(user_id), moment(now)];
        let rows = self.pool()?.query(&sql, &params).await?;
        rows.iter().map(parse).collect()
    }

    /// Writes `next` in place of `seen`, if nobody replaced its refresh token since; `false`: somebody
    /// did, or it was ended.
    ///
    /// # Errors
    /// When the store cannot answer; the row may or may not have been written.
    pub async fn renew_session(
        &self,
        seen: &SessionRow,
        next: &SessionRow,
    ) -> Result<bool, StoreError> {
        let session = &next.session;
        let params = [
            text(seen.session.id.clone()),
            text(seen.line.current.clone()),
            text(next.line.current.clone()),
            opt_text(next.line.previous.clone()),
            opt_moment(next.line.rotated_at),
            session.issued.into(),
            opt_text(session.address.clone()),
            opt_text(next.user_agent.clone()),
            opt_text(session.tenant.clone()),
            moment(next.last_activity_at),
            moment(session.expires_at),
        ];
        let sql = "UPDATE user_sessions
                   SET token_hash = $3, previous_hash = $4, rotated_at = $5, issued = $6,
                       ip_address = $7, user_agent = $8, tenant_id = $9, last_activity_at = $10,
                       expires_at = $11
                   WHERE id = $1 AND token_hash = $2 AND is_active";
        Ok(self.pool()?.execute(sql, &params).await? == 1)
    }

    /// Notes that a session has ended.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn close_session(&self, id: &str) -> Result<(), StoreError> {
        let sql = "UPDATE user_sessions SET is_active = $2 WHERE id = $1 AND is_active";
        let params = [text(id), Value::Bool(false)];
        self.pool()?.execute(sql, &params).await?;
        Ok(())
    }

    /// Notes that the sessions of a user that were begun or renewed before `revision` have ended.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn close_sessions_of(
        &self,
        user_id: &str,
        before: Revision,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE user_sessions SET is_active = $3
                   WHERE user_id = $1 AND issued < $2 AND is_active";
        let params = [text(user_id), before.into(), Value::Bool(false)];
        self.pool()?.execute(sql, &params).await?;
        Ok(())
    }
}

fn parse(row: &Row) -> Result<SessionRow, StoreError> {
    let issued: i64 = row.get("issued")?;
    let issued = u64::try_from(issued).map_err(|_| StoreError::Corrupt {
        detail: "user_sessions.issued",
    })?;
    Ok(SessionRow {
        session: Session {
            id: row.get("id")?,
            user: row.get("user_id")?,
            tenant: row.get("tenant_id")?,
            created_at: row.get("created_at")?,
            expires_at: row.get("expires_at")?,
            issued: Revision(issued),
            address: row.get("ip_address")?,
        },
        family_hash: row.get("family_hash")?,
        token_prefix: row.get("token_prefix")?,
        line: Line {
            current: row.get("token_hash")?,
            previous: row.get("previous_hash")?,
            rotated_at: row.get("rotated_at")?,
        },
        user_agent: row.get("user_agent")?,
        last_activity_at: row.get("last_activity_at")?,
    })
}
