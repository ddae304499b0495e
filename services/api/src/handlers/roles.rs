//! Roles: what their holders may do.

use reportapp_session::access::Access;

use super::rules::role_unknown;
use crate::error::ApiError;
use crate::store::administration::Administration;
use crate::store::roles::Role;

pub(crate) mod change;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod list;

/// A role that may be changed at all.
///
/// # Errors
/// `RoleUnknown`, also for those of tenants out of reach, and `SystemRole`.
async fn changeable(
    work: &mut Administration,
    access: &Access,
    id: &str,
) -> Result<Role, ApiError> {
    let role = work.role(id).await?;
    let visible = |role: &Role| {
        let tenant = role.tenant.as_ref().map(|tenant| tenant.id.as_str());
        tenant.is_none() || access.reaches(tenant)
    };
    let role = role
        .filter(visible)
        .ok_or_else(|| role_unknown("roleId", id))?;
    if role.is_system {
        return Err(ApiError::Conflict {
            code: "SystemRole",
            field: None,
            message: format!(
                "The role {} belongs to the product and stays as it is; make another one.",
                role.name
            ),
        });
    }
    Ok(role)
}
