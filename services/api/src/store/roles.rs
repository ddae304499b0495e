//! Roles, what they permit, and what there is to permit.

use jiff::Timestamp;
use reportapp_pool::{Row, Value};
use reportapp_session::access::grant::{self, Route};
use reportapp_session::access::{Permission, Permissions, Reach};

use super::administration::Administration;
use super::filter::Filter;
use super::users::manage::{Named, named};
use super::{Store, StoreError, moment, opt_text, text};

/// Id of the role that permits everything, made by a migration.
pub const ADMINISTRATOR: &str = "administrator";
/// Id of the role that permits reading reports, made by a migration.
pub const READER: &str = "reader";

/// A role and what it permits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// Id, never reused.
    pub id: String,
    /// The tenant it belongs to; `None`: the whole platform.
    pub tenant: Option<Named>,
    /// Name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// How high its holders stand.
    pub level: i64,
    /// Made by a migration, and not to be changed.
    pub is_system: bool,
    /// What its holders may do.
    pub permissions: Permissions,
}

/// A role as first written.
#[derive(Clone, Debug)]
pub struct NewRole {
    /// Id of the tenant it belongs to.
    pub tenant: Option<String>,
    /// Name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// How high its holders stand.
    pub level: i64,
    /// What its holders may do.
    pub permissions: Permissions,
}

/// What to change of a role; `None`: nothing.
#[derive(Clone, Debug, Default)]
pub struct RoleChange {
    /// Name.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// How high its holders stand.
    pub level: Option<i64>,
    /// All its holders may do from now on.
    pub permissions: Option<Permissions>,
}

/// A module of the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// Name and lowest level.
    pub route: Route,
    /// What it is about.
    pub description: String,
}

/// What there is to permit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalogue {
    /// By name.
    pub modules: Vec<Module>,
    /// By name.
    pub actions: Vec<String>,
}

impl Role {
    /// What the rules look at.
    pub fn rules(&self) -> grant::Role {
        grant::Role {
            tenant: self.tenant.as_ref().map(|tenant| tenant.id.clone()),
            level: self.level,
            permissions: self.permissions.clone(),
        }
    }
}

impl Catalogue {
    /// What the rules look at.
    pub fn routes(&self) -> Vec<Route> {
        let modules = self.modules.iter();
        modules.map(|module| module.route.clone()).collect()
    }
}

const MODULES: &str = "SELECT name, description, min_role_level FROM rbac_routes ORDER BY name";
const ACTIONS: &str = "SELECT name FROM rbac_actions ORDER BY name";

impl Store {
    /// Roles of the platform and of the tenants within reach, highest level first.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn list_roles(&self, reach: &Reach) -> Result<Vec<Role>, StoreError> {
        let mut filter = Filter::default();
        filter.reach_or_platform("tenant_id", reach);
        let (sql, params) = (roles(&filter.sql()), filter.params());
        parse_roles(&self.pool()?.query(&sql, &params).await?)
    }

    /// What there is to permit.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn permission_catalogue(&self) -> Result<Catalogue, StoreError> {
        let pool = self.pool()?;
        let modules = pool.query(MODULES, &[]).await?;
        let actions = pool.query(ACTIONS, &[]).await?;
        parse_catalogue(&modules, &actions)
    }
}

