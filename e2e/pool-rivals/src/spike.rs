//! Fifty requests of 2 ms meet five idle connections, and opening another takes 150 ms (goal P7). Ideal are
//! 20 ms and no new connection.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use reportapp_pool::testing::NoopPool;
use tokio::task::JoinSet;

use crate::figures::show;
use crate::turns;

const LOGIN: Duration = Duration::from_millis(150);

pub async fn run(pairs: usize) -> anyhow::Result<()> {
    let (mut deadpools, mut bb8s, mut most) = (Vec::new(), Vec::new(), 0);
    for _ in 0..pairs {
        let pool = Arc::new(NoopPool::new(50, LOGIN));
        let turn = |pool: Arc<NoopPool>| async move { pool.lease().await };
        let ours = spike(pool.clone(), turn).await?;
        most = most.max(pool.opened().0);
        deadpools.push((ours, {
            let pool = turns::deadpool(50, LOGIN);
            spike(pool, |pool| async move { pool.get().await }).await?
        }));
        bb8s.push((ours, {
            let pool = turns::bb8(50, LOGIN).await;
            spike(pool, |pool| async move { pool.get_owned().await }).await?
        }));
    }
    show("spike of 50 requests", "deadpool", "ms", &deadpools);
    show("spike of 50 requests", "bb8", "ms", &bb8s);
    println!("spike of 50 requests: ours had opened {most} connections at most, 5 of them before");
    Ok(())
}

/// Milliseconds until all fifty were served, with five connections open before.
async fn spike<P, F, T, E>(pool: P, turn: fn(P) -> F) -> anyhow::Result<f64>
where
    P: Clone + Send + 'static,
    F: Future<Output = Result<T, E>> + Send + 'static,
    T: Send + 'static,
    E: std::error::Error + Send + Sync + 'static,
{
    let mut warm = Vec::new();
    for _ in 0..5 {
        warm.push(turn(pool.clone()).await?);
    }
    drop(warm);
    let started = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..50 {
        let pool = pool.clone();
        tasks.spawn(async move {
            let held = turn(pool).await?;
            tokio::time::sleep(Duration::from_millis(2)).await;
            drop(held);
            Ok::<_, E>(())
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    Ok(started.elapsed().as_secs_f64() * 1e3)
}
