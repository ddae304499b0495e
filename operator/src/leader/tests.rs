//! The election loop on paused time, against one Lease in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::election::{Record, Timing};
use super::lease::{LeaseError, Leases};
use super::{Ended, LeaderError, lead};

#[derive(Clone, Default)]
struct Memory {
    lease: Arc<Mutex<Option<Record>>>,
    down: Arc<AtomicBool>,
}

impl Memory {
    fn check(&self) -> Result<(), LeaseError> {
        if self.down.load(Ordering::SeqCst) {
            return Err(LeaseError::Call("down".into()));
        }
        Ok(())
    }

    async fn holder(&self) -> String {
        let lease = self.lease.lock().await;
        lease
            .as_ref()
            .map(|record| record.holder.clone())
            .unwrap_or_default()
    }
}

impl Leases for Memory {
    async fn get(&self) -> Result<Option<Record>, LeaseError> {
        self.check()?;
        Ok(self.lease.lock().await.clone())
    }

    async fn create(&self, record: &Record) -> Result<String, LeaseError> {
        self.check()?;
        let mut lease = self.lease.lock().await;
        if lease.is_some() {
            return Err(LeaseError::Conflict);
        }
        *lease = Some(Record {
            version: "1".to_owned(),
            ..record.clone()
        });
        Ok("1".to_owned())
    }

    async fn update(&self, record: &Record) -> Result<String, LeaseError> {
        self.check()?;
        let mut lease = self.lease.lock().await;
        let stored = lease.as_mut().ok_or(LeaseError::Conflict)?;
        if stored.version != record.version {
            return Err(LeaseError::Conflict);
        }
        let version = (record.version.parse::<u64>().unwrap() + 1).to_string();
        *stored = Record {
            version: version.clone(),
            ..record.clone()
        };
        Ok(version)
    }
}

/// A replica that works until told to stop, and notes when its work began.
fn replica(
    memory: &Memory,
    name: &'static str,
    stop: CancellationToken,
    began: Arc<Mutex<Option<Instant>>>,
) -> tokio::task::JoinHandle<Result<Ended, LeaderError>> {
    let memory = memory.clone();
    tokio::spawn(async move {
        let work_stop = stop.clone();
        lead(
            &memory,
            name,
            Timing::default(),
            &stop,
            |_| {},
            || async move {
                *began.lock().await = Some(Instant::now());
                work_stop.cancelled().await;
            },
        )
        .await
    })
}

#[tokio::test(start_paused = true)]
async fn a_clean_exit_hands_the_lead_over_within_two_seconds() {
    let memory = Memory::default();
    let (first_stop, second_stop) = (CancellationToken::new(), CancellationToken::new());
    let second_began = Arc::default();
    let first = replica(&memory, "first", first_stop.clone(), Arc::default());
    sleep(Duration::from_millis(10)).await;
    let second = replica(
        &memory,
        "second",
        second_stop.clone(),
        Arc::clone(&second_began),
    );
    sleep(Duration::from_secs(60)).await;
    assert_eq!(memory.holder().await, "first");
    assert_eq!(*second_began.lock().await, None);

    first_stop.cancel();
    let stopped = Instant::now();
    assert_eq!(first.await.unwrap().unwrap(), Ended::Finished);
    sleep(Duration::from_secs(2)).await;
    let began = second_began.lock().await.expect("the second replica leads");
    assert!(
        began - stopped <= Duration::from_secs(2),
        "{:?}",
        began - stopped
    );
    second_stop.cancel();
    assert_eq!(second.await.unwrap().unwrap(), Ended::Finished);
}

#[tokio::test(start_paused = true)]
async fn a_leader_cut_off_stops_before_another_can_begin() {
    let memory = Memory::default();
    let cut_off = Memory {
        lease: Arc::clone(&memory.lease),
        down: Arc::default(),
    };
    let second_began = Arc::default();
    let first = replica(&cut_off, "first", CancellationToken::new(), Arc::default());
    sleep(Duration::from_millis(10)).await;
    let stop = CancellationToken::new();
    let second = replica(&memory, "second", stop.clone(), Arc::clone(&second_began));
    sleep(Duration::from_secs(7)).await;
    cut_off.down.store(true, Ordering::SeqCst);
    assert!(matches!(first.await.unwrap(), Err(LeaderError::Lost)));
    let ended = Instant::now();
    sleep(Duration::from_secs(20)).await;
    let began = second_began.lock().await.expect("the second replica leads");
    assert!(began > ended, "began {:?} early", ended - began);
    stop.cancel();
    assert_eq!(second.await.unwrap().unwrap(), Ended::Finished);
}

#[tokio::test(start_paused = true)]
async fn an_api_server_that_is_briefly_away_costs_no_lead() {
    let memory = Memory::default();
    let stop = CancellationToken::new();
    let first = replica(&memory, "first", stop.clone(), Arc::default());
    sleep(Duration::from_secs(5)).await;
    memory.down.store(true, Ordering::SeqCst);
    sleep(Duration::from_secs(6)).await;
    memory.down.store(false, Ordering::SeqCst);
    sleep(Duration::from_secs(60)).await;
    assert_eq!(memory.holder().await, "first");
    stop.cancel();
    assert_eq!(first.await.unwrap().unwrap(), Ended::Finished);
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_never_led_leaves_the_lease_alone() {
    let memory = Memory::default();
    let (first_stop, second_stop) = (CancellationToken::new(), CancellationToken::new());
    let first = replica(&memory, "first", first_stop.clone(), Arc::default());
    sleep(Duration::from_millis(10)).await;
    let second = replica(&memory, "second", second_stop.clone(), Arc::default());
    sleep(Duration::from_secs(3)).await;
    second_stop.cancel();
    assert_eq!(second.await.unwrap().unwrap(), Ended::NeverLed);
    assert_eq!(memory.holder().await, "first");
    first_stop.cancel();
    first.await.unwrap().unwrap();
}
