//! The OpenAPI document, generated from the handlers. A test compares it with the committed
//! `docs/reference/openapi.json` and calls every path it names.

use utoipa::openapi::header::Header;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{Object, RefOr, Response, Type};
use utoipa::{Modify, OpenApi};

use crate::error::PROBLEM_JSON;
use crate::handlers::{
    audit, auth, cache, calendar, companies, dashboard, internal, invoices, permissions, reports,
    roles, security, system, telegram, tenants, treasury, trial_balance, users,
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "ReportApp API",
        description = "Reports of an ERP database. Paths under `/api/telegram/internal/` are \
                       answered on the internal listener only.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    paths(
        auth::login::login,
        auth::check_identity::check,
        auth::my_servers::list,
        auth::logout::logout,
        auth::me::me,
        auth::password::change,
        auth::refresh::refresh,
        auth::reset::reset,
        auth::session_list::list,
        auth::session_end::end,
        auth::session_end_others::end_others,
        companies::list::list,
        calendar::show::show,
        reports::list::list,
        reports::show::show,
        dashboard::show::show,
        invoices::list::list,
        invoices::summary::show,
        treasury::show::show,
        trial_balance::show::show,
        telegram::link_create::create,
        telegram::link_list::list,
        telegram::link_delete::delete,
        permissions::list::list,
        users::list::list,
        users::create::create,
        users::show::show,
        users::change::change,
        users::delete::delete,
        users::password_reset::issue,
        users::session_list::list,
        users::sessions_end::end,
        roles::list::list,
        roles::create::create,
        roles::change::change,
        roles::delete::delete,
        audit::logs::list,
        audit::summary::show,
        cache::stats::show,
        cache::clear::clear,
        security::cache::show,
        tenants::list::list,
        tenants::create::create,
        tenants::change::change,
        internal::redeem::redeem,
        internal::reset_code::issue,
        internal::chat_show::show,
        internal::companies::list,
        internal::company_choose::choose,
        internal::balance::show,
        internal::unlink::unlink,
        system::health::health,
        system::jwks::jwks,
        system::openapi::openapi,
    ),
    tags(
        (name = "auth", description = "Signing in and out, one's own account"),
        (name = "reports", description = "Figures of the ERP"),
        (name = "telegram", description = "Linking Telegram chats to one's own account"),
        (name = "administration", description = "Users, roles, tenants, what one may do, and who changed what"),
        (name = "internal", description = "For the bot, on the internal listener"),
        (name = "system", description = "About the API itself"),
    ),
    security(("bearer" = []), ("cookie" = [])),
    modifiers(&Schemes, &Problems, &Figures)
)]
struct Document;

struct Schemes;

impl Modify for Schemes {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let components = openapi.components.get_or_insert_default();
        let bearer = || SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        components.add_security_scheme("bearer", bearer());
        components.add_security_scheme("internal", bearer());
        let cookie = ApiKeyValue::new(crate::cookies::ACCESS);
        components.add_security_scheme("cookie", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    }
}

/// Failed answers are problem documents, which have a media type of their own; said here once instead
/// of beside each of them.
struct Problems;

impl Modify for Problems {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let operations = openapi.paths.paths.values_mut().flat_map(|path| {
            [
                &mut path.get,
                &mut path.post,
                &mut path.put,
                &mut path.delete,
                &mut path.patch,
            ]
        });
        let answers = operations
            .flatten()
            .flat_map(|operation| operation.responses.responses.iter_mut());
        for (status, answer) in answers {
            let RefOr::T(answer) = answer else { continue };
            if status.starts_with(['4', '5'])
                && let Some(content) = answer.content.shift_remove("application/json")
            {
                answer.content.insert(PROBLEM_JSON.to_owned(), content);
            }
        }
    }
}

/// Answers with figures, by the ids of their operations, say in headers how old they are; said here once.
struct Figures;

/// Operations that answer with figures.
const FIGURES: [&str; 6] = [
    "getDashboard",
    "getInvoiceSummary",
    "getReport",
    "getTreasury",
    "getTrialBalance",
    "listInvoices",
];

/// What their headers say.
const HEADERS: [(&str, Type, &str); 3] = [
    ("Age", Type::Integer, "Seconds since the database was asked"),
    (
        "ETag",
        Type::String,
        "Names the octets of the body, for `If-None-Match`",
    ),
    (
        "X-Cache",
        Type::String,
        "Where the figures were found: `database`, `memory` or `redis`; `Cache-Control: no-cache` in the \
         request asks the database",
    ),
];

impl Modify for Figures {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let operations = openapi.paths.paths.values_mut();
        let operations = operations.filter_map(|path| path.get.as_mut());
        let has_figures = |operation: &&mut Operation| {
            let id = operation.operation_id.as_deref();
            id.is_some_and(|id| FIGURES.contains(&id))
        };
        for operation in operations.filter(has_figures) {
            let answers = &mut operation.responses.responses;
            let known = Response::new("The client has the same already, by its `If-None-Match`");
            answers.insert("304".to_owned(), RefOr::T(known));
            for status in ["200", "304"] {
                let Some(RefOr::T(answer)) = answers.get_mut(status) else {
                    continue;
                };
                for (name, kind, said) in HEADERS {
                    let mut header = Header::new(Object::with_type(kind));
                    header.description = Some(said.to_owned());
                    answer.headers.insert(name.to_owned(), RefOr::T(header));
                }
            }
        }
    }
}

/// The document as indented JSON with a final newline.
pub fn document() -> String {
    let mut json = Document::openapi()
        .to_pretty_json()
        .expect("the document is plain data");
    json.push('\n');
    json
}
