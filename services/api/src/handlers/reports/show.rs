//! `GET /api/reports/{reportId}`: a page of a report, or all of it as a file.

use std::sync::Arc;

use http::HeaderMap;
use warp::Filter;
use warp::reply::Response;

use crate::app::App;
use crate::erp::Books;
use crate::error::{ApiError, ErrorBody};
use crate::exports;
use crate::handlers::endpoint::{Route, asked, endpoint, headers, report, with};
use crate::reading::Reading;
use crate::reports::answer::ReportAnswer;
use crate::reports::asked::Asked;
use crate::reports::{Ask, Table};

pub(crate) fn route(app: &Arc<App>) -> Route {
    let path = warp::path!("api" / "reports" / String).and(warp::get());
    let arguments = path.and(with(app)).and(headers()).and(asked());
    endpoint("/api/reports/{reportId}", arguments.then(show))
}

/// A page of a report, or the whole of it as a file.
///
/// What it asks for is in the list of reports; its parameters are parameters of the address by their names. A
/// file has every row that passes the filters, whatever the page, as the header `Accept` or the parameter
/// `format` asks for it.
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
        ("format" = Option<String>, Query, description = "What to answer with, whatever `Accept` says: `json` (a page), or every row as `ndjson`, `csv`, `xlsx` or `pdf`"),
        ("lang" = Option<String>, Query, description = "Language of the headings in a file: `ro` unless given, or `en`"),
    ),
    responses(
        (status = 200, description = "The page, and the totals of all rows that pass the filters; or all these rows as a file, which is cut off in the middle if something fails", content(
            (ReportAnswer = "application/json"),
            (String = "text/csv"),
            (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
            (String = "application/pdf"),
            (String = "application/x-ndjson"),
        )),
        (status = 400, description = "`CompanyMissing`, `InvalidPeriod`, `ParameterMissing`, `ParameterInvalid`, `SortUnknown`, `FilterInvalid`, `PageInvalid` or `ExportTooLarge`", body = ErrorBody),
        (status = 401, description = "`NotSignedIn`", body = ErrorBody),
        (status = 403, description = "`Forbidden`: needs `reports:view`", body = ErrorBody),
        (status = 404, description = "`ReportUnknown`, `ServerUnknown`, `CompanyUnknown`, `CompanyEmpty` or `PeriodUnknown`", body = ErrorBody),
        (status = 406, description = "`NotAcceptable`: nothing in `Accept` can be made", body = ErrorBody),
        (status = 503, description = "`DatabaseUnavailable`, `TooManyExports`", body = ErrorBody),
    )
)]
pub(crate) async fn show(
    id: String,
    app: Arc<App>,
    headers: HeaderMap,
    mut asked: Asked,
) -> Result<Response, ApiError> {
    let (format, lang) = exports::wanted(&mut asked, &headers)?;
    let Some(format) = format else {
        let (books, ask, table) = answer(&app, &headers, &id, &asked).await?;
        return Ok(report(&ReportAnswer::new(books, &ask, table)));
    };
    let (_, books, ask) = question(&app, &headers, &id, &asked).await?;
    exports::export(&app, &headers, (books, ask), (format, lang)).await
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
    let (reading, books, ask) = question(app, headers, id, asked).await?;
    let table = reading.asking.table(&books.server, &ask).await?;
    Ok((books, ask, table))
}

/// What a report is asked, and about whose books, by somebody who may.
async fn question(
    app: &App,
    headers: &HeaderMap,
    id: &str,
    asked: &Asked,
) -> Result<(Reading, Books, Ask), ApiError> {
    let reading = app.reading(headers, asked.get("server")).await?;
    let report = app.catalogue.find(id, &reading.caller.access)?;
    let books = reading.books(asked.get("company")).await?;
    let ask = asked.of(&report, &books)?;
    Ok((reading, books, ask))
}
