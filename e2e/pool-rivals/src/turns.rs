//! What a turn costs, and who gets it: pools whose connections do nothing (goals P1 and P2).

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use reportapp_pool::testing::NoopPool;
use tokio::sync::Semaphore;

use crate::figures::{Waits, median, show};
use crate::hikari;

/// Turns one task takes for a figure.
const CYCLES: usize = 200_000;

/// A connection to nothing, for the rivals.
pub struct Nothing {
    pub takes: Duration,
}

impl deadpool::managed::Manager for Nothing {
    type Type = ();
    type Error = std::convert::Infallible;

    async fn create(&self) -> Result<(), Self::Error> {
        if !self.takes.is_zero() {
            tokio::time::sleep(self.takes).await;
        }
        Ok(())
    }

    async fn recycle(
        &self,
        _: &mut (),
        _: &deadpool::managed::Metrics,
    ) -> deadpool::managed::RecycleResult<Self::Error> {
        Ok(())
    }
}

impl bb8::ManageConnection for Nothing {
    type Connection = ();
    type Error = std::convert::Infallible;

    async fn connect(&self) -> Result<(), Self::Error> {
        if !self.takes.is_zero() {
            tokio::time::sleep(self.takes).await;
        }
        Ok(())
    }

    async fn is_valid(&self, _: &mut ()) -> Result<(), Self::Error> {
        Ok(())
    }

    fn has_broken(&self, _: &mut ()) -> bool {
        false
    }
}

/// A deadpool of connections to nothing.
pub fn deadpool(max: usize, takes: Duration) -> deadpool::managed::Pool<Nothing> {
    deadpool::managed::Pool::builder(Nothing { takes })
        .max_size(max)
        .build()
        .expect("a pool without time-outs needs no runtime")
}

/// A bb8 of connections to nothing.
pub async fn bb8(max: u32, takes: Duration) -> bb8::Pool<Nothing> {
    let builder = bb8::Pool::builder().max_size(max);
    let pool = builder.test_on_check_out(false).build(Nothing { takes });
    match pool.await {
        Ok(pool) => pool,
        Err(never) => match never {},
    }
}

pub async fn run(pairs: usize) -> anyhow::Result<()> {
    let (mut deadpools, mut bb8s) = (Vec::new(), Vec::new());
    for _ in 0..pairs {
        deadpools.push((alone_ours().await?, alone_deadpool().await?));
        bb8s.push((alone_ours().await?, alone_bb8().await?));
    }
    show("turns of one task", "deadpool", "million/s", &deadpools);
    show("turns of one task", "bb8", "million/s", &bb8s);
    if hikari::is_there() {
        beside_hikari(pairs).await?;
    }
    let (mut semaphores, mut deadpools, mut bb8s) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..pairs {
        semaphores.push((crowd_ours().await?, crowd_semaphore().await?));
        deadpools.push((crowd_ours().await?, crowd_deadpool().await?));
        bb8s.push((crowd_ours().await?, crowd_bb8().await?));
    }
    for (rival, pairs) in [
        ("bare semaphore", &semaphores),
        ("deadpool", &deadpools),
        ("bb8", &bb8s),
    ] {
        let part = |figure: fn(&Crowd) -> f64| -> Vec<(f64, f64)> {
            let pairs = pairs.iter();
            pairs.map(|(a, b)| (figure(a), figure(b))).collect()
        };
        show(
            "1000 tasks, 50 connections, 1 ms: turns",
            rival,
            "/ms",
            &part(|crowd| crowd.per_ms),
        );
        show(
            "1000 tasks, 50 connections, 1 ms: 99.9 % / median",
            rival,
            "",
            &part(|crowd| crowd.spread),
        );
    }
    Ok(())
}

