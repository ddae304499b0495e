//! Stores that fail, requests that are not understood, and what every answer carries.

use std::sync::Arc;

use http::StatusCode;
use reportapp_session::epochs::Bearer;
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
async fn without_the_session_store_nobody_is_let_in() {
    let test = TestApp::with(small_ledger(), |app| app.sessions = Arc::new(Lost)).await;
    let user = test
        .app
        .store
        .find_credentials("ana")
        .await
        .unwrap()
        .unwrap()
        .user;
    let bearer = Bearer {
        tenant: None,
        user: &user.id,
        session: "any",
        issued: test.app.epochs.stamp().await.unwrap(),
    };
    let now = jiff::Timestamp::now();
    let token = test.app.tokens.issue(&bearer, now).value;
    let login = test.log_in("ana", PASSWORD).await;
    let everywhere = "/api/auth/logout?everywhere=true";
    let everywhere = test.ask_as(&token, "POST", everywhere, None).await;
    for answer in [test.get(&token, "/api/companies").await, login, everywhere] {
        assert_eq!(
            answer.status,
            StatusCode::SERVICE_UNAVAILABLE,
            "{}",
            answer.text
        );
        assert_eq!(answer.code(), "SessionStoreUnavailable");
        assert!(!answer.text.contains("canary"));
        assert!(answer.headers.contains_key("retry-after"));
    }
    // Signing out needs no record of the session.
    let logout = test.ask_as(&token, "POST", "/api/auth/logout", None).await;
    assert_eq!(logout.status, StatusCode::NO_CONTENT);
    let refused = test.get(&token, "/api/companies").await;
    assert_eq!(refused.code(), "NotSignedIn");
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
