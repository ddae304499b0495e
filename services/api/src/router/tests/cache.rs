//! Kept answers as clients see them: where each comes from, how old it is, and who may empty what.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, AGE, AUTHORIZATION, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, ETAG,
    IF_NONE_MATCH, VARY,
};
use http::{HeaderName, Request, StatusCode};
use http_body_util::Full;
use reportapp_session::access::UserKind;
use serde_json::{Value, json};

use crate::openapi::document;
use crate::test_support::{Answer, TestApp, request};

const MONTH: &str = "company=alfa&year=2025&month=1";
const DAYS: &str = "company=alfa&from=2025-01-01&to=2025-03-31";

/// Every endpoint with figures.
fn figures() -> [String; 6] {
    [
        format!("/api/dashboard?{MONTH}"),
        format!("/api/treasury?{MONTH}"),
        format!("/api/trial-balance?{MONTH}"),
        format!("/api/reports/client-balances?{MONTH}"),
        format!("/api/invoices?{DAYS}"),
        format!("/api/invoices/summary?{DAYS}"),
    ]
}

fn asks(
    token: &str,
    method: &str,
    path: &str,
    more: &[(HeaderName, &str)],
) -> Request<Full<Bytes>> {
    let mut request = request(method, path, None);
    let token = format!("Bearer {token}").parse().unwrap();
    request.headers_mut().insert(AUTHORIZATION, token);
    for (name, value) in more {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    request
}

async fn get(test: &TestApp, token: &str, path: &str, more: &[(HeaderName, &str)]) -> Answer {
    test.call(asks(token, "GET", path, more)).await
}

fn found_in(answer: &Answer) -> &str {
    answer.headers["x-cache"].to_str().unwrap()
}

#[test]
fn every_answer_with_figures_is_described_with_its_headers() {
    let document: Value = serde_json::from_str(&document()).unwrap();
    let operations = document["paths"].as_object().unwrap().iter();
    let described = operations.filter(|(_, methods)| {
        let answers = &methods["get"]["responses"];
        answers["304"].is_object() && answers["200"]["headers"]["X-Cache"].is_object()
    });
    let described: BTreeSet<&str> = described.map(|(path, _)| path.as_str()).collect();
    let paths = figures().map(|path| path.split('?').next().unwrap().to_owned());
    let paths = paths.map(|path| path.replace("client-balances", "{reportId}"));
    assert_eq!(described, paths.iter().map(String::as_str).collect());
}

#[tokio::test]
async fn every_answer_with_figures_says_where_it_comes_from_and_is_not_sent_twice() {
    let test = TestApp::start().await;
    let token = test.token().await;
    for path in figures() {
        let first = test.get(&token, &path).await;
        assert_eq!(
            (first.status, found_in(&first)),
            (StatusCode::OK, "database"),
            "{path}"
        );
        let again = test.get(&token, &path).await;
        assert_eq!(found_in(&again), "memory", "{path}");
        assert_eq!(again.json(), first.json());
        assert!(again.headers[AGE].to_str().unwrap().parse::<u32>().is_ok());
        assert_eq!(again.headers[CACHE_CONTROL], "private, no-cache");
        assert!(again.headers[VARY].to_str().unwrap().contains("cookie"));
        let tag = again.headers[ETAG].to_str().unwrap();
        let known = get(&test, &token, &path, &[(IF_NONE_MATCH, tag)]).await;
        assert_eq!(known.status, StatusCode::NOT_MODIFIED, "{path}");
        assert_eq!((known.text.as_str(), found_in(&known)), ("", "memory"));
        let fresh = get(&test, &token, &path, &[(CACHE_CONTROL, "no-cache")]).await;
        assert_eq!(found_in(&fresh), "database", "{path}");
        let head = test.call(asks(&token, "HEAD", &path, &[])).await;
        assert_eq!((head.status, head.text.as_str()), (StatusCode::OK, ""));
        let length = fresh.text.len().to_string();
        assert_eq!(head.headers[CONTENT_LENGTH], length.as_str(), "{path}");
    }
}

#[tokio::test]
async fn what_is_nobodys_figures_is_neither_tagged_nor_kept() {
    let test = TestApp::start().await;
    let token = test.token().await;
    for path in [
        "/api/auth/me",
        "/api/permissions",
        "/api/companies",
        "/api/dashboard?company=none&year=2025&month=1",
    ] {
        let answer = test.get(&token, path).await;
        assert_eq!(answer.headers[CACHE_CONTROL], "no-store", "{path}");
        for name in [ETAG, HeaderName::from_static("x-cache"), AGE] {
            assert!(!answer.headers.contains_key(&name), "{path} {name}");
        }
    }
    let gzip = (ACCEPT_ENCODING, "gzip");
    let small = get(&test, &token, "/api/auth/me", &[gzip]).await;
    assert!(!small.headers.contains_key(CONTENT_ENCODING));
}

#[tokio::test]
async fn who_may_not_read_is_given_nothing_that_was_kept_for_others() {
    let test = TestApp::start().await;
    let path = format!("/api/treasury?{MONTH}");
    for tenant in ["t1", "t2"] {
        let insert = format!(
            "INSERT INTO clients (id, name, name_key, is_active, created_at)
             VALUES ('{tenant}', '{tenant}', '{tenant}', true, '2026-01-01T00:00:00.000000Z')"
        );
        test.by_hand(&insert).await;
    }
    let [one, same, other, none] = [
        test.join("one", UserKind::User, Some("t1"), Some("reader"))
            .await,
        test.join("same", UserKind::User, Some("t1"), Some("reader"))
            .await,
        test.join("other", UserKind::User, Some("t2"), Some("reader"))
            .await,
        test.join("none", UserKind::User, Some("t1"), None).await,
    ];
    for (user, expected) in [(&one, "database"), (&same, "memory"), (&other, "database")] {
        let token = test.token_of(user).await;
        assert_eq!(found_in(&test.get(&token, &path).await), expected);
    }
    let token = test.token_of(&none).await;
    assert_eq!(test.get(&token, &path).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn emptying_the_caches_is_felt_at_once_and_written_down() {
    let test = TestApp::start().await;
    let root = test
        .join("root", UserKind::EnterpriseAdmin, None, None)
        .await;
    let token = test.token_of(&root).await;
    let [treasury, dashboard] = [1, 0].map(|index| figures()[index].clone());
    for (body, treasury_from, dashboard_from) in [
        (json!({"report": "treasury"}), "database", "memory"),
        (json!({"report": "dashboard"}), "memory", "database"),
        (json!({}), "database", "database"),
    ] {
        test.get(&token, &treasury).await;
        test.get(&token, &dashboard).await;
        let cleared = test
            .ask_as(&token, "POST", "/api/cache/clear", Some(body.clone()))
            .await;
        assert_eq!(
            (cleared.status, cleared.json()),
            (StatusCode::OK, json!({"keys": null}))
        );
        for (path, expected) in [(&treasury, treasury_from), (&dashboard, dashboard_from)] {
            assert_eq!(
                found_in(&test.get(&token, path).await),
                expected,
                "{body} {path}"
            );
        }
    }
    let events = "SELECT request_path AS x FROM security_events
                  WHERE event_type = 'cache_cleared' ORDER BY id";
    let written = test.look(events).await;
    let path = "/api/cache/clear";
    assert_eq!(
        written,
        [
            &format!("{path} treasury"),
            &format!("{path} dashboard"),
            path
        ]
    );
    let unknown = Some(json!({"report": "canary"}));
    let refused = test.ask_as(&token, "POST", path, unknown).await;
    assert_eq!(refused.code(), "ReportUnknown");
}

#[tokio::test]
async fn the_console_counts_what_was_kept_and_what_it_saved() {
    let test = TestApp::start().await;
    let root = test
        .join("root", UserKind::EnterpriseAdmin, None, None)
        .await;
    let token = test.token_of(&root).await;
    for _ in 0..3 {
        test.get(&token, &format!("/api/treasury?{MONTH}")).await;
    }
    let stats = test.get(&token, "/api/cache/stats").await.json();
    let treasury = stats["reports"].as_array().unwrap().iter();
    let treasury = treasury
        .clone()
        .find(|report| report["report"] == "treasury")
        .unwrap();
    for (name, expected) in [("database", 1), ("memory", 2), ("redis", 0), ("entries", 1)] {
        assert_eq!(treasury[name], expected, "{name}");
    }
    assert!(treasury["bytes"].as_u64().unwrap() > 100);
    // The company's months were read once, too.
    assert_eq!(
        (&stats["database"]["reads"], &stats["memory"]["hits"]),
        (&json!(2), &json!(4))
    );
    assert_eq!(stats["redis"], json!(null));
    assert_eq!(stats["memory"]["capacityBytes"], 64 << 20);
    let health = test.get(&token, "/api/security/cache").await.json();
    assert_eq!(health["epochs"]["state"], "leased");
    assert_eq!(
        (
            &health["sessions"]["keptIn"],
            &health["sessions"]["answers"]
        ),
        (&json!("memory"), &json!(true))
    );
    assert_eq!(health["people"]["remembered"], 1);
}
