//! The login that owns the tables, and report files.

use super::*;
use reportapp_crds::report_app::{Credential, Migrator, Reports};

/// The example with a second login of the store, which migrates it, changed.
fn with_migrator(change: impl FnOnce(&mut ReportApp)) -> FetchedReportApp {
    let mut fetched = example_with(|app| {
        let owner = r#"{"name": "owner", "from": {"secretRef": {"name": "owner-login"}},
                        "database": {"store": true, "role": "reportapp_owner"}}"#;
        let owner: Credential = serde_json::from_str(owner).expect("a credential");
        app.spec.credentials.push(owner);
        app.spec.store.migrator = Some(Migrator {
            credential: "owner".to_owned(),
            deadline: Period::from_secs(900),
        });
        change(app);
    });
    let login = SecretLookup::Found {
        data: [("password".to_owned(), secret("owner"))].into(),
        kind: "Opaque".to_owned(),
    };
    fetched.secrets.insert("owner-login".to_owned(), login);
    fetched
}

fn migrator(app: &mut ReportApp) -> &mut Migrator {
    app.spec.store.migrator.as_mut().expect("a migrator")
}

#[test]
fn the_login_that_migrates_grants_to_the_role_that_serves() {
    let app = validate(&with_migrator(|_| {})).expect("valid");
    let ValidatedStore::Postgres(store) = app.store else {
        panic!("the store is on PostgreSQL");
    };
    let migrator = store.migrator.expect("a migrator");
    assert_eq!(migrator.grants_to, "reportapp");
    assert_eq!(migrator.login.folder, "/etc/reportapp/credentials/owner");
    let owner = app.credentials.iter().find(|c| c.name == "owner");
    assert_eq!(
        owner.and_then(|owner| owner.secret.as_ref()),
        Some(&migrator.login.name)
    );
}

/// What is written, and the reason, the field and the words of its refusal.
type Case = (
    fn(&mut ReportApp),
    ProblemReason,
    &'static str,
    &'static str,
);

#[test]
fn a_migrator_that_cannot_work_is_refused_by_field() {
    let credential = "spec.store.migrator.credential";
    let cases: [Case; 4] = [
        (
            |app| migrator(app).credential = "nobody".to_owned(),
            ProblemReason::UnknownCredential,
            credential,
            "it has: erp, bastion-key, store, sessions, telegram, owner",
        ),
        (
            |app| migrator(app).credential = "erp".to_owned(),
            ProblemReason::CredentialMismatch,
            credential,
            "database: {store: true}",
        ),
        (
            |app| {
                let owner = app.spec.credentials.last_mut().expect("a credential");
                owner.opens.database.as_mut().expect("a login").role = "reportapp".to_owned();
            },
            ProblemReason::InvalidValue,
            credential,
            "credentials owner and store are both of role reportapp",
        ),
        (
            |app| migrator(app).deadline = Period::from_secs(30),
            ProblemReason::InvalidValue,
            "spec.store.migrator.deadline",
            "30s is not within 1m to 1d",
        ),
    ];
    for (change, reason, path, hint) in cases {
        assert_refused(&with_migrator(change), reason, path, hint);
    }
}

fn with_reports(found: Option<ConsumerLookup>) -> FetchedReportApp {
    let mut fetched = example_with(|app| {
        app.spec.reports = Some(Reports {
            config_map: "payroll".to_owned(),
        });
    });
    fetched.report_files = found;
    fetched
}

#[test]
fn report_files_must_exist_and_be_lent() {
    let lent = validate(&with_reports(Some(ConsumerLookup::Lent))).expect("valid");
    assert_eq!(lent.reports.as_deref(), Some("payroll"));
    let annotation = Some("other".to_owned());
    let command = "kubectl -n reports annotate configmap payroll reportapp.dev/allow=other,demo";
    for (found, reason, hint) in [
        (
            ConsumerLookup::Missing,
            ProblemReason::ConfigMapMissing,
            "there is no ConfigMap payroll in namespace reports",
        ),
        (
            ConsumerLookup::NotLent { annotation },
            ProblemReason::ConfigMapNotAllowed,
            command,
        ),
        (
            ConsumerLookup::Forbidden("the operator may not get configmaps".to_owned()),
            ProblemReason::Forbidden,
            "may not get configmaps",
        ),
    ] {
        let fetched = with_reports(Some(found));
        assert_refused(&fetched, reason, "spec.reports.configMap", hint);
    }
}
