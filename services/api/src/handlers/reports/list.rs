//! `GET /api/reports`: the reports somebody may run.

use std::sync::Arc;

use http::HeaderMap;
use warp::Filter;
use warp::reply::Response;

use crate::access::REPORTS_VIEW;
use crate::app::App;
use crate::error::{ApiError, ErrorBody};
use crate::handlers::endpoint::{Route, endpoint, headers, json, with};
use crate::reports::answer::ReportList;

pub(crate) fn route(app: &Arc<App>) -> Route {
    let path = warp::path!("api" / "reports").and(warp::get());
    endpoint(
        "/api/reports",
        path.and(with(app)).and(headers()).then(list),
    )
}

/// The reports the caller may run: what each asks for and answers, in both languages.
#[utoipa::path(
    get,
    path = "/api/reports",
    operation_id = "listReports",
    tag = "reports",
    responses(
        (status = 200, description = "By id; with `reports:edit` also the files that are refused", body = ReportList),
        (status = 401, description = "`NotSignedIn`", body = ErrorBody),
        (status = 403, description = "`Forbidden`: needs `reports:view`", body = ErrorBody),
        (status = 503, description = "`StoreUnavailable`", body = ErrorBody),
    )
)]
pub(crate) async fn list(app: Arc<App>, headers: HeaderMap) -> Result<Response, ApiError> {
    let caller = app.authorize(&headers, &REPORTS_VIEW).await?;
    Ok(json(&app.catalogue.list(&caller.access)))
}
