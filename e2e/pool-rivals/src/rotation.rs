//! Logins replaced under load, with the secret arriving late (goal P4): two roles in turn, and one role whose
//! password changes. Connections live for half a second, so that many are opened meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use reportapp_config::{DatabaseConfig, Secret};
use reportapp_pool::testing::{DATABASE, PASSWORD, SUPERUSER, TestPostgres};
use reportapp_pool::{Pool, Renewal};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::figures::Waits;

const WORKERS: usize = 32;
const THINK: Duration = Duration::from_millis(2);
/// From the change in the database to the arrival of the secret.
const LAGS_MS: [u64; 4] = [0, 200, 1_000, 5_000];

pub async fn run(rotations: usize) -> anyhow::Result<()> {
    let each = rotations.div_ceil(LAGS_MS.len()).max(1);
    for lag in LAGS_MS.map(Duration::from_millis) {
        let in_turn = trial(each, lag, true).await?;
        println!("{each} swaps of two roles, secret {lag:?} late: {in_turn}");
    }
    for lag in &LAGS_MS[..3] {
        let lag = Duration::from_millis(*lag);
        let in_place = trial(3, lag, false).await?;
        let rival = asyncpg(lag).await?;
        println!(
            "3 swaps of one role's password, secret {lag:?} late: {in_place}; asyncpg: {rival}"
        );
    }
    Ok(())
}

/// The same with asyncpg, where Python has it.
async fn asyncpg(lag: Duration) -> anyhow::Result<String> {
    let server = TestPostgres::start().await;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/src/asyncpg_rotation.py");
    let output = tokio::process::Command::new("python3")
        .args([script, &server.port().to_string()])
        .args([SUPERUSER, PASSWORD, DATABASE])
        .args([lag.as_secs_f64().to_string(), "3".to_owned()])
        .output()
        .await?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(match text.trim().split_once(' ') {
        Some((failed, all)) if output.status.success() => format!("{failed} failed of {all}"),
        _ => "not measured, needs `pip install asyncpg`".to_owned(),
    })
}

/// A pool under load, and when swaps took place.
struct Trial {
    admin: Pool,
    pool: Pool,
    renewal: Renewal,
    swaps: Vec<(Instant, Instant)>,
}

async fn trial(swaps: usize, lag: Duration, in_turn: bool) -> anyhow::Result<String> {
    let server = TestPostgres::start().await;
    let admin = Pool::open("admin", &server.config()).await?;
    admin
        .batch("CREATE ROLE a LOGIN PASSWORD '0'; CREATE ROLE b NOLOGIN")
        .await?;
    let mut config = server.config_for("a", "0");
    if let DatabaseConfig::Postgres { pool, .. } = &mut config {
        (pool.max, pool.max_lifetime_ms) = (8, 500);
        pool.acquire_timeout_ms = 10_000;
    }
    let pool = Pool::open("bench", &config).await?;
    let renewal = pool.renewal().expect("PostgreSQL has logins");
    let mut trial = Trial {
        admin,
        pool,
        renewal,
        swaps: Vec::new(),
    };
    let stop = Arc::new(AtomicBool::new(false));
    let failed = Arc::new(AtomicUsize::new(0));
    let mut workers = JoinSet::new();
    for _ in 0..WORKERS {
        workers.spawn(work(trial.pool.clone(), stop.clone(), failed.clone()));
    }
    sleep(Duration::from_secs(1)).await;
    let mut left = 0;
    for swap in 1..=swaps {
        left += trial.swap(swap, lag, in_turn).await?;
        sleep(Duration::from_millis(300)).await;
    }
    stop.store(true, Ordering::Relaxed);
    let (mut calm, mut during) = (Waits::default(), Waits::default());
    while let Some(ended) = workers.join_next().await {
        for (at, wait) in ended? {
            let in_swap = trial
                .swaps
                .iter()
                .any(|(from, to)| (*from..*to).contains(&at));
            if in_swap { &mut during } else { &mut calm }.0.push(wait);
        }
    }
    let all = calm.0.len() + during.0.len();
    Ok(format!(
        "{} failed of {all}, {left} old sessions left, 99 % {:.0} µs and during swaps {:.0} µs",
        failed.load(Ordering::Relaxed),
        calm.at(990),
        during.at(990),
    ))
}

impl Trial {
    /// Replaces the login; gives the sessions of the old role that were left half a minute later.
    async fn swap(&mut self, number: usize, lag: Duration, in_turn: bool) -> anyhow::Result<i64> {
        let (new, old) = match number % 2 {
            _ if !in_turn => ("a", "a"),
            1 => ("b", "a"),
            _ => ("a", "b"),
        };
        let password = number.to_string();
        let change = format!("ALTER ROLE {new} LOGIN PASSWORD '{password}'");
        self.admin.batch(&change).await?;
        sleep(lag).await;
        let begun = Instant::now();
        self.renewal.offer(new, &Secret::from(password)).await?;
        let mut left = 0;
        while self.pool.stats().generations.len() > 1 && begun.elapsed() < Duration::from_secs(30) {
            sleep(Duration::from_millis(5)).await;
        }
        self.swaps.push((begun, Instant::now()));
        if in_turn {
            let sql = format!("SELECT count(*) AS n FROM pg_stat_activity WHERE usename = '{old}'");
            while begun.elapsed() < Duration::from_secs(30) {
                left = self.admin.query(&sql, &[]).await?[0].get("n")?;
                if left == 0 {
                    break;
                }
            }
            let block = format!("ALTER ROLE {old} NOLOGIN");
            self.admin.batch(&block).await?;
        }
        Ok(left)
    }
}

async fn work(
    pool: Pool,
    stop: Arc<AtomicBool>,
    failed: Arc<AtomicUsize>,
) -> Vec<(Instant, Duration)> {
    let mut waits = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let at = Instant::now();
        if pool.query("SELECT 1", &[]).await.is_err() {
            failed.fetch_add(1, Ordering::Relaxed);
        }
        waits.push((at, at.elapsed()));
        sleep(THINK).await;
    }
    waits
}
