//! Fifty tasks ask one PostgreSQL through ten connections (goal P3).

use std::future::Future;
use std::time::{Duration, Instant};

use reportapp_config::DatabaseConfig;
use reportapp_pool::testing::{DATABASE, PASSWORD, SUPERUSER, TestPostgres};
use reportapp_pool::{Pool, Value};
use tokio::task::JoinSet;

use crate::figures::{Waits, show};

const TASKS: usize = 50;
const CONNECTIONS: u32 = 10;
const RUN: Duration = Duration::from_secs(2);
const SQL: &str = "SELECT id, name FROM things WHERE id = $1";

pub async fn run(pairs: usize) -> anyhow::Result<()> {
    let server = TestPostgres::start().await;
    let mut config = server.config();
    if let DatabaseConfig::Postgres { pool, .. } = &mut config {
        pool.max = CONNECTIONS;
    }
    let ours = Pool::open("bench", &config).await?;
    ours.batch(
        "CREATE TABLE things AS SELECT n::bigint AS id, 'thing ' || n AS name FROM generate_series(1, 10000) n; \
         ALTER TABLE things ADD PRIMARY KEY (id); ANALYZE things",
    )
    .await?;
    let deadpool = deadpool(server.port())?;
    let sqlx = sqlx::postgres::PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .connect_with(
            sqlx::postgres::PgConnectOptions::new()
                .host("127.0.0.1")
                .port(server.port())
                .username(SUPERUSER)
                .password(PASSWORD)
                .database(DATABASE)
                .ssl_mode(sqlx::postgres::PgSslMode::Disable),
        )
        .await?;
    let (mut deadpools, mut sqlxs) = (Vec::new(), Vec::new());
    for _ in 0..pairs {
        let mine = asked(ours.clone(), |pool, id| async move {
            pool.query(SQL, &[Value::Int(id)]).await
        });
        let mine = mine.await?;
        let theirs = asked(deadpool.clone(), |pool, id| async move {
            let client = pool.get().await?;
            let statement = client.prepare_cached(SQL).await?;
            anyhow::Ok(client.query(&statement, &[&id]).await?)
        });
        deadpools.push((mine, theirs.await?));
        let theirs = asked(sqlx.clone(), |pool, id| async move {
            sqlx::query(SQL).bind(id).fetch_all(&pool).await
        });
        sqlxs.push((mine, theirs.await?));
    }
    for (rival, pairs) in [("deadpool-postgres", &deadpools), ("sqlx", &sqlxs)] {
        let part = |figure: fn(&Asked) -> f64| -> Vec<(f64, f64)> {
            let pairs = pairs.iter();
            pairs.map(|(a, b)| (figure(a), figure(b))).collect()
        };
        show(
            "50 tasks, 10 connections: queries",
            rival,
            "/ms",
            &part(|asked| asked.per_ms),
        );
        show(
            "50 tasks, 10 connections: 99 %",
            rival,
            "µs",
            &part(|asked| asked.p99),
        );
    }
    Ok(())
}

fn deadpool(port: u16) -> anyhow::Result<deadpool_postgres::Pool> {
    let mut config = tokio_postgres::Config::new();
    config
        .host("127.0.0.1")
        .port(port)
        .user(SUPERUSER)
        .password(PASSWORD)
        .dbname(DATABASE);
    let manager = deadpool_postgres::Manager::new(config, tokio_postgres::NoTls);
    let pool = deadpool_postgres::Pool::builder(manager).max_size(CONNECTIONS as usize);
    Ok(pool.build()?)
}

#[derive(Clone, Copy)]
struct Asked {
    per_ms: f64,
    /// Turn and statement together, in microseconds.
    p99: f64,
}

async fn asked<P, F, T, E>(pool: P, ask: fn(P, i64) -> F) -> anyhow::Result<Asked>
where
    P: Clone + Send + 'static,
    F: Future<Output = Result<T, E>> + Send + 'static,
    T: Send + 'static,
    E: Into<anyhow::Error> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    let started = Instant::now();
    for task in 0..TASKS {
        let pool = pool.clone();
        tasks.spawn(async move {
            let mut waits = Vec::new();
            let mut id = task as i64;
            while started.elapsed() < RUN {
                id = id % 9_900 + 101;
                let begun = Instant::now();
                drop(ask(pool.clone(), id).await.map_err(Into::into)?);
                waits.push(begun.elapsed());
            }
            anyhow::Ok(waits)
        });
    }
    let mut waits = Waits::default();
    while let Some(ended) = tasks.join_next().await {
        waits.0.extend(ended??);
    }
    Ok(Asked {
        per_ms: waits.0.len() as f64 / started.elapsed().as_secs_f64() / 1e3,
        p99: waits.at(990),
    })
}
