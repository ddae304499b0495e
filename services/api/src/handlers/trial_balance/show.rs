//! `GET /api/trial-balance`: one company, one month.

use std::sync::Arc;

use http::HeaderMap;
use warp::Filter;
use warp::reply::Response;

use crate::app::App;
use crate::erp::shorten;
use crate::error::{ApiError, ErrorBody};
use crate::handlers::endpoint::{Route, asked, endpoint, headers, report, with};
use crate::model::figures::{Level, TrialBalance, TrialBalanceQuery};
use crate::reports::asked::Asked;

pub(crate) fn route(app: &Arc<App>) -> Route {
    let path = warp::path!("api" / "trial-balance").and(warp::get());
    let arguments = path.and(with(app)).and(headers()).and(asked());
    endpoint("/api/trial-balance", arguments.then(show))
}

/// The trial balance of a company for one month.
#[utoipa::path(
    get,
    path = "/api/trial-balance",
    operation_id = "getTrialBalance",
    tag = "reports",
    params(TrialBalanceQuery),
    responses(
        (status = 200, description = "Every pair of totals is equal", body = TrialBalance),
        (status = 400, description = "`InvalidPeriod`, `ParameterInvalid` or `CompanyMissing`", body = ErrorBody),
        (status = 401, description = "`NotSignedIn`", body = ErrorBody),
        (status = 403, description = "`Forbidden`: needs `reports:view`; `ServerNotSignedIn`", body = ErrorBody),
        (status = 404, description = "`ServerUnknown`, `CompanyUnknown`, `CompanyEmpty` or `PeriodUnknown`", body = ErrorBody),
        (status = 503, description = "`DatabaseUnavailable`", body = ErrorBody),
    )
)]
pub(crate) async fn show(
    app: Arc<App>,
    headers: HeaderMap,
    asked: Asked,
) -> Result<Response, ApiError> {
    let reading = app.reading(&headers, asked.get("server")).await?;
    let (month, level) = (asked.month()?, level(&asked)?);
    let books = reading.books(asked.get("company")).await?;
    let balance = app.figures(&reading.caller.access, &reading.asking);
    Ok(report(&balance.trial_balance(books, month, level).await?))
}

fn level(asked: &Asked) -> Result<Level, ApiError> {
    match asked.get("level") {
        None | Some("analytic") => Ok(Level::Analytic),
        Some("synthetic") => Ok(Level::Synthetic),
        Some(other) => {
            let shown = shorten(other);
            let message =
                format!("`level` = `{shown}` is not possible; give `analytic` or `synthetic`.");
            Err(ApiError::invalid("ParameterInvalid", "level", message))
        }
    }
}
