//! The OpenAPI document, generated from the handlers. A test compares it with the committed
//! `docs/reference/openapi.json` and calls every path it names.

use utoipa::OpenApi;

use crate::handlers::{
    audit, auth, cache, calendar, companies, dashboard, internal, invoices, permissions, reports,
    roles, security, system, telegram, tenants, treasury, trial_balance, users,
};
use crate::model::figures::Level;

mod common;
mod figures;
mod schemes;

use common::{Common, Problems};
use figures::Figures;
use schemes::Schemes;

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
    modifiers(&Schemes, &Problems, &Figures, &Common)
)]
struct Document;

/// The document as indented JSON with a final newline.
pub fn document() -> String {
    let mut json = Document::openapi()
        .to_pretty_json()
        .expect("the document is plain data");
    json.push('\n');
    json
}
