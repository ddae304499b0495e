//! Every kind of problem, once each, and all of them together.

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
use super::{named_secrets, validate};
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
fn a_secret_that_is_missing_forbidden_or_not_lent_is_refused_with_the_remedy() {
    let with = |lookup| {
        let mut fetched = example();
        fetched.secrets.insert("erp-login".to_owned(), lookup);
        fetched
    };
    let path = "spec.credentials[erp].from.secretRef";
    assert_refused(
        &with(SecretLookup::Missing),
        ProblemReason::SecretMissing,
        path,
        "no Secret erp-login in namespace reports",
    );
    assert_refused(
        &with(SecretLookup::Forbidden("cannot get".to_owned())),
        ProblemReason::Forbidden,
        path,
        "cannot get",
    );
    let annotation = Some("other, second".to_owned());
    assert_refused(
        &with(SecretLookup::NotAllowed { annotation }),
        ProblemReason::SecretNotAllowed,
        path,
        "kubectl -n reports annotate secret erp-login reportapp.dev/allow=other,second,demo --overwrite",
    );
}

#[test]
fn a_spec_is_not_judged_while_a_secret_cannot_be_read() {
    let mut fetched = example();
    let lost = unread_because(Reason::ApiServer, "500 InternalError");
    fetched.secrets.insert("erp-login".to_owned(), lost);
    fetched
        .secrets
        .insert("store-login".to_owned(), SecretLookup::Missing);
    let problems = validate(&fetched).expect_err("a Secret is not known");
    let unread = problems.unread().expect("that is told");
    assert_eq!(unread, "Secret erp-login: 500 InternalError");

    // A Secret that only the login to Vault needs counts as well.
    let mut fetched = with_vault(found_in_vault("password"));
    fetched.app = Arc::new({
        let mut app = (*fetched.app).clone();
        let vault = app.spec.secret_store.vault.as_mut().expect("a Vault");
        vault.ca_secret_ref = Some(SecretKeyRef {
            name: "vault-authority".to_owned(),
            key: None,
        });
        app
    });
    assert!(validate(&fetched).is_ok());
    let lost = unread_because(Reason::ApiServer, "500 InternalError");
    fetched.secrets.insert("vault-authority".to_owned(), lost);
    assert!(validate(&fetched).expect_err("unread").unread().is_some());
}

#[test]
fn what_of_others_is_not_lent_is_refused_with_the_remedy_and_stops_nothing() {
    let shop = Consumer {
        kind: ConsumerKind::Workload(WorkloadKind::StatefulSet),
        name: "shop".to_owned(),
    };
    let login = Consumer {
        kind: ConsumerKind::Secret,
        name: "shop-login".to_owned(),
    };
    let see = |of_shop: ConsumerLookup, of_login: ConsumerLookup| {
        let mut fetched = example_with(|app| {
            let erp = &mut app.spec.credentials[0];
            let publish = r#"[{"kubernetesSecret": "shop-login", "key": "password"}]"#;
            erp.publish = serde_json::from_str(publish).expect("places");
            let restart = r#"[{"kind": "StatefulSet", "name": "shop"}]"#;
            erp.restart = serde_json::from_str(restart).expect("workloads");
        });
        fetched.consumers = [(shop.clone(), of_shop), (login.clone(), of_login)].into();
        validate(&fetched).expect("the application runs").refused
    };
    assert_eq!(see(ConsumerLookup::Lent, ConsumerLookup::Lent), []);

    let annotation = Some("other".to_owned());
    let not_lent = ConsumerLookup::NotLent { annotation };
    let refused = see(not_lent, ConsumerLookup::Missing);
    let [of_login, of_shop] = refused.as_slice() else {
        panic!("{refused:#?}");
    };
    assert_eq!(of_login.reason, ProblemReason::SecretMissing);
    assert_eq!(of_login.path, "spec.credentials[erp].publish[0]");
    assert_eq!(of_shop.reason, ProblemReason::WorkloadNotAllowed);
    assert_eq!(of_shop.path, "spec.credentials[erp].restart[0]");
    let remedy =
        "kubectl -n reports annotate statefulset shop reportapp.dev/allow=other,demo --overwrite";
    assert!(
        of_shop
            .message
            .starts_with("StatefulSet shop does not allow")
    );
    assert!(of_shop.message.ends_with(remedy), "{}", of_shop.message);

    let forbidden = ConsumerLookup::Forbidden("may not get statefulsets.apps".to_owned());
    let refused = see(forbidden, ConsumerLookup::Lent);
    assert_eq!(refused[0].reason, ProblemReason::Forbidden);
    assert!(refused[0].message.contains("StatefulSet shop"));
}

