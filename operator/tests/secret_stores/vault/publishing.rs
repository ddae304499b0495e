//! First values read from secrets of others, and new ones written into them.

use reportapp_operator::login_url;
use reportapp_operator::rotation::ledger::SecretText;
use reportapp_operator::secret_store::vault::path::path_and_key;
use reportapp_operator::secret_store::{Patched, StoreError};
use serde_json::{Value, json};

use super::server::TestVault;

const PATH: &str = "secret/data/bisman/production";

async fn data(vault: &TestVault) -> Value {
    vault.get(PATH).await["data"].clone()
}

#[tokio::test]
async fn a_value_is_read_by_path_and_key() {
    let vault = TestVault::start().await;
    let store = vault.store();
    let told = store.read_key("bisman/production", "DATABASE_URL").await;
    assert!(
        matches!(&told, Err(StoreError::Unusable(text)) if text.contains("secret/bisman/production does not exist")),
        "{told:?}"
    );
    let secret = json!({ "DATABASE_URL": "postgresql://x", "PORT": 1 });
    vault.put(PATH, json!({ "data": secret })).await;
    for path in ["bisman/production", "secret/bisman/production"] {
        let value = store.read_key(path, "DATABASE_URL").await.unwrap();
        assert_eq!(value.expose(), "postgresql://x");
    }
    for key in ["PORT", "WORKER_DATABASE_URL"] {
        let told = store.read_key("bisman/production", key).await;
        assert!(
            matches!(&told, Err(StoreError::Unusable(text)) if text.contains(key)),
            "{told:?}"
        );
    }
}

#[tokio::test]
async fn a_key_is_set_once_and_the_secret_is_begun_if_there_is_none() {
    let vault = TestVault::start().await;
    let (store, value) = (vault.store(), SecretText::new("postgresql://y"));
    let set = || store.patch_key("bisman/production", "DATABASE_URL", &value);
    assert_eq!(set().await, Ok(Patched::Written));
    assert_eq!(set().await, Ok(Patched::Unchanged));
    assert_eq!(data(&vault).await["metadata"]["version"], 1);
    vault.delete(PATH).await;
    assert_eq!(set().await, Ok(Patched::Written));
    let found = data(&vault).await;
    assert_eq!(found["metadata"]["version"], 2);
    assert_eq!(found["data"], json!({ "DATABASE_URL": "postgresql://y" }));
}

#[tokio::test]
async fn keys_of_others_survive_even_if_they_write_at_the_same_time() {
    let vault = TestVault::start().await;
    let foreign = json!({ "FOREIGN": "kept", "NUMBER": 7, "NESTED": { "a": [true] } });
    vault.put(PATH, json!({ "data": foreign })).await;
    let writers = ["A", "B", "C", "D"].map(|key| {
        let store = vault.store();
        async move {
            let value = SecretText::new(key.to_lowercase());
            store.patch_key("bisman/production", key, &value).await
        }
    });
    for written in futures::future::join_all(writers).await {
        assert_eq!(written, Ok(Patched::Written));
    }
    let all = json!({
        "FOREIGN": "kept", "NUMBER": 7, "NESTED": { "a": [true] },
        "A": "a", "B": "b", "C": "c", "D": "d",
    });
    assert_eq!(data(&vault).await["data"], all);
}

#[tokio::test]
async fn urls_of_the_originals_give_their_passwords_also_with_vault_sealed() {
    let vault = TestVault::start().await;
    let store = vault.store();
    let secret = json!({
        "DATABASE_URL": "postgresql://bisman_backend:p%40ss@erp:5432/erp",
        "WORKER_DATABASE_URL": "postgresql+asyncpg://bisman_worker:word@erp/erp",
    });
    vault.put(PATH, json!({ "data": secret })).await;
    for (reference, user, wanted) in [
        (
            "secret/bisman/production#DATABASE_URL",
            "bisman_backend",
            "p@ss",
        ),
        (
            "bisman/production#WORKER_DATABASE_URL",
            "bisman_worker",
            "word",
        ),
    ] {
        let (path, key) = path_and_key(reference, "password");
        let text = store.read_key(path, key).await.unwrap();
        let password = login_url::password(text.expose(), user).unwrap().unwrap();
        assert_eq!(password.expose(), wanted);
        assert!(login_url::password(text.expose(), "somebody").is_err());
    }
    vault.seal().await;
    let (path, key) = ("bisman/production", "WORKER_DATABASE_URL");
    let told = store.read_key(path, key).await;
    assert!(matches!(told, Err(StoreError::Unavailable(_))), "{told:?}");
    let remembered = store.last_read(path, key).unwrap();
    assert_eq!(remembered.expose(), secret[key].as_str().unwrap());
    assert_eq!(store.last_read(path, "PORT"), None);
}
