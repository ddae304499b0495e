//! Handing out: who may give which role to whom, and write which role.
//!
//! Nobody hands out what they do not hold: not a level above their own, not a permission they lack, not a
//! role of another tenant. So no chain of grants ends higher than it began.

use super::{Access, Permission, Permissions, UserKind};

/// A role, as far as the rules look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// The tenant it belongs to; `None`: the whole platform.
    pub tenant: Option<String>,
    /// How high its holders stand.
    pub level: i64,
    /// What its holders may do.
    pub permissions: Permissions,
}

/// Somebody who is to be changed, as far as the rules look at them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Their kind.
    pub kind: UserKind,
    /// Their tenant.
    pub tenant: Option<String>,
    /// How high they stand.
    pub level: i64,
}

/// A module of the API as the store lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Its name.
    pub name: String,
    /// A role below this level may hold no permission of it.
    pub min_role_level: i64,
}

/// Why something may not be handed out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The level is above what counts.
    #[error("level {needed} is needed, and there is {level}")]
    RoleLevelTooLow {
        /// What it takes.
        needed: i64,
        /// What there is.
        level: i64,
    },
    /// One cannot give what one does not have.
    #[error("`{0}` is not yours to give")]
    NotHeld(Permission),
    /// It belongs to a tenant that is out of reach.
    #[error("it belongs to another tenant")]
    CrossTenant,
    /// There are no such permissions.
    #[error("there are no permissions {}", .0.join(", "))]
    PermissionsNotFound(Vec<String>),
    /// Only an enterprise administrator changes administrators.
    #[error("only an enterprise administrator may change a user of this kind")]
    KindReserved,
}

/// Whether `actor` may change a user.
///
/// # Errors
/// [`Refusal`].
pub fn change_user(actor: &Access, target: &Target) -> Result<(), Refusal> {
    if !actor.reaches(target.tenant.as_deref()) {
        return Err(Refusal::CrossTenant);
    }
    choose_kind(actor, target.kind)?;
    within(actor, target.level)
}

/// Whether `actor` may make somebody a user of this kind, or change one who is.
///
/// # Errors
/// [`Refusal::KindReserved`].
pub fn choose_kind(actor: &Access, kind: UserKind) -> Result<(), Refusal> {
    match (actor.kind, kind) {
        (UserKind::EnterpriseAdmin, _) | (_, UserKind::User) => Ok(()),
        _ => Err(Refusal::KindReserved),
    }
}

/// Whether `actor` may give `role` to a user of `tenant`.
///
/// # Errors
/// [`Refusal`].
pub fn give_role(actor: &Access, role: &Role, tenant: Option<&str>) -> Result<(), Refusal> {
    let fits = role.tenant.is_none() || role.tenant.as_deref() == tenant;
    if !fits || !actor.reaches(tenant) {
        return Err(Refusal::CrossTenant);
    }
    within(actor, role.level)?;
    held(actor, &role.permissions)
}

/// Whether `actor` may make a role like this, or turn one they may touch into it.
///
/// # Errors
/// [`Refusal`].
pub fn write_role(
    actor: &Access,
    role: &Role,
    routes: &[Route],
    actions: &[String],
) -> Result<(), Refusal> {
    touch_role(actor, role.tenant.as_deref(), role.level)?;
    let known = |permission: &&Permission| {
        routes.iter().any(|route| route.name == permission.route())
            && actions.iter().any(|action| action == permission.action())
    };
    let unknown = role.permissions.iter().filter(|p| !known(p));
    let unknown: Vec<String> = unknown.map(Permission::to_string).collect();
    if !unknown.is_empty() {
        return Err(Refusal::PermissionsNotFound(unknown));
    }
    for permission in role.permissions.iter() {
        let mut routes = routes.iter();
        let route = routes.find(|route| route.name == permission.route());
        let needed = route.map_or(i64::MAX, |route| route.min_role_level);
        if role.level < needed {
            return Err(Refusal::RoleLevelTooLow {
                needed,
                level: role.level,
            });
        }
    }
    held(actor, &role.permissions)
}

/// Whether `actor` may change or remove a role of this tenant and level.
///
/// # Errors
/// [`Refusal`].
pub fn touch_role(actor: &Access, tenant: Option<&str>, level: i64) -> Result<(), Refusal> {
    // A role of the platform is a role in every tenant.
    let of_the_platform = tenant.is_none() && actor.kind != UserKind::EnterpriseAdmin;
    if of_the_platform || !actor.reaches(tenant) {
        return Err(Refusal::CrossTenant);
    }
    within(actor, level)
}

fn within(actor: &Access, needed: i64) -> Result<(), Refusal> {
    let level = actor.level();
    if needed > level {
        return Err(Refusal::RoleLevelTooLow { needed, level });
    }
    Ok(())
}

fn held(actor: &Access, permissions: &Permissions) -> Result<(), Refusal> {
    match permissions.iter().find(|needed| !actor.allows(needed)) {
        Some(lacking) => Err(Refusal::NotHeld(lacking.clone())),
        None => Ok(()),
    }
}
