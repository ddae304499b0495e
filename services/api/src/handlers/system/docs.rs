//! `GET /api/docs`: a page to read the OpenAPI document and to try its operations, without anything from
//! elsewhere.

use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue};
use warp::Filter;
use warp::reply::{Reply, Response};

use crate::error::ApiError;
use crate::handlers::endpoint::{Route, endpoint};

/// The page loads its own script and style and talks to the API beside it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Name, media type and content.
const FILES: [(&str, &str, &str); 3] = [
    (
        "",
        "text/html; charset=utf-8",
        include_str!("docs/page.html"),
    ),
    (
        "page.js",
        "text/javascript; charset=utf-8",
        include_str!("docs/page.js"),
    ),
    (
        "page.css",
        "text/css; charset=utf-8",
        include_str!("docs/page.css"),
    ),
];

pub(crate) fn route() -> Route {
    let page = warp::path!("api" / "docs").map(String::new);
    let file = warp::path!("api" / "docs" / String);
    let arguments = page.or(file).unify().and(warp::get());
    endpoint("/api/docs", arguments.map(|name: String| show(&name)))
}

fn show(name: &str) -> Result<Response, ApiError> {
    let file = FILES.iter().find(|(known, ..)| *known == name);
    let Some((_, media_type, content)) = file else {
        return Err(ApiError::NotFound {
            code: "RouteUnknown",
            field: None,
            message: "There is nothing at this address; see /api/docs.".to_owned(),
        });
    };
    let mut response = (*content).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use crate::test_support::{TestApp, request};

    #[tokio::test]
    async fn the_page_and_what_it_loads_are_there_under_a_policy_of_their_own() {
        let test = TestApp::start().await;
        for (path, part) in [
            ("/api/docs", "src=\"docs/page.js\""),
            ("/api/docs/page.js", "openapi.json"),
            ("/api/docs/page.css", "details"),
        ] {
            let answer = test.call(request("GET", path, None)).await;
            assert_eq!(answer.status, 200, "{path}");
            assert!(answer.text.contains(part), "{path}");
            let policy = answer.headers["content-security-policy"].to_str().unwrap();
            assert!(
                policy.contains("script-src 'self'") && !policy.contains("unsafe"),
                "{policy}"
            );
        }
        let answer = test.call(request("GET", "/api/docs/other", None)).await;
        assert_eq!(answer.code(), "RouteUnknown");
    }

    #[test]
    fn the_page_writes_no_markup_from_data() {
        let script = include_str!("docs/page.js");
        for way in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
        ] {
            assert!(!script.contains(way), "{way}");
        }
    }
}
