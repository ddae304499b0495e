//! What is particular to SQLite files.

use std::path::Path;

use futures::StreamExt;
use reportapp_config::DatabaseConfig;
use reportapp_config::database::PoolConfig;
use reportapp_pool::testing::TestSqlite;
use reportapp_pool::{Pool, PoolError, Value};
use rust_decimal::Decimal;

async fn open(path: &Path, read_only: bool) -> Pool {
    let config = DatabaseConfig::Sqlite {
        path: path.to_owned(),
        read_only,
        pool: PoolConfig::default(),
    };
    Pool::open("file", &config)
        .await
        .expect("a good configuration opens")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_pool_reads_and_cannot_write() {
    let file = TestSqlite::new();
    let writer = open(&file.path(), false).await;
    writer
        .batch("CREATE TABLE t (a integer); INSERT INTO t VALUES (1)")
        .await
        .expect("written");
    let reader = open(&file.path(), true).await;
    assert_eq!(
        reader
            .query("SELECT a FROM t", &[])
            .await
            .expect("read")
            .len(),
        1
    );
    let error = reader
        .execute("DELETE FROM t", &[])
        .await
        .expect_err("read-only");
    assert_eq!(error.category(), "Query", "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_opened_is_unreachable() {
    let missing = open(Path::new("/nowhere/at/all.sqlite"), false).await;
    assert_eq!(
        missing.probe().await.expect_err("no folder").category(),
        "Unreachable"
    );
    let file = TestSqlite::new();
    std::fs::write(
        file.path(),
        "this is not a database, only a text that is long enough",
    )
    .expect("written");
    let garbage = open(&file.path(), false).await;
    assert_eq!(
        garbage
            .probe()
            .await
            .expect_err("not a database")
            .category(),
        "Unreachable"
    );
    std::fs::remove_file(file.path()).expect("removed");
    garbage
        .probe()
        .await
        .expect("a good file in its place is used");
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_go_on_while_a_transaction_writes_and_see_nothing_of_it() {
    let file = TestSqlite::new();
    let pool = open(&file.path(), false).await;
    pool.batch("CREATE TABLE t (a integer)")
        .await
        .expect("table");
    let mut writer = pool.begin().await.expect("begin");
    writer
        .execute("INSERT INTO t VALUES (1)", &[])
        .await
        .expect("insert");
    assert!(
        pool.query("SELECT a FROM t", &[])
            .await
            .expect("not blocked")
            .is_empty()
    );
    writer.commit().await.expect("commit");
    assert_eq!(
        pool.query("SELECT a FROM t", &[])
            .await
            .expect("read")
            .len(),
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn committed_rows_survive_the_pool_and_foreign_keys_hold() {
    let file = TestSqlite::new();
    let pool = open(&file.path(), false).await;
    pool.batch(
        "CREATE TABLE a (id integer PRIMARY KEY); CREATE TABLE b (a integer REFERENCES a (id))",
    )
    .await
    .expect("tables");
    pool.execute("INSERT INTO a VALUES (1)", &[])
        .await
        .expect("insert");
    let orphan = pool
        .execute("INSERT INTO b VALUES (2)", &[])
        .await
        .expect_err("no such parent");
    assert!(
        matches!(orphan, PoolError::Constraint { unique: false, .. }),
        "{orphan:?}"
    );
    pool.close().await;
    let again = open(&file.path(), false).await;
    assert_eq!(
        again
            .query("SELECT id FROM a", &[])
            .await
            .expect("read")
            .len(),
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn amounts_that_hundredths_cannot_hold_are_refused() {
    let file = TestSqlite::new();
    let pool = open(&file.path(), false).await;
    pool.batch("CREATE TABLE t (amount numeric(15,2))")
        .await
        .expect("table");
    let insert = "INSERT INTO t VALUES ($1)";
    let error = pool
        .execute(insert, &[Decimal::new(1, 3).into()])
        .await
        .expect_err("three decimals");
    assert_eq!(error.category(), "Type");
    pool.batch("INSERT INTO t VALUES (1.5)")
        .await
        .expect("SQLite takes anything");
    let mut rows = pool
        .query_stream("SELECT amount FROM t", &[])
        .await
        .expect("stream");
    let error = rows
        .next()
        .await
        .expect("an item")
        .expect_err("a floating-point amount is not read");
    assert_eq!(error.category(), "Type");
    let whole = pool.query("SELECT 3 AS n", &[]).await.expect("read");
    assert_eq!(whole[0].value(0), &Value::Int(3));
    assert!(
        whole[0].get::<Decimal>("n").is_err(),
        "an integer must not pass for an amount"
    );
}
