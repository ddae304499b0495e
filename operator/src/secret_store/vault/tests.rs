//! What is asked of Vault and what its answers mean, against a server that gives fixed answers. The
//! real Vault is in `tests/secret_stores`.

use tokio::net::TcpListener;

use super::*;
use crate::secret_store::testing::{Tokens, answering};

fn store(address: String, login: Login) -> VaultStore {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let settings = Settings {
        address,
        namespace: Some("teams/a".to_owned()),
        authority: None,
        mount: "secret".to_owned(),
        prefix: "reportapp".to_owned(),
        login,
    };
    VaultStore::new(settings, "reports", "demo").unwrap()
}

fn kubernetes(tokens: Arc<Tokens>) -> Login {
    Login::Kubernetes {
        mount: "kubernetes".to_owned(),
        role: "reports".to_owned(),
        audience: "vault".to_owned(),
        tokens,
    }
}

const AUTH: &str = r#"{"request_id":"1","lease_id":"","renewable":false,"lease_duration":0,
    "data":null,"wrap_info":null,"warnings":null,"auth":{"client_token":"hvs.x","accessor":"a",
    "policies":["default"],"token_policies":["default"],"metadata":{"role":"reports"},
    "lease_duration":3600,"renewable":true,"entity_id":"e","token_type":"service","orphan":true}}"#;
const NOTHING: &str = r#"{"errors":[]}"#;
const DENIED: &str = r#"{"errors":["1 error occurred:\n\t* permission denied\n\n"]}"#;

async fn read(answers: Vec<(u16, &'static str)>) -> Result<bool, StoreError> {
    let (address, served) = answering(answers).await;
    let found = store(address, kubernetes(Arc::default())).read("erp").await;
    served.await.unwrap();
    found.map(|found| found.is_some())
}

#[tokio::test]
async fn the_kubernetes_login_sends_role_and_an_audience_bound_token() {
    let (address, served) = answering(vec![(200, AUTH), (404, NOTHING)]).await;
    let tokens = Arc::<Tokens>::default();
    let found = store(address, kubernetes(Arc::clone(&tokens)))
        .read("erp")
        .await;
    assert_eq!(found, Ok(None));
    assert_eq!(tokens.audiences(), ["vault"]);
    let requests = served.await.unwrap();
    let (login, read) = (&requests[0], &requests[1]);
    assert!(
        login.starts_with("POST /v1/auth/kubernetes/login HTTP/1.1\r\n"),
        "{login}"
    );
    let body: Value = serde_json::from_str(login.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(
        body,
        serde_json::json!({ "role": "reports", "jwt": "canary0jwt" })
    );
    assert!(
        read.starts_with("GET /v1/secret/data/reportapp/reports/demo/erp?"),
        "{read}"
    );
    let read = read.to_lowercase();
    for header in ["x-vault-token: hvs.x", "x-vault-namespace: teams/a"] {
        assert!(read.contains(header), "{read}");
    }
}

#[tokio::test]
async fn what_passes_by_itself_is_told_apart_from_what_does_not() {
    let unavailable = [
        (503, r#"{"errors":["Vault is sealed"]}"#, "unseal"),
        (307, "", "standby"),
        (429, NOTHING, "rate limit"),
        (502, "<html>", "502"),
    ];
    for (code, body, word) in unavailable {
        let told = read(vec![(code, body)]).await;
        assert!(
            matches!(&told, Err(StoreError::Unavailable(text)) if text.contains(word)),
            "{told:?}"
        );
    }
    let role = r#"{"errors":["invalid audience (aud) claim"]}"#;
    for code in [400, 403] {
        let told = read(vec![(code, role)]).await;
        assert!(
            matches!(&told, Err(StoreError::Denied(text)) if text.contains("invalid audience") && text.contains("auth/kubernetes/role/reports")),
            "{told:?}"
        );
    }
    let mount = r#"{"errors":["no handler for route \"secret/data/x\". route entry not found."]}"#;
    for answer in [(404, mount), (200, "{}"), (200, "")] {
        let told = read(vec![(200, AUTH), answer]).await;
        assert!(matches!(told, Err(StoreError::Unusable(_))), "{told:?}");
    }
}

#[tokio::test]
async fn a_refused_token_is_given_up_and_replaced_once() {
    let told = read(vec![
        (200, AUTH),
        (403, DENIED),
        (200, AUTH),
        (204, ""),
        (403, DENIED),
    ])
    .await;
    let Err(StoreError::Denied(text)) = told else {
        panic!("{told:?}");
    };
    let policy = r#"path "secret/data/reportapp/reports/demo/*" { capabilities = ["create", "read", "update"] }"#;
    assert!(text.contains(policy), "{text}");
}

#[tokio::test]
async fn nobody_who_answers_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let told = store(address, kubernetes(Arc::default())).read("erp").await;
    assert!(
        matches!(&told, Err(StoreError::Unavailable(text)) if text.contains("refused")),
        "{told:?}"
    );
}

#[test]
fn paths_are_taken_with_and_without_the_mount() {
    let below = Place::of_others("secret", "bisman/production").unwrap();
    let with = Place::of_others("secret", "/secret/bisman/production").unwrap();
    assert_eq!(below, with);
    assert_eq!(below.to_string(), "secret/bisman/production");
    assert_eq!(
        below.policy(&["read"]),
        r#"path "secret/data/bisman/production" { capabilities = ["read"] }"#
    );
    for path in ["", "a//b", "a/../b", "a b", "a?b", "a/*"] {
        assert!(Place::of_others("secret", path).is_err(), "{path}");
    }
}

#[test]
fn a_reference_names_its_key_after_a_hash() {
    let key = |reference| path::path_and_key(reference, "password");
    assert_eq!(key("erp/login"), ("erp/login", "password"));
    assert_eq!(key("erp/login#pw"), ("erp/login", "pw"));
    assert_eq!(key("erp/login#"), ("erp/login", "password"));
}