/// Turns and the median of a turn, beside one thread of a JVM.
async fn beside_hikari(pairs: usize) -> anyhow::Result<()> {
    let (mut turns, mut medians) = (Vec::new(), Vec::new());
    for _ in 0..pairs {
        let theirs = hikari::turns()?;
        turns.push((alone_ours().await?, theirs.million_per_second));
        medians.push((median_ours().await?, theirs.median_us));
    }
    show("turns of one task", "HikariCP", "million/s", &turns);
    show("median of a turn", "HikariCP", "µs", &medians);
    Ok(())
}

/// The median of a turn, in microseconds.
async fn median_ours() -> anyhow::Result<f64> {
    let pool = NoopPool::new(16, Duration::ZERO);
    let mut waits = Vec::with_capacity(CYCLES);
    for _ in 0..CYCLES {
        let begun = Instant::now();
        drop(pool.lease().await?);
        waits.push(begun.elapsed().as_secs_f64() * 1e6);
    }
    Ok(median(&waits))
}

/// Million turns per second of one task.
async fn alone<E, T>(mut turn: impl AsyncFnMut() -> Result<T, E>) -> Result<f64, E> {
    turn().await?;
    let started = Instant::now();
    for _ in 0..CYCLES {
        drop(turn().await?);
    }
    Ok(CYCLES as f64 / started.elapsed().as_secs_f64() / 1e6)
}

async fn alone_ours() -> anyhow::Result<f64> {
    let pool = NoopPool::new(16, Duration::ZERO);
    Ok(alone(async || pool.lease().await).await?)
}

async fn alone_deadpool() -> anyhow::Result<f64> {
    let pool = deadpool(16, Duration::ZERO);
    Ok(alone(async || pool.get().await).await?)
}

async fn alone_bb8() -> anyhow::Result<f64> {
    let pool = bb8(16, Duration::ZERO).await;
    Ok(alone(async || pool.get().await).await?)
}

/// How a thousand tasks shared fifty connections.
struct Crowd {
    per_ms: f64,
    /// 99.9th percentile of the waits through their median.
    spread: f64,
}

async fn crowd<P, F, T, E>(pool: P, turn: fn(P) -> F) -> anyhow::Result<Crowd>
where
    P: Clone + Send + 'static,
    F: Future<Output = Result<T, E>> + Send + 'static,
    T: Send + 'static,
    E: std::error::Error + Send + Sync + 'static,
{
    let mut tasks = tokio::task::JoinSet::new();
    let started = Instant::now();
    for _ in 0..1000 {
        let pool = pool.clone();
        tasks.spawn(async move {
            let mut waits = Vec::new();
            for _ in 0..20 {
                let asked = Instant::now();
                let held = turn(pool.clone()).await?;
                waits.push(asked.elapsed());
                tokio::time::sleep(Duration::from_millis(1)).await;
                drop(held);
            }
            Ok::<_, E>(waits)
        });
    }
    let mut waits = Waits::default();
    while let Some(ended) = tasks.join_next().await {
        waits.0.extend(ended??);
    }
    let per_ms = waits.0.len() as f64 / started.elapsed().as_secs_f64() / 1e3;
    Ok(Crowd {
        per_ms,
        spread: waits.at(999) / waits.at(500),
    })
}

async fn crowd_ours() -> anyhow::Result<Crowd> {
    let pool = Arc::new(NoopPool::new(50, Duration::ZERO));
    crowd(pool, |pool| async move { pool.lease().await }).await
}

async fn crowd_semaphore() -> anyhow::Result<Crowd> {
    let semaphore = Arc::new(Semaphore::new(50));
    crowd(semaphore, |semaphore| semaphore.acquire_owned()).await
}

async fn crowd_deadpool() -> anyhow::Result<Crowd> {
    let pool = deadpool(50, Duration::ZERO);
    crowd(pool, |pool| async move { pool.get().await }).await
}

async fn crowd_bb8() -> anyhow::Result<Crowd> {
    let pool = bb8(50, Duration::ZERO).await;
    crowd(pool, |pool| async move { pool.get_owned().await }).await
}
