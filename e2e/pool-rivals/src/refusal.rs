//! A wrong secret is pushed for two minutes, ten times a second (goal P6).

use std::time::{Duration, Instant};

use reportapp_config::Secret;
use reportapp_pool::Pool;
use reportapp_pool::testing::{SUPERUSER, TestPostgres};
use tokio::time::sleep;

const RUN: Duration = Duration::from_secs(120);

pub async fn run() -> anyhow::Result<()> {
    let server = TestPostgres::start().await;
    let pool = Pool::open("bench", &server.config()).await?;
    pool.probe().await?;
    let renewal = pool.renewal().expect("PostgreSQL has logins");
    let (mut failed, mut asked, started) = (0, 0, Instant::now());
    while started.elapsed() < RUN {
        let wrong = Secret::from("a wrong one");
        let _refused = renewal.offer(SUPERUSER, &wrong).await;
        asked += 1;
        failed += usize::from(pool.query("SELECT 1", &[]).await.is_err());
        sleep(Duration::from_millis(100)).await;
    }
    let attempts = server
        .log()
        .matches("password authentication failed")
        .count();
    println!(
        "wrong secret pushed {asked} times in {RUN:?}: {failed} requests failed, the server saw {attempts} attempts"
    );
    Ok(())
}
