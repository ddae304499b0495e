//! `PATCH /api/users/{userId}`: another name, tenant or role, locked or not, felt by the next request.

use std::sync::Arc;

use http::HeaderMap;
use reportapp_session::access::UserKind;
use reportapp_session::access::grant::{change_user, choose_kind};
use reportapp_session::epochs::Scope;
use warp::Filter;
use warp::reply::Response;

use super::{check_roles, check_tenant, keep_an_administrator, tenant_of};
use crate::access::USERS_EDIT;
use crate::app::App;
use crate::auth::Caller;
use crate::error::{ApiError, ErrorBody};
use crate::handlers::endpoint::{Body, Route, body, endpoint, headers, json, with};
use crate::handlers::rules::{email, name, unless_taken, user_unknown};
use crate::model::administration::{AccountView, UserPatch};
use crate::store::administration::Administration;
use crate::store::users::manage::{Account, UserChange};

pub(crate) fn route(app: &Arc<App>) -> Route {
    let path = warp::path!("api" / "users" / String).and(warp::patch());
    let arguments = path.and(with(app)).and(headers()).and(body());
    endpoint("/api/users/{userId}", arguments.then(change))
}

/// Change a user. When the answer is there, no process acts on the former state any more.
#[utoipa::path(
    patch,
    path = "/api/users/{userId}",
    operation_id = "changeUser",
    tag = "administration",
    params(("userId" = String, Path, description = "Id of the user")),
    request_body = UserPatch,
    responses(
        (status = 200, description = "Changed; locking, another kind or tenant end all sessions of the user", body = AccountView),
        (status = 400, description = "`InvalidName` or `InvalidEmail`", body = ErrorBody),
        (status = 401, description = "`NotSignedIn`", body = ErrorBody),
        (status = 403, description = "`Forbidden`: needs `users:edit`; `ROLE_LEVEL_TOO_LOW`, `PermissionNotHeld`, `CrossTenant` or `KindReserved`", body = ErrorBody),
        (status = 404, description = "`UserUnknown`, `TenantUnknown` or `RoleUnknown`", body = ErrorBody),
        (status = 409, description = "`Taken`, `OwnAccount`, `LastAdministrator` or `ErpAccount`", body = ErrorBody),
        (status = 503, description = "`ChangeNotConfirmed`, `SessionsNotEnded` after a lock, or a store does not answer", body = ErrorBody),
    )
)]
pub(crate) async fn change(
    id: String,
    app: Arc<App>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let caller = app.authorize(&headers, &USERS_EDIT).await?;
    let patch = read(&body.json()?)?;
    let mut work = app.store.administer().await?;
    let before = work.account(&id).await?;
    let before = before.filter(|account| caller.access.reaches(tenant_of(account)));
    let before = before.ok_or_else(user_unknown)?;
    let patch = complete(&mut work, patch, &before).await?;
    check(&mut work, &caller, &before, &patch).await?;
    work.change_user(&id, &patch, &caller.user.id)
        .await
        .map_err(|error| unless_taken(error, "username"))?;
    let after = work.account(&id).await?.ok_or_else(user_unknown)?;
    work.commit().await?;
    tracing::info!(user = id, by = caller.user.id, "a user was changed");
    if ends_sessions(&before, &after) {
        app.end_all_sessions(&id).await?;
    } else {
        app.changed(vec![Scope::UserPermissions(id)]).await?;
    }
    Ok(json(&AccountView::from(after)))
}

fn read(patch: &UserPatch) -> Result<UserChange, ApiError> {
    let shown = patch.display_name.as_deref();
    let address = |given: &Option<String>| given.as_deref().map(email).transpose();
    Ok(UserChange {
        name: shown.map(|shown| name("displayName", shown)).transpose()?,
        email: patch.email.as_ref().map(address).transpose()?,
        kind: patch.user_type.map(UserKind::from),
        tenant: patch.tenant.clone(),
        is_active: patch.is_active,
        roles: patch.roles.clone(),
    })
}

/// Who moves to another tenant leaves the roles of the former one behind.
async fn complete(
    work: &mut Administration,
    mut patch: UserChange,
    before: &Account,
) -> Result<UserChange, ApiError> {
    // Who stays where they are does not move.
    if patch
        .tenant
        .as_ref()
        .is_some_and(|tenant| tenant.as_deref() == tenant_of(before))
    {
        patch.tenant = None;
    }
    if patch.tenant.is_none() || patch.roles.is_some() {
        return Ok(patch);
    }
    let mut kept = Vec::new();
    for role in &before.roles {
        let role = work.role(&role.id).await?;
        kept.extend(
            role.filter(|role| role.tenant.is_none())
                .map(|role| role.id),
        );
    }
    Ok(UserChange {
        roles: Some(kept),
        ..patch
    })
}

async fn check(
    work: &mut Administration,
    caller: &Caller,
    before: &Account,
    patch: &UserChange,
) -> Result<(), ApiError> {
    change_user(&caller.access, &before.target())?;
    if let Some(kind) = patch.kind {
        choose_kind(&caller.access, kind)?;
        stays_a_user(before, kind)?;
    }
    let tenant = match &patch.tenant {
        Some(tenant) => {
            check_tenant(work, &caller.access, tenant.as_deref()).await?;
            tenant.as_deref()
        }
        None => tenant_of(before),
    };
    if let Some(roles) = &patch.roles {
        let moves = patch.tenant.is_some();
        let is_new = |id: &&String| moves || !before.roles.iter().any(|held| held.id == **id);
        let new: Vec<String> = roles.iter().filter(is_new).cloned().collect();
        check_roles(work, &caller.access, &new, tenant).await?;
    }
    let locks = patch.is_active == Some(false);
    if locks && before.id == caller.user.id {
        return Err(ApiError::Conflict {
            code: "OwnAccount",
            field: Some("isActive"),
            message: "You cannot lock yourself; ask another administrator.".to_owned(),
        });
    }
    let demotes = patch
        .kind
        .is_some_and(|kind| kind != UserKind::EnterpriseAdmin);
    if locks || demotes || patch.tenant.is_some() {
        keep_an_administrator(work, before).await?;
    }
    Ok(())
}

/// Administrators get in when no ERP answers, with a password of the application.
fn stays_a_user(before: &Account, kind: UserKind) -> Result<(), ApiError> {
    match &before.erp_server {
        Some(server) if kind != UserKind::User => Err(ApiError::Conflict {
            code: "ErpAccount",
            field: Some("userType"),
            message: format!(
                "This account signs in at the ERP server {server} and stays a user; create an account of \
                 the application for an administrator."
            ),
        }),
        _ => Ok(()),
    }
}

/// Tokens say who somebody is and of which tenant; what they may do is looked up.
fn ends_sessions(before: &Account, after: &Account) -> bool {
    let locked = before.is_active && !after.is_active;
    locked || before.kind != after.kind || before.tenant != after.tenant
}
