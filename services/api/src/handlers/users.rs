//! Users, as those who look after them see and change them.

use reportapp_session::access::grant::give_role;
use reportapp_session::access::{Access, UserKind};

use super::rules::{role_unknown, tenant_unknown, user_unknown};
use crate::app::App;
use crate::error::ApiError;
use crate::store::administration::Administration;
use crate::store::users::manage::Account;

pub(crate) mod change;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod list;
pub(crate) mod password_reset;
pub(crate) mod session_list;
pub(crate) mod sessions_end;
pub(crate) mod show;

/// The user with this id, if they are within reach.
///
/// # Errors
/// `UserUnknown`.
pub(crate) async fn reached(app: &App, access: &Access, id: &str) -> Result<Account, ApiError> {
    let account = app.store.find_account(id).await?;
    account
        .filter(|account| access.reaches(tenant_of(account)))
        .ok_or_else(user_unknown)
}

fn tenant_of(account: &Account) -> Option<&str> {
    account.tenant.as_ref().map(|tenant| tenant.id.as_str())
}

/// Refuses to take away the last of those who may do everything and may sign in.
async fn keep_an_administrator(
    work: &mut Administration,
    leaving: &Account,
) -> Result<(), ApiError> {
    let counts = leaving.kind == UserKind::EnterpriseAdmin && leaving.is_active;
    if !counts || work.has_other_administrator(&leaving.id).await? {
        return Ok(());
    }
    Err(ApiError::Conflict {
        code: "LastAdministrator",
        field: None,
        message:
            "This is the last enterprise administrator who may sign in; make another one first."
                .to_owned(),
    })
}

/// Refuses a tenant that does not exist or is out of reach.
async fn check_tenant(
    work: &mut Administration,
    access: &Access,
    tenant: Option<&str>,
) -> Result<(), ApiError> {
    let exists = match tenant {
        Some(id) => work.tenant(id).await?.is_some(),
        None => true,
    };
    match exists && access.reaches(tenant) {
        true => Ok(()),
        false => Err(tenant_unknown("tenant")),
    }
}

/// Refuses roles that may not be given to a user of `tenant`.
async fn check_roles(
    work: &mut Administration,
    access: &Access,
    roles: &[String],
    tenant: Option<&str>,
) -> Result<(), ApiError> {
    for id in roles {
        let role = work.role(id).await?;
        let role = role.ok_or_else(|| role_unknown("roles", id))?.rules();
        // A role of another tenant exists only for those who see into that tenant.
        if role.tenant.is_some() && !access.reaches(role.tenant.as_deref()) {
            return Err(role_unknown("roles", id));
        }
        give_role(access, &role, tenant)?;
    }
    Ok(())
}
