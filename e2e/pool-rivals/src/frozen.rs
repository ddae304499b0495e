//! Every process of the database stands still, then goes on (goal P8).

use std::time::{Duration, Instant};

use reportapp_config::DatabaseConfig;
use reportapp_pool::Pool;
use reportapp_pool::testing::TestPostgres;
use tokio::task::JoinSet;

use crate::figures::median;

const DEADLINE: Duration = Duration::from_millis(300);

pub async fn run(rounds: usize) -> anyhow::Result<()> {
    let server = TestPostgres::start().await;
    let (mut late, mut back, mut logins) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let mut config = server.config();
        if let DatabaseConfig::Postgres { pool, .. } = &mut config {
            (pool.min, pool.max) = (0, 8);
            pool.acquire_timeout_ms = DEADLINE.as_millis() as u64;
        }
        let pool = Pool::open("bench", &config).await?;
        let begun = Instant::now();
        pool.probe().await?;
        logins.push(begun.elapsed().as_secs_f64() * 1e3);
        pool.close().await;
        let pool = Pool::open("bench", &config).await?;
        let frozen = server.freeze();
        let mut callers = JoinSet::new();
        for _ in 0..50 {
            let pool = pool.clone();
            callers.spawn(async move {
                let asked = Instant::now();
                let _timed_out = pool.query("SELECT 1", &[]).await;
                asked.elapsed().saturating_sub(DEADLINE)
            });
        }
        while let Some(ended) = callers.join_next().await {
            late.push(ended?.as_secs_f64() * 1e3);
        }
        drop(frozen);
        let thawed = Instant::now();
        while pool.query("SELECT 1", &[]).await.is_err() {}
        back.push(thawed.elapsed().as_secs_f64() * 1e3);
    }
    println!(
        "frozen database: acquires end {:.1} ms after their deadline at most, first success {:.1} ms after it goes \
         on, a login takes {:.1} ms",
        late.iter().copied().fold(0.0, f64::max),
        median(&back),
        median(&logins),
    );
    Ok(())
}
