//! `POST /api/users`: a new user, with a password to begin with that is shown once.

use std::sync::Arc;

use http::{HeaderMap, StatusCode};
use reportapp_session::access::UserKind;
use reportapp_session::access::grant::choose_kind;
use reportapp_session::random;
use warp::Filter;
use warp::reply::{Reply, Response};

use super::{check_roles, check_tenant};
use crate::access::USERS_CREATE;
use crate::app::App;
use crate::auth::Caller;
use crate::error::{ApiError, ErrorBody};
use crate::handlers::endpoint::{Body, Route, body, endpoint, headers, json, with};
use crate::handlers::rules::{email, name, unless_taken};
use crate::model::administration::{AccountView, NewUserRequest, NewUserResponse};
use crate::store::users::NewUser;
use crate::store::users::manage::Account;

/// 59 bits, behind the throttle of sign-ins.
const PASSWORD_LENGTH: usize = 12;

pub(crate) fn route(app: &Arc<App>) -> Route {
    let path = warp::path!("api" / "users").and(warp::post());
    let arguments = path.and(with(app)).and(headers()).and(body());
    endpoint("/api/users", arguments.then(create))
}

/// Create a user, with roles that the caller may give. The password is random and shown this once.
#[utoipa::path(
    post,
    path = "/api/users",
    operation_id = "createUser",
    tag = "administration",
    request_body = NewUserRequest,
    responses(
        (status = 201, description = "Created", body = NewUserResponse),
        (status = 400, description = "`InvalidName` or `InvalidEmail`", body = ErrorBody),
        (status = 401, description = "`NotSignedIn`", body = ErrorBody),
        (status = 403, description = "`Forbidden`: needs `users:create`; `ROLE_LEVEL_TOO_LOW`, `PermissionNotHeld`, `CrossTenant` or `KindReserved`", body = ErrorBody),
        (status = 404, description = "`TenantUnknown` or `RoleUnknown`", body = ErrorBody),
        (status = 409, description = "`Taken`", body = ErrorBody),
        (status = 503, description = "A store does not answer", body = ErrorBody),
    )
)]
pub(crate) async fn create(
    app: Arc<App>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let caller = app.authorize(&headers, &USERS_CREATE).await?;
    let password = random::password(PASSWORD_LENGTH);
    let hash = app.passwords.hash(&password).await?;
    let user = read(&body.json()?, &caller, hash)?;
    app.check_not_of_erp(&user.username)?;
    choose_kind(&caller.access, user.kind)?;
    let account = write(&app, &caller, &user).await?;
    tracing::info!(user = account.id, by = caller.user.id, "a user was created");
    let answer = json(&NewUserResponse {
        user: AccountView::from(account),
        start_password: password,
    });
    Ok(warp::reply::with_status(answer, StatusCode::CREATED).into_response())
}

fn read(request: &NewUserRequest, caller: &Caller, hash: String) -> Result<NewUser, ApiError> {
    let username = name("username", &request.username)?;
    let shown = match &request.display_name {
        Some(shown) => name("displayName", shown)?,
        None => username.clone(),
    };
    let own = || caller.user.tenant.clone();
    Ok(NewUser {
        username,
        name: shown,
        email: request.email.as_deref().map(email).transpose()?,
        password_hash: hash,
        kind: request.user_type.map_or(UserKind::User, UserKind::from),
        tenant: request.tenant.clone().unwrap_or_else(own),
        roles: request.roles.clone(),
        must_change_password: true,
    })
}

async fn write(app: &App, caller: &Caller, user: &NewUser) -> Result<Account, ApiError> {
    let mut work = app.store.administer().await?;
    let tenant = user.tenant.as_deref();
    check_tenant(&mut work, &caller.access, tenant).await?;
    check_roles(&mut work, &caller.access, &user.roles, tenant).await?;
    let created = work.create_user(user, &caller.user.id).await;
    let id = created.map_err(|error| unless_taken(error, "username"))?;
    let account = work.account(&id).await?;
    work.commit().await?;
    account.ok_or(ApiError::Internal("a user that was just created is gone"))
}
