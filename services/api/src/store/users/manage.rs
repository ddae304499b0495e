//! Users as administrators see and change them.

use jiff::Timestamp;
use reportapp_pool::{Row, Value};
use reportapp_session::access::grant::Target;
use reportapp_session::access::{HIGHEST_LEVEL, Reach, SUPER_ADMIN_LEVEL, UserKind};

use super::{NewUser, give_role, insert, kind};
use crate::store::administration::Administration;
use crate::store::filter::Filter;
use crate::store::{Store, StoreError, opt_text, text};

/// Something with an id and a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// A user as administrators see them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Random id, never reused.
    pub id: String,
    /// Name to sign in with.
    pub username: String,
    /// The spelling names are ordered by.
    pub key: String,
    /// Name to show.
    pub name: String,
    /// Address of mail.
    pub email: Option<String>,
    /// What kind of user.
    pub kind: UserKind,
    /// The tenant the user belongs to.
    pub tenant: Option<Named>,
    /// The roles the user holds, by name.
    pub roles: Vec<Named>,
    /// The highest level among the roles.
    pub role_level: i64,
    /// The user should choose a new password.
    pub must_change_password: bool,
    /// The present password is not accepted any more.
    pub must_reset_password: bool,
    /// Whether the user is not locked; their tenant may be.
    pub is_active: bool,
    /// When they were created.
    pub created_at: Timestamp,
    /// Name of the ERP server where they sign in; `None`: they have a password here.
    pub erp_server: Option<String>,
}

/// What to change of a user; `None`: nothing.
#[derive(Clone, Debug, Default)]
pub struct UserChange {
    /// Name to show.
    pub name: Option<String>,
    /// Address of mail, or none.
    pub email: Option<Option<String>>,
    /// What kind of user.
    pub kind: Option<UserKind>,
    /// Id of the tenant, or none.
    pub tenant: Option<Option<String>>,
    /// Whether the user may sign in.
    pub is_active: Option<bool>,
    /// Ids of all roles the user holds from now on.
    pub roles: Option<Vec<String>>,
}

/// Which users to list.
#[derive(Clone, Debug)]
pub struct UserQuery {
    /// Where.
    pub reach: Reach,
    /// A part of a name or address, in any case.
    pub search: Option<String>,
    /// Only of this tenant.
    pub tenant: Option<String>,
    /// Only of this kind.
    pub kind: Option<UserKind>,
    /// Only after this name.
    pub after: Option<String>,
    /// So many at most.
    pub limit: i64,
}

impl Account {
    /// What the rules look at.
    pub fn target(&self) -> Target {
        Target {
            kind: self.kind,
            tenant: self.tenant.as_ref().map(|tenant| tenant.id.clone()),
            level: match self.kind {
                UserKind::EnterpriseAdmin => HIGHEST_LEVEL,
                UserKind::SuperAdmin => SUPER_ADMIN_LEVEL,
                UserKind::User => self.role_level,
            },
        }
    }
}

impl Store {
    /// Users by name.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn list_accounts(&self, query: &UserQuery) -> Result<Vec<Account>, StoreError> {
        let mut filter = Filter::default();
        filter.reach("tenant_id", &query.reach);
        if let Some(tenant) = &query.tenant {
            filter.equals("tenant_id", tenant);
        }
        if let Some(kind) = query.kind {
            filter.equals("user_type", kind.as_str());
        }
        if let Some(search) = &query.search {
            filter.contains(&["username_key", "lower(name)", "lower(email)"], search);
        }
        if let Some(after) = &query.after {
            filter.after("username_key", after);
        }
        let limit = format!("ORDER BY username_key LIMIT {}", query.limit);
        let (sql, params) = (accounts(&filter.sql(), &limit), filter.params());
        rows_to_accounts(&self.pool()?.query(&sql, &params).await?)
    }

    /// The user with this id.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn find_account(&self, id: &str) -> Result<Option<Account>, StoreError> {
        let sql = accounts("id = $1", "");
        let rows = self.pool()?.query(&sql, &[text(id)]).await?;
        Ok(rows_to_accounts(&rows)?.pop())
    }
}

