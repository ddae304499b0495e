//! Who may do what, checked by moto with AWS's own code: signatures of access keys and of sessions of
//! a role, and policies.

use reportapp_operator::secret_store::{SecretStore as _, StoreError};
use serde_json::{Value, json};

use super::ledgers::entry;
use super::server::{ACCOUNT, TestAws, access_key};

fn policy(actions: &[&str]) -> String {
    let actions: Vec<_> = actions
        .iter()
        .map(|action| format!("secretsmanager:{action}"))
        .collect();
    let statement = json!({ "Effect": "Allow", "Action": actions, "Resource": "*" });
    json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string()
}

async fn allow(aws: &TestAws, actions: &[&str]) {
    aws.enforce(false).await;
    let put = [
        ("Action", "PutUserPolicy"),
        ("UserName", "operator"),
        ("PolicyName", "secrets"),
        ("PolicyDocument", &policy(actions)),
    ];
    aws.iam(&put).await;
    aws.enforce(true).await;
}

/// A user with an access key: its id and the key.
async fn user(aws: &TestAws) -> (String, String) {
    let user = ("UserName", "operator");
    aws.iam(&[("Action", "CreateUser"), user]).await;
    let made = aws.iam(&[("Action", "CreateAccessKey"), user]).await;
    (
        element(&made, "AccessKeyId"),
        element(&made, "SecretAccessKey"),
    )
}

fn element(xml: &str, name: &str) -> String {
    let (_, rest) = xml.split_once(&format!("<{name}>")).unwrap();
    rest.split_once('<').unwrap().0.to_owned()
}

fn denied<T: std::fmt::Debug>(result: Result<T, StoreError>) -> String {
    match result {
        Err(StoreError::Denied(text)) => text,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn each_missing_right_is_named_and_those_of_the_documentation_are_enough() {
    let aws = TestAws::start();
    let (id, secret) = user(&aws).await;
    let store = aws.store_with(access_key(&id, &secret));
    let all = [
        "GetSecretValue",
        "CreateSecret",
        "PutSecretValue",
        "UpdateSecretVersionStage",
    ];
    allow(&aws, &all[..1]).await;
    assert_eq!(store.read("erp").await, Ok(None));
    let told = denied(store.write("erp", &entry(1), None).await);
    assert!(told.contains("secretsmanager:CreateSecret:"), "{told}");
    let (_, statement) = told.split_once("of access key ").unwrap();
    let (_, statement) = statement.split_once(": ").unwrap();
    let statement: Value = serde_json::from_str(statement).unwrap();
    assert_eq!(
        statement["Resource"],
        "arn:aws:secretsmanager:eu-central-1:*:secret:reportapp/reports/demo/*"
    );
    allow(&aws, &all[..2]).await;
    let first = store.write("erp", &entry(1), None).await.unwrap();
    for (allowed, missing) in [(2, all[2]), (3, all[3])] {
        allow(&aws, &all[..allowed]).await;
        let told = denied(store.write("erp", &entry(2), Some(&first)).await);
        assert!(
            told.contains(&format!("secretsmanager:{missing}:")),
            "{told}"
        );
    }
    allow(&aws, &all).await;
    assert!(store.write("erp", &entry(2), Some(&first)).await.is_ok());
}

#[tokio::test]
async fn a_wrong_access_key_is_refused_and_not_shown() {
    let aws = TestAws::start();
    let (id, _) = user(&aws).await;
    allow(&aws, &["GetSecretValue"]).await;
    for login in [
        access_key(&id, "canary-wrong"),
        access_key("AKIANOBODY", "canary-wrong"),
    ] {
        let told = denied(aws.store_with(login).read("erp").await);
        assert!(
            told.contains("aws iam list-access-keys") && !told.contains("canary"),
            "{told}"
        );
    }
}

#[tokio::test]
async fn the_session_of_a_role_signs_and_has_its_rights() {
    let aws = TestAws::start();
    let trust = r#"{"Version": "2012-10-17", "Statement": []}"#;
    let role = ("RoleName", "reports");
    aws.iam(&[
        ("Action", "CreateRole"),
        role,
        ("AssumeRolePolicyDocument", trust),
    ])
    .await;
    let put = |actions: &'static [&'static str]| {
        let aws = &aws;
        async move {
            let document = policy(actions);
            let put = [
                ("Action", "PutRolePolicy"),
                role,
                ("PolicyName", "secrets"),
                ("PolicyDocument", &document),
            ];
            aws.iam(&put).await;
        }
    };
    put(&["GetSecretValue"]).await;
    let store = aws.store_with(aws.role());
    // moto asks for a signature of the login too, which AWS does not.
    assert_eq!(store.read("erp").await, Ok(None));
    aws.enforce(true).await;
    assert_eq!(store.read("erp").await, Ok(None));
    let told = denied(store.write("erp", &entry(1), None).await);
    let resource = format!(
        r#""Resource":"arn:aws:secretsmanager:eu-central-1:{ACCOUNT}:secret:reportapp/reports/demo/*""#
    );
    assert!(
        told.contains(&resource) && told.contains("role/reports"),
        "{told}"
    );
    aws.enforce(false).await;
    put(&["GetSecretValue", "CreateSecret"]).await;
    aws.enforce(true).await;
    assert!(store.write("erp", &entry(1), None).await.is_ok());
}
