//! `GET /api/dashboard`: one company, one month.

use std::sync::Arc;

use http::HeaderMap;
use warp::Filter;
use warp::reply::Response;

use crate::app::App;
use crate::error::{ApiError, ErrorBody};
use crate::handlers::endpoint::{Route, asked, endpoint, headers, report, with};
use crate::model::figures::{Dashboard, MonthQuery};
use crate::reports::asked::Asked;

pub(crate) fn route(app: &Arc<App>) -> Route {
    let path = warp::path!("api" / "dashboard").and(warp::get());
    let arguments = path.and(with(app)).and(headers()).and(asked());
    endpoint("/api/dashboard", arguments.then(show))
}

/// How a company stands at the end of a month, beside a year ago.
#[utoipa::path(
    get,
    path = "/api/dashboard",
    operation_id = "getDashboard",
    tag = "reports",
    params(MonthQuery),
    responses(
        (status = 200, description = "All of it from one state of the books", body = Dashboard),
        (status = 400, description = "`InvalidPeriod` or `CompanyMissing`", body = ErrorBody),
        (status = 401, description = "`NotSignedIn`", body = ErrorBody),
        (status = 403, description = "`Forbidden`: needs `reports:view`", body = ErrorBody),
        (status = 404, description = "`ServerUnknown`, `CompanyUnknown`, `CompanyEmpty`, `PeriodUnknown` or `ReportUnknown`", body = ErrorBody),
        (status = 503, description = "`DatabaseUnavailable`", body = ErrorBody),
    )
)]
pub(crate) async fn show(
    app: Arc<App>,
    headers: HeaderMap,
    asked: Asked,
) -> Result<Response, ApiError> {
    let reading = app.reading(&headers, asked.get("server")).await?;
    let month = asked.month()?;
    let books = reading.books(asked.get("company")).await?;
    let figures = app.figures(&reading.caller.access, &reading.asking);
    Ok(report(&figures.dashboard(books, month).await?))
}
