//! Stores that fail, requests that are not understood, and what every answer carries.

use std::sync::Arc;

use http::StatusCode;
use reportapp_session::store::Answer;
use reportapp_session::{Session, SessionError, SessionStore};
use serde_json::json;

use crate::store::Store;
use crate::test_support::{BOT_TOKEN, PASSWORD, TestApp, request, small_ledger, sqlite_pool};

/// A session store that lost its server.
struct Lost;

fn lost<'a, T: Send + 'a>() -> Answer<'a, T> {
    let detail = "canary-detail".to_owned();
    Box::pin(std::future::ready(Err(SessionError::Unreachable {
        detail,
    })))
}

impl SessionStore for Lost {
    fn begin<'a>(&'a self, _: &'a Session) -> Answer<'a, ()> {
        lost()
    }
    fn find<'a>(&'a self, _: &'a str) -> Answer<'a, Option<Session>> {
        lost()
    }
    fn end<'a>(&'a self, _: &'a Session) -> Answer<'a, ()> {
        lost()
    }
    fn list<'a>(&'a self, _: &'a str) -> Answer<'a, Vec<Session>> {
        lost()
    }
    fn end_others<'a>(&'a self, _: &'a str, _: Option<&'a str>) -> Answer<'a, usize> {
        lost()
    }
    fn probe(&self) -> Answer<'_, ()> {
        lost()
    }
}

