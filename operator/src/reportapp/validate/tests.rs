//! Every kind of problem, once each, and all of them together.

mod apart;
mod secrets;
mod vault;

use std::sync::Arc;

use reportapp_crds::Period;
use reportapp_crds::ReportApp;
use reportapp_crds::report_app::credential::WorkloadKind;
use reportapp_crds::report_app::{Backup, BotMode, Engine, SecretKeyRef, StoreEngine};

use super::super::model::{
    Consumer, ConsumerKind, ConsumerLookup, FetchedReportApp, HostClaim, Problem, ProblemReason,
    SecretBytes, SecretLookup,
};
use super::super::testing::{
    AUTHORITY, CANARY, example, example_with, example_with_secret, pem, secret, ssh_key,
};
use super::{ValidatedStore, named_secrets, validate};
use crate::rotation::trouble::{Reason, Trouble};

fn problems(fetched: &FetchedReportApp) -> Vec<Problem> {
    validate(fetched).expect_err("a problem").0
}

/// Asserts that the change makes exactly this problem and that its message says `hint`.
fn assert_refused(fetched: &FetchedReportApp, reason: ProblemReason, path: &str, hint: &str) {
    let found = problems(fetched);
    let [problem] = found.as_slice() else {
        panic!("expected one problem, found {found:#?}");
    };
    assert_eq!((problem.reason, problem.path.as_str()), (reason, path));
    assert!(
        problem.message.contains(hint),
        "{:?} lacks {hint:?}",
        problem.message
    );
    assert!(!problem.message.contains(CANARY));
}

fn refused(change: impl FnOnce(&mut ReportApp), reason: ProblemReason, path: &str, hint: &str) {
    assert_refused(&example_with(change), reason, path, hint);
}

/// The example with the ERP's first value in Vault, which gives `found`.
fn with_vault(found: SecretLookup) -> FetchedReportApp {
    let mut fetched = example_with(|app| {
        let vault = r#"{"address": "https://vault:8200", "auth": {"kubernetes": {"role": "r"}}}"#;
        app.spec.secret_store.vault = serde_json::from_str(vault).expect("a store");
        let from = r#"{"vaultPath": "secret/bisman/production#DATABASE_URL"}"#;
        app.spec.credentials[0].from = serde_json::from_str(from).expect("a source");
    });
    let name = "vault:secret/bisman/production#DATABASE_URL".to_owned();
    fetched.secrets.insert(name, found);
    fetched
}

fn found_in_vault(value: &str) -> SecretLookup {
    SecretLookup::Found {
        data: [("DATABASE_URL".to_owned(), SecretBytes::new(value))].into(),
        kind: "Vault".to_owned(),
    }
}

fn unread(reason: Reason) -> SecretLookup {
    unread_because(reason, "Vault is sealed; unseal it")
}

fn unread_because(reason: Reason, message: &str) -> SecretLookup {
    SecretLookup::Unread(Trouble::new(reason, message))
}

#[test]
fn the_example_of_the_documentation_is_valid() {
    let app = validate(&example()).expect("valid");
    let credentials: Vec<_> = app.credentials.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(
        credentials,
        ["bastion-key", "erp", "sessions", "store", "telegram"]
    );
}

#[test]
fn every_secret_the_spec_names_is_listed_for_fetching() {
    let present = example();
    let named = named_secrets(&present.app.spec);
    assert!(named.iter().eq(present.secrets.keys()), "{named:?}");
}

#[test]
fn a_field_without_behaviour_is_refused_by_name() {
    refused(
        |app| app.spec.bot.as_mut().expect("bot").mode = BotMode::Webhook,
        ProblemReason::NotImplemented,
        "spec.bot.mode: Webhook",
        "remove it",
    );
    refused(
        |app| app.spec.servers[0].engine = Engine::Oracle,
        ProblemReason::NotImplemented,
        "spec.servers[main].engine: Oracle",
        "not implemented",
    );
}

#[test]
fn an_unknown_credential_is_refused_with_the_known_names() {
    refused(
        |app| app.spec.servers[0].credential = "epr".to_owned(),
        ProblemReason::UnknownCredential,
        "spec.servers[main].credential",
        "it has: erp, bastion-key, store, sessions, telegram",
    );
}

