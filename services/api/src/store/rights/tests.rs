//! The list of rights against the schema, and a store that is served without owning it.

use std::time::Duration;

use reportapp_pool::testing::SUPERUSER;
use reportapp_session::directory::{Change, Undone};
use reportapp_session::epochs::{Scope, invalidate_sessions, revision_of};

use super::*;
use crate::store::test_database::{OWNER, SERVING, TestDatabase, texts};
use crate::store::{MigrationError, Store, migrations};

#[tokio::test]
async fn every_table_is_listed_and_a_serving_role_has_what_is_listed_and_no_more() {
    let database = TestDatabase::new().await;
    let pool = database.pool(SUPERUSER).await;
    let sql = "SELECT relname || ' ' || concat_ws(', ',
            CASE WHEN has_table_privilege('app', oid, 'SELECT') THEN 'SELECT' END,
            CASE WHEN has_table_privilege('app', oid, 'INSERT') THEN 'INSERT' END,
            CASE WHEN has_table_privilege('app', oid, 'UPDATE') THEN 'UPDATE' END,
            CASE WHEN has_table_privilege('app', oid, 'DELETE') THEN 'DELETE' END,
            CASE WHEN has_table_privilege('app', oid, 'TRUNCATE, REFERENCES, TRIGGER') THEN 'more' END)
        FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname";
    let context = reportapp_session::Context::system("test");
    let found = texts(&pool, &context, sql).await;
    let listed: Vec<String> = TABLES
        .iter()
        .map(|(table, rights)| format!("{table} {rights}"))
        .collect();
    assert_eq!(found, listed);
}

#[tokio::test]
async fn whoever_serves_without_owning_waits_for_the_owner_and_then_works() {
    let database = TestDatabase::empty().await;
    let store = Store::new(database.pool(SERVING).await);
    let waiting = store.migrate().await.unwrap_err();
    let needed = migrations::ALL.last().unwrap().version;
    assert_eq!(waiting, MigrationError::NotOurs { found: 0, needed });
    assert!(
        waiting.to_string().contains("reportapp-api migrate"),
        "{waiting}"
    );

    let owner = database.pool(OWNER).await;
    let (_, earlier) = migrations::ALL.split_last().unwrap();
    migrations::run(&owner, earlier).await.unwrap();
    owner
        .batch("GRANT SELECT ON schema_migrations TO app")
        .await
        .unwrap();
    let waiting = store.migrate().await.unwrap_err();
    let found = earlier.last().unwrap().version;
    assert_eq!(waiting, MigrationError::NotOurs { found, needed });

    migrations::run(&owner, migrations::ALL).await.unwrap();
    grant(&owner, "app").await.unwrap();
    grant(&owner, "app").await.unwrap();
    store.migrate().await.unwrap();
    assert!(store.has_no_user().await.unwrap());
}

#[tokio::test]
async fn rights_are_not_given_to_a_role_that_can_become_the_owner() {
    let database = TestDatabase::new().await;
    let owner = database.pool(OWNER).await;
    for role in ["store", "store_a", SUPERUSER] {
        let error = grant(&owner, role).await.unwrap_err();
        assert!(matches!(error, GrantError::Owner { .. }), "{role}: {error}");
    }
    let unknown = grant(&owner, "x\"; DROP TABLE clients; --")
        .await
        .unwrap_err();
    assert!(matches!(unknown, GrantError::Unknown { .. }), "{unknown}");
}

#[tokio::test]
async fn an_action_changes_and_puts_back_a_user_with_the_rights_to_serve() {
    let database = TestDatabase::new().await;
    let pool = database.pool(SERVING).await;
    let disable = Change::Disable { force: false };
    for (order, what) in [("disable", disable), ("reset", Change::ForceReset)] {
        let taken = directory::change(&pool, order, "ana", what).await.unwrap();
        assert!(taken.differs);
        let left = directory::measure(&pool, &taken).await.unwrap();
        assert_eq!((left.active_sessions, left.sign_in_possible), (0, false));
        let by = format!("undo of {order}");
        let undone = directory::undo(&pool, &by, order).await.unwrap();
        assert!(matches!(undone, Undone::Restored(_)), "{undone:?}");
        let left = directory::measure(&pool, &taken).await.unwrap();
        assert!(left.sign_in_possible);
    }
    let tenant = directory::find_tenant(&pool, "ACME").await.unwrap();
    assert_eq!(tenant.as_deref(), Some("acme"));
    let roles = directory::find_roles(&pool, "Reader").await.unwrap();
    assert_eq!(roles, ["reader"]);
    let scopes = vec![Scope::Tenant("acme".to_owned())];
    let limit = Duration::from_secs(60);
    let ended = invalidate_sessions(&pool, "end", scopes, limit, |_| {}).await;
    assert!(ended.unwrap().roster_known);

    let owner = database.pool(OWNER).await;
    let less = "REVOKE UPDATE ON user_sessions FROM app";
    owner.batch(less).await.unwrap();
    let refused = directory::change(&pool, "again", "ana", disable).await;
    let refused = refused.unwrap_err();
    assert!(refused.to_string().contains("42501"), "{refused}");
    let ana = directory::find_user(&pool, "ana").await.unwrap().unwrap();
    assert!(ana.is_active && !ana.must_reset_password);
    assert_eq!(revision_of(&pool, "again").await.unwrap(), None);
    let taken = directory::snapshot(&pool, "again").await.unwrap();
    assert_eq!(taken, None);
}
