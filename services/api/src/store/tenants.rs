//! Tenants: whom users and roles belong to.
//!
//! Row security shows the users of the tenants in sight. Their owner belongs to none of them, so the
//! owner's name is looked up apart: whoever may see a tenant may know whose it is.

use std::collections::BTreeSet;

use jiff::Timestamp;
use reportapp_pool::{Row, Value};
use reportapp_session::access::Reach;

use super::administration::Administration;
use super::filter::Filter;
use super::users::manage::Named;
use super::users::username_key;
use super::{Store, StoreError, context, moment, opt_text, text};

/// A tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// Id, never reused.
    pub id: String,
    /// Name.
    pub name: String,
    /// The super administrator whose it is.
    pub super_admin: Option<Named>,
    /// Whether its users may sign in.
    pub is_active: bool,
    /// How many users it has.
    pub users: i64,
    /// When it was created.
    pub created_at: Timestamp,
}

/// What to change of a tenant; `None`: nothing.
#[derive(Clone, Debug, Default)]
pub struct TenantChange {
    /// Name.
    pub name: Option<String>,
    /// Id of the super administrator, or none.
    pub super_admin: Option<Option<String>>,
    /// Whether its users may sign in.
    pub is_active: Option<bool>,
}

impl Store {
    /// The tenants within reach, by name.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn list_tenants(&self, reach: &Reach) -> Result<Vec<Tenant>, StoreError> {
        let mut filter = Filter::default();
        filter.reach("c.id", reach);
        let (sql, params) = (tenants(&filter.sql()), filter.params());
        let rows = self.pool()?.query(&sql, &params).await?;
        let tenants: Result<Vec<Tenant>, StoreError> = rows.iter().map(parse).collect();
        let mut tenants = tenants?;
        self.name_owners(&mut tenants).await?;
        Ok(tenants)
    }

    /// Completes the names of owners whom the caller does not see as users.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn name_owners(&self, tenants: &mut [Tenant]) -> Result<(), StoreError> {
        let owners = tenants
            .iter()
            .filter_map(|tenant| tenant.super_admin.as_ref());
        let unnamed = owners.filter(|owner| owner.name.is_empty());
        let unnamed: BTreeSet<String> = unnamed.map(|owner| owner.id.clone()).collect();
        for id in unnamed {
            let found = context::as_system(self.find_user(&id)).await?;
            let name = found.map(|user| user.name).unwrap_or_default();
            let owners = tenants
                .iter_mut()
                .filter_map(|tenant| tenant.super_admin.as_mut());
            for owner in owners.filter(|owner| owner.id == id) {
                owner.name.clone_from(&name);
            }
        }
        Ok(())
    }
}

impl Administration {
    /// The tenant with this id; see [`Store::name_owners`] for the name of its owner.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn tenant(&mut self, id: &str) -> Result<Option<Tenant>, StoreError> {
        let sql = tenants("c.id = $1");
        let row = self.transaction.query_opt(&sql, &[text(id)]).await?;
        row.as_ref().map(parse).transpose()
    }

    /// Creates a tenant; gives the id.
    ///
    /// # Errors
    /// When the store cannot answer, or the name is taken.
    pub async fn create_tenant(
        &mut self,
        name: &str,
        super_admin: Option<&str>,
    ) -> Result<String, StoreError> {
        let id = reportapp_session::random::id();
        let params = [
            text(id.clone()),
            text(name),
            text(username_key(name)),
            opt_text(super_admin),
            Value::Bool(true),
            moment(Timestamp::now()),
        ];
        let sql = "INSERT INTO clients (id, name, name_key, super_admin_id, is_active, created_at)
                   VALUES ($1, $2, $3, $4, $5, $6)";
        self.transaction.execute(sql, &params).await?;
        Ok(id)
    }

    /// Changes a tenant.
    ///
    /// # Errors
    /// When the store cannot answer, or the name is taken.
    pub async fn change_tenant(
        &mut self,
        id: &str,
        change: &TenantChange,
    ) -> Result<(), StoreError> {
        let name = change.name.as_deref();
        let columns = [
            ("name", name.map(text)),
            ("name_key", name.map(|name| text(username_key(name)))),
            ("super_admin_id", change.super_admin.clone().map(opt_text)),
            ("is_active", change.is_active.map(Value::Bool)),
        ];
        self.update("clients", id, columns).await
    }
}

fn tenants(filter: &str) -> String {
    format!(
        "SELECT c.id, c.name, c.super_admin_id, c.is_active, c.created_at, a.name AS super_admin_name,
                (SELECT count(*) FROM users_enhanced u WHERE u.tenant_id = c.id) AS users
         FROM clients c
         LEFT JOIN users_enhanced a ON a.id = c.super_admin_id
         WHERE {filter}
         ORDER BY c.name_key"
    )
}

/// Without a name until it is looked up, if the user is not in sight.
fn owner(row: &Row) -> Result<Option<Named>, StoreError> {
    let id: Option<String> = row.get("super_admin_id")?;
    let name: Option<String> = row.get("super_admin_name")?;
    let named = |id| Named {
        id,
        name: name.unwrap_or_default(),
    };
    Ok(id.map(named))
}

fn parse(row: &Row) -> Result<Tenant, StoreError> {
    Ok(Tenant {
        id: row.get("id")?,
        name: row.get("name")?,
        super_admin: owner(row)?,
        is_active: row.get("is_active")?,
        users: row.get("users")?,
        created_at: row.get("created_at")?,
    })
}
