//! Migrations on SQLite and on a PostgreSQL of the test's own.

use super::*;
use crate::test_support::sqlite_pool;

const ONE: Migration = Migration {
    version: 1,
    name: "one",
    postgres: "CREATE TABLE one (id bigint)",
    sqlite: "CREATE TABLE one (id bigint)",
};
const TWO: Migration = Migration {
    version: 2,
    name: "two",
    postgres: "CREATE TABLE two (id bigint)",
    sqlite: "CREATE TABLE two (id bigint)",
};

#[tokio::test]
async fn missing_migrations_are_applied_once_and_in_order() {
    let (_folder, pool) = sqlite_pool().await;
    run(&pool, &[ONE]).await.unwrap();
    run(&pool, &[ONE, TWO]).await.unwrap();
    run(&pool, &[ONE, TWO]).await.unwrap();
    let rows = pool
        .query(
            "SELECT version FROM schema_migrations ORDER BY version",
            &[],
        )
        .await
        .unwrap();
    let versions: Vec<i64> = rows.iter().map(|row| row.get("version").unwrap()).collect();
    assert_eq!(versions, [1, 2]);
}

#[tokio::test]
async fn a_store_of_a_newer_release_is_refused_and_left_alone() {
    let (_folder, pool) = sqlite_pool().await;
    run(&pool, &[ONE, TWO]).await.unwrap();
    let error = run(&pool, &[ONE]).await.unwrap_err();
    assert_eq!(error, MigrationError::Newer { found: 2, known: 1 });
    assert!(error.to_string().contains("newer release"));
}

#[tokio::test]
async fn a_migration_edited_after_it_was_applied_is_refused() {
    let (_folder, pool) = sqlite_pool().await;
    run(&pool, &[ONE]).await.unwrap();
    let edited = Migration {
        sqlite: "CREATE TABLE one (id bigint, more text)",
        ..ONE
    };
    let error = run(&pool, &[edited]).await.unwrap_err();
    assert!(matches!(error, MigrationError::Changed { version: 1, .. }));
}

#[tokio::test]
async fn a_failing_migration_leaves_nothing_behind() {
    let (_folder, pool) = sqlite_pool().await;
    let broken = Migration {
        version: 2,
        name: "broken",
        postgres: "CREATE TABLE",
        sqlite: "CREATE TABLE",
    };
    run(&pool, &[ONE, broken]).await.unwrap_err();
    run(&pool, &[ONE, TWO]).await.unwrap();
}
