//! Logins: tokens that are kept, prolonged and replaced.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use reportapp_operator::rotation::ledger::SecretText;
use reportapp_operator::secret_store::tokens::TokenSource;
use reportapp_operator::secret_store::vault::Login;
use reportapp_operator::secret_store::{SecretStore as _, StoreError};
use serde_json::json;

use super::server::TestVault;

#[tokio::test]
async fn a_token_is_kept_and_a_revoked_one_is_replaced_by_a_new_login() {
    let vault = TestVault::start().await;
    let store = vault.store();
    let logins = || requests(&vault, "auth/approle/login");
    for _ in 0..3 {
        assert_eq!(store.read("erp").await, Ok(None));
    }
    assert_eq!(logins(), 1);
    vault.revoke_logins().await;
    assert_eq!(store.read("erp").await, Ok(None));
    assert_eq!(logins(), 2);
}

#[tokio::test]
async fn a_token_is_prolonged_before_it_ends() {
    let vault = TestVault::start().await;
    let store = vault.store();
    store.tend().await.unwrap();
    assert_eq!(requests(&vault, "auth/token/renew-self"), 0);
    // Only the operator's clock: for Vault the token is as young as before.
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(50 * 60)).await;
    tokio::time::resume();
    store.tend().await.unwrap();
    store.tend().await.unwrap();
    assert_eq!(requests(&vault, "auth/token/renew-self"), 1);
    assert_eq!(requests(&vault, "auth/approle/login"), 1);
}

#[tokio::test]
async fn a_wrong_secret_id_is_told_with_the_remedy() {
    let vault = TestVault::start().await;
    let store = vault.store_with(Login::AppRole {
        mount: "approle".to_owned(),
        role_id: "nobody".to_owned(),
        secret_id: SecretText::new("canary-secret-id"),
    });
    let told = store.read("erp").await;
    let Err(StoreError::Denied(text)) = told else {
        panic!("{told:?}");
    };
    assert!(
        text.contains("secret-id`") && !text.contains("canary"),
        "{text}"
    );
    assert!(!vault.audit_log().contains("canary"));
}

#[tokio::test]
async fn a_given_token_works_until_it_is_revoked_and_its_end_is_told() {
    let vault = TestVault::start().await;
    let token = vault.token("1h").await;
    let store = vault.store_with(Login::Token(SecretText::new(&token)));
    assert_eq!(store.read("erp").await, Ok(None));
    vault
        .put("auth/token/revoke", json!({ "token": token }))
        .await;
    let told = store.read("erp").await;
    let Err(StoreError::Denied(text)) = told else {
        panic!("{told:?}");
    };
    assert!(
        text.contains("was revoked") && !text.contains(&token),
        "{text}"
    );
}

/// Signs what the API server would.
struct Signer(Ed25519KeyPair);

impl TokenSource for Signer {
    fn token<'a>(&'a self, audience: &'a str) -> BoxFuture<'a, Result<SecretText, StoreError>> {
        let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let now = jiff::Timestamp::now().as_second();
        let claims = json!({
            "iss": "kubernetes", "aud": [audience], "iat": now, "nbf": now, "exp": now + 600,
            "sub": "system:serviceaccount:reports:demo-secrets",
        });
        let text = format!("{}.{}", part(json!({ "alg": "EdDSA" })), part(claims));
        let signature = URL_SAFE_NO_PAD.encode(self.0.sign(text.as_bytes()));
        async move { Ok(SecretText::new(format!("{text}.{signature}"))) }.boxed()
    }
}

#[tokio::test]
async fn a_signed_token_logs_in_if_its_audience_is_the_one_of_the_role() {
    let vault = TestVault::start().await;
    let key = Ed25519KeyPair::generate().unwrap();
    // The header of an Ed25519 key in SubjectPublicKeyInfo.
    let header = [
        0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
    ];
    let public = STANDARD.encode([&header, key.public_key().as_ref()].concat());
    let public = format!("-----BEGIN PUBLIC KEY-----\n{public}\n-----END PUBLIC KEY-----\n");
    vault.put("sys/auth/jwt", json!({ "type": "jwt" })).await;
    vault
        .put(
            "auth/jwt/config",
            json!({ "jwt_validation_pubkeys": [public], "jwt_supported_algs": ["EdDSA"] }),
        )
        .await;
    let role = json!({
        "role_type": "jwt", "user_claim": "sub", "bound_audiences": ["vault"],
        "bound_subject": "system:serviceaccount:reports:demo-secrets",
        "token_policies": ["operator"],
    });
    vault.put("auth/jwt/role/reports", role).await;
    let tokens: Arc<dyn TokenSource> = Arc::new(Signer(key));
    let store = |audience: &str| {
        vault.store_with(Login::Jwt {
            mount: "jwt".to_owned(),
            role: "reports".to_owned(),
            audience: audience.to_owned(),
            tokens: Arc::clone(&tokens),
        })
    };
    assert_eq!(store("vault").read("erp").await, Ok(None));
    let told = store("elsewhere").read("erp").await;
    assert!(
        matches!(&told, Err(StoreError::Denied(text)) if text.contains("audience")),
        "{told:?}"
    );
}

/// How many requests for `path` Vault answered.
fn requests(vault: &TestVault, path: &str) -> usize {
    let path = format!("\"path\":\"{path}\"");
    let log = vault.audit_log();
    log.lines()
        .filter(|line| line.contains("\"type\":\"response\"") && line.contains(&path))
        .count()
}
