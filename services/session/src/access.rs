//! Who may do what: rules alone, without a store or a clock.
//!
//! A request asks for a [`Permission`]; what its sender may do is an [`Access`], of one of three kinds of
//! users. Where it may be done is a question of its own: everything belongs to a tenant or to the platform
//! as a whole, and [`Access::reaches`] says which of it somebody may see at all. [`grant`] keeps people from
//! handing out more than they hold. [`Memories`] is how a process remembers all that between two requests.

use std::fmt;

use serde::{Deserialize, Serialize};

pub mod grant;
mod memories;
mod permission;

#[cfg(test)]
mod tests;

pub use memories::Memories;
pub use permission::{MalformedPermission, Permission, Permissions};

/// The level of whoever may do everything.
pub const HIGHEST_LEVEL: i64 = 100;
/// The level of a super administrator in the tenants they own.
pub const SUPER_ADMIN_LEVEL: i64 = 90;

/// The kind of a user, as the column `user_type` spells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserKind {
    /// May do everything, on the whole platform.
    EnterpriseAdmin,
    /// May do everything in the tenants that are theirs.
    SuperAdmin,
    /// May do what their roles say, in their tenant.
    User,
}

impl UserKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::EnterpriseAdmin, Self::SuperAdmin, Self::User];

    /// The spelling in the store and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EnterpriseAdmin => "enterprise_admin",
            Self::SuperAdmin => "super_admin",
            Self::User => "user",
        }
    }

    /// The kind that is spelled like this.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

impl fmt::Display for UserKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What belongs to one of these may be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Every tenant, and what belongs to none.
    Everything,
    /// These tenants, by their ids.
    Tenants(Vec<String>),
    /// What belongs to no tenant.
    NoTenant,
}

/// What a user may do, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// The kind of the user.
    pub kind: UserKind,
    /// The tenant of the user, by its id.
    pub tenant: Option<String>,
    /// The tenants of a super administrator, by their ids; empty for others.
    pub owned: Vec<String>,
    /// The roles of the user, by their ids.
    pub roles: Vec<String>,
    /// The names of those of the roles that belong to the platform, not to a tenant.
    pub platform_roles: Vec<String>,
    /// The highest level among the roles.
    pub role_level: i64,
    /// What the roles permit, together.
    pub permissions: Permissions,
}

impl Access {
    /// How high the user stands: nobody changes somebody above themselves.
    pub fn level(&self) -> i64 {
        match self.kind {
            UserKind::EnterpriseAdmin => HIGHEST_LEVEL,
            UserKind::SuperAdmin => SUPER_ADMIN_LEVEL,
            UserKind::User => self.role_level,
        }
    }

    /// Whether the user may do this where they may do anything; for the place ask [`Access::reaches`].
    pub fn allows(&self, needed: &Permission) -> bool {
        match self.kind {
            UserKind::EnterpriseAdmin => true,
            UserKind::SuperAdmin => within_a_tenant(needed),
            UserKind::User => self.permissions.allow(needed),
        }
    }

    /// Everything the user may do, in the shortest form.
    pub fn effective(&self) -> Permissions {
        match self.kind {
            UserKind::EnterpriseAdmin => [Permission::of("*", "*")].into_iter().collect(),
            UserKind::SuperAdmin => OF_A_TENANT.into_iter().collect(),
            UserKind::User => self.permissions.clone(),
        }
    }

    /// Which tenants the user may see into.
    pub fn reach(&self) -> Reach {
        match (self.kind, &self.tenant) {
            (UserKind::EnterpriseAdmin, _) => Reach::Everything,
            (UserKind::SuperAdmin, _) => Reach::Tenants(self.owned.clone()),
            (UserKind::User, Some(tenant)) => Reach::Tenants(vec![tenant.clone()]),
            (UserKind::User, None) => Reach::NoTenant,
        }
    }

    /// Whether what belongs to this tenant, or (`None`) to none, may be seen. For everybody else it does
    /// not exist.
    pub fn reaches(&self, tenant: Option<&str>) -> bool {
        match (self.reach(), tenant) {
            (Reach::Everything, _) | (Reach::NoTenant, None) => true,
            (Reach::Tenants(reached), Some(tenant)) => reached.iter().any(|id| id == tenant),
            (Reach::Tenants(_), None) | (Reach::NoTenant, Some(_)) => false,
        }
    }
}

/// What there is inside a tenant, and a tenant itself but for making one.
const OF_A_TENANT: [Permission; 8] = [
    Permission::of("reports", "*"),
    Permission::of("telegram", "*"),
    Permission::of("users", "*"),
    Permission::of("roles", "*"),
    Permission::of("sessions", "*"),
    Permission::of("audit", "*"),
    Permission::of("tenants", "view"),
    Permission::of("tenants", "edit"),
];

fn within_a_tenant(needed: &Permission) -> bool {
    OF_A_TENANT.iter().any(|held| held.covers(needed))
}
