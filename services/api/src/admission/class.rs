//! For whom a request is, from its address and headers alone: nothing is known yet of who asks.

use std::time::Duration;

use http::{Method, Request};

use crate::exports;

/// What becomes of a request under load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Class {
    /// Answered from memory, or asked by our own bot: health, keys, documents, pages. Always let in.
    Essential,
    /// Checks or makes a password hash, which costs much CPU by design. Has a bound of its own, so that neither
    /// a rush of sign-ins holds up reports nor reports a sign-in.
    SignIn,
    /// A person waits for it.
    Interactive,
    /// A file: large, and nobody looks at it while it is made.
    Export,
}

/// Addresses whose handlers compute password hashes.
const SIGN_IN: [&str; 3] = [
    "/api/auth/login",
    "/api/auth/password",
    "/api/auth/password/reset",
];
/// What below `/api/` is answered from memory.
const FROM_MEMORY: [&str; 2] = ["/api/openapi.json", "/api/docs"];
/// Where reports are.
const REPORTS: &str = "/api/reports/";

impl Class {
    /// All classes that are counted.
    pub(crate) const LIMITED: [Self; 3] = [Self::SignIn, Self::Interactive, Self::Export];

    /// The class of a request to the public listener, whose path is relative to the prefix.
    pub(crate) fn of<B>(request: &Request<B>) -> Self {
        let uri = request.uri();
        let path = uri.path();
        let is_below = |start: &&str| {
            let rest = path.strip_prefix(*start);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if !path.starts_with("/api/") || FROM_MEMORY.iter().any(is_below) {
            Self::Essential
        } else if SIGN_IN.contains(&path) {
            Self::SignIn
        } else if request.method() == Method::GET
            && path.starts_with(REPORTS)
            && exports::wants_file(uri.query().unwrap_or_default(), request.headers())
        {
            Self::Export
        } else {
            Self::Interactive
        }
    }

    /// The word in metrics.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Essential => "essential",
            Self::SignIn => "sign-in",
            Self::Interactive => "interactive",
            Self::Export => "export",
        }
    }

    /// When to come back after having been turned away.
    pub(crate) fn retry_after(self) -> Duration {
        match self {
            Self::Export => Duration::from_secs(10),
            _ => Duration::from_secs(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::header::ACCEPT;

    use super::*;

    fn class(method: &str, uri: &str, accept: Option<&str>) -> Class {
        let mut request = Request::builder().method(method).uri(uri);
        if let Some(accept) = accept {
            request = request.header(ACCEPT, accept);
        }
        Class::of(&request.body(()).unwrap())
    }

    #[test]
    fn a_request_has_the_class_of_who_waits_for_it() {
        for (uri, accept, wanted) in [
            ("/health", None, Class::Essential),
            ("/.well-known/jwks.json", None, Class::Essential),
            ("/api/openapi.json", None, Class::Essential),
            ("/api/docs/page.js", None, Class::Essential),
            ("/api/docsets", None, Class::Interactive),
            ("/assets/index.js", None, Class::Essential),
            ("/", Some("text/html"), Class::Essential),
            ("/api/reports/invoices", None, Class::Interactive),
            (
                "/api/reports/invoices",
                Some("application/json"),
                Class::Interactive,
            ),
            (
                "/api/reports/invoices?format=table",
                None,
                Class::Interactive,
            ),
            (
                "/api/reports/invoices?reformat=csv",
                None,
                Class::Interactive,
            ),
            ("/api/reports/invoices?a=1&format=csv", None, Class::Export),
            (
                "/api/reports/invoices?format=json",
                Some("text/csv"),
                Class::Interactive,
            ),
            ("/api/invoices", Some("text/csv"), Class::Interactive),
            ("/api/reports/invoices", Some("text/csv"), Class::Export),
            (
                "/api/reports/invoices",
                Some("application/pdf;q=0.9, */*"),
                Class::Interactive,
            ),
            (
                "/api/reports/invoices",
                Some("application/pdf, */*;q=0.9"),
                Class::Export,
            ),
            (
                "/api/reports/invoices",
                Some("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
                Class::Export,
            ),
            (
                "/api/reports/invoices",
                Some("Application/X-NDJSON"),
                Class::Export,
            ),
        ] {
            assert_eq!(class("GET", uri, accept), wanted, "{uri} {accept:?}");
        }
        for path in SIGN_IN {
            assert_eq!(class("POST", path, None), Class::SignIn, "{path}");
        }
        let refresh = class("POST", "/api/auth/refresh", Some("text/csv"));
        assert_eq!(refresh, Class::Interactive);
    }
}
