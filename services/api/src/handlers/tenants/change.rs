//! `PATCH /api/tenants/{tenantId}`: another name or owner, locked or not.

use std::slice;
use std::sync::Arc;

use http::HeaderMap;
use reportapp_session::access::Reach;
use reportapp_session::access::grant::Refusal;
use reportapp_session::epochs::Scope;
use warp::Filter;
use warp::reply::Response;

use super::check_owner;
use crate::access::TENANTS_EDIT;
use crate::app::App;
use crate::auth::Caller;
use crate::error::{ApiError, ErrorBody};
use crate::handlers::endpoint::{Body, Route, body, endpoint, headers, json, with};
use crate::handlers::rules::{name, tenant_unknown, unless_taken};
use crate::model::administration::{TenantPatch, TenantView};
use crate::store::tenants::{Tenant, TenantChange};

pub(crate) fn route(app: &Arc<App>) -> Route {
    let path = warp::path!("api" / "tenants" / String).and(warp::patch());
    let arguments = path.and(with(app)).and(headers()).and(body());
    endpoint("/api/tenants/{tenantId}", arguments.then(change))
}

/// Change a tenant. Its owner changes its name; who sees all tenants changes the rest, too.
#[utoipa::path(
    patch,
    path = "/api/tenants/{tenantId}",
    operation_id = "changeTenant",
    tag = "administration",
    params(("tenantId" = String, Path, description = "Id of the tenant")),
    request_body = TenantPatch,
    responses(
        (status = 200, description = "Changed; locking ends all sessions of its users", body = TenantView),
        (status = 400, description = "`InvalidName` or `SuperAdminUnknown`", body = ErrorBody),
        (status = 401, description = "`NotSignedIn`", body = ErrorBody),
        (status = 403, description = "`Forbidden`: needs `tenants:edit`; `CrossTenant`", body = ErrorBody),
        (status = 404, description = "`TenantUnknown`", body = ErrorBody),
        (status = 409, description = "`Taken` or `OwnAccount`", body = ErrorBody),
        (status = 503, description = "`ChangeNotConfirmed`, or a store does not answer", body = ErrorBody),
    )
)]
pub(crate) async fn change(
    id: String,
    app: Arc<App>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let caller = app.authorize(&headers, &TENANTS_EDIT).await?;
    let patch: TenantPatch = body.json()?;
    if !caller.access.reaches(Some(&id)) {
        return Err(tenant_unknown("tenantId"));
    }
    check(&caller, &id, &patch)?;
    let patch = TenantChange {
        name: patch
            .name
            .as_deref()
            .map(|value| name("name", value))
            .transpose()?,
        super_admin: patch.super_admin,
        is_active: patch.is_active,
    };
    let mut work = app.store.administer().await?;
    let unknown = || tenant_unknown("tenantId");
    let before = work.tenant(&id).await?.ok_or_else(unknown)?;
    let owner = patch.super_admin.as_ref().and_then(Option::as_deref);
    check_owner(&mut work, owner).await?;
    work.change_tenant(&id, &patch)
        .await
        .map_err(|error| unless_taken(error, "name"))?;
    let mut after = work.tenant(&id).await?.ok_or_else(unknown)?;
    work.commit().await?;
    tracing::info!(tenant = id, by = caller.user.id, "a tenant was changed");
    let scopes = concerned(&before, &after, &patch);
    if !scopes.is_empty() {
        app.changed(scopes).await?;
    }
    app.store.name_owners(slice::from_mut(&mut after)).await?;
    Ok(json(&TenantView::from(after)))
}

/// What only those may change who see all tenants, and who may not lock their own.
fn check(caller: &Caller, id: &str, patch: &TenantPatch) -> Result<(), ApiError> {
    let reserved = patch.super_admin.is_some() || patch.is_active.is_some();
    if reserved && caller.access.reach() != Reach::Everything {
        return Err(Refusal::CrossTenant.into());
    }
    if patch.is_active == Some(false) && caller.user.tenant.as_deref() == Some(id) {
        return Err(ApiError::Conflict {
            code: "OwnAccount",
            field: Some("isActive"),
            message:
                "You belong to this tenant and would lock yourself; ask another administrator."
                    .to_owned(),
        });
    }
    Ok(())
}

/// Whose memory a change makes stale: tokens end only by the lock.
fn concerned(before: &Tenant, after: &Tenant, patch: &TenantChange) -> Vec<Scope> {
    let mut scopes = Vec::new();
    // Also when nothing differs: saving again confirms what was not confirmed.
    if patch.is_active.is_some() && !after.is_active {
        scopes.push(Scope::Tenant(after.id.clone()));
    }
    if patch.super_admin.is_some() {
        let owners = before.super_admin.iter().chain(&after.super_admin);
        scopes.extend(owners.map(|owner| Scope::UserPermissions(owner.id.clone())));
    }
    scopes
}
