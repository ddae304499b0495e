//! A user together with everything that decides what they may do, in one statement.

use reportapp_pool::Row;
use reportapp_session::access::{Access, Permission, Permissions};
use reportapp_session::epochs::{Remembered, Revision};

use super::users::{COLUMNS, TABLES, User, parse};
use super::{Store, StoreError, text};

use std::sync::Arc;

/// A user and what they may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Who.
    pub user: User,
    /// What.
    pub access: Arc<Access>,
}

impl Person {
    /// As a process remembers it that read it when it knew of `loaded`.
    pub fn remembered(&self, loaded: Revision) -> Remembered<'_> {
        Remembered {
            tenant: self.user.tenant.as_deref(),
            user: &self.user.id,
            roles: &self.access.roles,
            loaded,
        }
    }
}

impl Store {
    /// The user with this id, and what they may do. A role of another tenant than the user's says nothing.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn find_person(&self, id: &str) -> Result<Option<Person>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS}, f.role_id, f.platform_role, f.level, f.route, f.action, f.owned
             FROM {TABLES}
             LEFT JOIN (
                 SELECT h.user_id, r.tenant_id AS role_tenant, r.id AS role_id,
                        CASE WHEN r.tenant_id IS NULL THEN r.name END AS platform_role, r.level,
                        p.route, p.action, NULL AS owned
                 FROM rbac_user_roles h
                 JOIN rbac_roles r ON r.id = h.role_id
                 LEFT JOIN rbac_permissions p ON p.role_id = r.id
                 WHERE h.user_id = $1
                 UNION ALL
                 SELECT c.super_admin_id, NULL, NULL, NULL, NULL, NULL, NULL, c.id
                 FROM clients c
                 WHERE c.super_admin_id = $1
             ) f ON f.user_id = u.id AND (f.role_tenant IS NULL OR f.role_tenant = u.tenant_id)
             WHERE u.id = $1"
        );
        let rows = self.pool()?.query(&sql, &[text(id)]).await?;
        person(&rows)
    }
}

fn person(rows: &[Row]) -> Result<Option<Person>, StoreError> {
    let Some(first) = rows.first() else {
        return Ok(None);
    };
    let user = parse(first)?;
    let mut access = Access {
        kind: user.kind,
        tenant: user.tenant.clone(),
        owned: Vec::new(),
        roles: Vec::new(),
        platform_roles: Vec::new(),
        role_level: 0,
        permissions: Permissions::default(),
    };
    for row in rows {
        access.owned.extend(row.get::<Option<String>>("owned")?);
        let Some(role) = row.get::<Option<String>>("role_id")? else {
            continue;
        };
        if !access.roles.contains(&role) {
            access.roles.push(role);
            access
                .platform_roles
                .extend(row.get::<Option<String>>("platform_role")?);
        }
        access.role_level = access.role_level.max(row.get("level")?);
        if let (Some(route), Some(action)) = (row.get("route")?, row.get("action")?) {
            access.permissions.insert(Permission::stored(route, action));
        }
    }
    let access = Arc::new(access);
    Ok(Some(Person { user, access }))
}
