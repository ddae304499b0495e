//! `DELETE /api/users/{userId}`: removes somebody for good. What they did stays in the trail under their id,
//! which nobody gets again.

use std::sync::Arc;

use http::HeaderMap;
use reportapp_session::access::grant::change_user;
use warp::Filter;
use warp::reply::Response;

use super::{keep_an_administrator, tenant_of};
use crate::access::USERS_DELETE;
use crate::app::App;
use crate::error::{ApiError, ErrorBody};
use crate::handlers::endpoint::{Route, endpoint, headers, no_content, with};
use crate::handlers::rules::user_unknown;

pub(crate) fn route(app: &Arc<App>) -> Route {
    let path = warp::path!("api" / "users" / String).and(warp::delete());
    let arguments = path.and(with(app)).and(headers());
    endpoint("/api/users/{userId}", arguments.then(delete))
}

/// Remove a user. When the answer is there, no process accepts a token of theirs.
#[utoipa::path(
    delete,
    path = "/api/users/{userId}",
    operation_id = "deleteUser",
    tag = "administration",
    params(("userId" = String, Path, description = "Id of the user")),
    responses(
        (status = 204, description = "Removed, with roles, sessions, one-time codes and linked chats; a tenant that was theirs as a super administrator has none any more"),
        (status = 401, description = "`NotSignedIn`", body = ErrorBody),
        (status = 403, description = "`Forbidden`: needs `users:delete`; `ROLE_LEVEL_TOO_LOW` or `KindReserved`", body = ErrorBody),
        (status = 404, description = "`UserUnknown`", body = ErrorBody),
        (status = 409, description = "`OwnAccount` or `LastAdministrator`", body = ErrorBody),
        (status = 503, description = "`SessionsNotEnded`: the user is removed, and every process learns it within two seconds; or a store does not answer", body = ErrorBody),
    )
)]
pub(crate) async fn delete(
    id: String,
    app: Arc<App>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let caller = app.authorize(&headers, &USERS_DELETE).await?;
    let mut work = app.store.administer().await?;
    let account = work.account(&id).await?;
    let account = account.filter(|account| caller.access.reaches(tenant_of(account)));
    let account = account.ok_or_else(user_unknown)?;
    change_user(&caller.access, &account.target())?;
    if account.id == caller.user.id {
        return Err(ApiError::Conflict {
            code: "OwnAccount",
            field: None,
            message: "You cannot remove yourself; ask another administrator.".to_owned(),
        });
    }
    keep_an_administrator(&mut work, &account).await?;
    work.delete_user(&id).await?;
    work.commit().await?;
    tracing::info!(user = id, by = caller.user.id, "a user was removed");
    app.end_all_sessions(&id).await?;
    Ok(no_content())
}
