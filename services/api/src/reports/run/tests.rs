//! What a database can answer, and what a query could do that nobody checked.

use std::collections::BTreeMap;
use std::sync::Arc;

use reportapp_config::DatabaseConfig;
use reportapp_pool::Pool;
use reportapp_pool::testing::{TestPostgres, TestSqlite};

use super::*;
use crate::reports::{Query, read};

/// A report with a query that was never looked at.
fn unchecked(kind: &str, sql: &str) -> Arc<Report> {
    let text = format!(
        "id: x
title: {{ro: X, en: X}}
period: none
columns:
- {{name: n, title: {{ro: N, en: N}}, kind: {kind}}}
queries:
  postgres: SELECT 1 AS n FROM facts WHERE 'a' = :company
"
    );
    let mut report = read("x.yaml", &text).unwrap();
    let query = Query {
        text: sql.to_owned(),
        arguments: Vec::new(),
    };
    report.postgres = Some(query.clone());
    report.sqlite = Some(query);
    Arc::new(report)
}

fn ask(report: &Arc<Report>) -> Ask {
    Ask {
        view: View::all(report),
        arguments: BTreeMap::new(),
        report: Arc::clone(report),
    }
}

/// One server per engine, each with one connection to read with, and a table of two rows.
async fn servers() -> ([Server; 2], TestPostgres, TestSqlite) {
    let (postgres, sqlite) = (TestPostgres::start().await, TestSqlite::new());
    let mut servers = Vec::new();
    for mut config in [postgres.config(), sqlite.config()] {
        match &mut config {
            DatabaseConfig::Postgres { pool, .. } => (pool.min, pool.max) = (0, 1),
            DatabaseConfig::Sqlite { pool, .. } => pool.max = 2,
        }
        let pool = Pool::open("erp", &config).await.unwrap();
        let tables = "CREATE TABLE facts (n integer NOT NULL); INSERT INTO facts VALUES (1), (2);";
        pool.batch(tables).await.unwrap();
        servers.push(Server::new("main", pool));
    }
    let functions = "CREATE SEQUENCE s;
        CREATE FUNCTION evil() RETURNS integer LANGUAGE plpgsql AS
        'BEGIN DELETE FROM facts; RETURN 1; END';";
    servers[0].pool.batch(functions).await.unwrap();
    (servers.try_into().unwrap(), postgres, sqlite)
}

/// Everything an attack might have changed.
async fn picture(server: &Server) -> Vec<String> {
    let mut questions = vec!["SELECT CAST(count(*) AS text) AS x FROM facts"];
    if server.pool.engine() == Engine::Postgres {
        questions.extend([
            "SELECT current_setting('statement_timeout') AS x",
            "SELECT current_setting('search_path') AS x",
            "SELECT current_setting('transaction_read_only') AS x",
            "SELECT current_setting('plan_cache_mode') AS x",
            "SELECT CAST(session_user AS text) || current_user AS x",
            "SELECT CAST(last_value AS text) || CAST(is_called AS text) AS x FROM s",
            "SELECT CAST(count(*) AS text) AS x FROM pg_largeobject_metadata",
            "SELECT CAST(count(*) AS text) AS x FROM pg_class WHERE relname = 'loot'",
        ]);
    }
    let mut picture = Vec::new();
    for question in questions {
        let rows = server.pool.query(question, &[]).await.unwrap();
        picture.push(rows[0].get::<String>("x").unwrap());
    }
    picture
}

#[tokio::test]
async fn a_query_that_nobody_checked_changes_nothing_and_leaves_nothing_behind() {
    let (servers, _postgres, _sqlite) = servers().await;
    for server in &servers {
        let before = picture(server).await;
        for attack in [
            "SELECT 1 AS n) q; DELETE FROM facts; --",
            "WITH x AS (DELETE FROM facts RETURNING n) SELECT n FROM x",
            "DELETE FROM facts RETURNING n",
            "SELECT n FROM facts FOR UPDATE",
            "SELECT n INTO loot FROM facts",
            "SELECT evil() AS n",
            "SELECT nextval('s') AS n",
            "SELECT setval('s', 77) AS n",
            "SELECT lo_create(4711)::bigint AS n",
            "SELECT length(set_config('statement_timeout', '0', false)) AS n",
            "SELECT length(set_config('search_path', 'evil', false)) AS n",
            "SELECT length(set_config('transaction_read_only', 'off', false)) + evil() AS n",
            "SELECT length(set_config('role', 'pg_monitor', false)) AS n",
            "SELECT query_to_xml('DELETE FROM facts', true, true, '')::text AS n",
            "PRAGMA query_only = 0",
            "SELECT 1 AS n) q; PRAGMA query_only = 0; --",
        ] {
            let report = unchecked("integer", attack);
            // Refused, undone, or without effect: all the same to those who come after.
            drop(one(server, &ask(&report)).await);
            assert_eq!(
                picture(server).await,
                before,
                "{attack} on {:?}",
                server.pool.engine()
            );
        }
        let report = unchecked("integer", "SELECT n FROM facts");
        assert_eq!(one(server, &ask(&report)).await.unwrap().rows.len(), 2);
    }
}

