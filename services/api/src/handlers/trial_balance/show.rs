//! `GET /api/trial-balance`: one company, one month.

use std::sync::Arc;

use http::HeaderMap;
use warp::Filter;
use warp::reply::Response;

use crate::access::REPORTS_VIEW;
use crate::app::App;
use crate::erp::shorten;
use crate::error::{ApiError, ErrorBody};
use crate::handlers::endpoint::{Route, endpoint, headers, json, with};
use crate::model::{Period, TrialBalance, TrialBalanceQuery};

pub(crate) fn route(app: &Arc<App>) -> Route {
    let path = warp::path!("api" / "trial-balance").and(warp::get());
    let arguments = path.and(with(app)).and(headers()).and(warp::query());
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
        (status = 400, description = "`InvalidPeriod` or `CompanyMissing`", body = ErrorBody),
        (status = 401, description = "`NotSignedIn`", body = ErrorBody),
        (status = 403, description = "`Forbidden`: needs `reports:view`; `ServerNotSignedIn`", body = ErrorBody),
        (status = 404, description = "`ServerUnknown`, `CompanyUnknown`, `CompanyEmpty` or `PeriodUnknown`", body = ErrorBody),
        (status = 503, description = "`DatabaseUnavailable`", body = ErrorBody),
    )
)]
pub(crate) async fn show(
    app: Arc<App>,
    headers: HeaderMap,
    query: TrialBalanceQuery,
) -> Result<Response, ApiError> {
    let reader = app.reader(&headers, &REPORTS_VIEW).await?;
    let company = required_company(query.company.as_deref())?;
    let period = Period {
        year: number("year", query.year.as_deref(), 1900, 9999)?,
        month: number("month", query.month.as_deref(), 1, 12)?,
    };
    let server = reader.server(&app, query.server.as_deref())?;
    reader.may_read(server, company).await?;
    Ok(json(&server.trial_balance(company, period).await?))
}

/// The company of a query.
///
/// # Errors
/// `CompanyMissing`.
pub(crate) fn required_company(company: Option<&str>) -> Result<&str, ApiError> {
    company.filter(|id| !id.is_empty()).ok_or_else(|| {
        let message = "Add `company` with an id from the list of companies.";
        ApiError::invalid("CompanyMissing", "company", message)
    })
}

fn number<T>(field: &'static str, text: Option<&str>, least: T, most: T) -> Result<T, ApiError>
where
    T: std::str::FromStr + PartialOrd + std::fmt::Display,
{
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        let message = format!("Add `{field}`: a whole number from {least} to {most}.");
        return Err(ApiError::invalid("InvalidPeriod", field, message));
    };
    let value = text.parse().ok();
    value
        .filter(|value| *value >= least && *value <= most)
        .ok_or_else(|| {
            let shown = shorten(text);
            let message = format!(
                "The {field} `{shown}` is not possible; give a whole number from {least} to {most}."
            );
            ApiError::invalid("InvalidPeriod", field, message)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_outside_its_range_names_field_value_and_remedy() {
        assert_eq!(number::<i8>("month", Some("12"), 1, 12).unwrap(), 12);
        for bad in [
            None,
            Some(""),
            Some("0"),
            Some("13"),
            Some("May"),
            Some("1.5"),
        ] {
            let error = number::<i8>("month", bad, 1, 12).unwrap_err();
            assert_eq!(error.code(), "InvalidPeriod");
            let text = error.to_string();
            assert!(text.contains("month") && text.contains("1 to 12"), "{text}");
        }
    }
}
