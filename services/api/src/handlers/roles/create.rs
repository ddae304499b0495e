//! `POST /api/roles`: a new role, of no more than its maker may do.

use std::sync::Arc;

use http::{HeaderMap, StatusCode};
use reportapp_session::access::grant::{self, write_role};
use warp::Filter;
use warp::reply::{Reply, Response};

use crate::access::ROLES_CREATE;
use crate::app::App;
use crate::auth::Caller;
use crate::error::{ApiError, ErrorBody};
use crate::handlers::endpoint::{Body, Route, body, endpoint, headers, json, with};
use crate::handlers::rules::{description, level, name, permissions, tenant_unknown, unless_taken};
use crate::model::administration::{NewRoleRequest, RoleView};
use crate::store::roles::{NewRole, Role};

pub(crate) fn route(app: &Arc<App>) -> Route {
    let path = warp::path!("api" / "roles").and(warp::post());
    let arguments = path.and(with(app)).and(headers()).and(body());
    endpoint("/api/roles", arguments.then(create))
}

/// Create a role.
#[utoipa::path(
    post,
    path = "/api/roles",
    operation_id = "createRole",
    tag = "administration",
    request_body = NewRoleRequest,
    responses(
        (status = 201, description = "Created", body = RoleView),
        (status = 400, description = "`InvalidName`, `InvalidLevel` or `PERMISSIONS_NOT_FOUND`", body = ErrorBody),
        (status = 401, description = "`NotSignedIn`", body = ErrorBody),
        (status = 403, description = "`Forbidden`: needs `roles:create`; `ROLE_LEVEL_TOO_LOW`, `PermissionNotHeld` or `CrossTenant`", body = ErrorBody),
        (status = 404, description = "`TenantUnknown`", body = ErrorBody),
        (status = 409, description = "`Taken`", body = ErrorBody),
        (status = 503, description = "A store does not answer", body = ErrorBody),
    )
)]
pub(crate) async fn create(
    app: Arc<App>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let caller = app.authorize(&headers, &ROLES_CREATE).await?;
    let role = read(&body.json()?, &caller)?;
    let role = write(&app, &caller, &role).await?;
    tracing::info!(role = role.id, by = caller.user.id, "a role was created");
    let answer = json(&RoleView::from(role));
    Ok(warp::reply::with_status(answer, StatusCode::CREATED).into_response())
}

fn read(request: &NewRoleRequest, caller: &Caller) -> Result<NewRole, ApiError> {
    let own = || caller.user.tenant.clone();
    Ok(NewRole {
        tenant: request.tenant.clone().unwrap_or_else(own),
        name: name("name", &request.name)?,
        description: description(&request.description)?,
        level: level(request.level)?,
        permissions: permissions(&request.permissions)?,
    })
}

async fn write(app: &App, caller: &Caller, role: &NewRole) -> Result<Role, ApiError> {
    let mut work = app.store.administer().await?;
    if let Some(tenant) = &role.tenant {
        let exists = work.tenant(tenant).await?.is_some();
        if !exists || !caller.access.reaches(Some(tenant)) {
            return Err(tenant_unknown("tenant"));
        }
    }
    let rules = grant::Role {
        tenant: role.tenant.clone(),
        level: role.level,
        permissions: role.permissions.clone(),
    };
    let catalogue = work.permission_catalogue().await?;
    write_role(
        &caller.access,
        &rules,
        &catalogue.routes(),
        &catalogue.actions,
    )?;
    let created = work.create_role(role).await;
    let id = created.map_err(|error| unless_taken(error, "name"))?;
    let role = work.role(&id).await?;
    work.commit().await?;
    role.ok_or(ApiError::Internal("a role that was just created is gone"))
}