#[test]
fn a_missing_key_is_refused_with_the_names_of_those_present() {
    let fetched = example_with_secret("erp-login", &[("pass", secret("x")), ("user", secret("y"))]);
    assert_refused(
        &fetched,
        ProblemReason::SecretKeyMissing,
        "spec.credentials[erp].from.secretRef",
        "no key password; it has: pass, user",
    );
}

#[test]
fn an_empty_value_or_one_that_is_no_text_is_refused() {
    for (value, hint) in [(&b"\n"[..], "is empty"), (b"\xff\xfe", "is not text")] {
        let fetched = example_with_secret("erp-login", &[("password", SecretBytes::new(value))]);
        let path = "spec.credentials[erp].from.secretRef";
        assert_refused(&fetched, ProblemReason::InvalidValue, path, hint);
    }
}

#[test]
fn a_bastion_key_the_tunnel_cannot_use_is_refused_with_the_command_that_makes_one() {
    let cases = [
        (ssh_key("none", "ssh-rsa"), "type ssh-rsa"),
        (pem("RSA PRIVATE KEY", CANARY.as_bytes()), "type rsa"),
        (ssh_key("aes256-ctr", "ssh-ed25519"), "passphrase"),
        (pem("PRIVATE KEY", CANARY.as_bytes()), "OpenSSH format"),
        (secret("no key at all"), "OpenSSH format"),
    ];
    for (value, hint) in cases {
        let fetched = example_with_secret("bastion-key", &[("private-key", value)]);
        let path = "spec.credentials[bastion-key].from.secretRef";
        assert_refused(&fetched, ProblemReason::UnusableKey, path, hint);
        assert!(
            problems(&fetched)[0]
                .message
                .contains("ssh-keygen -t ed25519")
        );
    }
    let ecdsa = ssh_key("none", "ecdsa-sha2-nistp256");
    assert!(
        validate(&example_with_secret(
            "bastion-key",
            &[("private-key", ecdsa)]
        ))
        .is_ok()
    );
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

const FIRST_VALUE: &str = "spec.credentials[erp].from.vaultPath";

#[test]
fn a_value_in_vault_is_used_as_one_in_a_secret_and_so_is_the_password_of_a_url() {
    let expected = |password: &str| {
        let values = [("password", SecretBytes::new(password))];
        let app = validate(&example_with_secret("erp-login", &values)).expect("valid");
        app.servers[0].login.clone()
    };
    for (value, password) in [
        ("canary0value", "canary0value"),
        (
            "postgresql://reports_read:canary0%40value@erp/erp",
            "canary0@value",
        ),
    ] {
        let app = validate(&with_vault(found_in_vault(value))).expect("valid");
        assert_eq!(app.servers[0].login, expected(password));
        assert!(app.unread.is_empty());
    }
}

#[test]
fn a_value_in_vault_that_cannot_be_used_is_refused() {
    let mut elsewhere = with_vault(found_in_vault("x"));
    let mut app = (*elsewhere.app).clone();
    app.spec.secret_store.vault = None;
    elsewhere.app = app.into();
    let (invalid, missing) = (
        ProblemReason::InvalidValue,
        ProblemReason::StoreValueMissing,
    );
    assert_refused(
        &elsewhere,
        invalid,
        FIRST_VALUE,
        "needs spec.secretStore.vault",
    );
    let other = format!("postgresql://boss:{CANARY}@erp/erp");
    for (found, reason, hint) in [
        (found_in_vault(" \n"), invalid, "is empty"),
        (found_in_vault(&other), invalid, "user boss"),
        (unread(Reason::LedgerUnusable), missing, "unseal it"),
    ] {
        assert_refused(&with_vault(found), reason, FIRST_VALUE, hint);
    }
}

#[test]
fn pods_keep_the_value_they_have_while_vault_does_not_give_it() {
    for (reason, problem) in [
        (Reason::StoreUnavailable, ProblemReason::StoreUnavailable),
        (Reason::StoreDenied, ProblemReason::StoreDenied),
    ] {
        let mut fetched = with_vault(unread(reason));
        assert_refused(&fetched, problem, FIRST_VALUE, "unseal it");
        let before = validate(&example()).expect("valid").servers[0]
            .login
            .clone();
        fetched.kept.insert("erp".to_owned(), before.files.clone());
        let app = validate(&fetched).expect("valid");
        assert_eq!(app.servers[0].login, before);
        let [sentence] = app.unread.as_slice() else {
            panic!("{:?}", app.unread);
        };
        assert!(sentence.contains("credential erp") && sentence.contains("unseal it"));
    }
}

#[test]
fn an_administrator_in_vault_is_checked_but_may_be_withheld() {
    let with = |found| {
        let mut fetched = with_vault(found_in_vault("x"));
        let mut app = (*fetched.app).clone();
        let admin = r#"{"username": "boss", "password": {"vaultPath": "erp/boss"}}"#;
        app.spec.servers[0].admin = serde_json::from_str(admin).expect("an administrator");
        fetched.app = app.into();
        let name = "vault:erp/boss#password".to_owned();
        fetched.secrets.insert(name, found);
        fetched
    };
    assert!(validate(&with(unread(Reason::StoreUnavailable))).is_ok());
    assert_refused(
        &with(unread(Reason::LedgerUnusable)),
        ProblemReason::StoreValueMissing,
        "spec.servers[main].admin.password.vaultPath",
        "unseal it",
    );
}

fn with_signing_key(value: SecretBytes) -> FetchedReportApp {
    let signing = r#"{"name": "tokens", "from": {"secretRef": {"name": "tokens"}}, "jwt": {}}"#;
    let mut fetched = example_with(|app| {
        let credential = serde_json::from_str(signing).expect("a credential");
        app.spec.credentials.push(credential);
        app.spec.api.signing_credential = Some("tokens".to_owned());
    });
    let data = [("signing.pem".to_owned(), value)].into();
    let kind = "Opaque".to_owned();
    let lookup = SecretLookup::Found { data, kind };
    fetched.secrets.insert("tokens".to_owned(), lookup);
    fetched
}

#[test]
fn a_signing_key_must_be_ed25519() {
    let good =
        aws_lc_rs::signature::Ed25519KeyPair::generate_pkcs8(&aws_lc_rs::rand::SystemRandom::new())
            .expect("a key");
    assert!(validate(&with_signing_key(pem("PRIVATE KEY", good.as_ref()))).is_ok());
    let bad = with_signing_key(pem("PRIVATE KEY", CANARY.as_bytes()));
    let path = "spec.credentials[tokens].from.secretRef";
    assert_refused(
        &bad,
        ProblemReason::UnusableKey,
        path,
        "openssl genpkey -algorithm ed25519",
    );
}

#[test]
fn authorities_and_certificates_must_be_certificates() {
    let fetched = example_with_secret("erp-authority", &[("ca.crt", secret("x"))]);
    let path = "spec.servers[main].tls.caSecretRef";
    assert_refused(
        &fetched,
        ProblemReason::CertificateUnusable,
        path,
        "no PEM certificates",
    );
    let key = pem("PRIVATE KEY", CANARY.as_bytes());
    let fetched = example_with_secret(
        "reports-certificate",
        &[("tls.crt", SecretBytes::new(AUTHORITY)), ("tls.key", key)],
    );
    let path = "spec.web.tls.secretName";
    assert_refused(
        &fetched,
        ProblemReason::InvalidValue,
        path,
        "kubernetes.io/tls",
    );
}

#[test]
fn known_hosts_must_hold_a_usable_key_of_the_bastion() {
    let known = |lines: &[&str]| {
        let lines = lines.iter().map(|line| (*line).to_owned()).collect();
        example_with(|app| {
            app.spec.servers[0]
                .tunnel
                .as_mut()
                .expect("tunnel")
                .known_hosts = lines
        })
    };
    let ours = example().app.spec.servers[0]
        .tunnel
        .clone()
        .expect("tunnel")
        .known_hosts[0]
        .clone();
    let elsewhere = ours.replace("bastion.", "other.");
    let rsa = "bastion.example.com ssh-rsa AAAAB3NzaC1yc2E=";
    let authority = format!("@cert-authority {ours}");
    let revoked = format!("@revoked {ours}");
    let pasted = ours.replace("ssh-ed25519", "ssh-rsa");
    let cases = [
        (vec![], "ssh-keyscan"),
        (vec!["# a comment"], "ssh-keyscan"),
        (
            vec![elsewhere.as_str()],
            "no ed25519 or ecdsa host key for bastion.example.com",
        ),
        (vec![rsa], "no ed25519 or ecdsa host key"),
        (vec![revoked.as_str()], "no ed25519 or ecdsa host key"),
        (vec![authority.as_str()], "@cert-authority"),
        (vec![ours.as_str(), "nonsense"], "line 2"),
        (vec![pasted.as_str()], "line 1"),
    ];
    for (lines, hint) in cases {
        let path = "spec.servers[main].tunnel.knownHosts";
        assert_refused(&known(&lines), ProblemReason::KnownHostsInvalid, path, hint);
    }
    let with_port = ours.replace("bastion.example.com", "[bastion.example.com]:22");
    assert!(validate(&known(&[rsa, &ours])).is_ok());
    assert!(validate(&known(&[&with_port])).is_ok());
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
