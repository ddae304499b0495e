//! What a Secret and an answer of the API server mean for a ledger, without an API server.

use kube::core::Status;
use serde_json::json;

use super::*;

fn secret(app: &str, data: &[(&str, &str)]) -> Secret {
    let data = data
        .iter()
        .map(|(key, value)| ((*key).to_owned(), ByteString(value.as_bytes().to_vec())))
        .collect();
    Secret {
        metadata: ObjectMeta {
            name: Some("demo-ledger-erp".to_owned()),
            labels: Some(naming::labels(app)),
            resource_version: Some("7".to_owned()),
            ..ObjectMeta::default()
        },
        data: Some(data),
        ..Secret::default()
    }
}

fn told(code: u16, reason: &str, message: &str) -> StoreError {
    let status = Status::failure(message, reason).with_code(code).boxed();
    failure("patch", "demo-ledger-erp", &kube::Error::Api(status))
}

#[test]
fn an_entry_reads_back_with_the_version_of_its_secret() {
    let text = json!({ "fence": 3, "rotation": "r" }).to_string();
    let found = entry("demo", &secret("demo", &[(ENTRY_KEY, &text)])).unwrap();
    assert_eq!((found.0.fence, found.1), (3, Version("7".to_owned())));
}

#[test]
fn a_secret_of_somebody_else_is_not_used() {
    let found = entry("demo", &secret("other", &[(ENTRY_KEY, "{\"fence\":1}")]));
    let Err(StoreError::Unusable(text)) = found else {
        panic!("{found:?}");
    };
    assert!(text.contains("does not belong"), "{text}");
}

#[test]
fn an_entry_that_cannot_be_read_is_named_without_its_content() {
    for data in [&[(ENTRY_KEY, "canary0value")][..], &[]] {
        let Err(StoreError::Unusable(text)) = entry("demo", &secret("demo", data)) else {
            panic!("it must not be used");
        };
        assert!(text.contains("demo-ledger-erp"), "{text}");
        assert!(!text.contains("canary"), "{text}");
    }
}

#[test]
fn each_answer_of_the_api_server_has_its_meaning() {
    assert_eq!(told(409, "Conflict", "modified"), StoreError::Raced);
    assert_eq!(told(409, "AlreadyExists", "exists"), StoreError::Raced);
    for code in [429, 500, 503] {
        let error = told(code, "X", "x");
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    }
    let right = r#"secrets "x" is forbidden: User "op" cannot patch resource "secrets""#;
    for message in [right, "exceeded quota"] {
        let error = told(403, "Forbidden", message);
        assert!(matches!(error, StoreError::Denied(_)), "{error:?}");
    }
}
