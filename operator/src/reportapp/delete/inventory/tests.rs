//! What is told of each place, and that nothing of it is cut.

use std::collections::BTreeSet;

use k8s_openapi::jiff::Timestamp;
use reportapp_crds::report_app::SecretStore;

use super::*;
use crate::reportapp::publish::MAX_NOTE;
use crate::reportapp::testing::example_app;
use crate::rotation::ledger::SecretText;
use crate::rotation::target::Round;

/// A credential that was rotated to `username`.
fn rotated(username: &str) -> PublishedCredential {
    let username = SecretText::new(username);
    PublishedCredential {
        rotation: "r".to_owned(),
        round: Round::Switched,
        at: Timestamp::UNIX_EPOCH,
        rotated_at: None,
        files: [(file::USERNAME.to_owned(), username)].into(),
    }
}

fn with_store(store: &str) -> ReportApp {
    let mut app = example_app();
    let store: SecretStore = serde_json::from_str(store).expect("a store");
    app.spec.secret_store = store;
    app
}

fn notes(app: &ReportApp, published: &Published, action: &str) -> Vec<String> {
    let kept = inventory(app, vec!["secret/demo-ledger".to_owned()], published);
    let mut found = kept.iter().filter(|kept| kept.action == action);
    found
        .next()
        .map_or_else(Vec::new, |kept| kept.notes(MAX_NOTE))
}

#[test]
fn objects_of_the_namespace_come_last_in_one_command() {
    let kept = inventory(
        &example_app(),
        vec![
            "secret/demo-ledger".to_owned(),
            "secret/demo-published".to_owned(),
        ],
        &Published::new(),
    );
    let last = kept.last().expect("something stays");
    assert_eq!(
        last.notes(MAX_NOTE),
        [
            "kept for a ReportApp of the same name; to remove it: kubectl delete -n reports \
          secret/demo-ledger secret/demo-published"
        ]
    );
    assert_eq!(inventory(&example_app(), Vec::new(), &Published::new()), []);
}

#[test]
fn every_ledger_in_vault_has_its_command() {
    let vault = r#"{"vault": {"address": "https://vault:8200", "mount": "kv", "namespace": "team",
                    "auth": {"kubernetes": {"role": "r"}}}}"#;
    let former = Published::from([("former".to_owned(), rotated("x"))]);
    let told = notes(&with_store(vault), &former, "KeepVaultLedgers").join("\n");
    let spec = example_app().spec;
    let names = spec.credentials.iter().map(|of| of.name.as_str());
    for credential in names.chain(["former"]) {
        let command = format!(
            "vault kv metadata delete -namespace=team -mount=kv reportapp/reports/demo/{credential}"
        );
        assert!(told.contains(&command), "{told}");
    }
}

#[test]
fn every_ledger_in_aws_has_its_command() {
    let aws = r#"{"awsSecretsManager": {"region": "eu-central-1", "pathPrefix": "teams/erp",
                  "auth": {"accessKey": {"secretName": "aws-login"}}}}"#;
    let told = notes(&with_store(aws), &Published::new(), "KeepAwsLedgers").join("\n");
    assert!(
        told.contains(
            "aws secretsmanager delete-secret --region eu-central-1 --secret-id \
             teams/erp/reports/demo/erp"
        ),
        "{told}"
    );
    assert!(!told.contains("vault"), "{told}");
}

#[test]
fn a_login_is_told_once_a_rotation_made_it() {
    let app = example_app();
    let logins = |username: &str| {
        let published = Published::from([("erp".to_owned(), rotated(username))]);
        notes(&app, &published, "KeepLogins")
    };
    let role = app.spec.credentials[0].opens.login().expect("a role");
    assert_eq!(logins(role), [""; 0], "it was there before");
    let told = logins(&format!("{role}_b")).join("\n");
    let both = format!(r#"DROP ROLE IF EXISTS "{role}_a", "{role}_b""#);
    assert!(told.contains(&both) && told.contains("5432/"), "{told}");
}

#[test]
fn no_command_is_cut_however_much_stays() {
    let items: Vec<_> = (0..64)
        .map(|n| format!("secret/{n}-{}", "x".repeat(60)))
        .collect();
    let kept = inventory(&example_app(), items.clone(), &Published::new());
    let notes = kept.last().expect("something stays").notes(MAX_NOTE);
    assert!(notes.len() > 1);
    let mut told = BTreeSet::new();
    for (index, note) in notes.iter().enumerate() {
        assert!(note.len() <= MAX_NOTE, "{}", note.len());
        assert!(note.starts_with(&format!("({} of {}) kept", index + 1, notes.len())));
        let (_, items) = note
            .split_once("kubectl delete -n reports ")
            .expect("a command");
        told.extend(items.split(' ').map(str::to_owned));
    }
    assert_eq!(told, items.into_iter().collect());
}

#[test]
fn the_longest_command_fits_into_a_note() {
    let (long, name) = ("p".repeat(128), "n".repeat(40));
    let vault = format!(
        r#"{{"vault": {{"address": "https://vault:8200", "mount": "{long}", "pathPrefix": "{long}",
            "namespace": "{}", "auth": {{"kubernetes": {{"role": "r"}}}}}}}}"#,
        "v".repeat(256)
    );
    let mut app = with_store(&vault);
    app.metadata.namespace = Some("s".repeat(63));
    app.metadata.name = Some(name.clone());
    let former = Published::from([(name, rotated("x"))]);
    let told = notes(&app, &former, "KeepVaultLedgers");
    assert!(told.iter().all(|note| note.len() <= MAX_NOTE), "{told:?}");
}
