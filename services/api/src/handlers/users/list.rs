//! `GET /api/users`: the users within reach, page by page.

use std::sync::Arc;

use http::HeaderMap;
use reportapp_session::access::UserKind;
use warp::Filter;
use warp::reply::Response;

use crate::access::USERS_VIEW;
use crate::app::App;
use crate::error::{ApiError, ErrorBody};
use crate::handlers::endpoint::{Route, endpoint, headers, json, with};
use crate::model::administration::{AccountView, UserPage, UsersQuery};
use crate::store::users::manage::UserQuery;

const PAGE: i64 = 50;
const LARGEST_PAGE: i64 = 200;

pub(crate) fn route(app: &Arc<App>) -> Route {
    let path = warp::path!("api" / "users").and(warp::get());
    let arguments = path.and(with(app)).and(headers()).and(warp::query());
    endpoint("/api/users", arguments.then(list))
}

/// Users by name: all of them, or those of one's tenants.
#[utoipa::path(
    get,
    path = "/api/users",
    operation_id = "listUsers",
    tag = "administration",
    params(UsersQuery),
    responses(
        (status = 200, description = "By name", body = UserPage),
        (status = 400, description = "`InvalidLimit`", body = ErrorBody),
        (status = 401, description = "`NotSignedIn`", body = ErrorBody),
        (status = 403, description = "`Forbidden`: needs `users:view`", body = ErrorBody),
        (status = 503, description = "A store does not answer", body = ErrorBody),
    )
)]
pub(crate) async fn list(
    app: Arc<App>,
    headers: HeaderMap,
    query: UsersQuery,
) -> Result<Response, ApiError> {
    let caller = app.authorize(&headers, &USERS_VIEW).await?;
    let limit = query.limit.unwrap_or(PAGE);
    if !(1..=LARGEST_PAGE).contains(&limit) {
        let message = format!("The limit {limit} is not one of 1 to {LARGEST_PAGE}.");
        return Err(ApiError::invalid("InvalidLimit", "limit", message));
    }
    let search = query.search.filter(|search| !search.trim().is_empty());
    let mut accounts = app
        .store
        .list_accounts(&UserQuery {
            reach: caller.access.reach(),
            search,
            tenant: query.tenant,
            kind: query.user_type.map(UserKind::from),
            after: query.after,
            // One more tells whether there is a next page.
            limit: limit + 1,
        })
        .await?;
    let page = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = accounts.len() > page;
    accounts.truncate(page);
    let next = accounts.last().filter(|_| has_more);
    Ok(json(&UserPage {
        next: next.map(|last| last.key.clone()),
        users: accounts.into_iter().map(AccountView::from).collect(),
    }))
}