impl Administration {
    /// What there is to permit.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn permission_catalogue(&mut self) -> Result<Catalogue, StoreError> {
        let modules = self.transaction.query(MODULES, &[]).await?;
        let actions = self.transaction.query(ACTIONS, &[]).await?;
        parse_catalogue(&modules, &actions)
    }

    /// The role with this id.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn role(&mut self, id: &str) -> Result<Option<Role>, StoreError> {
        let sql = roles("id = $1");
        let rows = self.transaction.query(&sql, &[text(id)]).await?;
        Ok(parse_roles(&rows)?.pop())
    }

    /// Creates a role; gives the id.
    ///
    /// # Errors
    /// When the store cannot answer, or the name is taken in the tenant.
    pub async fn create_role(&mut self, role: &NewRole) -> Result<String, StoreError> {
        let id = reportapp_session::random::id();
        let params = [
            text(id.clone()),
            opt_text(role.tenant.clone()),
            text(role.name.clone()),
            text(role.description.clone()),
            Value::Int(role.level),
            Value::Bool(false),
            moment(Timestamp::now()),
        ];
        let sql = "INSERT INTO rbac_roles (id, tenant_id, name, description, level, is_system, created_at)
                   VALUES ($1, $2, $3, $4, $5, $6, $7)";
        self.transaction.execute(sql, &params).await?;
        self.permit(&id, &role.permissions).await?;
        Ok(id)
    }

    /// Changes a role.
    ///
    /// # Errors
    /// When the store cannot answer, or the name is taken in the tenant.
    pub async fn change_role(&mut self, id: &str, change: &RoleChange) -> Result<(), StoreError> {
        let columns = [
            ("name", change.name.clone().map(text)),
            ("description", change.description.clone().map(text)),
            ("level", change.level.map(Value::Int)),
        ];
        self.update("rbac_roles", id, columns).await?;
        if let Some(permissions) = &change.permissions {
            let sql = "DELETE FROM rbac_permissions WHERE role_id = $1";
            self.transaction.execute(sql, &[text(id)]).await?;
            self.permit(id, permissions).await?;
        }
        Ok(())
    }

    /// Removes a role, and with it what its holders had of it.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn delete_role(&mut self, id: &str) -> Result<(), StoreError> {
        let sql = "DELETE FROM rbac_roles WHERE id = $1";
        self.transaction.execute(sql, &[text(id)]).await?;
        Ok(())
    }

    async fn permit(&mut self, id: &str, permissions: &Permissions) -> Result<(), StoreError> {
        for permission in permissions.iter() {
            let sql = "INSERT INTO rbac_permissions (role_id, route, action) VALUES ($1, $2, $3)";
            let params = [
                text(id),
                text(permission.route()),
                text(permission.action()),
            ];
            self.transaction.execute(sql, &params).await?;
        }
        Ok(())
    }
}

/// Roles and what they permit; `filter` is about `rbac_roles`.
fn roles(filter: &str) -> String {
    format!(
        "SELECT r.id, r.tenant_id, r.name, r.description, r.level, r.is_system,
                t.name AS tenant_name, p.route, p.action
         FROM (SELECT * FROM rbac_roles WHERE {filter}) r
         LEFT JOIN clients t ON t.id = r.tenant_id
         LEFT JOIN rbac_permissions p ON p.role_id = r.id
         ORDER BY r.level DESC, r.name, r.id"
    )
}

fn parse_roles(rows: &[Row]) -> Result<Vec<Role>, StoreError> {
    let mut roles: Vec<Role> = Vec::new();
    for row in rows {
        let id: String = row.get("id")?;
        if roles.last().is_none_or(|last| last.id != id) {
            roles.push(Role {
                id,
                tenant: named(row, "tenant_id", "tenant_name")?,
                name: row.get("name")?,
                description: row.get("description")?,
                level: row.get("level")?,
                is_system: row.get("is_system")?,
                permissions: Permissions::default(),
            });
        }
        let permission = (row.get("route")?, row.get("action")?);
        if let (Some(last), (Some(route), Some(action))) = (roles.last_mut(), permission) {
            last.permissions.insert(Permission::stored(route, action));
        }
    }
    Ok(roles)
}

fn parse_catalogue(modules: &[Row], actions: &[Row]) -> Result<Catalogue, StoreError> {
    let module = |row: &Row| {
        let route = Route {
            name: row.get("name")?,
            min_role_level: row.get("min_role_level")?,
        };
        let description = row.get("description")?;
        Ok(Module { route, description })
    };
    let modules: Result<_, StoreError> = modules.iter().map(module).collect();
    let actions: Result<_, _> = actions.iter().map(|row| row.get("name")).collect();
    Ok(Catalogue {
        modules: modules?,
        actions: actions?,
    })
}
