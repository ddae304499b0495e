//! The two routers: the public one for browsers and API clients, the internal one for the bot.
//!
//! A flat registry: one line per endpoint. What every request goes through before and after
//! (deadline, request id, headers, metrics) is in [`crate::service`].

use std::sync::Arc;

use http::StatusCode;
use warp::reply::Response;
use warp::{Filter, Rejection, reject};

use crate::app::App;
use crate::error::ApiError;
use crate::handlers::endpoint::Route;
use crate::handlers::{
    audit, auth, cache, calendar, companies, dashboard, internal, invoices, permissions, reports,
    roles, security, system, telegram, tenants, treasury, trial_balance, users,
};
use crate::service::AppService;
use crate::web;

/// Everything but the internal API, and the web UI for what is left.
pub fn public(app: &Arc<App>) -> AppService {
    let routes = [
        auth::login::route(app),
        auth::check_identity::route(app),
        auth::my_servers::route(app),
        auth::logout::route(app),
        auth::me::route(app),
        auth::password::route(app),
        auth::refresh::route(app),
        auth::reset::route(app),
        auth::session_list::route(app),
        auth::session_end::route(app),
        auth::session_end_others::route(app),
        companies::list::route(app),
        calendar::show::route(app),
        reports::list::route(app),
        reports::show::route(app),
        dashboard::show::route(app),
        invoices::list::route(app),
        invoices::summary::route(app),
        treasury::show::route(app),
        trial_balance::show::route(app),
        telegram::link_create::route(app),
        telegram::link_list::route(app),
        telegram::link_delete::route(app),
        permissions::list::route(app),
        users::list::route(app),
        users::create::route(app),
        users::show::route(app),
        users::change::route(app),
        users::delete::route(app),
        users::password_reset::route(app),
        users::session_list::route(app),
        users::sessions_end::route(app),
        roles::list::route(app),
        roles::create::route(app),
        roles::change::route(app),
        roles::delete::route(app),
        audit::logs::route(app),
        audit::summary::route(app),
        cache::stats::route(app),
        cache::clear::route(app),
        security::cache::route(app),
        tenants::list::route(app),
        tenants::create::route(app),
        tenants::change::route(app),
        system::health::route(),
        system::jwks::route(app),
        system::openapi::route(),
        system::docs::route(),
        web::route(app),
    ];
    AppService::new(app, finish(routes))
}

/// What the bot asks.
pub fn internal(app: &Arc<App>) -> AppService {
    let routes = [
        internal::redeem::route(app),
        internal::reset_code::route(app),
        internal::chat_show::route(app),
        internal::companies::route(app),
        internal::company_choose::route(app),
        internal::balance::route(app),
        internal::unlink::route(app),
        system::health::route(),
    ];
    AppService::essential(app, finish(routes))
}

fn finish<const N: usize>(routes: [Route; N]) -> Route {
    join(routes.into()).recover(recover).unify().boxed()
}

/// Joins neighbours until one is left. A request then passes through as many futures as this tree is high;
/// in a chain it would be as many as there are routes, each with its share of the stack.
fn join(mut routes: Vec<Route>) -> Route {
    while routes.len() > 1 {
        let pairs = routes.chunks(2).map(|pair| match pair {
            [first, second] => first.clone().or(second.clone()).unify().boxed(),
            alone => alone[0].clone(),
        });
        routes = pairs.collect();
    }
    routes.pop().expect("there are routes")
}

/// What no route answered.
async fn recover(rejection: Rejection) -> Result<Response, Rejection> {
    let error = if rejection.is_not_found() {
        ApiError::NotFound {
            code: "RouteUnknown",
            field: None,
            message: "There is nothing at this address; see /api/openapi.json.".to_owned(),
        }
    } else if rejection.find::<reject::PayloadTooLarge>().is_some() {
        ApiError::BodyRefused {
            status: StatusCode::PAYLOAD_TOO_LARGE,
            message: "The request body is larger than 64 KiB; send less.",
        }
    } else if rejection.find::<reject::LengthRequired>().is_some() {
        ApiError::BodyRefused {
            status: StatusCode::LENGTH_REQUIRED,
            message: "Send the request with a `Content-Length`.",
        }
    } else if rejection.find::<reject::InvalidQuery>().is_some() {
        ApiError::Invalid {
            code: "InvalidQuery",
            field: None,
            message: "The query is not understood; give each parameter once, in the form that \
                      /api/openapi.json says."
                .to_owned(),
        }
    } else if rejection.find::<reject::MethodNotAllowed>().is_some() {
        ApiError::MethodNotAllowed
    } else {
        ApiError::Invalid {
            code: "InvalidRequest",
            field: None,
            message: "The request is not understood; see /api/openapi.json.".to_owned(),
        }
    };
    Ok(error.into_response())
}

#[cfg(test)]
mod tests;
