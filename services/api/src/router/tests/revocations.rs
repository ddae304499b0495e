//! Eight processes over one PostgreSQL and one Redis, asked all the time while hundreds of users are
//! signed out, and while Redis is cut, stalled, told lies and emptied, and the store stalls.
//!
//! What is counted is the one thing that must never happen: a request that begins after a revocation was
//! acknowledged, and is let in. With `REPORTAPP_LONG_TRIAL` set there are 10,000 revocations,
//! else some hundreds.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use reportapp_config::DatabaseConfig;
use reportapp_pool::Pool;
use reportapp_pool::testing::TestPostgres;
use reportapp_session::Wakes;
use reportapp_session::epochs::{Bearer, Revision, Scope, SqlEpochStore, Terms};
use reportapp_session::testing::{TestLink, TestRedis};
use tokio::task::JoinSet;

use crate::channels;
use crate::epochs::Epochs;
use crate::error::ApiError;
use crate::metrics::EpochMetrics;
use crate::store::Store;

const PROCESSES: usize = 8;
const LONG: &str = "REPORTAPP_LONG_TRIAL";
/// Rounds, and users in each.
const LONG_TRIAL: (usize, usize) = (100, 100);
const SHORT_TRIAL: (usize, usize) = (24, 20);
/// For machines that do much else; how long a revocation takes is printed.
const PATIENCE: Duration = Duration::from_secs(300);
/// Between two passes over all tokens in one process: who asks without a break keeps the processors from
/// those who acknowledge, and a trial of minutes tries little else than that.
const BREATH: Duration = Duration::from_millis(2);

/// What is wrong during a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    RedisCut,
    RedisStalled,
    RedisLies,
    RedisEmptied,
    /// For less than a lease.
    StoreStalled,
    /// For longer than every lease.
    StoreStalledLong,
}

const FAULTS: [Fault; 7] = [
    Fault::None,
    Fault::RedisCut,
    Fault::RedisStalled,
    Fault::RedisLies,
    Fault::RedisEmptied,
    Fault::StoreStalled,
    Fault::StoreStalledLong,
];

struct Trial {
    store: TestPostgres,
    redis: TestRedis,
    link: TestLink,
    processes: Vec<Arc<Epochs>>,
    _tasks: JoinSet<()>,
}

#[derive(Debug, Default)]
struct Count {
    revoked: usize,
    accepted: usize,
    wrongly: usize,
    slowest: Duration,
    together: Duration,
}

impl Trial {
    async fn start() -> Self {
        let store = TestPostgres::start().await;
        let redis = TestRedis::start();
        let link = TestLink::to(redis.port()).await;
        let pool = pool(&store).await;
        Store::new(pool).migrate().await.unwrap();
        let mut tasks = JoinSet::new();
        let mut processes = Vec::new();
        for _ in 0..PROCESSES {
            let epochs = Arc::new(Epochs::new(
                Arc::new(SqlEpochStore::new(pool_of_process(&store).await)),
                Terms::default(),
                EpochMetrics::register(&prometheus::Registry::new()).unwrap(),
            ));
            epochs.start();
            let config = redis.config_through(link.port());
            let wakes = Wakes::new("shop", &config).unwrap();
            channels::watch(&mut tasks, &epochs, wakes);
            epochs.stamp().await.unwrap();
            processes.push(epochs);
        }
        let trial = Self {
            store,
            redis,
            link,
            processes,
            _tasks: tasks,
        };
        trial.until_listening().await;
        trial
    }

