//! Ledgers: versions, races, deletions, and what shows in Vault's audit log.

use reportapp_operator::rotation::ledger::{Entry, SecretText, Value};
use reportapp_operator::secret_store::{SecretStore as _, StoreError, Version};
use serde_json::json;

use super::server::TestVault;

/// Part of every value, to search for where it must not be.
const CANARY: &str = "canary-91d4-ledger";

fn entry(fence: u64) -> Entry {
    Entry {
        fence,
        pending: Some(Value {
            rotation: "r".to_owned(),
            username: Some("erp_a".to_owned()),
            secret: SecretText::new(format!("{CANARY}-{fence}")),
            created: "2026-01-02T03:04:05Z".parse().unwrap(),
        }),
        ..Entry::default()
    }
}

#[tokio::test]
async fn a_ledger_is_created_read_and_replaced() {
    let vault = TestVault::start().await;
    let store = vault.store();
    assert_eq!(store.read("erp").await, Ok(None));
    let first = store.write("erp", &entry(1), None).await.unwrap();
    assert_eq!(store.read("erp").await, Ok(Some((entry(1), first.clone()))));
    let second = store.write("erp", &entry(2), Some(&first)).await.unwrap();
    assert_ne!(first, second);
    // By another process, and at the path the documentation names.
    assert_eq!(
        vault.store().read("erp").await,
        Ok(Some((entry(2), second)))
    );
    let raw = vault.get("secret/data/reportapp/reports/demo/erp").await;
    assert!(raw["data"]["data"]["entry"].is_string(), "{raw}");
    assert_eq!(store.read("store").await, Ok(None));

    let log = vault.audit_log();
    assert!(log.contains("secret/data/reportapp/reports/demo/erp"));
    assert!(!log.contains(CANARY), "a value shows in the audit log");
}

#[tokio::test]
async fn of_two_writers_one_is_refused() {
    let vault = TestVault::start().await;
    let (left, right) = (vault.store(), vault.store());
    let (one, two) = (entry(1), entry(2));
    let begun = tokio::join!(
        left.write("erp", &one, None),
        right.write("erp", &two, None)
    );
    let version = winner(begun);
    let (three, four) = (entry(3), entry(4));
    let replaced = tokio::join!(
        left.write("erp", &three, Some(&version)),
        right.write("erp", &four, Some(&version))
    );
    let newer = winner(replaced);
    let (found, version) = left.read("erp").await.unwrap().unwrap();
    assert_eq!(version, newer);
    assert!([3, 4].contains(&found.fence));
}

/// The version of the one that succeeded.
fn winner(both: (Result<Version, StoreError>, Result<Version, StoreError>)) -> Version {
    match both {
        (Ok(version), Err(StoreError::Raced)) | (Err(StoreError::Raced), Ok(version)) => version,
        both => panic!("{both:?}"),
    }
}

#[tokio::test]
async fn a_deleted_ledger_begins_again_after_its_last_version() {
    let vault = TestVault::start().await;
    let store = vault.store();
    let path = "reportapp/reports/demo/erp";
    let first = store.write("erp", &entry(1), None).await.unwrap();
    vault.delete(&format!("secret/data/{path}")).await;
    assert_eq!(store.read("erp").await, Ok(None));
    // Who read it before the deletion is not to go on.
    let second = store.write("erp", &entry(2), None).await.unwrap();
    assert_eq!(second, Version("2".to_owned()));
    assert_eq!(
        store.write("erp", &entry(3), Some(&first)).await,
        Err(StoreError::Raced)
    );
    vault
        .put(
            &format!("secret/destroy/{path}"),
            json!({ "versions": [2] }),
        )
        .await;
    assert_eq!(store.read("erp").await, Ok(None));
    assert_eq!(
        store.write("erp", &entry(3), None).await,
        Ok(Version("3".to_owned()))
    );
    assert_eq!(
        store.write("erp", &entry(4), None).await,
        Err(StoreError::Raced)
    );
}

#[tokio::test]
async fn a_field_that_is_no_entry_is_named_without_its_content() {
    let vault = TestVault::start().await;
    let path = "secret/data/reportapp/reports/demo/erp";
    vault
        .put(path, json!({ "data": { "entry": CANARY } }))
        .await;
    let told = vault.store().read("erp").await;
    let Err(StoreError::Unusable(text)) = told else {
        panic!("{told:?}");
    };
    assert!(text.contains("secret/reportapp/reports/demo/erp"), "{text}");
    assert!(!text.contains(CANARY), "{text}");
}
