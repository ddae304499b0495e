//! The promises of the pool, checked by one test body per promise on both engines.

use std::time::Duration;

use futures::StreamExt;
use jiff::{Timestamp, civil::date};
use reportapp_config::DatabaseConfig;
use reportapp_pool::testing::{TestPostgres, TestSqlite};
use reportapp_pool::{Engine, Pool, PoolError, PoolStats, Question, Value};
use rust_decimal::Decimal;

/// Both engines, each with a fresh database.
struct Engines {
    postgres: TestPostgres,
    sqlite: TestSqlite,
}

impl Engines {
    async fn start() -> Self {
        Self {
            postgres: TestPostgres::start().await,
            sqlite: TestSqlite::new(),
        }
    }

    async fn pools(
        &self,
        change: impl Fn(&mut reportapp_config::database::PoolConfig),
    ) -> [Pool; 2] {
        let mut pools = Vec::new();
        for mut config in [self.postgres.config(), self.sqlite.config()] {
            match &mut config {
                DatabaseConfig::Postgres { pool, .. } | DatabaseConfig::Sqlite { pool, .. } => {
                    change(pool)
                }
            }
            pools.push(
                Pool::open("test", &config)
                    .await
                    .expect("a good configuration opens"),
            );
        }
        pools.try_into().expect("two engines")
    }
}

/// A statement that runs for a very long time on each engine.
fn endless(engine: Engine) -> &'static str {
    match engine {
        Engine::Postgres => "SELECT pg_sleep(600)",
        Engine::Sqlite => {
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
        }
    }
}