impl Administration {
    /// The user with this id.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn account(&mut self, id: &str) -> Result<Option<Account>, StoreError> {
        let sql = accounts("id = $1", "");
        let rows = self.transaction.query(&sql, &[text(id)]).await?;
        Ok(rows_to_accounts(&rows)?.pop())
    }

    /// Whether an enterprise administrator who may sign in is left besides this user.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn has_other_administrator(&mut self, id: &str) -> Result<bool, StoreError> {
        let sql = "SELECT u.id FROM users_enhanced u LEFT JOIN clients t ON t.id = u.tenant_id
                   WHERE u.user_type = $1 AND u.id <> $2 AND u.is_active AND NOT u.must_reset_password
                     AND coalesce(t.is_active, u.is_active) LIMIT 1";
        let params = [text(UserKind::EnterpriseAdmin.as_str()), text(id)];
        Ok(self.transaction.query_opt(sql, &params).await?.is_some())
    }

    /// Creates a user; gives the id.
    ///
    /// # Errors
    /// When the store cannot answer, or the name is taken.
    pub async fn create_user(&mut self, user: &NewUser, by: &str) -> Result<String, StoreError> {
        insert(&mut self.transaction, user, None, Some(by)).await
    }

    /// Changes a user.
    ///
    /// # Errors
    /// When the store cannot answer, or the address is taken.
    pub async fn change_user(
        &mut self,
        id: &str,
        change: &UserChange,
        by: &str,
    ) -> Result<(), StoreError> {
        let columns = [
            ("name", change.name.clone().map(text)),
            ("email", change.email.clone().map(opt_text)),
            ("user_type", change.kind.map(|kind| text(kind.as_str()))),
            ("tenant_id", change.tenant.clone().map(opt_text)),
            ("is_active", change.is_active.map(Value::Bool)),
        ];
        self.update("users_enhanced", id, columns).await?;
        if let Some(roles) = &change.roles {
            self.set_roles(id, roles, by).await?;
        }
        Ok(())
    }

    /// Removes a user. Sessions, one-time codes, known devices and linked chats go with the row, a tenant
    /// they own loses its owner; sign-in attempts and the trail keep the id. A trigger ends their tokens.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn delete_user(&mut self, id: &str) -> Result<(), StoreError> {
        // By themselves, and first: the trail finds the tenant of a role that is taken away through its user.
        let sql = "DELETE FROM rbac_user_roles WHERE user_id = $1";
        self.transaction.execute(sql, &[text(id)]).await?;
        let sql = "DELETE FROM users_enhanced WHERE id = $1";
        self.transaction.execute(sql, &[text(id)]).await?;
        Ok(())
    }

    /// Takes away what is not among `roles`, and gives what is missing: what stays keeps who gave it.
    async fn set_roles(&mut self, id: &str, roles: &[String], by: &str) -> Result<(), StoreError> {
        let sql = "SELECT role_id FROM rbac_user_roles WHERE user_id = $1";
        let rows = self.transaction.query(sql, &[text(id)]).await?;
        let held: Vec<String> = rows
            .iter()
            .map(|row| row.get("role_id"))
            .collect::<Result<_, _>>()?;
        for role in held.iter().filter(|role| !roles.contains(role)) {
            let sql = "DELETE FROM rbac_user_roles WHERE user_id = $1 AND role_id = $2";
            let params = [text(id), text(role.clone())];
            self.transaction.execute(sql, &params).await?;
        }
        for role in roles.iter().filter(|role| !held.contains(role)) {
            give_role(&mut self.transaction, id, role, Some(by)).await?;
        }
        Ok(())
    }
}

/// Users and their roles; `filter` and `limit` are about `users_enhanced`.
fn accounts(filter: &str, limit: &str) -> String {
    format!(
        "SELECT u.id, u.username, u.username_key, u.name, u.email, u.user_type, u.tenant_id,
                u.must_change_password, u.must_reset_password, u.is_active, u.created_at,
                u.erp_server, t.name AS tenant_name, r.id AS role_id, r.name AS role_name, r.level
         FROM (SELECT * FROM users_enhanced WHERE {filter} {limit}) u
         LEFT JOIN clients t ON t.id = u.tenant_id
         LEFT JOIN rbac_user_roles h ON h.user_id = u.id
         LEFT JOIN rbac_roles r ON r.id = h.role_id
         ORDER BY u.username_key, r.name"
    )
}

fn rows_to_accounts(rows: &[Row]) -> Result<Vec<Account>, StoreError> {
    let mut accounts: Vec<Account> = Vec::new();
    for row in rows {
        let id: String = row.get("id")?;
        if accounts.last().is_none_or(|last| last.id != id) {
            accounts.push(account(row, id)?);
        }
        let (role, level) = (named(row, "role_id", "role_name")?, row.get("level")?);
        if let (Some(last), Some(role)) = (accounts.last_mut(), role) {
            last.roles.push(role);
            last.role_level = last.role_level.max(Option::unwrap_or_default(level));
        }
    }
    Ok(accounts)
}

fn account(row: &Row, id: String) -> Result<Account, StoreError> {
    Ok(Account {
        id,
        username: row.get("username")?,
        key: row.get("username_key")?,
        name: row.get("name")?,
        email: row.get("email")?,
        kind: kind(row)?,
        tenant: named(row, "tenant_id", "tenant_name")?,
        roles: Vec::new(),
        role_level: 0,
        must_change_password: row.get("must_change_password")?,
        must_reset_password: row.get("must_reset_password")?,
        is_active: row.get("is_active")?,
        created_at: row.get("created_at")?,
        erp_server: row.get("erp_server")?,
    })
}

/// The two columns of an optional reference.
pub(crate) fn named(row: &Row, id: &str, name: &str) -> Result<Option<Named>, StoreError> {
    let (id, name): (Option<String>, Option<String>) = (row.get(id)?, row.get(name)?);
    Ok(id.zip(name).map(|(id, name)| Named { id, name }))
}
