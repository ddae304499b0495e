//! New values written into secrets of others.

use reportapp_operator::rotation::ledger::SecretText;
use reportapp_operator::secret_store::{Patched, StoreError};
use serde_json::json;

use super::server::TestAws;

/// A secret of the original.
const NAME: &str = "bisman/production/database";

#[tokio::test]
async fn a_key_is_set_once_and_the_secret_is_begun_if_there_is_none() {
    let aws = TestAws::start();
    let (store, value) = (aws.store(), SecretText::new("postgresql://y"));
    let set = || store.patch_key(NAME, "DATABASE_URL", &value);
    assert_eq!(set().await, Ok(Patched::Written));
    assert_eq!(set().await, Ok(Patched::Unchanged));
    assert_eq!(aws.labels(NAME).await.as_object().unwrap().len(), 1);
    let found = aws.object(NAME).await;
    assert_eq!(found, json!({ "DATABASE_URL": "postgresql://y" }));
}

#[tokio::test]
async fn keys_and_labels_of_others_survive_even_if_they_write_at_the_same_time() {
    let aws = TestAws::start();
    let foreign = json!({ "FOREIGN": "kept", "port": 5432, "NESTED": { "a": [true] } });
    let secret = json!({ "Name": NAME, "SecretString": foreign.to_string() });
    aws.ask("CreateSecret", secret).await;
    // A rotation by AWS itself that is not over.
    let id = "a".repeat(32);
    let theirs = json!({
        "SecretId": NAME, "SecretString": "{}", "ClientRequestToken": id,
        "VersionStages": ["AWSPENDING"],
    });
    aws.ask("PutSecretValue", theirs).await;
    let writers = ["A", "B", "C", "D"].map(|key| {
        let store = aws.store();
        async move {
            let value = SecretText::new(key.to_lowercase());
            store.patch_key(NAME, key, &value).await
        }
    });
    for written in futures::future::join_all(writers).await {
        assert_eq!(written, Ok(Patched::Written));
    }
    let all = json!({
        "FOREIGN": "kept", "port": 5432, "NESTED": { "a": [true] },
        "A": "a", "B": "b", "C": "c", "D": "d",
    });
    assert_eq!(aws.object(NAME).await, all);
    assert_eq!(aws.labels(NAME).await[&id], json!(["AWSPENDING"]));
}

#[tokio::test]
async fn a_secret_that_holds_no_object_is_left_as_it_is() {
    let aws = TestAws::start();
    let secret = json!({ "Name": NAME, "SecretString": "canary-plain-text" });
    aws.ask("CreateSecret", secret).await;
    let value = SecretText::new("v");
    let told = aws.store().patch_key(NAME, "KEY", &value).await;
    assert!(
        matches!(&told, Err(StoreError::Unusable(text)) if text.contains("JSON object") && !text.contains("canary")),
        "{told:?}"
    );
    let wanted = json!({ "SecretId": NAME });
    let found = aws.ask("GetSecretValue", wanted).await;
    assert_eq!(found["SecretString"], "canary-plain-text");
}
