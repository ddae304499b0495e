//! Tenants: whom users and roles belong to.

use reportapp_session::access::UserKind;

use crate::error::ApiError;
use crate::store::administration::Administration;

pub(crate) mod change;
pub(crate) mod create;
pub(crate) mod list;

/// Refuses an owner who is no super administrator.
async fn check_owner(work: &mut Administration, owner: Option<&str>) -> Result<(), ApiError> {
    let Some(owner) = owner else {
        return Ok(());
    };
    let account = work.account(owner).await?;
    if account.is_some_and(|account| account.kind == UserKind::SuperAdmin) {
        return Ok(());
    }
    let message = "There is no super administrator with this id; make the user one first.";
    Err(ApiError::invalid(
        "SuperAdminUnknown",
        "superAdmin",
        message,
    ))
}
