//! Readiness, the first administrator, and what `/status` says when something is wrong.

use std::collections::BTreeMap;

use reportapp_config::status::DependencyState;
use reportapp_pool::Pool;
use reportapp_pool::testing::{SUPERUSER, TestPostgres};
use reportapp_sample_erp::create_users;
use reportapp_session::MemoryStore;
use reportapp_session::epochs::{SqlEpochStore, Terms};

use super::*;
use crate::metrics::EpochMetrics;
use crate::store::test_database::{OWNER, READER, SERVING, TestDatabase};
use crate::test_support::{open, sqlite_pool};

fn credential(username: &str, password: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("username"), format!("{username}\n")).unwrap();
    std::fs::write(folder.path().join("password"), format!("{password}\n")).unwrap();
    folder
}

async fn until(health: &Health, name: &str, state: DependencyState) {
    let dependency = health.dependency(name);
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while dependency.status().state != state {
        assert!(
            std::time::Instant::now() < deadline,
            "{:?}",
            dependency.status()
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn the_service_is_ready_once_store_sessions_and_every_server_have_answered() {
    let (_store_folder, pool) = sqlite_pool().await;
    let store = Arc::new(Store::new(pool.clone()));
    let erp_folder = tempfile::tempdir().unwrap();
    let path = erp_folder.path().join("erp.sqlite");
    let server = Server::new("main", open(&path, true).await);
    let sessions: Arc<dyn SessionStore> = Arc::new(MemoryStore::new());
    let health = Health::new("test", "0");
    let passwords = Passwords::new().unwrap();
    let mut tasks = JoinSet::new();
    let epochs = Arc::new(Epochs::new(
        Arc::new(SqlEpochStore::new(pool)),
        Terms::default(),
        EpochMetrics::register(health.registry()).unwrap(),
    ));
    watch_store(
        &mut tasks, &health, &store, &epochs, &passwords, None, TIDY_EVERY,
    );
    watch_epochs(&mut tasks, &health, &epochs, Duration::from_secs(600));
    watch_redis(&mut tasks, &health, &sessions);
    watch_server(&mut tasks, &health, &server);
    health.set_ready(true);

    until(&health, "store", DependencyState::Ok).await;
    until(&health, "redis", DependencyState::Ok).await;
    until(&health, "store/epochs", DependencyState::Ok).await;
    until(&health, "server/main", DependencyState::Failing).await;
    assert!(!health.is_ready());
    let status = health.dependency("server/main").status();
    assert_eq!(status.reason, Some(Reason::DatabaseUnreachable));

    let writer = open(&path, false).await;
    writer.batch("CREATE TABLE x (id integer)").await.unwrap();
    until(&health, "server/main", DependencyState::Ok).await;
    assert!(health.is_ready());
}

#[tokio::test]
async fn whoever_watches_the_store_deletes_what_is_outdated() {
    let (_folder, pool) = sqlite_pool().await;
    let store = Arc::new(Store::new(pool.clone()));
    store.migrate().await.unwrap();
    let old = "INSERT INTO login_attempts (id, created_at) VALUES
                   ('old', '2020-01-01T00:00:00.000000Z'), ('fresh', '2999-01-01T00:00:00.000000Z')";
    pool.batch(old).await.unwrap();
    let health = Health::new("test", "0");
    let epochs = Arc::new(Epochs::new(
        Arc::new(SqlEpochStore::new(pool.clone())),
        Terms::default(),
        EpochMetrics::register(health.registry()).unwrap(),
    ));
    let passwords = Passwords::new().unwrap();
    let mut tasks = JoinSet::new();
    let often = Duration::ZERO;
    watch_store(
        &mut tasks, &health, &store, &epochs, &passwords, None, often,
    );
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    loop {
        let left = "SELECT id FROM login_attempts ORDER BY id DESC";
        let left = pool.query(left, &[]).await.unwrap();
        let left: Vec<String> = left.iter().map(|row| row.get("id").unwrap()).collect();
        if left == ["fresh"] {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "{left:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_server_where_nobody_can_sign_in_is_named_and_keeps_no_pod_from_being_ready() {
    let postgres = TestPostgres::start().await;
    let pool = Pool::open("main", &postgres.config()).await.unwrap();
    let server = Server::new("main", pool.clone()).with_auth(ErpAuth::Erp);
    let health = Health::new("test", "0");
    let mut tasks = JoinSet::new();
    watch_server(&mut tasks, &health, &server);
    health.set_ready(true);
    until(&health, "server/main", DependencyState::Failing).await;
    let status = health.dependency("server/main").status();
    assert_eq!(status.reason, Some(Reason::ErpSignInUnavailable));
    assert!(status.message.contains("pack_drepturi"), "{status:?}");
    assert!(health.is_ready(), "{status:?}");

    pool.batch("CREATE ROLE erp_app NOLOGIN").await.unwrap();
    create_users(&pool, "erp_app", &BTreeMap::new())
        .await
        .unwrap();
    until(&health, "server/main", DependencyState::Ok).await;
}

#[tokio::test]
async fn the_first_administrator_is_created_once_and_only_in_an_empty_store() {
    let (_folder, pool) = sqlite_pool().await;
    let store = Store::new(pool);
    let passwords = Passwords::new().unwrap();
    let first = credential("root", "first password").path().to_owned();
    let missing = first.join("nowhere");
    try_set_up(&store, &passwords, Some(&missing))
        .await
        .unwrap();
    assert!(store.has_no_user().await.unwrap());

    let first = credential("Root", "first password");
    let folder = first.path().to_owned();
    try_set_up(&store, &passwords, Some(&folder)).await.unwrap();
    let root = store.find_credentials("root").await.unwrap().unwrap();
    assert!(root.user.must_change_password);
    assert_eq!(root.user.kind, UserKind::EnterpriseAdmin);

    let second = credential("intruder", "second password");
    let folder = second.path().to_owned();
    try_set_up(&store, &passwords, Some(&folder)).await.unwrap();
    assert!(store.find_credentials("intruder").await.unwrap().is_none());
}

#[tokio::test]
async fn an_unusable_administrator_folder_does_not_keep_the_store_from_working() {
    let (_folder, pool) = sqlite_pool().await;
    let store = Store::new(pool);
    let passwords = Passwords::new().unwrap();
    let empty = credential("root", "");
    let folder = empty.path().to_owned();
    try_set_up(&store, &passwords, Some(&folder)).await.unwrap();
    assert!(store.has_no_user().await.unwrap());
}

#[tokio::test]
async fn a_store_of_a_newer_release_is_named_as_such() {
    let (_folder, pool) = sqlite_pool().await;
    let store = Store::new(pool.clone());
    store.migrate().await.unwrap();
    let newer = "INSERT INTO schema_migrations (version, name, checksum, applied_at)
                 VALUES (999, 'later', 'x', '2030-01-01T00:00:00.000000Z')";
    pool.batch(newer).await.unwrap();
    let passwords = Passwords::new().unwrap();
    let (reason, message) = try_set_up(&store, &passwords, None).await.unwrap_err();
    assert_eq!(reason, Reason::StoreMigrationFailed);
    assert!(message.contains("newer release"), "{message}");
}

#[tokio::test]
async fn a_login_that_may_read_the_tables_and_sees_nobody_is_told_with_the_remedy() {
    let database = TestDatabase::new().await;
    let store = Store::new(database.pool(READER).await);
    let passwords = Passwords::new().unwrap();
    let (reason, message) = try_set_up(&store, &passwords, None).await.unwrap_err();
    assert_eq!(reason, Reason::StoreLoginNotPlatform);
    for word in ["the login reader", "reportapp-api migrate --grant-to"] {
        assert!(message.contains(word), "{message}");
    }
    let superuser = database.pool(SUPERUSER).await;
    let listed = "INSERT INTO platform_roles (role) VALUES ('reader')";
    superuser.batch(listed).await.unwrap();
    try_set_up(&store, &passwords, None).await.unwrap();
    let taken = "DELETE FROM platform_roles WHERE role = 'reader'";
    superuser.batch(taken).await.unwrap();
    let (reason, _) = look(&store).await.unwrap_err();
    assert_eq!(reason, Reason::StoreLoginNotPlatform, "also while it runs");
    for login in [OWNER, SERVING, SUPERUSER] {
        let store = Store::new(database.pool(login).await);
        try_set_up(&store, &passwords, None).await.unwrap();
    }
}

#[test]
fn a_store_that_was_put_back_is_not_told_as_one_that_is_away() {
    let health = Health::new("test", "0");
    let dependency = health.dependency("store/epochs");
    report_standing(&dependency, Some(Standing::Behind));
    assert_eq!(dependency.status().reason, Some(Reason::StorePutBack));
    let trouble = Some(EpochError::Unreachable {
        detail: "gone".to_owned(),
    });
    report_standing(&dependency, Some(Standing::Lapsed { trouble }));
    assert_eq!(dependency.status().reason, Some(Reason::StoreUnreachable));
}
