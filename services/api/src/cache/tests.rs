//! One process and several over one ERP: who is given what, and when nobody is given it any more.

use std::sync::Arc;
use std::time::Instant;

use prometheus::Registry;
use reportapp_pool::testing::TestSqlite;
use reportapp_pool::{Pool, Value};
use reportapp_session::epochs::{EpochStore, MemoryEpochStore, Standing, Terms};
use reportapp_session::random;
use reportapp_session::testing::TestRedis;
use tokio::sync::watch;

use super::*;
use crate::erp::Server;
use crate::metrics::EpochMetrics;
use crate::reports::page::View;
use crate::reports::{Ask, Cell, Report, Table, read};

mod keys;
mod levels;
mod redis;

const PATIENCE: Duration = Duration::from_secs(60);

/// An ERP with one number in it, and processes that ask for it.
struct Erp {
    _database: TestSqlite,
    pool: Pool,
    epochs: Arc<dyn EpochStore>,
}

impl Erp {
    async fn start() -> Self {
        let database = TestSqlite::new();
        let pool = Pool::open("erp", &database.config()).await.unwrap();
        let erp = Self {
            _database: database,
            pool,
            epochs: Arc::new(MemoryEpochStore::new()),
        };
        erp.write("CREATE TABLE facts (n integer NOT NULL); INSERT INTO facts VALUES (1)")
            .await;
        erp
    }

    async fn write(&self, sql: &str) {
        self.pool.batch(sql).await.unwrap();
    }

    /// A process that knows the epochs.
    async fn process(&self, redis: Option<&TestRedis>) -> Arc<Cache> {
        let metrics = EpochMetrics::register(&Registry::new()).unwrap();
        let epochs = Epochs::new(Arc::clone(&self.epochs), Terms::default(), metrics);
        epochs.start();
        let begin = Instant::now();
        while !matches!(epochs.standing(), Some(Standing::Leased(_))) {
            assert!(begin.elapsed() < PATIENCE);
            tokio::task::yield_now().await;
        }
        let values = redis.map(|redis| RedisValues::new("shop", &redis.config()).unwrap());
        let metrics = CacheMetrics::register(&Registry::new()).unwrap();
        let config = CacheConfig::default();
        Arc::new(Cache::new(&config, &Arc::new(epochs), values, metrics))
    }

    fn server(&self) -> Server {
        Server::new("main", self.pool.clone())
    }

    /// A server whose answers come when the sender says so.
    fn slow_server(&self) -> (watch::Sender<bool>, Server) {
        let (open, opened) = watch::channel(false);
        let server = Server::prepared_later("main", self.pool.clone(), opened);
        (open, server)
    }
}

fn report(id: &str, more: &str) -> Arc<Report> {
    let text = format!(
        "id: {id}
title: {{ro: X, en: X}}
period: none
columns:
- {{name: n, title: {{ro: N, en: N}}, kind: integer, total: true}}
{more}
queries:
  sqlite: SELECT n FROM facts WHERE 'a' = :company
"
    );
    Arc::new(read(&format!("{id}.yaml"), &text).unwrap())
}

fn ask(report: &Arc<Report>) -> Ask {
    Ask {
        view: View::all(report),
        arguments: [("company".to_owned(), Value::from("a"))].into(),
        report: Arc::clone(report),
    }
}

fn question(server: &Server) -> Question {
    asked_by(&Whose::test(None, None), server)
}

fn asked_by(whose: &Whose, server: &Server) -> Question {
    Question::tables(
        "facts",
        whose,
        server,
        vec![ask(&report("facts", "cache: 600"))],
    )
}

/// What is answered and where it comes from.
async fn numbers(cache: &Arc<Cache>, question: Question, wish: Wish) -> (Vec<i64>, Origin) {
    let (kept, origin) = cache.ask(question, wish).await.unwrap();
    let tables = kept.tables(origin);
    let number = |row: &Vec<Cell>| match row[0] {
        Cell::Integer(number) => number,
        ref other => panic!("{other:?}"),
    };
    let numbers = tables
        .iter()
        .flat_map(|table| table.rows.iter().map(number));
    (numbers.collect(), origin)
}

impl Cache {
    fn reads(&self) -> u64 {
        self.counts().of(Count::DatabaseRead)
    }

    /// Waits until something was counted so often.
    async fn until(&self, count: Count, times: u64) {
        let begin = Instant::now();
        while self.counts().of(count) < times {
            assert!(begin.elapsed() < PATIENCE, "{count:?}");
            tokio::task::yield_now().await;
        }
    }

    async fn revoke(&self, name: Option<&str>) {
        let scopes = vec![Self::scope(name)];
        self.epochs.revoke(random::id(), scopes).await.unwrap();
    }
}
