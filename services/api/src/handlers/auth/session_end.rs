//! `DELETE /api/auth/sessions/{sessionId}`: ends one of one's own sessions, everywhere.

use std::sync::Arc;

use http::HeaderMap;
use warp::Filter;
use warp::reply::Response;

use crate::app::App;
use crate::error::{ApiError, ErrorBody};
use crate::handlers::endpoint::{Route, endpoint, headers, no_content, with};

pub(crate) fn route(app: &Arc<App>) -> Route {
    let path = warp::path!("api" / "auth" / "sessions" / String).and(warp::delete());
    let arguments = path.and(with(app)).and(headers());
    endpoint("/api/auth/sessions/{sessionId}", arguments.then(end))
}

/// End one of the user's sessions. The present one ends too; that is signing out.
#[utoipa::path(
    delete,
    path = "/api/auth/sessions/{sessionId}",
    operation_id = "endSession",
    tag = "auth",
    params(("sessionId" = String, Path, description = "Id of the session, as listed")),
    responses(
        (status = 204, description = "No process accepts its tokens any more"),
        (status = 401, description = "`NotSignedIn`", body = ErrorBody),
        (status = 404, description = "`SessionUnknown`", body = ErrorBody),
        (status = 503, description = "`SessionsNotEnded`, or a store does not answer", body = ErrorBody),
    )
)]
pub(crate) async fn end(
    id: String,
    app: Arc<App>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let caller = app.authenticate(&headers).await?;
    let session = app.find_session(&id).await?;
    let own = session.filter(|session| {
        session.user == caller.user.id && !app.epochs.knows_revoked(&session.bearer())
    });
    let Some(session) = own else {
        // The same for another user's session: whether it exists is nobody else's business.
        let message = "You have no such session; it may have ended already.";
        return Err(ApiError::not_found("SessionUnknown", "sessionId", message));
    };
    app.end_sessions(vec![session]).await?;
    Ok(no_content())
}