    async fn until_listening(&self) {
        let begin = Instant::now();
        loop {
            let words = ["PUBSUB", "NUMSUB", "shop:epochs"];
            let (_, count): (String, usize) = self.redis.admin(&words).await;
            if count >= PROCESSES {
                return;
            }
            assert!(begin.elapsed() < PATIENCE, "{count} listen");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Keeps a fault up for as long as the returned tasks live.
    async fn break_something(&self, fault: Fault) -> JoinSet<()> {
        let mut tasks = JoinSet::new();
        match fault {
            Fault::None => {}
            Fault::RedisCut => self.link.cut(),
            Fault::RedisStalled => self.link.stall(),
            Fault::RedisEmptied => {
                let () = self.redis.admin(&["FLUSHALL"]).await;
            }
            Fault::RedisLies => {
                let redis = self.redis.admin_connection().await;
                tasks.spawn(lie(redis));
            }
            Fault::StoreStalled | Fault::StoreStalledLong => {
                let pool = pool(&self.store).await;
                let seconds = match fault {
                    Fault::StoreStalledLong => 3.0,
                    _ => 0.7,
                };
                tasks.spawn(stall(pool, seconds));
            }
        }
        tasks
    }

    async fn mend(&self, mut tasks: JoinSet<()>, fault: Fault) {
        self.link.mend();
        if matches!(fault, Fault::StoreStalled | Fault::StoreStalledLong) {
            while tasks.join_next().await.is_some() {}
        } else {
            tasks.shutdown().await;
        }
    }

    /// One round: all users, whose tokens are of this revision, are tried in all processes while each is
    /// signed out in one of them.
    async fn round(&self, number: usize, users: usize, issued: Revision) -> Count {
        let users: Vec<User> = (0..users).map(|user| User::new(number, user)).collect();
        let users = Arc::new(users);
        let mut hammers = JoinSet::new();
        for epochs in &self.processes {
            hammers.spawn(hammer(Arc::clone(epochs), Arc::clone(&users), issued));
        }
        let mut ending = JoinSet::new();
        for user in 0..users.len() {
            let epochs = Arc::clone(&self.processes[(number + user) % PROCESSES]);
            ending.spawn(end(epochs, Arc::clone(&users), user));
        }
        let mut count = Count::default();
        while let Some(took) = ending.join_next().await {
            let took = took.unwrap();
            count.revoked += 1;
            count.together += took;
            count.slowest = count.slowest.max(took);
        }
        while let Some(hammered) = hammers.join_next().await {
            let (accepted, wrongly) = hammered.unwrap();
            count.accepted += accepted;
            count.wrongly += wrongly;
        }
        count
    }

    async fn stamp(&self, process: usize) -> Revision {
        let begin = Instant::now();
        loop {
            if let Ok(issued) = self.processes[process].stamp().await {
                return issued;
            }
            assert!(begin.elapsed() < PATIENCE);
        }
    }
}

async fn pool(store: &TestPostgres) -> Pool {
    Pool::open("store", &store.config()).await.unwrap()
}

/// Few connections: all processes together must fit into the server.
async fn pool_of_process(store: &TestPostgres) -> Pool {
    let mut config = store.config();
    if let DatabaseConfig::Postgres { pool, .. } = &mut config {
        pool.max = 5;
    }
    Pool::open("store", &config).await.unwrap()
}

/// Wake-ups out of order, doubled, long past and made up.
async fn lie(mut redis: redis::aio::MultiplexedConnection) {
    for number in (0_u64..).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15)) {
        let words = [number % 1_000, u64::MAX - number % 7, number];
        let mut lies = redis::pipe();
        for word in words {
            lies.publish("shop:epochs", word).ignore();
        }
        lies.publish("shop:epochs", "later").ignore();
        // On a busy machine some come too late; there are many.
        let told: redis::RedisResult<()> = lies.query_async(&mut redis).await;
        drop(told);
        tokio::time::sleep(BREATH).await;
    }
}

/// Everything that reads or writes the epochs waits for so long.
async fn stall(pool: Pool, seconds: f64) {
    let stall = format!(
        "DO $$ BEGIN
             LOCK TABLE epoch_state IN ACCESS EXCLUSIVE MODE;
             PERFORM pg_sleep({seconds});
         END $$"
    );
    pool.batch(&stall).await.unwrap();
}

struct User {
    id: String,
    session: String,
    tenant: String,
    scope: Scope,
    ended: AtomicBool,
}