#[test]
fn a_credential_that_opens_something_else_is_refused() {
    refused(
        |app| app.spec.servers[0].credential = "store".to_owned(),
        ProblemReason::CredentialMismatch,
        "spec.servers[main].credential",
        "database: {server: main}",
    );
    refused(
        |app| app.spec.api.signing_credential = Some("erp".to_owned()),
        ProblemReason::CredentialMismatch,
        "spec.api.signingCredential",
        "jwt",
    );
}

#[test]
fn a_credential_of_a_server_that_does_not_exist_is_refused() {
    let fetched = example_with(|app| {
        let mut spare = app.spec.credentials[0].clone();
        spare.name = "spare".to_owned();
        spare.opens.database.as_mut().expect("database").server = Some("other".to_owned());
        app.spec.credentials.push(spare);
    });
    assert_refused(
        &fetched,
        ProblemReason::CredentialMismatch,
        "spec.credentials[spare].database.server",
        "spec.servers has no entry other",
    );
}

#[test]
fn two_servers_or_credentials_with_one_name_are_refused() {
    refused(
        |app| app.spec.servers.push(app.spec.servers[0].clone()),
        ProblemReason::DuplicateName,
        "spec.servers[main].name",
        "its own name",
    );
    refused(
        |app| app.spec.credentials.push(app.spec.credentials[0].clone()),
        ProblemReason::DuplicateName,
        "spec.credentials[erp].name",
        "its own name",
    );
}

#[test]
fn a_bad_cron_expression_or_time_zone_is_refused() {
    let backup = |schedule: &str, zone: Option<&str>| Backup {
        schedule: schedule.to_owned(),
        time_zone: zone.map(str::to_owned),
        retention: 7,
    };
    for (bad, hint) in [
        (backup("every night", None), "no cron expression"),
        (backup("0 2 * * *", Some("Europe/Bukarest")), "IANA"),
    ] {
        let found = problems(&example_with(|app| app.spec.backup = Some(bad)));
        let schedule = found
            .iter()
            .find(|p| p.reason == ProblemReason::InvalidSchedule);
        let schedule = schedule.expect("a schedule problem beside NotImplemented");
        assert_eq!(
            (schedule.path.as_str(), found.len()),
            ("spec.backup.schedule", 2)
        );
        assert!(schedule.message.contains(hint));
    }
}

#[test]
fn a_host_of_an_older_reportapp_is_refused_with_its_name() {
    let mut fetched = example();
    fetched.older_hosts.push(HostClaim {
        host: "reports.example.com".to_owned(),
        namespace: "finance".to_owned(),
        name: "first".to_owned(),
    });
    assert_refused(
        &fetched,
        ProblemReason::HostTaken,
        "spec.web.host",
        "finance/first",
    );
}

#[test]
fn a_bad_image_reference_is_refused() {
    for bad in [
        "https://ghcr.io/example",
        "ghcr.io/example/",
        "GHCR.io/x",
        "",
    ] {
        let hint = "ghcr.io/example";
        let path = "spec.image.registry";
        refused(
            |app| app.spec.image.registry = bad.to_owned(),
            ProblemReason::ImageInvalid,
            path,
            hint,
        );
    }
    for bad in ["", "-1", "a b", "1.0@sha256"] {
        let path = "spec.image.tag";
        refused(
            |app| app.spec.image.tag = bad.to_owned(),
            ProblemReason::ImageInvalid,
            path,
            "0.1.0",
        );
    }
}

#[test]
fn pools_and_periods_that_cannot_work_are_refused() {
    let invalid = ProblemReason::InvalidValue;
    refused(
        |app| app.spec.store.pool.min = -1,
        invalid,
        "spec.store.pool",
        "negative",
    );
    refused(
        |app| app.spec.servers[0].pool.min = 9,
        invalid,
        "spec.servers[main].pool",
        "(9)",
    );
    refused(
        |app| app.spec.store.pool.acquire_timeout = Period::from_secs(0),
        invalid,
        "spec.store.pool.acquireTimeout",
        "longer than zero",
    );
    refused(
        |app| app.spec.api.drain = Period::from_secs(7_200),
        invalid,
        "spec.api.drain",
        "at most 1h",
    );
}