#[tokio::test]
async fn another_kind_of_value_than_declared_fails_the_report_by_name() {
    let (servers, _postgres, _sqlite) = servers().await;
    let [postgres, sqlite] = &servers;
    for (server, kind, sql, wanted) in [
        (
            postgres,
            "amount",
            "SELECT n FROM facts",
            "x.n holds an integer",
        ),
        (
            postgres,
            "amount",
            "SELECT n / 3.0 AS n FROM facts",
            "x.n holds a decimal",
        ),
        (
            postgres,
            "amount",
            "SELECT n::float8 AS n FROM facts",
            "n holds float8",
        ),
        (
            postgres,
            "integer",
            "SELECT 'x' AS n FROM facts",
            "x.n holds text, not an integer",
        ),
        (
            postgres,
            "integer",
            "SELECT NULL::integer AS n FROM facts",
            "x.n holds nothing",
        ),
        (
            postgres,
            "date",
            "SELECT now() AS n FROM facts",
            "x.n holds a timestamp, not a date",
        ),
        (
            postgres,
            "text",
            "SELECT n FROM facts",
            "collations are not supported by type integer",
        ),
        (
            sqlite,
            "amount",
            "SELECT n / 3.0 AS n FROM facts",
            "n holds a stored",
        ),
        (
            sqlite,
            "text",
            "SELECT n FROM facts",
            "x.n holds an integer, not text",
        ),
        (
            sqlite,
            "integer",
            "SELECT NULL AS n FROM facts",
            "x.n holds nothing",
        ),
        (
            sqlite,
            "date",
            "SELECT 'soon' AS n FROM facts",
            "x.n holds text, not a date",
        ),
        (
            sqlite,
            "boolean",
            "SELECT n FROM facts",
            "x.n holds an integer, not a truth value",
        ),
    ] {
        let error = one(server, &ask(&unchecked(kind, sql))).await.unwrap_err();
        assert_eq!(error.code(), "ReportFailed", "{sql}");
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.contains(wanted), "{sql}: {cause}");
    }
    for server in &servers {
        let error = one(
            server,
            &ask(&unchecked("integer", "SELECT n AS m FROM facts")),
        )
        .await;
        assert_eq!(error.unwrap_err().code(), "ReportFailed");
    }
}

#[tokio::test]
async fn every_kind_arrives_on_both_engines() {
    let (servers, _postgres, _sqlite) = servers().await;
    for server in &servers {
        let is_postgres = server.pool.engine() == Engine::Postgres;
        for (kind, postgres, sqlite, wanted) in [
            ("text", "'ș'", "'ș'", Cell::Text("ș".to_owned())),
            (
                "integer",
                "9000000000",
                "9000000000",
                Cell::Integer(9_000_000_000),
            ),
            (
                "amount",
                "-0.1",
                "-10",
                Cell::Amount(Amount(Decimal::new(-10, 2))),
            ),
            (
                "date",
                "DATE '2026-02-28'",
                "'2026-02-28'",
                Cell::Date(jiff::civil::date(2026, 2, 28)),
            ),
            ("boolean", "true", "1", Cell::Boolean(true)),
        ] {
            let value = if is_postgres { postgres } else { sqlite };
            let report = unchecked(kind, &format!("SELECT {value} AS n"));
            let table = one(server, &ask(&report)).await.unwrap();
            assert_eq!(*table.rows, [[wanted]], "{kind}");
        }
    }
}

#[tokio::test]
async fn a_report_that_sleeps_is_ended_by_the_servers_limit() {
    let postgres = TestPostgres::start().await;
    let mut config = postgres.config();
    if let DatabaseConfig::Postgres { pool, .. } = &mut config {
        pool.statement_timeout_ms = 200;
    }
    let server = Server::new("main", Pool::open("erp", &config).await.unwrap());
    let report = unchecked("text", "SELECT CAST(pg_sleep(600) AS text) AS n");
    let error = one(&server, &ask(&report)).await.unwrap_err();
    assert_eq!(error.code(), "DatabaseUnavailable");
}

#[tokio::test]
async fn a_report_without_a_query_for_the_engine_says_so() {
    let sqlite = TestSqlite::new();
    let server = Server::new("main", Pool::open("erp", &sqlite.config()).await.unwrap());
    let mut report = Report::clone(&unchecked("integer", "SELECT 1 AS n"));
    report.sqlite = None;
    let error = one(&server, &ask(&Arc::new(report))).await.unwrap_err();
    assert_eq!(error.code(), "ReportUnknown");
    assert!(
        error.to_string().contains("sqlite database of server main"),
        "{error}"
    );
}