/// Waits until the pool looks as expected, or fails after a while.
async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(20), async {
        while !holds().await {
            tokio::task::yield_now().await;
        }
    });
    waited
        .await
        .unwrap_or_else(|_| panic!("{what} did not happen"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_value_comes_back_as_it_went() {
    let engines = Engines::start().await;
    for pool in engines.pools(|_| ()).await {
        pool.batch(
            "CREATE TABLE kinds (flag boolean, small smallint, whole bigint, amount numeric(15,2), \
             label varchar(80), raw bytea, day date, moment timestamp with time zone)",
        )
        .await
        .expect("the table can be made");
        let moment: Timestamp = "2026-10-31T23:59:59.123456Z".parse().expect("valid");
        let full = vec![
            Value::from(true),
            Value::from(-7_i16),
            Value::from(i64::MAX),
            Value::from(Decimal::new(-123_456_789_012_345, 2)),
            Value::from("Șerban & fiii „SRL”\n\t\\N"),
            Value::from(vec![0_u8, 1, 255]),
            Value::from(date(2024, 2, 29)),
            Value::from(moment),
        ];
        let empty = vec![Value::Null; 8];
        let insert = "INSERT INTO kinds VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        assert_eq!(pool.execute(insert, &full).await.expect("insert"), 1);
        let mut transaction = pool.begin().await.expect("begin");
        let columns = [
            "flag", "small", "whole", "amount", "label", "raw", "day", "moment",
        ];
        let rows = vec![full.clone(), empty.clone()];
        assert_eq!(
            transaction
                .bulk_insert("kinds", &columns, rows)
                .await
                .expect("bulk"),
            2
        );
        transaction.commit().await.expect("commit");

        let rows = pool
            .query("SELECT * FROM kinds ORDER BY whole IS NULL", &[])
            .await
            .expect("query");
        let read: Vec<_> = rows.iter().map(|row| row.clone().into_values()).collect();
        assert_eq!(read, [full.clone(), full, empty], "{:?}", pool.engine());
        assert_eq!(rows[0].columns(), columns);
        assert_eq!(
            rows[2]
                .get::<Option<i64>>("WHOLE")
                .expect("case does not matter"),
            None
        );
        assert!(matches!(
            rows[2].get::<i64>("whole"),
            Err(PoolError::Type { .. })
        ));
        assert!(matches!(
            rows[0].get::<i64>("nothing"),
            Err(PoolError::NoColumn { .. })
        ));

        let sum = pool
            .query("SELECT SUM(amount) AS total FROM kinds", &[])
            .await
            .expect("sum");
        let total = sum[0].get_minor_units("total", 2).expect("a sum");
        assert_eq!(total, Decimal::new(-246_913_578_024_690, 2));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_may_repeat_carry_casts_and_are_counted() {
    let engines = Engines::start().await;
    for pool in engines.pools(|_| ()).await {
        pool.batch("CREATE TABLE t (a bigint, b bigint)")
            .await
            .expect("table");
        pool.execute("INSERT INTO t VALUES ($2, $1)", &[1.into(), 2.into()])
            .await
            .expect("insert");
        let rows = pool
            .query(
                "SELECT a FROM t WHERE a = $1::bigint AND b = $2 AND a <> $2",
                &[2.into(), 1.into()],
            )
            .await
            .expect("query");
        assert_eq!(rows.len(), 1);
        let few = pool.query("SELECT a FROM t WHERE a = $1", &[]).await;
        assert_eq!(few.expect_err("too few").category(), "Query");
        let many = pool
            .query("SELECT a FROM t WHERE a = $1", &[1.into(), 2.into()])
            .await;
        assert_eq!(many.expect_err("too many").category(), "Query");
        let written = pool
            .query("INSERT INTO t VALUES (5, 6) RETURNING a", &[])
            .await
            .expect("returning");
        assert_eq!(written[0].get::<i64>("a").expect("a"), 5);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn constraints_are_named_and_no_error_shows_a_value() {
    let engines = Engines::start().await;
    for pool in engines.pools(|_| ()).await {
        pool.batch("CREATE TABLE users (name text PRIMARY KEY, age bigint CHECK (age > 0))")
            .await
            .expect("table");
        let insert = "INSERT INTO users VALUES ($1, $2)";
        let row = [Value::from("canary-value"), 5.into()];
        pool.execute(insert, &row).await.expect("first");
        let twice = pool.execute(insert, &row).await.expect_err("primary key");
        assert!(twice.is_unique_violation(), "{twice:?}");
        let check = pool
            .execute(insert, &["other".into(), (-1).into()])
            .await
            .expect_err("check");
        assert!(
            matches!(check, PoolError::Constraint { unique: false, .. }),
            "{check:?}"
        );
        let wrong = pool
            .query(
                "SELECT nothing FROM users WHERE name = $1",
                &["canary-value".into()],
            )
            .await;
        let wrong = wrong.expect_err("no such column");
        assert!(wrong.to_string().contains("nothing"), "{wrong}");
        for error in [twice, check, wrong] {
            assert!(
                !format!("{error} {error:?}").contains("canary-value"),
                "{error:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_happens_whole_or_not_at_all() {
    let engines = Engines::start().await;
    for pool in engines.pools(|_| ()).await {
        pool.batch("CREATE TABLE t (a bigint PRIMARY KEY)")
            .await
            .expect("table");
        let count = async || {
            let rows = pool
                .query("SELECT count(*) AS n FROM t", &[])
                .await
                .expect("count");
            rows[0].get::<i64>("n").expect("n")
        };
        let mut dropped = pool.begin().await.expect("begin");
        dropped
            .execute("INSERT INTO t VALUES (1)", &[])
            .await
            .expect("insert");
        drop(dropped);
        assert_eq!(count().await, 0);

        let mut failed = pool.begin().await.expect("begin");
        failed
            .execute("INSERT INTO t VALUES (2)", &[])
            .await
            .expect("insert");
        assert!(
            failed
                .execute("INSERT INTO t VALUES (2)", &[])
                .await
                .is_err()
        );
        assert!(
            failed.commit().await.is_err(),
            "a failed transaction must not seem committed"
        );
        assert_eq!(count().await, 0);

        let mut good = pool.begin().await.expect("begin");
        good.execute("INSERT INTO t VALUES (3)", &[])
            .await
            .expect("insert");
        good.batch("INSERT INTO t VALUES (4); INSERT INTO t VALUES (5);")
            .await
            .expect("batch");
        assert_eq!(
            good.query("SELECT a FROM t", &[])
                .await
                .expect("own rows")
                .len(),
            3
        );
        good.commit().await.expect("commit");
        assert_eq!(count().await, 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_takes_too_long_is_ended() {
    let engines = Engines::start().await;
    for pool in engines.pools(|pool| pool.statement_timeout_ms = 300).await {
        let error = pool
            .query(endless(pool.engine()), &[])
            .await
            .expect_err("too long");
        assert_eq!(error.category(), "StatementTimeout", "{error:?}");
        pool.query("SELECT 1 AS one", &[])
            .await
            .expect("the pool goes on");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_statement_leaves_the_pool_usable_and_ends_on_the_server() {
    let engines = Engines::start().await;
    for pool in engines.pools(|pool| pool.max = 1).await {
        for _ in 0..3 {
            let statement = pool.query(endless(pool.engine()), &[]);
            assert!(
                tokio::time::timeout(Duration::from_millis(100), statement)
                    .await
                    .is_err()
            );
            let rows = pool
                .query("SELECT 1 AS one", &[])
                .await
                .expect("usable at once");
            assert_eq!(rows[0].get::<i64>("one").expect("one"), 1);
        }
        if pool.engine() == Engine::Postgres {
            eventually("the end of the sleeping statements", async || {
                let sql = "SELECT count(*) AS n FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'";
                pool.query(sql, &[]).await.expect("activity")[0].get::<i64>("n") == Ok(0)
            })
            .await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_dropped_inside_a_statement_frees_its_locks() {
    let engines = Engines::start().await;
    for pool in engines.pools(|pool| pool.max = 2).await {
        pool.batch("CREATE TABLE t (a bigint)")
            .await
            .expect("table");
        let mut transaction = pool.begin().await.expect("begin");
        transaction
            .execute("INSERT INTO t VALUES (1)", &[])
            .await
            .expect("insert");
        let statement = transaction.query(endless(pool.engine()), &[]);
        assert!(
            tokio::time::timeout(Duration::from_millis(100), statement)
                .await
                .is_err()
        );
        drop(transaction);
        let mut next = pool.begin().await.expect("begin again");
        next.execute("DELETE FROM t", &[])
            .await
            .expect("not locked");
        next.commit().await.expect("commit");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_for_a_connection_is_bounded_and_counted() {
    let engines = Engines::start().await;
    for pool in engines
        .pools(|pool| (pool.max, pool.acquire_timeout_ms) = (1, 500))
        .await
    {
        let held = pool.begin().await.expect("begin");
        let waiter = tokio::spawn({
            let pool = pool.clone();
            async move { pool.begin().await.map(drop) }
        });
        eventually("a waiting caller", async || pool.stats().waiting == 1).await;
        let outcome = waiter.await.expect("no panic");
        assert_eq!(
            outcome.expect_err("nothing free").category(),
            "AcquireTimeout"
        );
        assert_eq!(
            (pool.stats().waiting, pool.stats().acquire_timeouts),
            (0, 1)
        );
        drop(held);
        pool.begin().await.expect("free again");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_arrive_one_by_one_and_a_dropped_stream_costs_nothing() {
    let engines = Engines::start().await;
    let numbers = |engine| match engine {
        Engine::Postgres => "SELECT i FROM generate_series(1, 1000000) AS i",
        Engine::Sqlite => {
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000) SELECT i FROM n"
        }
    };
    for pool in engines.pools(|pool| pool.max = 1).await {
        let mut rows = pool
            .query_stream(numbers(pool.engine()), &[])
            .await
            .expect("stream");
        let first = rows.next().await.expect("a row").expect("a good row");
        assert_eq!(first.get::<i64>("i").expect("i"), 1);
        drop(rows);
        let whole = pool
            .query_stream(numbers(pool.engine()), &[])
            .await
            .expect("stream");
        let sum = whole
            .fold(0, async |sum, row| {
                sum + row.expect("row").get::<i64>("i").expect("i")
            })
            .await;
        assert_eq!(sum, 500_000_500_000);
        let broken = pool.query_stream("SELECT nothing", &[]).await;
        let failed = match broken {
            Ok(mut rows) => rows.next().await.expect("an item").is_err(),
            Err(_) => true,
        };
        assert!(failed);
        pool.query("SELECT 1 AS one", &[]).await.expect("usable");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_answered_row_by_row_and_can_change_nothing() {
    let engines = Engines::start().await;
    for pool in engines.pools(|pool| pool.max = 1).await {
        pool.batch(
            "CREATE TABLE facts (n integer NOT NULL); INSERT INTO facts VALUES (1), (2), (3)",
        )
        .await
        .expect("a table");
        let minute = Duration::from_secs(60);
        let larger = question(
            "SELECT n FROM facts WHERE n >= $1::bigint ORDER BY n",
            &[Value::Int(2)],
        );
        let dropped = pool.read_only_stream(&larger, minute).await;
        let mut dropped = dropped.expect("a stream");
        let first = dropped.next().await.expect("a row").expect("a good row");
        assert_eq!(first.get::<i64>("n"), Ok(2));
        drop(dropped);
        let rows = pool.read_only_stream(&larger, minute).await;
        let rows: Vec<_> = rows.expect("a stream").collect().await;
        assert_eq!(rows.len(), 2, "{rows:?}");
        for wrong in [
            "INSERT INTO facts VALUES (4) RETURNING n",
            "DELETE FROM facts RETURNING n",
            "SELECT nothing FROM facts",
        ] {
            let refused = match pool.read_only_stream(&question(wrong, &[]), minute).await {
                Ok(mut rows) => rows.next().await.expect("an item"),
                Err(error) => Err(error),
            };
            assert!(
                matches!(refused, Err(PoolError::Query { .. })),
                "{wrong}: {refused:?}"
            );
            let count = pool.query("SELECT count(*) AS n FROM facts", &[]).await;
            assert_eq!(count.expect("usable")[0].get::<i64>("n"), Ok(3), "{wrong}");
        }
        let short = Duration::from_millis(300);
        let endless = question(endless(pool.engine()), &[]);
        let rows = pool.read_only_stream(&endless, short).await;
        let ended = rows.expect("a stream").next().await.expect("an item");
        let error = ended.expect_err("too long");
        assert_eq!(error.category(), "StatementTimeout");
        assert!(error.to_string().contains("300 ms"), "{error}");
        pool.query("SELECT 1 AS one", &[]).await.expect("usable");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_callers_share_few_connections() {
    let engines = Engines::start().await;
    for pool in engines.pools(|pool| pool.max = 3).await {
        pool.batch("CREATE TABLE t (a bigint)")
            .await
            .expect("table");
        let callers = (0..60_i64).map(|number| {
            let pool = pool.clone();
            tokio::spawn(async move {
                pool.execute("INSERT INTO t VALUES ($1)", &[number.into()])
                    .await
            })
        });
        for outcome in futures::future::join_all(callers).await {
            assert_eq!(outcome.expect("no panic").expect("insert"), 1);
        }
        let sum = pool
            .query("SELECT sum(a) AS s FROM t", &[])
            .await
            .expect("sum");
        assert_eq!(sum[0].get::<i64>("s").expect("s"), 1770);
        let stats = pool.stats();
        assert!(stats.size <= stats.max && stats.max == 3, "{stats:?}");
        until_all_are_idle(&pool).await;
    }
}

/// A login that nobody waits for any more may be under way for a while.
async fn until_all_are_idle(pool: &Pool) {
    let idle = async {
        let is_idle = |stats: PoolStats| stats.size == stats.idle;
        while !is_idle(pool.stats()) {
            tokio::task::yield_now().await;
        }
    };
    let settled = tokio::time::timeout(Duration::from_secs(30), idle).await;
    assert!(settled.is_ok(), "{:?}", pool.stats());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_pool_refuses_work_and_holds_nothing() {
    let engines = Engines::start().await;
    for pool in engines.pools(|_| ()).await {
        pool.probe().await.expect("up");
        pool.close().await;
        assert_eq!(
            pool.query("SELECT 1", &[])
                .await
                .expect_err("closed")
                .category(),
            "Closed"
        );
        eventually("the end of all connections", async || {
            pool.stats().size == 0
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn gauges_reach_the_registry() {
    let engines = Engines::start().await;
    for pool in engines.pools(|_| ()).await {
        let registry = prometheus::Registry::new();
        pool.register_metrics(&registry).expect("registered");
        pool.probe().await.expect("up");
        let text = prometheus::TextEncoder::new()
            .encode_to_string(&registry.gather())
            .expect("text");
        let engine = pool.engine().as_str();
        for line in [
            format!(
                "reportapp_pool_connections{{engine=\"{engine}\",pool=\"test\",state=\"max\"}} 10"
            ),
            format!("reportapp_pool_waiting{{engine=\"{engine}\",pool=\"test\"}} 0"),
        ] {
            assert!(text.contains(&line), "{line} is missing in\n{text}");
        }
    }
}

fn question(sql: &str, params: &[Value]) -> Question {
    Question {
        sql: sql.to_owned(),
        params: params.to_vec(),
    }
}

#[tokio::test]
async fn questions_together_see_one_state_and_can_change_nothing() {
    let engines = Engines::start().await;
    for pool in engines.pools(|limits| limits.max = 2).await {
        pool.batch("CREATE TABLE facts (n integer NOT NULL); INSERT INTO facts VALUES (1), (2)")
            .await
            .expect("a table");
        let count = question("SELECT count(*) AS n FROM facts", &[]);
        let larger = question(
            "SELECT n FROM facts WHERE n >= $1::bigint ORDER BY n",
            &[Value::Int(2)],
        );
        let answers = pool
            .read_only(&[count.clone(), larger])
            .await
            .expect("two answers");
        assert_eq!(answers[0][0].get::<i64>("n").expect("n"), 2);
        assert_eq!(answers[1].len(), 1);
        for attack in [
            "INSERT INTO facts VALUES (3) RETURNING n",
            "DELETE FROM facts RETURNING n",
        ] {
            let refused = pool.read_only(&[question(attack, &[])]).await;
            assert!(
                matches!(refused, Err(PoolError::Query { .. })),
                "{attack}: {refused:?}"
            );
        }
        let broken = question("SELECT nothing FROM facts", &[]);
        let failed = pool.read_only(&[broken, count.clone()]).await;
        assert!(matches!(failed, Err(PoolError::Query { .. })), "{failed:?}");
        let answers = pool.read_only(&[count]).await.expect("still of use");
        assert_eq!(answers[0][0].get::<i64>("n").expect("n"), 2);
    }
}
