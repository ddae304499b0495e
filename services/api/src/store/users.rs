//! People who may sign in, as signing in looks at them; how administrators do is in [`manage`], and who signs
//! in at an ERP is in [`erp`].

use jiff::Timestamp;
use reportapp_pool::{Row, Transaction, Value};
use reportapp_session::access::UserKind;
use reportapp_session::directory;

use super::{Store, StoreError, moment, opt_text, text};

pub mod erp;
pub mod manage;

pub use erp::ErpIdentity;

/// A user, without the password hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Random id, never reused.
    pub id: String,
    /// Name to sign in with, as first written.
    pub username: String,
    /// Name to show.
    pub name: String,
    /// What kind of user.
    pub kind: UserKind,
    /// Id of the tenant the user belongs to.
    pub tenant: Option<String>,
    /// The user should choose a new password; a hint, not a block.
    pub must_change_password: bool,
    /// The present password is not accepted any more.
    pub must_reset_password: bool,
    /// Whether the user may sign in: neither they nor their tenant are locked.
    pub is_active: bool,
    /// Who the user is at the ERP server where they sign in; `None`: they have a password here.
    pub erp: Option<ErpIdentity>,
}

/// A user as first written.
#[derive(Clone)]
pub struct NewUser {
    /// Name to sign in with.
    pub username: String,
    /// Name to show.
    pub name: String,
    /// Address of mail.
    pub email: Option<String>,
    /// Argon2id PHC string.
    pub password_hash: String,
    /// What kind of user.
    pub kind: UserKind,
    /// Id of the tenant the user belongs to.
    pub tenant: Option<String>,
    /// Ids of the roles the user holds.
    pub roles: Vec<String>,
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

/// Of `users_enhanced u` and their tenant `t`.
pub(super) const COLUMNS: &str =
    "u.id, u.username, u.name, u.user_type, u.tenant_id, u.password_hash,
    u.must_change_password, u.must_reset_password, u.erp_server, u.erp_user,
    u.is_active AND coalesce(t.is_active, u.is_active) AS is_active";
pub(super) const TABLES: &str = "users_enhanced u LEFT JOIN clients t ON t.id = u.tenant_id";

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
        let sql = format!("SELECT {COLUMNS} FROM {TABLES} WHERE u.id = $1");
        let row = self.pool()?.query_opt(&sql, &[text(id)]).await?;
        row.as_ref().map(parse).transpose()
    }

    /// The user who signs in here with this name, in any case.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn find_credentials(
        &self,
        username: &str,
    ) -> Result<Option<Credentials>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM {TABLES} WHERE u.username_key = $1 AND u.erp_server IS NULL"
        );
        let key = text(username_key(username));
        let row = self.pool()?.query_opt(&sql, &[key]).await?;
        let credentials = |row: &Row| {
            Ok(Credentials {
                user: parse(row)?,
                password_hash: row.get("password_hash")?,
            })
        };
        row.as_ref().map(credentials).transpose()
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

    /// Replaces a hash that still is `from` by one of the same password, which ends no session.
    /// `false`: somebody else replaced it in the meantime.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn rehash_password(
        &self,
        id: &str,
        from: &str,
        to: &str,
    ) -> Result<bool, StoreError> {
        // The mark tells the trigger that raises the epoch; see migration 9.
        let sql = "UPDATE users_enhanced SET password_hash = $3, password_rehashed_at = $4
                   WHERE id = $1 AND password_hash = $2";
        let params = [text(id), text(from), text(to), moment(Timestamp::now())];
        Ok(self.pool()?.execute(sql, &params).await? == 1)
    }

    /// Whether nobody has been created yet. Who came from an ERP does not count: they administer nothing.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn has_no_user(&self) -> Result<bool, StoreError> {
        let sql = "SELECT id FROM users_enhanced WHERE erp_server IS NULL LIMIT 1";
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
        directory::lock(&mut transaction, pool.engine()).await?;
        let sql = "SELECT id FROM users_enhanced WHERE erp_server IS NULL LIMIT 1";
        if transaction.query_opt(sql, &[]).await?.is_some() {
            transaction.rollback().await?;
            return Ok(false);
        }
        insert(&mut transaction, user, None, None).await?;
        transaction.commit().await?;
        Ok(true)
    }
}

/// Writes a user and their roles, of an ERP if `erp` says so; gives the id.
pub(super) async fn insert(
    transaction: &mut Transaction,
    user: &NewUser,
    erp: Option<&ErpIdentity>,
    by: Option<&str>,
) -> Result<String, StoreError> {
    let id = reportapp_session::random::id();
    let params = [
        text(id.clone()),
        text(user.username.trim()),
        text(username_key(&user.username)),
        text(user.name.clone()),
        opt_text(user.email.clone()),
        text(user.password_hash.clone()),
        text(user.kind.as_str()),
        opt_text(user.tenant.clone()),
        Value::Bool(user.must_change_password),
        Value::Bool(true),
        moment(Timestamp::now()),
        opt_text(erp.map(|erp| erp.server.clone())),
        opt_text(erp.map(|erp| erp.user.clone())),
    ];
    let sql = "INSERT INTO users_enhanced (id, username, username_key, name, email, password_hash,
                                           user_type, tenant_id, must_change_password, is_active,
                                           created_at, erp_server, erp_user)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    transaction.execute(sql, &params).await?;
    for role in &user.roles {
        give_role(transaction, &id, role, by).await?;
    }
    Ok(id)
}

pub(super) async fn give_role(
    transaction: &mut Transaction,
    user: &str,
    role: &str,
    by: Option<&str>,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO rbac_user_roles (user_id, role_id, granted_by, granted_at)
               VALUES ($1, $2, $3, $4) ON CONFLICT (user_id, role_id) DO NOTHING";
    let now = moment(Timestamp::now());
    let params = [text(user), text(role), opt_text(by), now];
    transaction.execute(sql, &params).await?;
    Ok(())
}

pub(super) fn parse(row: &Row) -> Result<User, StoreError> {
    Ok(User {
        id: row.get("id")?,
        username: row.get("username")?,
        name: row.get("name")?,
        kind: kind(row)?,
        tenant: row.get("tenant_id")?,
        must_change_password: row.get("must_change_password")?,
        must_reset_password: row.get("must_reset_password")?,
        is_active: row.get("is_active")?,
        erp: ErpIdentity::parse(row)?,
    })
}

pub(super) fn kind(row: &Row) -> Result<UserKind, StoreError> {
    let kind: String = row.get("user_type")?;
    UserKind::parse(&kind).ok_or(StoreError::Corrupt {
        detail: "users_enhanced.user_type",
    })
}
