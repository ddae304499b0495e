//! The OpenAPI document, generated from the handlers. A test compares it with the committed
//! `docs/reference/openapi.json` and calls every path it names.

use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{Content, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{Modify, OpenApi};

use crate::error::PROBLEM_JSON;
use crate::handlers::{
    audit, auth, calendar, companies, dashboard, internal, invoices, permissions, reports, roles,
    system, telegram, tenants, treasury, trial_balance, users,
};
use crate::model::figures::Level;

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
    components(schemas(Level)),
    tags(
        (name = "auth", description = "Signing in and out, one's own account"),
        (name = "reports", description = "Figures of the ERP"),
        (name = "telegram", description = "Linking Telegram chats to one's own account"),
        (name = "administration", description = "Users, roles, tenants, what one may do, and who changed what"),
        (name = "internal", description = "For the bot, on the internal listener"),
        (name = "system", description = "About the API itself"),
    ),
    security(("bearer" = []), ("cookie" = [])),
    modifiers(&Schemes, &Problems, &Common)
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

/// What is decided before a request reaches its handler, said here once instead of beside each of them.
struct Common;

/// Of a request that may change something.
const OF_WRITES: [(&str, &str); 1] = [("403", "`CrossOrigin`, `CsrfTokenInvalid`")];
/// Of a request with parameters in its query.
const OF_QUERIES: [(&str, &str); 1] = [("400", "`InvalidQuery`")];
/// Of a request with a body.
const OF_BODIES: [(&str, &str); 5] = [
    ("400", "The body is not understood"),
    (
        "408",
        "`BodyRefused`: the body did not arrive within 20 seconds",
    ),
    ("411", "`BodyRefused`: there is no `Content-Length`"),
    ("413", "`BodyRefused`: the body is larger than 64 KiB"),
    ("415", "`BodyRefused`: the body is not JSON"),
];
/// Of a request that is let in or turned away.
const OF_ALL: [(&str, &str); 1] = [("503", "`Overloaded`, `DeadlineExceeded`")];

impl Modify for Common {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let limited = |path: &str| path.starts_with("/api/") && path != "/api/openapi.json";
        for (path, item) in &mut openapi.paths.paths {
            let writes = [
                &mut item.post,
                &mut item.put,
                &mut item.delete,
                &mut item.patch,
            ];
            for operation in writes.into_iter().flatten() {
                add_if_queried(operation);
                add(operation, &OF_WRITES);
                if operation.request_body.is_some() {
                    add(operation, &OF_BODIES);
                }
                add(operation, &OF_ALL);
            }
            if let Some(operation) = item.get.as_mut().filter(|_| limited(path)) {
                add_if_queried(operation);
                add(operation, &OF_ALL);
            }
        }
    }
}

fn add_if_queried(operation: &mut Operation) {
    let mut parameters = operation.parameters.iter().flatten();
    let is_queried = parameters.any(|parameter| {
        matches!(parameter, RefOr::T(parameter) if parameter.parameter_in == ParameterIn::Query)
    });
    if is_queried {
        add(operation, &OF_QUERIES);
    }
}

/// Adds answers that an operation does not describe itself.
fn add(operation: &mut Operation, answers: &[(&str, &str)]) {
    for (status, description) in answers {
        let responses = &mut operation.responses.responses;
        let described = responses.entry((*status).to_owned());
        described.or_insert_with(|| RefOr::T(problem(description)));
    }
}

fn problem(description: &str) -> Response {
    let content = Content::new(Some(Ref::from_schema_name("Problem")));
    let response = ResponseBuilder::new().description(description);
    response.content(PROBLEM_JSON, content).build()
}

/// The document as indented JSON with a final newline.
pub fn document() -> String {
    let mut json = Document::openapi()
        .to_pretty_json()
        .expect("the document is plain data");
    json.push('\n');
    json
}
