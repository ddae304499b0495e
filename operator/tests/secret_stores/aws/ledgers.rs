//! Ledgers: versions, labels, races, deletions.

use reportapp_operator::rotation::ledger::{Entry, SecretText, Value};
use reportapp_operator::secret_store::{SecretStore as _, StoreError, Version};
use serde_json::json;

use super::server::{LEDGER, TestAws};

/// Part of every value, to search for where it must not be.
const CANARY: &str = "canary-51c8-ledger";

pub fn entry(fence: u64) -> Entry {
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
    let aws = TestAws::start();
    let store = aws.store();
    assert_eq!(store.read("erp").await, Ok(None));
    let first = store.write("erp", &entry(1), None).await.unwrap();
    assert_eq!(store.read("erp").await, Ok(Some((entry(1), first.clone()))));
    let second = store.write("erp", &entry(2), Some(&first)).await.unwrap();
    let third = store.write("erp", &entry(3), Some(&second)).await.unwrap();
    // By another process, and under the name the documentation gives.
    assert_eq!(
        aws.store().read("erp").await,
        Ok(Some((entry(3), third.clone())))
    );
    assert_eq!(aws.object(LEDGER).await["fence"], 3);
    // A version without a label is removed by AWS in time.
    assert_eq!(
        aws.labels(LEDGER).await,
        json!({ first.0: [], second.0: ["AWSPREVIOUS"], third.0: ["REPORTAPP-STAGED", "AWSCURRENT"] })
    );
    assert_eq!(store.read("store").await, Ok(None));
}

#[tokio::test]
async fn of_two_writers_one_is_refused() {
    let aws = TestAws::start();
    let (left, right) = (aws.store(), aws.store());
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
    let (found, current) = left.read("erp").await.unwrap().unwrap();
    assert_eq!(current, newer);
    assert!([3, 4].contains(&found.fence));
    // Long after.
    let late = right.write("erp", &entry(5), Some(&version)).await;
    assert_eq!(late, Err(StoreError::Raced));
    assert_eq!(left.read("erp").await, Ok(Some((found, newer))));
}

/// The version of the one that succeeded.
fn winner(both: (Result<Version, StoreError>, Result<Version, StoreError>)) -> Version {
    match both {
        (Ok(version), Err(StoreError::Raced)) | (Err(StoreError::Raced), Ok(version)) => version,
        both => panic!("{both:?}"),
    }
}

#[tokio::test]
async fn a_secret_that_was_made_without_a_value_is_given_its_first() {
    let aws = TestAws::start();
    aws.ask("CreateSecret", json!({ "Name": LEDGER })).await;
    let store = aws.store();
    assert_eq!(store.read("erp").await, Ok(None));
    let first = store.write("erp", &entry(1), None).await.unwrap();
    let second = store.write("erp", &entry(2), None).await;
    assert_eq!(second, Err(StoreError::Raced));
    assert_eq!(store.read("erp").await, Ok(Some((entry(1), first))));
}

#[tokio::test]
async fn a_deleted_ledger_is_to_be_restored_and_one_that_is_gone_begins_again() {
    let aws = TestAws::start();
    let store = aws.store();
    let first = store.write("erp", &entry(1), None).await.unwrap();
    aws.ask("DeleteSecret", json!({ "SecretId": LEDGER })).await;
    let told = store.read("erp").await;
    let remedy =
        format!("aws secretsmanager restore-secret --region eu-central-1 --secret-id {LEDGER}");
    assert!(
        matches!(&told, Err(StoreError::Unusable(text)) if text.contains(&remedy)),
        "{told:?}"
    );
    aws.ask("RestoreSecret", json!({ "SecretId": LEDGER }))
        .await;
    assert_eq!(store.read("erp").await, Ok(Some((entry(1), first.clone()))));
    let for_good = json!({ "SecretId": LEDGER, "ForceDeleteWithoutRecovery": true });
    aws.ask("DeleteSecret", for_good).await;
    assert_eq!(store.read("erp").await, Ok(None));
    let late = store.write("erp", &entry(2), Some(&first)).await;
    assert_eq!(late, Err(StoreError::Raced));
    assert!(store.write("erp", &entry(2), None).await.is_ok());
}

#[tokio::test]
async fn a_text_that_is_no_entry_is_named_without_its_content() {
    let aws = TestAws::start();
    let secret = json!({ "Name": LEDGER, "SecretString": CANARY });
    aws.ask("CreateSecret", secret).await;
    let told = aws.store().read("erp").await;
    assert!(
        matches!(&told, Err(StoreError::Unusable(text)) if text.contains(LEDGER) && !text.contains(CANARY)),
        "{told:?}"
    );
}
