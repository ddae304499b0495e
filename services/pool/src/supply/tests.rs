//! Callers that go away at any point, logins under way at a swap, and who gets what comes first. The pool
//! has no database here, so that nothing but the pool decides.

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use futures::future::poll_fn;
use reportapp_config::database::PoolConfig;
use tokio::sync::Semaphore;
use tokio::task::{JoinSet, yield_now};

use super::*;
use crate::settings::limits;
use crate::testing::{Noop, Nothing};

/// Makes the trial of cancellations long.
const LONG: &str = "REPORTAPP_LONG_TRIAL";
const CANCELLATIONS: (usize, usize) = (20_000, 1_000_000);
/// Callers of one round, and how many connections they share.
const CALLERS: usize = 12;
const MAX: u32 = 3;
/// In one round of so many the login is replaced.
const SWAP_EACH: usize = 32;

fn supply(max: u32, login: Noop) -> Arc<Supply<Noop>> {
    let config = PoolConfig {
        max,
        acquire_timeout_ms: 600_000,
        ..PoolConfig::default()
    };
    Supply::new("test", &limits(&config).unwrap(), login)
}

/// SplitMix64 (Steele, Lea, Flood 2014): numbers that a seed repeats.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) % bound as u64).unwrap()
    }
}

/// Polls a future `polls` times at most, then leaves it alone for some turns, in which it may be woken, and
/// drops it.
async fn given_up<F: Future>(polls: usize, turns: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    let outcome = poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await;
    if outcome.is_none() {
        for _ in 0..turns {
            yield_now().await;
        }
    }
    outcome
}

/// One caller that asks ten times and gives up at random points; says how often it did.
async fn caller(supply: Arc<Supply<Noop>>, seed: u64) -> usize {
    let mut random = Random(seed);
    let mut given = 0;
    for _ in 0..10 {
        let (polls, turns) = (random.below(5), random.below(4));
        let outcome = match random.below(8) {
            0 => given_up(polls, turns, supply.log_in()).await,
            // Waits for as long as it takes: a lost wake-up would be for ever.
            1 => Some(supply.lease().await),
            _ => given_up(polls, turns, supply.lease()).await,
        };
        match outcome {
            None => given += 1,
            Some(Ok(mut slot)) => {
                for _ in 0..random.below(4) {
                    yield_now().await;
                }
                // Some connections break in use.
                if random.below(16) == 0 {
                    drop(slot.take());
                }
            }
            Some(Err(PoolError::Unreachable { .. })) => {}
            Some(Err(error)) => panic!("{error}"),
        }
    }
    given
}

