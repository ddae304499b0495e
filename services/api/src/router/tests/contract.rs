//! The OpenAPI document says what the routers do.

use std::path::Path;

use http::StatusCode;
use serde_json::Value;

use crate::openapi::document;
use crate::test_support::{TestApp, request};

#[test]
fn the_committed_document_is_the_generated_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/openapi.json");
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == document(),
        "docs/reference/openapi.json is outdated; run \
         `cargo run -p reportapp-api -- openapi > docs/reference/openapi.json`"
    );
}

#[tokio::test]
async fn every_documented_path_is_routed() {
    let test = TestApp::start().await;
    let document: Value = serde_json::from_str(&document()).unwrap();
    let mut called = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            let ids = [
                "{sessionId}",
                "{userId}",
                "{roleId}",
                "{tenantId}",
                "{reportId}",
            ];
            let concrete = ids
                .into_iter()
                .fold(path.replace("{chatId}", "7"), |path, id| {
                    path.replace(id, "x")
                });
            let method = method.to_uppercase();
            let answer = if path.starts_with("/api/telegram/internal/") {
                test.bot(&method, &concrete, None).await
            } else {
                test.call(request(&method, &concrete, None)).await
            };
            assert_ne!(
                answer.status,
                StatusCode::METHOD_NOT_ALLOWED,
                "{method} {path}"
            );
            assert!(!answer.text.contains("RouteUnknown"), "{method} {path}");
            called += 1;
        }
    }
    assert!(called >= 40, "{called}");
}

#[test]
fn every_reference_of_the_document_leads_somewhere() {
    let text = document();
    let document: Value = serde_json::from_str(&text).unwrap();
    let references = text.split("\"#/").skip(1);
    let mut count = 0;
    for reference in references.filter_map(|rest| rest.split('"').next()) {
        assert!(
            document.pointer(&format!("/{reference}")).is_some(),
            "{reference}"
        );
        count += 1;
    }
    assert!(count > 100, "{count}");
}

#[tokio::test]
async fn every_documented_operation_names_its_errors_and_has_a_unique_id() {
    let document: Value = serde_json::from_str(&document()).unwrap();
    let mut ids = std::collections::BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for operation in methods.as_object().unwrap().values() {
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id.to_owned()), "{path}: {id} is used twice");
            assert!(operation["summary"].is_string(), "{path}");
        }
    }
}

#[tokio::test]
async fn the_published_key_verifies_our_tokens() {
    let test = TestApp::start().await;
    let keys = test
        .call(request("GET", "/.well-known/jwks.json", None))
        .await
        .json();
    assert_eq!(keys["keys"][0]["kid"], test.app.tokens.keys().signing_id());
    assert_eq!(keys["keys"][0]["alg"], "EdDSA");
}

#[tokio::test]
async fn every_failed_answer_is_described_as_a_problem_document() {
    let document: Value = serde_json::from_str(&document()).unwrap();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for operation in methods.as_object().unwrap().values() {
            for (status, answer) in operation["responses"].as_object().unwrap() {
                if status.starts_with(['4', '5']) {
                    let schema = &answer["content"]["application/problem+json"]["schema"];
                    assert!(schema.is_object(), "{path} {status}");
                }
            }
        }
    }
}