#[test]
fn more_replicas_than_the_store_or_the_sessions_allow_are_refused() {
    let invalid = ProblemReason::InvalidValue;
    let fetched = example_with(|app| {
        app.spec.store.engine = StoreEngine::Sqlite;
        app.spec
            .credentials
            .retain(|credential| credential.name != "store");
    });
    assert_refused(&fetched, invalid, "spec.api.replicas", "one writer");
    let fetched = example_with(|app| {
        app.spec.redis = None;
        app.spec
            .credentials
            .retain(|credential| credential.name != "sessions");
    });
    assert_refused(&fetched, invalid, "spec.redis", "share their sessions");
}

#[test]
fn settings_that_would_be_ignored_or_rejected_later_are_refused() {
    let invalid = ProblemReason::InvalidValue;
    refused(
        |app| app.spec.store.tls.server_name = Some("db".to_owned()),
        invalid,
        "spec.store.tls",
        "mean nothing with mode Disable",
    );
    refused(
        |app| app.spec.bot.as_mut().expect("bot").api_url = Some("ftp://x".to_owned()),
        invalid,
        "spec.bot.apiUrl",
        "no http or https address",
    );
    refused(
        |app| {
            let resources = app.spec.api.resources.as_mut().expect("resources");
            let limits = resources.limits.as_mut().expect("limits");
            limits.insert(
                "memory".to_owned(),
                k8s_openapi::apimachinery::pkg::api::resource::Quantity("lots".to_owned()),
            );
        },
        invalid,
        "spec.api.resources.limits.memory",
        "no quantity",
    );
}

#[test]
fn all_problems_come_in_one_list_and_one_reason_when_they_agree() {
    let mut fetched = example_with(|app| {
        app.spec.image.tag = "-".to_owned();
        app.spec.servers[0].credential = "nobody".to_owned();
        app.spec.servers[0]
            .tunnel
            .as_mut()
            .expect("tunnel")
            .credential = "nobody".to_owned();
        app.spec.store.credential = Some("nobody".to_owned());
    });
    let found = validate(&fetched).expect_err("problems");
    let paths: Vec<_> = found
        .0
        .iter()
        .map(|problem| problem.path.as_str())
        .collect();
    assert_eq!(
        paths,
        [
            "spec.image.tag",
            "spec.servers[main].credential",
            "spec.servers[main].tunnel.credential",
            "spec.store.credential",
        ]
    );
    assert_eq!(found.reason(), "InvalidSpec");
    assert_eq!(found.to_string().lines().count(), 4);
    fetched.secrets.clear();
    let found = validate(&example_with(|app| {
        app.spec.store.credential = Some("nobody".to_owned());
        app.spec.servers[0].credential = "nobody".to_owned();
    }));
    assert_eq!(found.expect_err("problems").reason(), "UnknownCredential");
}

#[test]
fn a_long_list_of_problems_is_cut_and_counted() {
    let fetched = example_with(|app| {
        for index in 0..25 {
            let mut spare = app.spec.credentials[0].clone();
            spare.name = format!("spare{index}");
            spare.opens.database.as_mut().expect("database").server = Some("none".to_owned());
            app.spec.credentials.push(spare);
        }
    });
    let text = validate(&fetched).expect_err("problems").to_string();
    assert_eq!(text.lines().count(), 21);
    assert!(text.ends_with("and 5 more"));
}

#[test]
fn a_published_place_that_cannot_be_filled_in_is_refused_with_its_position() {
    for (place, hint) in [
        (
            r#"{"kubernetesSecret": "shared", "key": "url", "template": "{{ pasword }}"}"#,
            "character 1",
        ),
        (
            r#"{"vaultPath": "erp/login", "key": "url"}"#,
            "spec.secretStore.vault",
        ),
        (
            r#"{"awsSecret": "erp/login", "key": "url"}"#,
            "spec.secretStore.awsSecretsManager",
        ),
    ] {
        let place = serde_json::from_str(place).expect("a published place");
        let found = problems(&example_with(|app| {
            app.spec.credentials[0].publish = vec![place];
        }));
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].path, "spec.credentials[erp].publish[0]");
        assert!(found[0].message.contains(hint), "{}", found[0].message);
    }
}