/// Some callers and sometimes a swap, until all have ended: the last of them have nobody behind them whose
/// noise could wake them. Then nothing is missing.
async fn round(
    supply: &Arc<Supply<Noop>>,
    number: usize,
    open: &AtomicUsize,
    offer: Option<Noop>,
) -> usize {
    let seed = |caller| (number * CALLERS + caller) as u64;
    let mut callers: JoinSet<usize> = (0..CALLERS)
        .map(|number| caller(supply.clone(), seed(number)))
        .collect();
    if let Some(login) = offer {
        // One of many is not reached, as logins are.
        let _outcome = supply.offer(login).await;
    }
    let mut given = 0;
    while let Some(ended) = callers.join_next().await {
        given += ended.unwrap();
    }
    while lock(&supply.logins).attempts.under_way() > 0
        || supply.slots.stats().generations.len() > 1
    {
        yield_now().await;
    }
    let stats = supply.slots.stats();
    assert_eq!(supply.slots.free(), MAX as usize, "turns were lost");
    assert_eq!(
        stats.idle, stats.size,
        "connections are neither used nor idle"
    );
    assert_eq!(
        open.load(Ordering::Relaxed),
        stats.size,
        "connections leaked"
    );
    assert!(stats.size <= MAX as usize, "{stats:?}");
    assert_eq!(stats.waiting, 0);
    given
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancellations_at_any_point_lose_no_turn_no_connection_and_no_wake_up() {
    let wanted = match std::env::var_os(LONG) {
        Some(_) => CANCELLATIONS.1,
        None => CANCELLATIONS.0,
    };
    let open = Arc::new(AtomicUsize::new(0));
    let login = |name| Noop {
        name,
        turns: 2,
        fails_each: 7,
        open: open.clone(),
        ..Noop::default()
    };
    let supply = supply(MAX, login(0));
    let (mut given, mut number) = (0, 0);
    while given < wanted {
        number += 1;
        let offer = (number % SWAP_EACH == 0).then(|| login(number));
        let round = round(&supply, number, &open, offer);
        // Far longer than a round takes on any machine; a caller that nobody wakes would wait for ever.
        match tokio::time::timeout(Duration::from_secs(120), round).await {
            Ok(round) => given += round,
            Err(_) => panic!("round {number} has no end: {:?}", supply.slots.stats()),
        }
    }
    assert!(supply.slots.newest() > 5, "logins were replaced meanwhile");
}

/// Waits for a condition; the clock stands still while anything else can happen.
async fn until(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..10_000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("never: {what}");
}

/// A login that waits at a gate each time.
fn gated(name: usize) -> (Noop, Arc<Semaphore>) {
    let gate = Arc::new(Semaphore::new(0));
    let login = Noop {
        name,
        gate: Some(gate.clone()),
        ..Noop::default()
    };
    (login, gate)
}

fn leasing(supply: &Arc<Supply<Noop>>) -> tokio::task::JoinHandle<Slot<Nothing>> {
    let supply = supply.clone();
    tokio::spawn(async move { supply.lease().await.unwrap() })
}

#[tokio::test(start_paused = true)]
async fn a_login_under_way_at_a_swap_is_closed_on_arrival() {
    let (old, old_gate) = gated(0);
    let supply = supply(4, old);
    old_gate.add_permits(1);
    let used = supply.lease().await.unwrap();
    let waiting = leasing(&supply);
    until("a login is under way", || supply.slots.stats().size == 2).await;

    let (new, new_gate) = gated(1);
    let open = new.open.clone();
    new_gate.add_permits(1);
    assert_eq!(supply.offer(new).await, Ok(2));
    // The caller whose login is under way has the connection of the proof.
    let mut slot = waiting.await.unwrap();
    assert!(Arc::ptr_eq(&slot.connection().unwrap().open, &open));
    // Nothing stands by any more when the old login arrives.
    drop(used);
    old_gate.add_permits(1);
    until("the old login is closed", || {
        let generations = supply.slots.stats().generations;
        generations.iter().all(|generation| generation.number == 2)
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_takes_a_returned_connection_when_it_comes_before_a_new_one() {
    let (login, gate) = gated(0);
    let supply = supply(4, login);
    gate.add_permits(1);
    let first = supply.lease().await.unwrap();
    let waiting = leasing(&supply);
    until("a login is under way", || supply.slots.stats().size == 2).await;
    drop(first);
    drop(waiting.await.unwrap());
    gate.add_permits(1);
    until("the login that nobody waits for is kept", || {
        supply.slots.stats().idle == 2
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_spike_is_served_by_the_connections_there_are() {
    let login = Noop {
        takes: Duration::from_millis(150),
        ..Noop::default()
    };
    let opened = login.opened.clone();
    let supply = supply(50, login);
    supply.warm_up(5).await.unwrap();
    let before = opened.load(Ordering::Relaxed);
    let started = tokio::time::Instant::now();
    let mut callers = JoinSet::new();
    for _ in 0..50 {
        let supply = supply.clone();
        callers.spawn(async move {
            let slot = supply.lease().await.unwrap();
            tokio::time::sleep(Duration::from_millis(2)).await;
            drop(slot);
        });
    }
    while let Some(ended) = callers.join_next().await {
        ended.unwrap();
    }
    // Ten rounds of five, and the clock moves only when everybody waits.
    assert_eq!(started.elapsed(), Duration::from_millis(20));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(opened.load(Ordering::Relaxed) - before <= 2);
}

async fn all_in_use(supply: &Arc<Supply<Noop>>) -> Vec<Slot<Nothing>> {
    let mut used = Vec::new();
    while used.len() < supply.slots.max() {
        used.push(supply.lease().await.unwrap());
    }
    used
}

#[tokio::test(start_paused = true)]
async fn a_full_pool_swaps_with_one_connection_more_than_its_bound() {
    let supply = supply(3, Noop::default());
    let mut used = all_in_use(&supply).await;
    let newer = Noop {
        name: 1,
        ..Noop::default()
    };
    let open = newer.open.clone();
    supply.offer(newer).await.unwrap();
    for returned in 1..=3 {
        assert_eq!(open.load(Ordering::Relaxed), returned, "one stands by");
        assert_eq!(supply.slots.stats().size, 4);
        drop(used.pop());
        // The next one stands by, as long as an older one is left.
        until("the next one stands by", || {
            open.load(Ordering::Relaxed) == (returned + 1).min(3)
        })
        .await;
    }
    let stats = supply.slots.stats();
    assert_eq!((stats.size, stats.idle), (3, 3), "{stats:?}");
    assert_eq!(open.load(Ordering::Relaxed), 3);
}

#[tokio::test(start_paused = true)]
async fn a_swap_that_overtakes_another_ends_within_the_bound() {
    let supply = supply(3, Noop::default());
    let mut used = all_in_use(&supply).await;
    for name in 1..=2 {
        let newer = Noop {
            name,
            ..Noop::default()
        };
        supply.offer(newer).await.unwrap();
    }
    let newer = || {
        let stats = supply.slots.stats();
        assert!(stats.size <= 5, "{stats:?}");
        stats.generations.last().map_or(0, |newest| newest.open)
    };
    for wanted in [2, 3] {
        until("another stands by", || newer() == wanted).await;
        drop(used.pop());
    }
    // On a clock that stands still while anything else can happen: time for what must not.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(newer(), 3, "as many as there may be");
    drop(used);
    until("no older one is left", || {
        supply.slots.stats().generations.len() == 1
    })
    .await;
    let stats = supply.slots.stats();
    assert_eq!((stats.size, stats.idle), (3, 3), "{stats:?}");
}
