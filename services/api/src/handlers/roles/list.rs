//! `GET /api/roles`: the roles one can see, and what there is to permit.

use std::sync::Arc;

use http::HeaderMap;
use warp::Filter;
use warp::reply::Response;

use crate::access::ROLES_VIEW;
use crate::app::App;
use crate::error::{ApiError, ErrorBody};
use crate::handlers::endpoint::{Route, endpoint, headers, json, with};
use crate::model::administration::RoleList;

pub(crate) fn route(app: &Arc<App>) -> Route {
    let path = warp::path!("api" / "roles").and(warp::get());
    let arguments = path.and(with(app)).and(headers());
    endpoint("/api/roles", arguments.then(list))
}

/// The roles of the platform and of one's tenants.
#[utoipa::path(
    get,
    path = "/api/roles",
    operation_id = "listRoles",
    tag = "administration",
    responses(
        (status = 200, description = "Highest level first", body = RoleList),
        (status = 401, description = "`NotSignedIn`", body = ErrorBody),
        (status = 403, description = "`Forbidden`: needs `roles:view`", body = ErrorBody),
        (status = 503, description = "A store does not answer", body = ErrorBody),
    )
)]
pub(crate) async fn list(app: Arc<App>, headers: HeaderMap) -> Result<Response, ApiError> {
    let caller = app.authorize(&headers, &ROLES_VIEW).await?;
    let reach = caller.access.reach();
    let (roles, catalogue) = futures::try_join!(
        app.store.list_roles(&reach),
        app.store.permission_catalogue(),
    )?;
    Ok(json(&RoleList::new(roles, catalogue)))
}
