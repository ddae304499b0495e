//! `GET /api/reports/{reportId}`: a page of a report.

use std::sync::Arc;

use http::HeaderMap;
use warp::Filter;
use warp::reply::Response;

use crate::app::App;
use crate::erp::Books;
use crate::error::{ApiError, ErrorBody};
use crate::handlers::endpoint::{Route, asked, endpoint, headers, report, with};
use crate::reports::answer::ReportAnswer;
use crate::reports::asked::Asked;
use crate::reports::{Ask, Table};

pub(crate) fn route(app: &Arc<App>) -> Route {
    let path = warp::path!("api" / "reports" / String).and(warp::get());
    let arguments = path.and(with(app)).and(headers()).and(asked());
    endpoint("/api/reports/{reportId}", arguments.then(show))
}

/// A page of a report. What it asks for is in the list of reports; its parameters are parameters of the
/// address by their names.
#[utoipa::path(
    get,
    path = "/api/reports/{reportId}",
    operation_id = "getReport",
    tag = "reports",
    params(
        ("reportId" = String, Path, description = "Id of the report, such as `client-balances`"),
        ("server" = Option<String>, Query, description = "Name of the server; the first one if absent"),
        ("company" = String, Query, description = "Id of the company"),
        ("year" = Option<i16>, Query, description = "For a report of a month: year, four digits"),
        ("month" = Option<i8>, Query, description = "For a report of a month: 1 to 12"),
        ("from" = Option<String>, Query, description = "For a report of days: the first, such as `2026-10-01`"),
        ("to" = Option<String>, Query, description = "For a report of days: the last, inclusive"),
        ("sort" = Option<String>, Query, description = "Columns separated by commas, with `-` before those that descend: `-closing,cont`"),
        ("q" = Option<String>, Query, description = "Rows with a text that contains this, whatever the case and the Romanian diacritics"),
        ("filter" = Option<Vec<String>>, Query, description = "`column:operation:value`, repeatable; operations: eq, ne, lt, le, gt, ge, contains, empty, notempty"),
        ("page" = Option<u32>, Query, description = "Which page, from 1"),
        ("pageSize" = Option<u32>, Query, description = "Rows of a page: 100 unless given, 100000 at most"),
    ),
    responses(
        (status = 200, description = "The page, and the totals of all rows that pass the filters", body = ReportAnswer),
        (status = 400, description = "`CompanyMissing`, `InvalidPeriod`, `ParameterMissing`, `ParameterInvalid`, `SortUnknown`, `FilterInvalid` or `PageInvalid`", body = ErrorBody),
        (status = 401, description = "`NotSignedIn`", body = ErrorBody),
        (status = 403, description = "`Forbidden`: needs `reports:view`", body = ErrorBody),
        (status = 404, description = "`ReportUnknown`, `ServerUnknown`, `CompanyUnknown`, `CompanyEmpty` or `PeriodUnknown`", body = ErrorBody),
        (status = 503, description = "`DatabaseUnavailable`", body = ErrorBody),
    )
)]
pub(crate) async fn show(
    id: String,
    app: Arc<App>,
    headers: HeaderMap,
    asked: Asked,
) -> Result<Response, ApiError> {
    let (books, ask, table) = answer(&app, &headers, &id, &asked).await?;
    Ok(report(&ReportAnswer::new(books, &ask, table)))
}

/// What a report answers, and to what.
///
/// # Errors
/// As the endpoint says.
pub(crate) async fn answer(
    app: &App,
    headers: &HeaderMap,
    id: &str,
    asked: &Asked,
) -> Result<(Books, Ask, Table), ApiError> {
    let reading = app.reading(headers, asked.get("server")).await?;
    let report = app.catalogue.find(id, &reading.caller.access)?;
    let books = reading.books(asked.get("company")).await?;
    let ask = asked.of(&report, &books)?;
    let table = reading.asking.table(&books.server, &ask).await?;
    Ok((books, ask, table))
}
