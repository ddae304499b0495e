//! Somebody else who uses the same Redis, 2,000 times a second.

use std::time::{Duration, Instant};

use reportapp_session::testing::TestRedis;
use reportapp_session::{RedisStore, SessionStore as _};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

const EVERY: Duration = Duration::from_micros(500);

pub(crate) struct Probe {
    stop: oneshot::Sender<()>,
    task: JoinHandle<Duration>,
}

impl Probe {
    pub(crate) fn start(redis: &TestRedis) -> Self {
        let store = RedisStore::new("shop", &redis.config()).unwrap();
        let (stop, mut stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            store.probe().await.unwrap();
            let mut ticks = tokio::time::interval(EVERY);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
            let mut worst = Duration::ZERO;
            while stopped.try_recv().is_err() {
                ticks.tick().await;
                let asked = Instant::now();
                store.probe().await.unwrap();
                worst = worst.max(asked.elapsed());
            }
            worst
        });
        Self { stop, task }
    }

    /// The longest anybody had to wait for an answer.
    pub(crate) async fn stop(self) -> Duration {
        self.stop.send(()).unwrap();
        self.task.await.unwrap()
    }
}
