//! `GET /api/calendar`: the months a company has postings in.

use std::sync::Arc;

use http::HeaderMap;
use warp::Filter;
use warp::reply::Response;

use crate::app::App;
use crate::error::{ApiError, ErrorBody};
use crate::handlers::endpoint::{Route, endpoint, headers, json, with};
use crate::model::{Calendar, CalendarQuery};

pub(crate) fn route(app: &Arc<App>) -> Route {
    let path = warp::path!("api" / "calendar").and(warp::get());
    let arguments = path.and(with(app)).and(headers()).and(warp::query());
    endpoint("/api/calendar", arguments.then(show))
}

/// The months a company has postings in.
#[utoipa::path(
    get,
    path = "/api/calendar",
    operation_id = "getCalendar",
    tag = "reports",
    params(CalendarQuery),
    responses(
        (status = 200, description = "The months", body = Calendar),
        (status = 400, description = "`CompanyMissing`", body = ErrorBody),
        (status = 401, description = "`NotSignedIn`", body = ErrorBody),
        (status = 403, description = "`Forbidden`: needs `reports:view`", body = ErrorBody),
        (status = 404, description = "`ServerUnknown`, `CompanyUnknown` or `CompanyEmpty`", body = ErrorBody),
        (status = 503, description = "`DatabaseUnavailable`", body = ErrorBody),
    )
)]
pub(crate) async fn show(
    app: Arc<App>,
    headers: HeaderMap,
    query: CalendarQuery,
) -> Result<Response, ApiError> {
    let reading = app.reading(&headers, query.server.as_deref()).await?;
    let books = reading.books(query.company.as_deref()).await?;
    Ok(json(&books.calendar()?))
}
