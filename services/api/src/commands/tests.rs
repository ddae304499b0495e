//! The commands against a PostgreSQL with the roles of production.

use std::path::PathBuf;

use reportapp_config::credential;

use super::*;
use crate::store::test_database::{OWNER, SERVING, TestDatabase, texts};
use reportapp_session::Context as Acting;

/// A configuration file that names the login which serves, and the credential of the one that owns.
struct Files {
    folder: tempfile::TempDir,
    owner: PathBuf,
}

impl Files {
    fn new(database: &TestDatabase) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listen = serde_json::json!({"https": "127.0.0.1:0", "internal": "127.0.0.1:0", "health": "127.0.0.1:0"});
        let tls = serde_json::json!({"certificate": "/x", "key": "/x"});
        let config = serde_json::json!({
            "app": "test", "listen": listen, "tls": tls, "internalTls": tls, "pathPrefix": "/",
            "servers": [], "store": database.config(SERVING),
            "tokens": {"keys": "/x", "lifetimeSeconds": 60}, "webRoot": "/x", "drainSeconds": 1,
        });
        std::fs::write(folder.path().join("config.yaml"), config.to_string()).unwrap();
        let DatabaseConfig::Postgres {
            credential: owner, ..
        } = database.config(OWNER)
        else {
            panic!("the store is on PostgreSQL");
        };
        assert!(owner.join(credential::USERNAME).exists());
        Self { folder, owner }
    }

    fn store(&self) -> StoreArgs {
        StoreArgs {
            config: self.folder.path().join("config.yaml"),
            credential: Some(self.owner.clone()),
        }
    }

    fn migrate(&self, grant_to: Option<&str>) -> MigrateArgs {
        MigrateArgs {
            store: self.store(),
            grant_to: grant_to.map(str::to_owned),
        }
    }
}

#[tokio::test]
async fn migrate_says_what_it_applied_and_is_safe_twice_and_in_parallel() {
    let database = TestDatabase::empty().await;
    let files = Files::new(&database);
    let (first, second, third) = (
        files.migrate(None),
        files.migrate(None),
        files.migrate(None),
    );
    let outcomes = tokio::join!(migrate(&first), migrate(&second), migrate(&third));
    let outcomes = [
        outcomes.0.unwrap(),
        outcomes.1.unwrap(),
        outcomes.2.unwrap(),
    ];
    let applied: Vec<String> = migrations::ALL
        .iter()
        .map(|one| format!("applied {} {}", one.version, one.name))
        .collect();
    let current = vec![format!("up to date at version {}", applied.len())];
    assert_eq!(
        outcomes.iter().filter(|lines| **lines == applied).count(),
        1
    );
    assert_eq!(
        outcomes.iter().filter(|lines| **lines == current).count(),
        2
    );
    let granted = migrate(&files.migrate(Some("app"))).await.unwrap();
    assert_eq!(granted[1], "granted app the rights to serve");
    let serving = database.pool(SERVING).await;
    let context = Acting::system("test");
    let roles = texts(
        &serving,
        &context,
        "SELECT name FROM rbac_roles WHERE id = 'reader'",
    );
    assert_eq!(roles.await, ["reader"]);
}

#[tokio::test]
async fn migrate_under_the_serving_login_is_refused_and_changes_nothing() {
    let database = TestDatabase::empty().await;
    let files = Files::new(&database);
    let mut args = files.migrate(None);
    args.store.credential = None;
    migrate(&args).await.unwrap_err();
    let lines = migrate(&files.migrate(None)).await.unwrap();
    assert_eq!(lines.len(), migrations::ALL.len());
}

#[tokio::test]
async fn verify_audit_tells_an_intact_trail_from_one_that_differs() {
    let database = TestDatabase::new().await;
    let files = Files::new(&database);
    let mut args = VerifyArgs {
        store: files.store(),
        expect: Vec::new(),
    };
    let store = database.store().await;
    store.seal_audit_rows(1000).await.unwrap();
    let verdict = verify_audit(&args).await.unwrap();
    let text = describe(&verdict);
    assert!(
        text.starts_with("intact: ") && text.contains("\nhead 1:"),
        "{text}"
    );
    args.expect = vec![format!("1:{}", "0".repeat(64)).parse().unwrap()];
    let text = describe(&verify_audit(&args).await.unwrap());
    assert_eq!(
        text,
        "batch 1 differs: its head is not the one that was noted"
    );
}

#[test]
fn the_reference_lists_the_functions_a_report_may_call() {
    let page = include_str!("../../../../docs/reference/report-files.md");
    assert!(
        page.contains(&report_functions()),
        "docs/reference/report-files.md is outdated; run `cargo run -p reportapp-api -- report-functions`"
    );
}

#[test]
fn the_report_of_the_guide_is_good_and_a_bad_one_is_told_by_line() {
    let page = include_str!("../../../../docs/how-to/add-a-report.md");
    let file = page
        .split("```yaml\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next());
    let folder = tempfile::tempdir().unwrap();
    let file_path = folder.path().join("expensive-documents.yaml");
    std::fs::write(&file_path, file.unwrap()).unwrap();
    let checked = check_reports(folder.path()).unwrap();
    assert_eq!(checked.to_string(), "1 good, 0 problems");
    let bad = file
        .unwrap()
        .replace("FROM postings", "FROM pg_stat_activity");
    std::fs::write(&file_path, bad).unwrap();
    let checked = check_reports(folder.path()).unwrap().to_string();
    let line = checked.lines().next().unwrap();
    assert!(page.contains(line), "{line}");
    assert!(checked.ends_with("0 good, 1 problems"), "{checked}");
    assert!(check_reports(&folder.path().join("nothing")).is_err());
}
