//! What any request may be refused for, and how a refusal looks.

use utoipa::Modify;
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::{Content, Ref, RefOr, Response, ResponseBuilder};

use crate::error::PROBLEM_JSON;

/// Failed answers are problem documents, which have a media type of their own; said here once instead
/// of beside each of them.
pub(super) struct Problems;

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
pub(super) struct Common;

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