#[tokio::test]
async fn a_lost_cache_of_sessions_refuses_nobody_and_lets_nobody_in_again() {
    let test = TestApp::with(small_ledger(), |app| app.sessions = Arc::new(Lost)).await;
    let token = test.token().await;
    let other = test.token().await;
    let list = test.get(&token, "/api/auth/sessions").await;
    assert_eq!(
        list.json()["sessions"].as_array().unwrap().len(),
        2,
        "{}",
        list.text
    );
    let logout = test.ask_as(&token, "POST", "/api/auth/logout", None).await;
    assert_eq!(logout.status, StatusCode::NO_CONTENT);
    assert_eq!(
        test.get(&token, "/api/companies").await.code(),
        "NotSignedIn"
    );
    assert_eq!(
        test.get(&other, "/api/companies").await.status,
        StatusCode::OK
    );
    let everywhere = "/api/auth/logout?everywhere=true";
    let everywhere = test.ask_as(&other, "POST", everywhere, None).await;
    assert_eq!(everywhere.status, StatusCode::NO_CONTENT);
    assert_eq!(
        test.get(&other, "/api/companies").await.code(),
        "NotSignedIn"
    );
    let lookups = lookups(&test);
    assert!(lookups.contains(r#"source="cache"} 0"#), "{lookups}");
    assert!(
        !lookups.contains(r#"source="store-cache-failed"} 0"#),
        "{lookups}"
    );
}

#[tokio::test]
async fn what_the_cache_lost_is_read_from_the_store_once() {
    let test = TestApp::start().await;
    let token = test.token().await;
    let now = jiff::Timestamp::now();
    let claims = test.app.tokens.verify(&token, now).unwrap();
    test.app
        .sessions
        .end_others(&claims.sub, None)
        .await
        .unwrap();
    for _ in 0..3 {
        assert_eq!(
            test.get(&token, "/api/auth/me").await.status,
            StatusCode::OK
        );
    }
    let lookups = lookups(&test);
    assert!(lookups.contains(r#"source="store"} 1"#), "{lookups}");
    assert!(lookups.contains(r#"source="cache"} 2"#), "{lookups}");
}

/// The lines of the metric that says where sessions were found.
fn lookups(test: &TestApp) -> String {
    let metrics = test.health.registry().gather();
    let text = prometheus::TextEncoder::new().encode_to_string(&metrics);
    let text = text.unwrap();
    let lines = text
        .lines()
        .filter(|line| line.starts_with("reportapp_session_lookups"));
    lines.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn a_failed_answer_is_a_problem_document_with_the_id_of_its_request() {
    let test = TestApp::start().await;
    let mut asked = request("GET", "/api/companies", None);
    let id = "trace:7/a".parse().unwrap();
    asked.headers_mut().insert("x-request-id", id);
    let answer = test.call(asked).await;
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    assert_eq!(
        answer.json(),
        json!({
            "type": "about:blank", "title": "Unauthorized", "status": 401,
            "detail": "You are not signed in or your session has ended; sign in again.",
            "code": "NotSignedIn", "requestId": "trace:7/a",
        })
    );
    let mut foreign = request("POST", "/api/auth/logout", None);
    let site = "cross-site".parse().unwrap();
    foreign.headers_mut().insert("sec-fetch-site", site);
    let refused = test.call(foreign).await;
    let id = refused.headers["x-request-id"].to_str().unwrap();
    assert_eq!(refused.json()["requestId"], id);
}

#[tokio::test]
async fn a_store_that_is_not_migrated_yet_is_unavailable() {
    let (_folder, pool) = sqlite_pool().await;
    let store = Arc::new(Store::new(pool));
    let test = TestApp::with(small_ledger(), |app| app.store = store).await;
    let answer = test.log_in("ana", PASSWORD).await;
    assert_eq!(answer.code(), "StoreUnavailable");
}

#[tokio::test]
async fn a_request_that_is_not_understood_says_what_to_send() {
    let test = TestApp::start().await;
    let login = "/api/auth/login";

    let missing = test
        .call(request("POST", login, Some(json!({"username": "ana"}))))
        .await;
    assert_eq!(
        (missing.status.as_u16(), missing.code()),
        (400, "InvalidBody".to_owned())
    );
    assert!(
        missing.text.contains("`password` is missing"),
        "{}",
        missing.text
    );

    let odd = json!({"username": "ana", "password": ["canary"]});
    let odd = test.call(request("POST", login, Some(odd))).await;
    assert_eq!(odd.status, StatusCode::BAD_REQUEST);
    assert!(!odd.text.contains("canary"), "{}", odd.text);

    let mut plain = request("POST", login, Some(json!({})));
    plain
        .headers_mut()
        .insert("content-type", "text/plain".parse().unwrap());
    assert_eq!(
        test.call(plain).await.status,
        StatusCode::UNSUPPORTED_MEDIA_TYPE
    );

    let large = json!({"username": "a".repeat(70_000), "password": "x"});
    let large = test.call(request("POST", login, Some(large))).await;
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);

    let method = test.call(request("DELETE", login, None)).await;
    assert_eq!(
        (method.status.as_u16(), method.code()),
        (405, "MethodNotAllowed".to_owned())
    );

    let nowhere = test.call(request("GET", "/api/nowhere", None)).await;
    assert_eq!(
        (nowhere.status.as_u16(), nowhere.code()),
        (404, "RouteUnknown".to_owned())
    );
}

#[tokio::test]
async fn a_parameter_of_another_kind_is_refused_as_such_and_not_as_an_unknown_address() {
    let test = TestApp::start().await;
    let token = test.token().await;
    for path in [
        "/api/audit/logs?limit=-1",
        "/api/audit/summary?limit=x",
        "/api/users?userType=AAA",
        "/api/companies?server=a&server=b",
    ] {
        let answer = test.get(&token, path).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code()),
            (400, "InvalidQuery".to_owned()),
            "{path}"
        );
    }
    let beyond = "/api/telegram/link/9223372036854775808";
    let beyond = test.ask_as(&token, "DELETE", beyond, None).await;
    assert_eq!(beyond.status, StatusCode::NOT_FOUND, "{}", beyond.text);
}

#[tokio::test]
async fn every_answer_carries_a_request_id_and_the_security_headers() {
    let test = TestApp::start().await;
    for path in ["/health", "/api/nowhere", "/", "/api/companies"] {
        let mut request = request("GET", path, None);
        request
            .headers_mut()
            .insert("x-request-id", "abc-123".parse().unwrap());
        let answer = test.call(request).await;
        assert_eq!(answer.headers["x-request-id"], "abc-123", "{path}");
        assert_eq!(
            answer.headers["x-content-type-options"], "nosniff",
            "{path}"
        );
        let policy = answer.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'"), "{path}");
    }
    let mut odd = request("GET", "/health", None);
    odd.headers_mut()
        .insert("x-request-id", "a b\tc".parse().unwrap());
    let answer = test.call(odd).await;
    assert_eq!(
        answer.headers["x-request-id"].len(),
        32,
        "a harmful id is replaced"
    );
}

#[tokio::test]
async fn below_a_prefix_the_application_answers_with_and_without_it() {
    let test = TestApp::with(small_ledger(), |app| app.path_prefix = "/erp/".to_owned()).await;
    for path in ["/erp/health", "/health"] {
        assert_eq!(
            test.call(request("GET", path, None)).await.status,
            StatusCode::OK
        );
    }
    let bare = test.call(request("GET", "/erp", None)).await;
    assert_eq!(bare.status, StatusCode::PERMANENT_REDIRECT);
    assert_eq!(bare.headers["location"], "/erp/");
    let login = json!({"username": "ana", "password": PASSWORD});
    let login = test
        .call(request("POST", "/erp/api/auth/login", Some(login)))
        .await;
    assert!(
        login.headers["set-cookie"]
            .to_str()
            .unwrap()
            .contains("Path=/erp/")
    );
    let companies = "/erp/api/companies?server=demo";
    let token = login.json()["accessToken"].as_str().unwrap().to_owned();
    assert_eq!(test.get(&token, companies).await.status, StatusCode::OK);
}

#[tokio::test]
async fn no_answer_shows_a_secret_of_somebody_else() {
    let test = TestApp::start().await;
    let token = test.token().await;
    let hash = test
        .app
        .store
        .find_credentials("ana")
        .await
        .unwrap()
        .unwrap()
        .password_hash;
    let paths = [
        "/api/auth/me",
        "/api/companies",
        "/api/calendar?company=alfa",
        "/api/trial-balance?company=alfa&year=2025&month=1",
        "/api/telegram/link",
        "/.well-known/jwks.json",
        "/api/openapi.json",
        "/health",
        "/",
        "/api/nowhere",
        "/api/calendar?company=nope",
    ];
    for path in paths {
        let answer = test.get(&token, path).await;
        let shown = format!("{:?}{}", answer.headers, answer.text);
        for secret in [PASSWORD, BOT_TOKEN, hash.as_str(), token.as_str()] {
            assert!(!shown.contains(secret), "{path}");
        }
    }
}

#[tokio::test]
async fn requests_are_counted_by_route_never_by_what_was_asked_for() {
    let test = TestApp::start().await;
    let token = test.token().await;
    test.get(&token, "/api/companies?server=canary").await;
    test.get(&token, "/api/canary/canary").await;
    let metrics = test.health.registry().gather();
    let text = prometheus::TextEncoder::new()
        .encode_to_string(&metrics)
        .unwrap();
    let line =
        r#"reportapp_http_requests_total{method="GET",route="/api/companies",status="404"} 1"#;
    assert!(text.contains(line), "{text}");
    assert!(text.contains("reportapp_http_in_flight 0"));
    assert!(!text.contains("canary"));
}
