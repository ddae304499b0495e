//! A Vault that is sealed, gone, or refuses.

use reportapp_operator::rotation::ledger::{Entry, SecretText};
use reportapp_operator::secret_store::vault::{Login, VaultStore};
use reportapp_operator::secret_store::{SecretStore as _, StoreError};

use super::server::{POLICY, TestVault};

fn told<T: std::fmt::Debug>(result: Result<T, StoreError>) -> StoreError {
    result.expect_err("it must not succeed")
}

#[tokio::test]
async fn a_sealed_vault_is_unavailable_until_it_is_unsealed() {
    let vault = TestVault::start().await;
    let store = vault.store();
    let version = store.write("erp", &Entry::default(), None).await.unwrap();
    vault.seal().await;
    for sealed in [
        told(store.read("erp").await),
        told(store.write("erp", &Entry::default(), Some(&version)).await),
        // Not logged in yet.
        told(vault.store().read("erp").await),
    ] {
        assert!(
            matches!(&sealed, StoreError::Unavailable(text) if text.contains("vault operator unseal")),
            "{sealed:?}"
        );
    }
    vault.unseal().await;
    let next = store.write("erp", &Entry::default(), Some(&version)).await;
    assert!(next.is_ok(), "{next:?}");
}

#[tokio::test]
async fn a_vault_that_is_gone_is_unavailable() {
    let vault = TestVault::start().await;
    let store = vault.store();
    assert_eq!(store.read("erp").await, Ok(None));
    drop(vault);
    let gone = told(store.read("erp").await);
    assert!(
        matches!(&gone, StoreError::Unavailable(text) if text.contains("cannot be reached")),
        "{gone:?}"
    );
}

#[tokio::test]
async fn a_missing_permission_is_told_with_the_policy_that_grants_it() {
    let vault = TestVault::start().await;
    let store = vault.store();
    let reading = r#"path "secret/data/reportapp/reports/demo/*" { capabilities = ["read"] }"#;
    let nothing = r#"path "secret/data/elsewhere" { capabilities = ["read"] }"#;
    for policy in [nothing, reading] {
        vault.set_policy(policy).await;
        let denied = told(store.write("erp", &Entry::default(), None).await);
        let StoreError::Denied(text) = &denied else {
            panic!("{denied:?}");
        };
        let line = r#"path "secret/data/reportapp/reports/demo/*" { capabilities = ["create", "read", "update"] }"#;
        assert!(
            text.contains(line) && text.contains("auth/approle"),
            "{text}"
        );
        let elsewhere = told(store.read_key("bisman/production", "K").await);
        let line = r#"path "secret/data/bisman/production" { capabilities = ["read"] }"#;
        assert!(
            matches!(&elsewhere, StoreError::Denied(text) if text.contains(line)),
            "{elsewhere:?}"
        );
    }
    vault.set_policy(POLICY).await;
    assert!(store.write("erp", &Entry::default(), None).await.is_ok());
}

#[tokio::test]
async fn a_certificate_of_another_authority_is_not_trusted() {
    let (vault, other) = (TestVault::start().await, TestVault::start().await);
    let login = Login::Token(SecretText::new("t"));
    let settings = vault.settings(login, Some(other.authority().to_owned()));
    let store = VaultStore::new(settings, "reports", "demo").unwrap();
    let refused = told(store.read("erp").await);
    assert!(
        matches!(&refused, StoreError::Unavailable(text) if text.contains("caSecretRef")),
        "{refused:?}"
    );
}
