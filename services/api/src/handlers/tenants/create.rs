//! `POST /api/tenants`: a new tenant, by those who see all of them.

use std::sync::Arc;

use http::{HeaderMap, StatusCode};
use reportapp_session::access::Reach;
use reportapp_session::access::grant::Refusal;
use reportapp_session::epochs::Scope;
use warp::Filter;
use warp::reply::{Reply, Response};

use super::check_owner;
use crate::access::TENANTS_CREATE;
use crate::app::App;
use crate::error::{ApiError, ErrorBody};
use crate::handlers::endpoint::{Body, Route, body, endpoint, headers, json, with};
use crate::handlers::rules::{name, unless_taken};
use crate::model::administration::{NewTenantRequest, TenantView};

pub(crate) fn route(app: &Arc<App>) -> Route {
    let path = warp::path!("api" / "tenants").and(warp::post());
    let arguments = path.and(with(app)).and(headers()).and(body());
    endpoint("/api/tenants", arguments.then(create))
}

/// Create a tenant.
#[utoipa::path(
    post,
    path = "/api/tenants",
    operation_id = "createTenant",
    tag = "administration",
    request_body = NewTenantRequest,
    responses(
        (status = 201, description = "Created", body = TenantView),
        (status = 400, description = "`InvalidName` or `SuperAdminUnknown`", body = ErrorBody),
        (status = 401, description = "`NotSignedIn`", body = ErrorBody),
        (status = 403, description = "`Forbidden`: needs `tenants:create`; `CrossTenant`", body = ErrorBody),
        (status = 409, description = "`Taken`", body = ErrorBody),
        (status = 503, description = "`ChangeNotConfirmed`, or a store does not answer", body = ErrorBody),
    )
)]
pub(crate) async fn create(
    app: Arc<App>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let caller = app.authorize(&headers, &TENANTS_CREATE).await?;
    // A new tenant lies within the reach of nobody who sees only some.
    if caller.access.reach() != Reach::Everything {
        return Err(Refusal::CrossTenant.into());
    }
    let request: NewTenantRequest = body.json()?;
    let name = name("name", &request.name)?;
    let owner = request.super_admin;
    let mut work = app.store.administer().await?;
    check_owner(&mut work, owner.as_deref()).await?;
    let created = work.create_tenant(&name, owner.as_deref()).await;
    let id = created.map_err(|error| unless_taken(error, "name"))?;
    let tenant = work.tenant(&id).await?;
    work.commit().await?;
    tracing::info!(tenant = id, by = caller.user.id, "a tenant was created");
    if let Some(owner) = owner {
        app.changed(vec![Scope::UserPermissions(owner)]).await?;
    }
    let tenant = tenant.ok_or(ApiError::Internal("a tenant that was just created is gone"))?;
    let answer = json(&TenantView::from(tenant));
    Ok(warp::reply::with_status(answer, StatusCode::CREATED).into_response())
}
