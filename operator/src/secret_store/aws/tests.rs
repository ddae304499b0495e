//! What is asked of AWS and what its answers mean, against a server that gives fixed answers. A
//! Secrets Manager that keeps secrets and checks signatures is in `tests/secret_stores`.

use std::sync::Arc;

use tokio::net::TcpListener;

use super::*;
use crate::secret_store::testing::{Tokens, answering};

/// Part of every value, to search for where it must not be.
const CANARY: &str = "canary-7f3a";
const ROLE: &str = "arn:aws:iam::123456789012:role/reports";
const OLD: &str = "00000000000000000000000000000001";

const SESSION: &str = "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>
    <AccessKeyId>ASIAEXAMPLE</AccessKeyId><SecretAccessKey>a/b+c</SecretAccessKey>
    <SessionToken>canary-7f3a-session==</SessionToken></Credentials></AssumeRoleWithWebIdentityResult>
    </AssumeRoleWithWebIdentityResponse>";
const NO_ROLE: &str = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code>
    <Message>Not authorized to perform sts:AssumeRoleWithWebIdentity</Message></Error></ErrorResponse>";
const MISSING: &str = r#"{"__type":"ResourceNotFoundException",
    "Message":"Secrets Manager can't find the specified secret."}"#;
const EXPIRED: &str = r#"{"__type":"ExpiredTokenException",
    "message":"The security token included in the request is expired"}"#;
const PUT: &str = r#"{"ARN":"a","Name":"n","VersionId":"00000000000000000000000000000002",
    "VersionStages":["REPORTAPP-STAGED"]}"#;
const MOVED: &str = r#"{"ARN":"a","Name":"n"}"#;
const ELSEWHERE: &str = r#"{"__type":"InvalidParameterException",
    "Message":"The parameter RemoveFromVersionId is not the version the label is attached to."}"#;

fn settings(address: &str, login: Login) -> Settings {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Settings {
        region: "eu-central-1".to_owned(),
        endpoint: Some(address.to_owned()),
        prefix: "reportapp".to_owned(),
        kms_key_id: Some("alias/reports".to_owned()),
        login,
    }
}

fn store(address: &str, login: Login) -> AwsStore {
    AwsStore::new(settings(address, login), "reports", "demo").unwrap()
}

fn access_key() -> Login {
    Login::AccessKey(AccessKey {
        id: "AKIAEXAMPLE".to_owned(),
        secret: SecretText::new(format!("{CANARY}-key")),
        session: None,
    })
}

fn role(address: &str, tokens: Arc<Tokens>) -> Login {
    Login::WebIdentity {
        role_arn: ROLE.to_owned(),
        audience: "sts.amazonaws.com".to_owned(),
        sts_endpoint: Some(address.to_owned()),
        subject: "system:serviceaccount:reports:demo-secrets".to_owned(),
        tokens,
    }
}