impl User {
    fn new(round: usize, user: usize) -> Self {
        let (id, session) = (format!("u{round}-{user}"), format!("s{round}-{user}"));
        let tenant = format!("t{round}-{user}");
        let scope = match user % 3 {
            0 => Scope::User(id.clone()),
            1 => Scope::Session(session.clone()),
            _ => Scope::Tenant(tenant.clone()),
        };
        Self {
            id,
            session,
            tenant,
            scope,
            ended: AtomicBool::new(false),
        }
    }
}

/// Revokes one user's token, again and again until it is acknowledged.
async fn end(epochs: Arc<Epochs>, users: Arc<Vec<User>>, user: usize) -> Duration {
    let (user, begin) = (&users[user], Instant::now());
    loop {
        let name = format!("end-{}", user.id);
        match epochs.revoke(name, vec![user.scope.clone()]).await {
            Ok(_) => break,
            Err(error) => assert!(begin.elapsed() < PATIENCE, "{error}"),
        }
    }
    user.ended.store(true, Ordering::SeqCst);
    begin.elapsed()
}

/// Tries all tokens in one process until each is refused; how often one was accepted, and how often by
/// a request that began after its end was acknowledged.
async fn hammer(epochs: Arc<Epochs>, users: Arc<Vec<User>>, issued: Revision) -> (usize, usize) {
    let (accepted, mut wrongly) = (AtomicUsize::new(0), 0);
    let mut left: Vec<&User> = users.iter().collect();
    while !left.is_empty() {
        let mut kept = Vec::with_capacity(left.len());
        for user in left {
            let token = Bearer {
                tenant: Some(&user.tenant),
                user: &user.id,
                session: &user.session,
                issued,
            };
            let was_ended = user.ended.load(Ordering::SeqCst);
            match epochs.admit(&token).await {
                Ok(()) => {
                    accepted.fetch_add(1, Ordering::Relaxed);
                    wrongly += usize::from(was_ended);
                    kept.push(user);
                }
                Err(ApiError::NotSignedIn) => {}
                // The store does not answer: refused for now.
                Err(_) => kept.push(user),
            }
        }
        left = kept;
        tokio::time::sleep(BREATH).await;
        assert!(wrongly < 1_000, "revocations are not heard of");
    }
    (accepted.into_inner(), wrongly)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_eight_processes_nothing_is_accepted_after_its_end_whatever_redis_and_the_store_do() {
    let (rounds, users) = match std::env::var_os(LONG) {
        Some(_) => LONG_TRIAL,
        None => SHORT_TRIAL,
    };
    let trial = Trial::start().await;
    let mut counts: Vec<(Fault, Count)> = FAULTS.map(|fault| (fault, Count::default())).into();
    for number in 0..rounds {
        let (fault, sum) = &mut counts[number % FAULTS.len()];
        // While nothing is wrong, so that what is tried below is tried during the fault.
        let issued = trial.stamp(number % PROCESSES).await;
        let broken = trial.break_something(*fault).await;
        let count = trial.round(number, users, issued).await;
        trial.mend(broken, *fault).await;
        trial.until_listening().await;
        sum.revoked += count.revoked;
        sum.accepted += count.accepted;
        sum.wrongly += count.wrongly;
        sum.together += count.together;
        sum.slowest = sum.slowest.max(count.slowest);
    }
    for (fault, count) in &counts {
        let mean = count.together / u32::try_from(count.revoked.max(1)).unwrap();
        println!(
            "{fault:?}: {} revocations, {} requests accepted before, {} wrongly after; acknowledged \
             after {mean:.0?} on average, {:.0?} at most",
            count.revoked, count.accepted, count.wrongly, count.slowest
        );
    }
    assert!(counts.iter().all(|(_, count)| count.accepted > 0));
    let wrongly: usize = counts.iter().map(|(_, count)| count.wrongly).sum();
    assert_eq!(wrongly, 0);
}
