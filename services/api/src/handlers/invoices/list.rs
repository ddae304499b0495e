//! `GET /api/invoices`: the report `invoices`, its rows as objects.

use std::sync::Arc;

use http::HeaderMap;
use warp::Filter;
use warp::reply::Response;

use crate::app::App;
use crate::error::{ApiError, ErrorBody};
use crate::figures::invoices;
use crate::handlers::endpoint::{Route, asked, endpoint, headers, report, with};
use crate::handlers::reports::show::answer;
use crate::model::figures::InvoiceList;
use crate::reports::answer::ReportHead;
use crate::reports::asked::Asked;

pub(crate) fn route(app: &Arc<App>) -> Route {
    let path = warp::path!("api" / "invoices").and(warp::get());
    let arguments = path.and(with(app)).and(headers()).and(asked());
    endpoint("/api/invoices", arguments.then(list))
}

/// Invoices issued or received on the days asked for.
#[utoipa::path(
    get,
    path = "/api/invoices",
    operation_id = "listInvoices",
    tag = "reports",
    params(
        ("server" = Option<String>, Query, description = "Name of the server; the first one if absent"),
        ("company" = String, Query, description = "Id of the company"),
        ("from" = String, Query, description = "The first day of issue, such as `2026-10-01`"),
        ("to" = String, Query, description = "The last day of issue; what is paid is told as of this day"),
        ("direction" = Option<String>, Query, description = "`all`, `issued` or `received`"),
        ("status" = Option<String>, Query, description = "`all`, `open`, `overdue` or `paid`"),
        ("sort" = Option<String>, Query, description = "Columns separated by commas, with `-` before those that descend"),
        ("q" = Option<String>, Query, description = "Rows with a text that contains this"),
        ("filter" = Option<Vec<String>>, Query, description = "`column:operation:value`, repeatable"),
        ("page" = Option<u32>, Query, description = "Which page, from 1"),
        ("pageSize" = Option<u32>, Query, description = "Rows of a page: 100 unless given, 100000 at most"),
    ),
    responses(
        (status = 200, description = "The page, and the totals of all rows that pass the filters", body = InvoiceList),
        (status = 400, description = "`CompanyMissing`, `InvalidPeriod`, `ParameterInvalid`, `SortUnknown`, `FilterInvalid` or `PageInvalid`", body = ErrorBody),
        (status = 401, description = "`NotSignedIn`", body = ErrorBody),
        (status = 403, description = "`Forbidden`: needs `reports:view`", body = ErrorBody),
        (status = 404, description = "`ServerUnknown`, `CompanyUnknown` or `ReportUnknown`", body = ErrorBody),
        (status = 503, description = "`DatabaseUnavailable`", body = ErrorBody),
    )
)]
pub(crate) async fn list(
    app: Arc<App>,
    headers: HeaderMap,
    asked: Asked,
) -> Result<Response, ApiError> {
    let (books, ask, table) = answer(&app, &headers, "invoices", &asked).await?;
    Ok(report(&InvoiceList {
        head: ReportHead::new(books, &ask, &table),
        rows: invoices::list(&table),
    }))
}
