//! What the headers of answers with figures say.

use utoipa::Modify;
use utoipa::openapi::header::Header;
use utoipa::openapi::path::Operation;
use utoipa::openapi::{Object, RefOr, Response, Type};

/// Answers with figures, by the ids of their operations, say in headers how old they are; said here once.
pub(super) struct Figures;

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
