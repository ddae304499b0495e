//! People who may sign in.

use jiff::Timestamp;
use reportapp_pool::{Row, Value};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Store, StoreError, migrations, moment, text};

/// What a user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Everything, including what concerns other users.
    Admin,
    /// Read reports.
    Reports,
}

/// A user, without the password hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Random id, never reused.
    pub id: String,
    /// Name to sign in with, as first written.
    pub username: String,
    /// Name to show.
    pub display_name: String,
    /// What the user may do.
    pub roles: Vec<Role>,
    /// The user should choose a new password; a hint, not a block.
    pub must_change_password: bool,
    /// Whether the user may sign in.
    pub is_active: bool,
}

/// A user as first written.
#[derive(Clone)]
pub struct NewUser {
    /// Name to sign in with.
    pub username: String,
    /// Name to show.
    pub display_name: String,
    /// Argon2id PHC string.
    pub password_hash: String,
    /// What the user may do.
    pub roles: Vec<Role>,
    /// Whether the password was chosen by somebody else.
    pub must_change_password: bool,
}

/// A user and the hash to check a password against.
pub struct Credentials {
    /// The user.
    pub user: User,
    /// Argon2id PHC string.
    pub password_hash: String,
}

const COLUMNS: &str =
    "id, username, name, password_hash, user_type, must_change_password, is_active,
    EXISTS (SELECT 1 FROM rbac_user_roles r WHERE r.user_id = users_enhanced.id) AS has_role";

impl Role {
    fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "administrator",
            Self::Reports => "reader",
        }
    }
}

/// The spelling under which names are compared.
pub fn username_key(username: &str) -> String {
    username.trim().to_lowercase()
}

impl Store {
    /// The user with this id.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn find_user(&self, id: &str) -> Result<Option<User>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM users_enhanced WHERE id = $1");
        let row = self.pool()?.query_opt(&sql, &[text(id)]).await?;
        Ok(row.as_ref().map(parse).transpose()?.map(|found| found.user))
    }

    /// The user who signs in with this name, in any case.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn find_credentials(
        &self,
        username: &str,
    ) -> Result<Option<Credentials>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM users_enhanced WHERE username_key = $1");
        let key = text(username_key(username));
        let row = self.pool()?.query_opt(&sql, &[key]).await?;
        row.as_ref().map(parse).transpose()
    }

    /// The password hash of a user.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn find_password_hash(&self, id: &str) -> Result<Option<String>, StoreError> {
        let sql = "SELECT password_hash FROM users_enhanced WHERE id = $1";
        let row = self.pool()?.query_opt(sql, &[text(id)]).await?;
        Ok(row.map(|row| row.get("password_hash")).transpose()?)
    }

    /// Replaces a password hash that still is `from`, and takes the hint to change it away.
    /// `false`: somebody else replaced it in the meantime.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn replace_password_hash(
        &self,
        id: &str,
        from: &str,
        to: &str,
    ) -> Result<bool, StoreError> {
        let sql = "UPDATE users_enhanced SET password_hash = $3, must_change_password = $4
                   WHERE id = $1 AND password_hash = $2";
        let params = [text(id), text(from), text(to), Value::Bool(false)];
        Ok(self.pool()?.execute(sql, &params).await? == 1)
    }

    /// Whether nobody has been created yet.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn has_no_user(&self) -> Result<bool, StoreError> {
        let sql = "SELECT id FROM users_enhanced LIMIT 1";
        Ok(self.pool()?.query_opt(sql, &[]).await?.is_none())
    }

    /// Creates `user` unless there is a user already; `false`: there was. Two replicas that try at
    /// once create one.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn create_first_user(&self, user: &NewUser) -> Result<bool, StoreError> {
        let pool = self.pool()?;
        let mut transaction = pool.begin().await?;
        migrations::lock(&mut transaction, pool.engine()).await?;
        let existing = transaction
            .query_opt("SELECT id FROM users_enhanced LIMIT 1", &[])
            .await?;
        if existing.is_some() {
            transaction.rollback().await?;
            return Ok(false);
        }
        let id = reportapp_session::random::id();
        let now = Timestamp::now();
        let is_admin = user.roles.contains(&Role::Admin);
        let params = [
            text(id.clone()),
            text(user.username.trim()),
            text(username_key(&user.username)),
            text(user.display_name.clone()),
            text(user.password_hash.clone()),
            text(if is_admin { "enterprise_admin" } else { "user" }),
            Value::Bool(user.must_change_password),
            Value::Bool(true),
            moment(now),
        ];
        transaction
            .execute(
                "INSERT INTO users_enhanced (id, username, username_key, name, password_hash,
                                             user_type, must_change_password, is_active, created_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                &params,
            )
            .await?;
        for role in &user.roles {
            let sql =
                "INSERT INTO rbac_user_roles (user_id, role_id, granted_at) VALUES ($1, $2, $3)";
            let params = [text(id.clone()), text(role.as_str()), moment(now)];
            transaction.execute(sql, &params).await?;
        }
        transaction.commit().await?;
        Ok(true)
    }
}

fn parse(row: &Row) -> Result<Credentials, StoreError> {
    let kind: String = row.get("user_type")?;
    let is_admin = kind == "enterprise_admin";
    let admin = is_admin.then_some(Role::Admin);
    let has_role: bool = row.get("has_role")?;
    let reports = has_role.then_some(Role::Reports);
    let roles = admin.into_iter().chain(reports).collect();
    Ok(Credentials {
        user: User {
            id: row.get("id")?,
            username: row.get("username")?,
            display_name: row.get("name")?,
            roles,
            must_change_password: row.get("must_change_password")?,
            is_active: row.get("is_active")?,
        },
        password_hash: row.get("password_hash")?,
    })
}
