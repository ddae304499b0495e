//! `PUT /api/telegram/internal/chat/{chatId}/company`: the company a chat looks at from now on.

use std::sync::Arc;

use http::HeaderMap;
use warp::Filter;
use warp::reply::Response;

use super::linked_user;
use crate::app::App;
use crate::error::{ApiError, ErrorBody};
use crate::handlers::endpoint::{Body, Route, body, endpoint, headers, no_content, with};
use crate::model::ChooseCompany;

pub(crate) fn route(app: &Arc<App>) -> Route {
    let path = warp::path!("api" / "telegram" / "internal" / "chat" / i64 / "company");
    let arguments = path.and(warp::put()).and(with(app)).and(headers());
    let template = "/api/telegram/internal/chat/{chatId}/company";
    endpoint(template, arguments.and(body()).then(choose))
}

/// Choose the company a chat looks at.
#[utoipa::path(
    put,
    path = "/api/telegram/internal/chat/{chatId}/company",
    operation_id = "chooseChatCompany",
    tag = "internal",
    params(("chatId" = i64, Path, description = "Telegram's id of the chat")),
    request_body = ChooseCompany,
    security(("internal" = [])),
    responses(
        (status = 204, description = "Chosen"),
        (status = 401, description = "`NotSignedIn`", body = ErrorBody),
        (status = 404, description = "`NotLinked`, `ServerUnknown` or `CompanyUnknown`", body = ErrorBody),
        (status = 503, description = "`DatabaseUnavailable`", body = ErrorBody),
    )
)]
pub(crate) async fn choose(
    chat_id: i64,
    app: Arc<App>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    app.authenticate_bot(&headers)?;
    let choice: ChooseCompany = body.json()?;
    let linked = linked_user(&app, chat_id).await?;
    let server = linked.server(&app, Some(&choice.server))?;
    linked.may_read(server, &choice.company).await?;
    let company = server.company(&choice.company).await?;
    app.store
        .choose_company(chat_id, &server.name, &company.id)
        .await?;
    Ok(no_content())
}
