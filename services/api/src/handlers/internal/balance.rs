//! `GET /api/telegram/internal/chat/{chatId}/balance`: the latest figures of the chosen company.

use std::sync::Arc;

use http::HeaderMap;
use warp::Filter;
use warp::reply::Response;

use super::linked_user;
use crate::app::App;
use crate::error::{ApiError, ErrorBody};
use crate::handlers::endpoint::{Route, endpoint, headers, json, with};
use crate::model::figures::Level;
use crate::model::{AccountBalance, ChatBalance, TrialBalanceRow};

/// Class 5 of the Romanian chart of accounts: cash, bank and what is as good as either.
const TREASURY_CLASS: char = '5';

pub(crate) fn route(app: &Arc<App>) -> Route {
    let path = warp::path!("api" / "telegram" / "internal" / "chat" / i64 / "balance");
    let arguments = path.and(warp::get()).and(with(app)).and(headers());
    let template = "/api/telegram/internal/chat/{chatId}/balance";
    endpoint(template, arguments.then(show))
}

/// The latest figures of the company a chat looks at.
#[utoipa::path(
    get,
    path = "/api/telegram/internal/chat/{chatId}/balance",
    operation_id = "getChatBalance",
    tag = "internal",
    params(("chatId" = i64, Path, description = "Telegram's id of the chat")),
    security(("internal" = [])),
    responses(
        (status = 200, description = "Totals, cash and bank", body = ChatBalance),
        (status = 401, description = "`NotSignedIn`", body = ErrorBody),
        (status = 404, description = "`NotLinked`, `CompanyNotChosen`, `CompanyUnknown` or `CompanyEmpty`", body = ErrorBody),
        (status = 503, description = "`DatabaseUnavailable`", body = ErrorBody),
    )
)]
pub(crate) async fn show(
    chat_id: i64,
    app: Arc<App>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    app.authenticate_bot(&headers)?;
    let linked = linked_user(&app, chat_id).await?;
    let Some(company) = &linked.link.company else {
        let message = "No company is chosen for this chat yet; choose one.";
        return Err(ApiError::not_found("CompanyNotChosen", "company", message));
    };
    let server = linked.chosen_server(&app)?;
    linked.may_read(server, company).await?;
    let asking = app.asking(&linked.user, &headers);
    let books = asking.books(server, company).await?;
    let latest = books.calendar()?.latest;
    let figures = app.figures(&linked.access, &asking);
    let balance = figures
        .trial_balance(books, latest, Level::Analytic)
        .await?;
    let treasury = |row: &TrialBalanceRow| row.cont.starts_with(TREASURY_CLASS);
    let accounts = balance.rows.into_iter().filter(treasury);
    let accounts = accounts.map(|row| AccountBalance {
        cont: row.cont,
        denumire: row.denumire,
        solddeb: row.balances.solddeb,
        soldcred: row.balances.soldcred,
    });
    Ok(json(&ChatBalance {
        company: balance.company,
        year: balance.year,
        month: balance.month,
        totals: balance.totals,
        accounts: accounts.collect(),
    }))
}
