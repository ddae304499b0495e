//! `PATCH /api/roles/{roleId}`: other permissions, felt by the next request of every holder.

use std::sync::Arc;

use http::HeaderMap;
use reportapp_session::access::grant::{self, touch_role, write_role};
use reportapp_session::epochs::Scope;
use warp::Filter;
use warp::reply::Response;

use super::changeable;
use crate::access::ROLES_EDIT;
use crate::app::App;
use crate::error::{ApiError, ErrorBody};
use crate::handlers::endpoint::{Body, Route, body, endpoint, headers, json, with};
use crate::handlers::rules::{description, level, name, permissions, role_unknown, unless_taken};
use crate::model::administration::{RolePatch, RoleView};
use crate::store::roles::RoleChange;

pub(crate) fn route(app: &Arc<App>) -> Route {
    let path = warp::path!("api" / "roles" / String).and(warp::patch());
    let arguments = path.and(with(app)).and(headers()).and(body());
    endpoint("/api/roles/{roleId}", arguments.then(change))
}

/// Change a role. When the answer is there, no process acts on the former state any more.
#[utoipa::path(
    patch,
    path = "/api/roles/{roleId}",
    operation_id = "changeRole",
    tag = "administration",
    params(("roleId" = String, Path, description = "Id of the role")),
    request_body = RolePatch,
    responses(
        (status = 200, description = "Changed", body = RoleView),
        (status = 400, description = "`InvalidName`, `InvalidLevel` or `PERMISSIONS_NOT_FOUND`", body = ErrorBody),
        (status = 401, description = "`NotSignedIn`", body = ErrorBody),
        (status = 403, description = "`Forbidden`: needs `roles:edit`; `ROLE_LEVEL_TOO_LOW`, `PermissionNotHeld` or `CrossTenant`", body = ErrorBody),
        (status = 404, description = "`RoleUnknown`", body = ErrorBody),
        (status = 409, description = "`Taken` or `SystemRole`", body = ErrorBody),
        (status = 503, description = "`ChangeNotConfirmed`, or a store does not answer", body = ErrorBody),
    )
)]
pub(crate) async fn change(
    id: String,
    app: Arc<App>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let caller = app.authorize(&headers, &ROLES_EDIT).await?;
    let patch = read(&body.json()?)?;
    let mut work = app.store.administer().await?;
    let before = changeable(&mut work, &caller.access, &id).await?.rules();
    touch_role(&caller.access, before.tenant.as_deref(), before.level)?;
    let after = grant::Role {
        level: patch.level.unwrap_or(before.level),
        permissions: patch.permissions.clone().unwrap_or(before.permissions),
        tenant: before.tenant,
    };
    let catalogue = work.permission_catalogue().await?;
    write_role(
        &caller.access,
        &after,
        &catalogue.routes(),
        &catalogue.actions,
    )?;
    work.change_role(&id, &patch)
        .await
        .map_err(|error| unless_taken(error, "name"))?;
    let role = work.role(&id).await?;
    work.commit().await?;
    tracing::info!(role = id, by = caller.user.id, "a role was changed");
    let role = role.ok_or_else(|| role_unknown("roleId", &id))?;
    app.changed(vec![Scope::RolePermissions(id)]).await?;
    Ok(json(&RoleView::from(role)))
}

fn read(patch: &RolePatch) -> Result<RoleChange, ApiError> {
    let given = patch.permissions.as_deref();
    Ok(RoleChange {
        name: patch
            .name
            .as_deref()
            .map(|value| name("name", value))
            .transpose()?,
        description: patch.description.as_deref().map(description).transpose()?,
        level: patch.level.map(level).transpose()?,
        permissions: given.map(permissions).transpose()?,
    })
}
