//! From what the rules and the store refuse to an answer, the same for users, roles and tenants.

use reportapp_pool::PoolError;
use reportapp_session::access::grant::Refusal;
use reportapp_session::access::{Permission, Permissions};

use crate::error::ApiError;
use crate::store::StoreError;

/// Longest name.
pub(crate) const MAX_NAME: usize = 64;
const MAX_DESCRIPTION: usize = 200;
const MAX_EMAIL: usize = 254;

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let denied = |code, message| Self::Denied { code, message };
        match refusal {
            Refusal::RoleLevelTooLow { needed, level } => denied(
                "ROLE_LEVEL_TOO_LOW",
                format!(
                    "This takes level {needed}, and there is only {level}; choose a lower one, or ask \
                     somebody who stands higher."
                ),
            ),
            Refusal::NotHeld(permission) => denied(
                "PermissionNotHeld",
                format!("You cannot give `{permission}`, because you do not hold it yourself."),
            ),
            Refusal::CrossTenant => denied(
                "CrossTenant",
                "This belongs to another tenant or to the whole platform; ask an enterprise \
                 administrator."
                    .to_owned(),
            ),
            Refusal::KindReserved => denied(
                "KindReserved",
                "Only an enterprise administrator makes or changes administrators.".to_owned(),
            ),
            Refusal::PermissionsNotFound(unknown) => Self::invalid(
                "PERMISSIONS_NOT_FOUND",
                "permissions",
                format!(
                    "There are no permissions {}; see the routes and actions of /api/roles.",
                    unknown.join(", ")
                ),
            ),
        }
    }
}

/// What is out of reach does not exist.
pub(crate) fn user_unknown() -> ApiError {
    let message = "There is no such user; it may be of another tenant.";
    ApiError::not_found("UserUnknown", "userId", message)
}

/// As [`user_unknown`].
pub(crate) fn role_unknown(field: &'static str, id: &str) -> ApiError {
    let message = format!("There is no role {id}; see /api/roles.");
    ApiError::not_found("RoleUnknown", field, message)
}

/// As [`user_unknown`].
pub(crate) fn tenant_unknown(field: &'static str) -> ApiError {
    let message = "There is no such tenant; see /api/tenants.";
    ApiError::not_found("TenantUnknown", field, message)
}

/// A password is changed where it is kept.
pub(crate) fn kept_by_erp(server: &str) -> ApiError {
    ApiError::Conflict {
        code: "ErpAccount",
        field: None,
        message: format!(
            "The password of this account is kept by the ERP server {server}; change it there."
        ),
    }
}

/// A write that may find the name or address of somebody else.
pub(crate) fn unless_taken(error: StoreError, name_field: &'static str) -> ApiError {
    let StoreError::Database(PoolError::Constraint {
        unique: true,
        constraint,
    }) = &error
    else {
        return error.into();
    };
    let (field, what) = match constraint.contains("email") {
        true => ("email", "address"),
        false => (name_field, "name"),
    };
    ApiError::Conflict {
        code: "Taken",
        field: Some(field),
        message: format!("Somebody or something else has this {what}; choose another one."),
    }
}

/// A name without spaces around it.
///
/// # Errors
/// `InvalidName`.
pub(crate) fn name(field: &'static str, value: &str) -> Result<String, ApiError> {
    let value = value.trim();
    let fits = !value.is_empty() && value.chars().count() <= MAX_NAME;
    if fits && !value.chars().any(char::is_control) {
        return Ok(value.to_owned());
    }
    let message = format!("Give a {field} of 1 to {MAX_NAME} characters in one line.");
    Err(ApiError::invalid("InvalidName", field, message))
}

/// What a role is for.
///
/// # Errors
/// `InvalidName`.
pub(crate) fn description(value: &str) -> Result<String, ApiError> {
    let value = value.trim();
    if value.chars().count() <= MAX_DESCRIPTION && !value.chars().any(char::is_control) {
        return Ok(value.to_owned());
    }
    let message =
        format!("Give a description of at most {MAX_DESCRIPTION} characters in one line.");
    Err(ApiError::invalid("InvalidName", "description", message))
}

/// An address of mail, as far as that can be told without sending one.
///
/// # Errors
/// `InvalidEmail`.
pub(crate) fn email(value: &str) -> Result<String, ApiError> {
    let value = value.trim();
    let parts = value.split_once('@');
    let fits = parts.is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.'));
    let is_plain = !value.chars().any(|c| c.is_whitespace() || c.is_control());
    if fits && is_plain && value.len() <= MAX_EMAIL {
        return Ok(value.to_owned());
    }
    let message = "Give an address such as ana@example.com, or none.";
    Err(ApiError::invalid("InvalidEmail", "email", message))
}

/// The level of a role.
///
/// # Errors
/// `InvalidLevel`.
pub(crate) fn level(value: i64) -> Result<i64, ApiError> {
    if (0..=100).contains(&value) {
        return Ok(value);
    }
    let message = format!("The level {value} is not one of 0 to 100.");
    Err(ApiError::invalid("InvalidLevel", "level", message))
}

/// Permissions as people write them.
///
/// # Errors
/// `PERMISSIONS_NOT_FOUND`.
pub(crate) fn permissions(written: &[String]) -> Result<Permissions, ApiError> {
    let parsed: Vec<_> = written
        .iter()
        .map(|text| text.parse::<Permission>())
        .collect();
    let malformed =
        |(text, parsed): (&String, &Result<_, _>)| parsed.is_err().then(|| text.clone());
    let unknown: Vec<String> = written.iter().zip(&parsed).filter_map(malformed).collect();
    if !unknown.is_empty() {
        return Err(Refusal::PermissionsNotFound(unknown).into());
    }
    Ok(parsed.into_iter().flatten().collect())
}
