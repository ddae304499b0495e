//! `GET /api/auth/my-servers`: where the caller is signed in, and where else they could sign in.

use std::sync::Arc;

use http::HeaderMap;
use warp::Filter;
use warp::reply::Response;

use crate::app::App;
use crate::error::{ApiError, ErrorBody};
use crate::handlers::endpoint::{Route, endpoint, headers, json, with};
use crate::model::{OwnServer, OwnServers};

pub(crate) fn route(app: &Arc<App>) -> Route {
    let path = warp::path!("api" / "auth" / "my-servers").and(warp::get());
    let arguments = path.and(with(app)).and(headers());
    endpoint("/api/auth/my-servers", arguments.then(list))
}

/// Where the caller is signed in, and where else people sign in. Going elsewhere takes the password for there.
#[utoipa::path(
    get,
    path = "/api/auth/my-servers",
    operation_id = "listOwnServers",
    tag = "auth",
    responses(
        (status = 200, description = "In the order of `/api/auth/check-identity`; the caller is signed in at one", body = OwnServers),
        (status = 401, description = "`NotSignedIn`", body = ErrorBody),
        (status = 503, description = "A store does not answer", body = ErrorBody),
    )
)]
pub(crate) async fn list(app: Arc<App>, headers: HeaderMap) -> Result<Response, ApiError> {
    let caller = app.authenticate(&headers).await?;
    let own = caller.user.erp.map(|erp| erp.server);
    let places = app.ways().into_iter().map(|place| OwnServer {
        signed_in: place.server == own,
        place,
    });
    Ok(json(&OwnServers {
        servers: places.collect(),
    }))
}