async fn read(answers: Vec<(u16, &'static str)>) -> Result<bool, StoreError> {
    let (address, served) = answering(answers).await;
    let found = store(&address, access_key()).read("erp").await;
    served.await.unwrap();
    found.map(|found| found.is_some())
}

/// Writes in place of [`OLD`], and gives what was asked.
async fn write(answers: Vec<(u16, &'static str)>) -> (Result<Version, StoreError>, Vec<Value>) {
    let (address, served) = answering(answers).await;
    let expected = Version(OLD.to_owned());
    let store = store(&address, access_key());
    let written = store.write("erp", &Entry::default(), Some(&expected)).await;
    let requests = served.await.unwrap();
    (written, requests.iter().map(|text| body(text)).collect())
}

fn body(request: &str) -> Value {
    serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap()
}

#[tokio::test]
async fn a_role_is_assumed_with_an_audience_bound_token_and_its_session_signs() {
    let (address, served) = answering(vec![(200, SESSION), (400, MISSING)]).await;
    let tokens = Arc::<Tokens>::default();
    let store = store(&address, role(&address, Arc::clone(&tokens)));
    assert_eq!(store.read("erp").await, Ok(None));
    assert_eq!(tokens.audiences(), ["sts.amazonaws.com"]);
    let requests = served.await.unwrap();
    for part in [
        "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&",
        "RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Freports&",
        "RoleSessionName=reportapp-reports-demo&WebIdentityToken=canary0jwt",
    ] {
        assert!(requests[0].contains(part), "{}", requests[0]);
    }
    assert!(!requests[0].contains("authorization:"), "{}", requests[0]);
    for part in [
        "x-amz-target: secretsmanager.GetSecretValue\r\n",
        "x-amz-security-token: canary-7f3a-session==\r\n",
        "/eu-central-1/secretsmanager/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, Signature=",
    ] {
        assert!(requests[1].contains(part), "{}", requests[1]);
    }
    let asked = json!({ "SecretId": "reportapp/reports/demo/erp", "VersionStage": "AWSCURRENT" });
    assert_eq!(body(&requests[1]), asked);
}

#[tokio::test]
async fn a_session_that_is_refused_is_replaced_once() {
    let answers = vec![
        (200, SESSION),
        (400, EXPIRED),
        (200, SESSION),
        (400, EXPIRED),
    ];
    let (address, served) = answering(answers).await;
    let store = store(&address, role(&address, Arc::default()));
    let told = store.read("erp").await;
    served.await.unwrap();
    assert!(
        matches!(&told, Err(StoreError::Denied(text)) if text.contains("ExpiredToken") && text.contains(ROLE)),
        "{told:?}"
    );
}

#[tokio::test]
async fn a_role_that_is_refused_is_told_with_what_it_must_trust() {
    let (address, served) = answering(vec![(403, NO_ROLE)]).await;
    let store = store(&address, role(&address, Arc::default()));
    let told = store.read("erp").await;
    served.await.unwrap();
    let Err(StoreError::Denied(text)) = told else {
        panic!("{told:?}");
    };
    for part in [
        ROLE,
        "<issuer>:sub = system:serviceaccount:reports:demo-secrets",
        "<issuer>:aud = sts.amazonaws.com",
        "Not authorized to perform",
    ] {
        assert!(text.contains(part), "{text}");
    }
}

#[tokio::test]
async fn a_write_puts_a_version_aside_and_moves_the_label_from_what_was_read() {
    let (written, asked) = write(vec![(200, PUT), (200, MOVED)]).await;
    let new = "00000000000000000000000000000002";
    assert_eq!(written, Ok(Version(new.to_owned())));
    let id = asked[0]["ClientRequestToken"].as_str().unwrap();
    assert_eq!(id.len(), 32);
    // With the label of the value in here there would be no check.
    assert_eq!(asked[0]["VersionStages"], json!(["REPORTAPP-STAGED"]));
    assert_eq!(
        asked[1],
        json!({
            "SecretId": "reportapp/reports/demo/erp", "VersionStage": "AWSCURRENT",
            "RemoveFromVersionId": OLD, "MoveToVersionId": new,
        })
    );
}

#[tokio::test]
async fn a_refused_move_is_judged_by_where_the_label_is() {
    let current = |id: &str| -> &'static str {
        let answer = json!({ "VersionId": id, "SecretString": "{}" });
        Box::leak(answer.to_string().into_boxed_str())
    };
    let new = "00000000000000000000000000000002";
    let after = async |found| {
        write(vec![(200, PUT), (400, ELSEWHERE), (200, found)])
            .await
            .0
    };
    let other = after(current("00000000000000000000000000000003")).await;
    assert_eq!(other, Err(StoreError::Raced));
    assert_eq!(after(current(new)).await, Ok(Version(new.to_owned())));
    let unmoved = after(current(OLD)).await;
    assert!(
        matches!(unmoved, Err(StoreError::Unusable(_))),
        "{unmoved:?}"
    );
    let (deleted, _) = write(vec![(200, PUT), (400, MISSING), (400, MISSING)]).await;
    assert_eq!(deleted, Err(StoreError::Raced));
    let (deleted, _) = write(vec![(400, MISSING)]).await;
    assert_eq!(deleted, Err(StoreError::Raced));
}

#[tokio::test]
async fn a_created_secret_names_its_key_and_a_second_creator_is_refused() {
    let exists = r#"{"__type":"ResourceExistsException","Message":"exists"}"#;
    let found = r#"{"VersionId":"00000000000000000000000000000003","SecretString":"{}"}"#;
    let (address, served) = answering(vec![(400, exists), (200, found)]).await;
    let store = store(&address, access_key());
    let raced = store.write("erp", &Entry::default(), None).await;
    assert_eq!(raced, Err(StoreError::Raced));
    let asked = body(&served.await.unwrap()[0]);
    assert_eq!(asked["Name"], "reportapp/reports/demo/erp");
    assert_eq!(asked["KmsKeyId"], "alias/reports");
}

#[tokio::test]
async fn what_passes_by_itself_is_told_apart_from_what_does_not() {
    let unavailable = [
        (
            400,
            r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#,
            "too many requests",
        ),
        (
            400,
            r#"{"__type":"LimitExceededException","message":"x"}"#,
            "versions",
        ),
        (
            500,
            r#"{"__type":"InternalServiceError","message":"x"}"#,
            "500",
        ),
        (503, "<html>", "503"),
        (429, "", "too many requests"),
    ];
    for (code, body, word) in unavailable {
        let told = read(vec![(code, body)]).await;
        assert!(
            matches!(&told, Err(StoreError::Unavailable(text)) if text.contains(word)),
            "{told:?}"
        );
    }
    let denied = [
        (
            r#"{"__type":"AccessDeniedException","Message":"Access to KMS is not allowed"}"#,
            "kms:Decrypt",
        ),
        (
            r#"{"__type":"DecryptionFailure","Message":"x"}"#,
            "kms:Decrypt",
        ),
        (
            r#"{"__type":"UnrecognizedClientException","message":"x"}"#,
            "AKIAEXAMPLE",
        ),
        (
            r#"{"__type":"InvalidSignatureException","message":"Signature expired: 2026"}"#,
            "clock",
        ),
    ];
    for (body, word) in denied {
        let told = read(vec![(400, body)]).await;
        assert!(
            matches!(&told, Err(StoreError::Denied(text)) if text.contains(word)),
            "{told:?}"
        );
    }
    let unusable = [
        (
            400,
            r#"{"__type":"InvalidRequestException","Message":"it was marked for deletion"}"#,
        ),
        (200, "{}"),
        (200, ""),
        (404, "<html>"),
    ];
    for (code, body) in unusable {
        let told = read(vec![(code, body)]).await;
        assert!(matches!(told, Err(StoreError::Unusable(_))), "{told:?}");
    }
}

#[tokio::test]
async fn a_missing_right_is_told_with_the_statement_that_grants_it() {
    let denied = r#"{"__type":"AccessDeniedException","Message":"User: u is not authorized"}"#;
    let (told, _) = write(vec![(200, PUT), (400, denied)]).await;
    let Err(StoreError::Denied(text)) = told else {
        panic!("{told:?}");
    };
    for part in [
        "User: u is not authorized",
        "it needs secretsmanager:UpdateSecretVersionStage",
        r#""Resource":"arn:aws:secretsmanager:eu-central-1:*:secret:reportapp/reports/demo/*""#,
    ] {
        assert!(text.contains(part), "{text}");
    }
}

#[tokio::test]
async fn complaints_that_repeat_what_was_sent_are_not_passed_on() {
    let repeating = [
        r#"{"__type":"ValidationException","message":"Value 'canary-7f3a' at 'x' failed"}"#,
        r#"{"__type":"InvalidParameterException","message":"'canary-7f3a' is too long"}"#,
        r#"{"__type":"InvalidSignatureException","message":"should be x-amz-security-token:canary-7f3a"}"#,
        r#"{"__type":"IncompleteSignatureException","message":"header: canary-7f3a"}"#,
    ];
    for answer in repeating {
        let (told, _) = write(vec![(400, answer)]).await;
        let text = format!("{told:?}");
        assert!(told.is_err() && !text.contains(CANARY), "{text}");
    }
    let found = r#"{"VersionId":"1","SecretString":"canary-7f3a"}"#;
    let (address, served) = answering(vec![(200, found), (200, found)]).await;
    let store = store(&address, access_key());
    let value = SecretText::new("v");
    for told in [
        store.read("erp").await.map(drop),
        store
            .patch_key("bisman/production/database", "k", &value)
            .await
            .map(drop),
    ] {
        assert!(
            matches!(&told, Err(StoreError::Unusable(text)) if !text.contains(CANARY)),
            "{told:?}"
        );
    }
    served.await.unwrap();
    let Login::AccessKey(key) = access_key() else {
        unreachable!("it is one")
    };
    assert!(!format!("{key:?}").contains(CANARY));
}

#[tokio::test]
async fn nobody_who_answers_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let told = store(&address, access_key()).read("erp").await;
    assert!(
        matches!(&told, Err(StoreError::Unavailable(text)) if text.contains("refused")),
        "{told:?}"
    );
}

#[test]
fn an_access_key_that_cannot_be_sent_is_refused_without_showing_it() {
    for secret in ["", "canary-7f3a\nx"] {
        let login = Login::AccessKey(AccessKey {
            id: "AKIAEXAMPLE".to_owned(),
            secret: SecretText::new(secret),
            session: None,
        });
        let made = AwsStore::new(settings("https://e", login), "reports", "demo");
        let told = made.err().expect("it must be refused").to_string();
        assert!(!told.contains(CANARY), "{told}");
    }
}
