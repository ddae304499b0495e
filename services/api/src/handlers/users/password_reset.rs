//! `POST /api/users/{userId}/password-reset`: an administrator makes a user choose a new password.

use std::sync::Arc;

use http::HeaderMap;
use reportapp_session::access::grant::change_user;
use warp::Filter;
use warp::reply::Response;

use crate::access::USERS_EDIT;
use crate::app::App;
use crate::error::{ApiError, ErrorBody};
use crate::handlers::endpoint::{Route, endpoint, headers, json, with};
use crate::handlers::rules::{kept_by_erp, user_unknown};
use crate::handlers::users::reached;
use crate::model::ResetCode;
use crate::resets::Wanted;

pub(crate) fn route(app: &Arc<App>) -> Route {
    let path = warp::path!("api" / "users" / String / "password-reset").and(warp::post());
    let arguments = path.and(with(app)).and(headers());
    endpoint("/api/users/{userId}/password-reset", arguments.then(issue))
}

/// Make a user choose a new password: the present one is refused from now on, all sessions of the user
/// end, and the answer is a one-time code to be handed to them.
#[utoipa::path(
    post,
    path = "/api/users/{userId}/password-reset",
    operation_id = "forcePasswordReset",
    tag = "administration",
    params(("userId" = String, Path, description = "Id of the user")),
    responses(
        (status = 200, description = "Good once, for 30 minutes; earlier codes stop working", body = ResetCode),
        (status = 401, description = "`NotSignedIn`", body = ErrorBody),
        (status = 403, description = "`Forbidden`: needs `users:edit`; `ROLE_LEVEL_TOO_LOW` or `KindReserved`", body = ErrorBody),
        (status = 404, description = "`UserUnknown`", body = ErrorBody),
        (status = 409, description = "`ErpAccount`: an ERP server keeps the password", body = ErrorBody),
        (status = 503, description = "`SessionsNotEnded`: the password is refused, sessions may go on; or a store does not answer", body = ErrorBody),
    )
)]
pub(crate) async fn issue(
    user_id: String,
    app: Arc<App>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let caller = app.authorize(&headers, &USERS_EDIT).await?;
    let account = reached(&app, &caller.access, &user_id).await?;
    change_user(&caller.access, &account.target())?;
    if let Some(server) = &account.erp_server {
        return Err(kept_by_erp(server));
    }
    let user = app
        .store
        .find_user(&user_id)
        .await?
        .ok_or_else(user_unknown)?;
    let by = Wanted::ByAdministrator(&caller.user.id);
    let code = app.reset_code(&user, by).await?;
    let code: ResetCode = code.ok_or_else(user_unknown)?;
    app.end_all_sessions(&user.id).await?;
    Ok(json(&code))
}
