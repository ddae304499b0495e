//! `DELETE /api/roles/{roleId}`: takes a role from everybody who holds it.

use std::sync::Arc;

use http::HeaderMap;
use reportapp_session::access::grant::touch_role;
use reportapp_session::epochs::Scope;
use warp::Filter;
use warp::reply::Response;

use super::changeable;
use crate::access::ROLES_DELETE;
use crate::app::App;
use crate::error::{ApiError, ErrorBody};
use crate::handlers::endpoint::{Route, endpoint, headers, no_content, with};

pub(crate) fn route(app: &Arc<App>) -> Route {
    let path = warp::path!("api" / "roles" / String).and(warp::delete());
    let arguments = path.and(with(app)).and(headers());
    endpoint("/api/roles/{roleId}", arguments.then(delete))
}

/// Remove a role. When the answer is there, nobody may do anything by it any more.
#[utoipa::path(
    delete,
    path = "/api/roles/{roleId}",
    operation_id = "deleteRole",
    tag = "administration",
    params(("roleId" = String, Path, description = "Id of the role")),
    responses(
        (status = 204, description = "Removed"),
        (status = 401, description = "`NotSignedIn`", body = ErrorBody),
        (status = 403, description = "`Forbidden`: needs `roles:delete`; `ROLE_LEVEL_TOO_LOW` or `CrossTenant`", body = ErrorBody),
        (status = 404, description = "`RoleUnknown`", body = ErrorBody),
        (status = 409, description = "`SystemRole`", body = ErrorBody),
        (status = 503, description = "`ChangeNotConfirmed`, or a store does not answer", body = ErrorBody),
    )
)]
pub(crate) async fn delete(
    id: String,
    app: Arc<App>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let caller = app.authorize(&headers, &ROLES_DELETE).await?;
    let mut work = app.store.administer().await?;
    let role = changeable(&mut work, &caller.access, &id).await?.rules();
    touch_role(&caller.access, role.tenant.as_deref(), role.level)?;
    work.delete_role(&id).await?;
    work.commit().await?;
    tracing::info!(role = id, by = caller.user.id, "a role was removed");
    app.changed(vec![Scope::RolePermissions(id)]).await?;
    Ok(no_content())
}
