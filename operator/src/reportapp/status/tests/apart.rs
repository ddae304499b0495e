//! The conditions that not every application has: the migration of its store, and its report files.

use super::super::super::model::{Migration, MigrationProgress};
use super::*;

/// The example whose store is migrated by a login of its own.
fn app() -> ReportApp {
    let mut app = example_app();
    app.spec.store.migrator =
        Some(serde_json::from_str(r#"{"credential": "owner"}"#).expect("a migrator"));
    app
}

fn migration(progress: MigrationProgress, is_awaited: bool) -> Migration {
    Migration {
        job: "demo-migrate-0123456789".to_owned(),
        progress,
        is_awaited,
        kept: None,
    }
}

fn see_migration(migration: Migration) -> ReportAppStatus {
    let mut resources = applied();
    resources.migration = Some(migration);
    see(&app(), &Live::default(), &[], &outcome(resources))
}

#[test]
fn a_migration_that_runs_is_no_failure_and_pods_wait_for_it() {
    let seen = see_migration(migration(MigrationProgress::Running(None), true));
    assert_verdicts(
        &seen,
        [
            ("Ready", "False", "MigrationRunning"),
            ("Reconciling", "True", "MigrationRunning"),
            ("Stalled", "False", "Progressing"),
            ("Migrated", "False", "MigrationRunning"),
        ],
    );
    let obstacle = MigrationProgress::Running(Some("pod x: no such image".to_owned()));
    let seen = see_migration(migration(obstacle, true));
    assert!(
        message(&seen, "Migrated").ends_with("pods of the API wait for it: pod x: no such image")
    );
}

#[test]
fn a_migration_that_failed_stalls_and_says_how_to_try_it_again() {
    let failed = MigrationProgress::Failed("the database refuses the login".to_owned());
    let seen = see_migration(migration(failed, true));
    assert_verdicts(
        &seen,
        [
            ("Ready", "False", "MigrationFailed"),
            ("Reconciling", "False", "MigrationFailed"),
            ("Stalled", "True", "MigrationFailed"),
            ("Migrated", "False", "MigrationFailed"),
        ],
    );
    let words = message(&seen, "Ready");
    assert!(words.contains("the database refuses the login"), "{words}");
    let remedy = "kubectl -n reports delete job demo-migrate-0123456789";
    assert!(words.ends_with(remedy), "{words}");
}

#[test]
fn a_store_that_is_away_outranks_the_migration_it_holds_up() {
    let mut resources = applied();
    resources.migration = Some(migration(MigrationProgress::Running(None), true));
    let away = [("store", Some(Reason::StoreUnreachable))];
    let reports = [report(Component::Api, &away)];
    let seen = see(&app(), &Live::default(), &reports, &outcome(resources));
    assert_eq!(verdict(&seen, "Ready").1, "StoreUnreachable");
    assert_eq!(verdict(&seen, "Migrated").1, "MigrationRunning");
}

#[test]
fn a_migration_nobody_waits_for_does_not_unready_the_application() {
    let failed = MigrationProgress::Failed("why".to_owned());
    for progress in [MigrationProgress::Running(None), failed] {
        let seen = see_migration(migration(progress, false));
        assert_eq!(verdict(&seen, "Ready").1, "Available");
        assert_eq!(verdict(&seen, "Migrated").0, "False");
    }
    let seen = see_migration(migration(MigrationProgress::Done, false));
    assert_verdicts(
        &seen,
        [
            ("Ready", "True", "Available"),
            ("Reconciling", "False", "Done"),
            ("Stalled", "False", "Progressing"),
            ("Migrated", "True", "MigrationDone"),
        ],
    );
}

#[test]
fn what_was_seen_of_a_migration_stays_while_nothing_can_be_seen() {
    let mut app = app();
    let before = see_migration(migration(MigrationProgress::Done, false));
    app.status = Some(before.clone());
    let failed = Outcome::Failed("why".to_owned());
    let seen = see(&app, &Live::default(), &[], &failed);
    let migrated = |status: &ReportAppStatus| {
        let mut conditions = status.conditions.iter();
        conditions.find(|c| c.type_ == "Migrated").cloned()
    };
    assert_eq!(migrated(&seen), migrated(&before));
    // Without the field there is nothing to say.
    app.spec.store.migrator = None;
    assert_eq!(migrated(&see(&app, &Live::default(), &[], &failed)), None);
}

#[test]
fn report_files_have_a_condition_of_their_own() {
    let mut app = example_app();
    let reports = r#"{"configMap": "reports"}"#;
    app.spec.reports = Some(serde_json::from_str(reports).expect("reports"));
    let seen = |reason: &[Option<Reason>]| {
        let of = |reason: &Option<Reason>| report(Component::Api, &[("reports", *reason)]);
        let reports: Vec<_> = reason.iter().map(of).collect();
        see(&app, &Live::default(), &reports, &outcome(applied()))
    };
    let refused = Some(Reason::ReportRefused);
    for (pods, value, reason) in [
        (&[][..], "Unknown", "NotReported"),
        (&[None, None], "True", "ReportsLoaded"),
        (&[None, refused], "False", "ReportRefused"),
    ] {
        let seen = seen(pods);
        let expected = (value.to_owned(), reason.to_owned());
        assert_eq!(verdict(&seen, "ReportsReady"), expected);
        assert_eq!(verdict(&seen, "Ready").1, "Available");
    }
    assert_eq!(message(&seen(&[refused]), "ReportsReady"), "about reports");
    let without = see_reports(&[report(Component::Api, &[("reports", None)])]);
    let mut conditions = without.conditions.iter();
    assert!(conditions.all(|condition| condition.type_ != "ReportsReady"));
}
