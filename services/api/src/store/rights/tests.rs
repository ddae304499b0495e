//! The list of rights against the schema, and a store that is served without owning it.

use reportapp_pool::testing::SUPERUSER;

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
    let (last, earlier) = migrations::ALL.split_last().unwrap();
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
