//! Several processes over one store and a real Redis: what is typed happens once, and what one revokes
//! the others read at once.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Instant;

use reportapp_session::epochs::{
    Answer, Bearer, EpochStore, Member, MemoryEpochStore, ProcessId, Reading, Revision, Scope,
    Terms,
};
use reportapp_session::testing::TestRedis;

use super::*;
use crate::metrics::EpochMetrics;

const PATIENCE: Duration = Duration::from_secs(60);
/// Nothing is read by itself while a test runs.
const LEASE: Duration = Duration::from_secs(30);

/// A store that remembers what was raised under which name.
#[derive(Default)]
struct Watched {
    inner: MemoryEpochStore,
    raised: Mutex<Vec<(String, Vec<Scope>, Revision)>>,
}

impl EpochStore for Watched {
    fn read<'a>(&'a self, process: &'a ProcessId, since: Revision) -> Answer<'a, Reading> {
        self.inner.read(process, since)
    }
    fn raise<'a>(&'a self, action: &'a str, scopes: &'a [Scope]) -> Answer<'a, Revision> {
        Box::pin(async move {
            let revision = self.inner.raise(action, scopes).await?;
            let raised = (action.to_owned(), scopes.to_vec(), revision);
            self.raised.lock().unwrap().push(raised);
            Ok(revision)
        })
    }
    fn register<'a>(&'a self, process: &'a ProcessId, lease: Duration) -> Answer<'a, ()> {
        self.inner.register(process, lease)
    }
    fn confirm<'a>(&'a self, process: &'a ProcessId, revision: Revision) -> Answer<'a, ()> {
        self.inner.confirm(process, revision)
    }
    fn roster(&self) -> Answer<'_, Vec<Member>> {
        self.inner.roster()
    }
    fn expel<'a>(&'a self, process: &'a ProcessId) -> Answer<'a, ()> {
        self.inner.expel(process)
    }
    fn remove<'a>(&'a self, process: &'a ProcessId) -> Answer<'a, ()> {
        self.inner.remove(process)
    }
    fn settle(&self, until: Revision) -> Answer<'_, ()> {
        self.inner.settle(until)
    }
}

struct Fleet {
    redis: TestRedis,
    store: Arc<Watched>,
    processes: Vec<Arc<Epochs>>,
    _tasks: JoinSet<()>,
}

impl Fleet {
    /// So many processes, all of them listening.
    async fn start(processes: usize, redis: TestRedis) -> Self {
        let store = Arc::new(Watched::default());
        let mut tasks = JoinSet::new();
        let start = |_| {
            let metrics = EpochMetrics::register(&prometheus::Registry::new()).unwrap();
            let shared: Arc<dyn EpochStore> = Arc::clone(&store) as _;
            let epochs = Arc::new(Epochs::new(shared, Terms::new(LEASE).unwrap(), metrics));
            epochs.start();
            let wakes = Wakes::new("shop", &redis.config()).unwrap();
            watch(&mut tasks, &epochs, wakes);
            epochs
        };
        let processes: Vec<_> = (0..processes).map(start).collect();
        let fleet = Self {
            redis,
            store,
            processes,
            _tasks: tasks,
        };
        let begin = Instant::now();
        while fleet.listeners("sessions:invalidate").await < fleet.processes.len() {
            assert!(begin.elapsed() < PATIENCE);
        }
        for epochs in &fleet.processes {
            epochs.stamp().await.unwrap();
        }
        fleet
    }

    async fn listeners(&self, channel: &str) -> usize {
        let (_, count): (String, usize) = self.redis.admin(&["PUBSUB", "NUMSUB", channel]).await;
        count
    }

    /// Waits until of these keys only some are left.
    async fn until_left(&self, keys: &[&str], expected: &[&str]) {
        let begin = Instant::now();
        loop {
            let mut left = Vec::new();
            for key in keys {
                if self.redis.admin::<bool>(&["EXISTS", key]).await {
                    left.push(*key);
                }
            }
            if left.len() <= expected.len() {
                assert_eq!(left, expected);
                return;
            }
            assert!(begin.elapsed() < PATIENCE, "{left:?}");
        }
    }

    async fn type_in(&self, channel: Channel, payload: &str) {
        let words = ["PUBLISH", channel.as_str(), payload];
        let receivers: usize = self.redis.admin(&words).await;
        assert_eq!(receivers, self.processes.len());
    }

    /// What was raised, when every process has taken its part.
    async fn raised(&self, times: usize) -> BTreeSet<(String, Vec<Scope>, Revision)> {
        let begin = Instant::now();
        loop {
            let raised = self.store.raised.lock().unwrap().clone();
            assert!(raised.len() <= times, "{raised:?}");
            if raised.len() == times {
                return raised.into_iter().collect();
            }
            assert!(begin.elapsed() < PATIENCE, "{raised:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn until_refused(&self, token: &Bearer<'_>) {
        let begin = Instant::now();
        for epochs in &self.processes {
            while epochs.admit(token).await.is_ok() {
                assert!(begin.elapsed() < PATIENCE);
                tokio::task::yield_now().await;
            }
        }
    }
}

fn bearer<'a>(user: &'a str, session: &'a str, issued: Revision) -> Bearer<'a> {
    Bearer {
        tenant: None,
        user,
        session,
        issued,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn log_out_everybody_typed_by_hand_happens_once_in_all_processes() {
    let fleet = Fleet::start(4, TestRedis::start()).await;
    let issued = fleet.processes[0].stamp().await.unwrap();
    let token = bearer("ana", "s", issued);
    for epochs in &fleet.processes {
        epochs.admit(&token).await.unwrap();
    }
    let runbook = r#"{"type":"all","reason":"rotation"}"#;
    fleet.type_in(Channel::Sessions, runbook).await;
    fleet.until_refused(&token).await;
    let raised = fleet.raised(4).await;
    assert_eq!(raised.len(), 1, "{raised:?}");
    assert_eq!(raised.first().unwrap().1, [Scope::All]);
    // Whoever signs in afterwards stays.
    let issued = fleet.processes[1].stamp().await.unwrap();
    let token = bearer("ana", "t", issued);
    for epochs in &fleet.processes {
        epochs.admit(&token).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_and_what_nobody_understands_do_nothing_and_the_next_request_is_carried_out() {
    let fleet = Fleet::start(2, TestRedis::start()).await;
    for channel in Channel::ALL {
        fleet.type_in(channel, r#"{"type":"smoke-test"}"#).await;
        fleet.type_in(channel, "all").await;
        fleet.type_in(channel, r#"{"type":"everything"}"#).await;
    }
    let request = r#"{"type":"user","userId":"ana"}"#;
    fleet.type_in(Channel::Sessions, request).await;
    let raised = fleet.raised(2).await;
    let scopes: Vec<_> = raised.into_iter().map(|(_, scopes, _)| scopes).collect();
    assert_eq!(scopes, [vec![Scope::User("ana".to_owned())]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_may_do_is_read_anew_and_nobody_is_signed_out() {
    let fleet = Fleet::start(2, TestRedis::start()).await;
    let issued = fleet.processes[0].stamp().await.unwrap();
    let request = r#"{"type":"role","roleId":"r1","userIds":[7]}"#;
    fleet.type_in(Channel::Permissions, request).await;
    let raised = fleet.raised(2).await;
    let (_, scopes, revision) = raised.first().unwrap();
    let role = Scope::RolePermissions("r1".to_owned());
    assert_eq!(*scopes, [role, Scope::UserPermissions("7".to_owned())]);
    assert_eq!(raised.len(), 1);
    for epochs in &fleet.processes {
        assert!(epochs.stamp().await.unwrap() >= *revision);
        epochs.admit(&bearer("7", "s", issued)).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn caches_are_removed_and_sessions_and_locks_are_not() {
    let fleet = Fleet::start(2, TestRedis::start()).await;
    let keys = [
        "shop:perm:0",
        "shop:dash:1",
        "shop:report:2",
        "shop:session:3",
        "shop:lock:4",
    ];
    for key in keys {
        let () = fleet.redis.admin(&["SET", key, "x"]).await;
    }
    let refused = r#"{"pattern":"session:*"}"#;
    fleet.type_in(Channel::Caches, refused).await;
    let permissions = r#"{"pattern":"perm:*"}"#;
    fleet.type_in(Channel::Caches, permissions).await;
    fleet.until_left(&keys, &keys[1..]).await;
    assert!(fleet.store.raised.lock().unwrap().is_empty());
    let runbook = r#"{"type":"all","reason":"rotation"}"#;
    fleet.type_in(Channel::Caches, runbook).await;
    fleet.until_left(&keys, &keys[3..]).await;
    // What processes have in memory goes in all of them, once.
    let raised = fleet.raised(2).await;
    let scopes: Vec<_> = raised.iter().map(|(_, scopes, _)| scopes.clone()).collect();
    assert_eq!(scopes, [vec![Scope::Caches]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_carried_out_also_when_redis_cannot_name_it() {
    let rules = "~shop:* &* +@read +subscribe +publish";
    let fleet = Fleet::start(4, TestRedis::start_with(rules)).await;
    let request = r#"{"type":"session","sessionId":"s"}"#;
    let issued = fleet.processes[0].stamp().await.unwrap();
    fleet.type_in(Channel::Sessions, request).await;
    fleet.until_refused(&bearer("ana", "s", issued)).await;
    // Named by the time it was heard at, which may lie on both sides of a limit.
    let raised = fleet.raised(4).await;
    assert!(raised.len() <= 2, "{raised:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_process_wakes_the_others_before_they_read_by_themselves() {
    let fleet = Fleet::start(8, TestRedis::start()).await;
    let issued = fleet.processes[0].stamp().await.unwrap();
    let scope = vec![Scope::User("ana".to_owned())];
    let revoked = fleet.processes[0]
        .revoke("one".to_owned(), scope)
        .await
        .unwrap();
    println!(
        "8 processes with wake-ups: acknowledged {:?} after the commit; by themselves they read every {:?}",
        revoked.acknowledgement,
        LEASE / 4
    );
    assert_eq!(revoked.confirmed.len(), 8, "{revoked:?}");
    assert!(revoked.acknowledgement < LEASE / 8, "{revoked:?}");
    fleet.until_refused(&bearer("ana", "s", issued)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_redis_was_away_requests_are_heard_again() {
    let mut fleet = Fleet::start(2, TestRedis::start()).await;
    fleet.redis.stop();
    // Nobody needs it to revoke.
    let issued = fleet.processes[0].stamp().await.unwrap();
    fleet.redis.restart();
    let begin = Instant::now();
    while fleet.listeners("sessions:invalidate").await < 2 {
        assert!(begin.elapsed() < PATIENCE);
    }
    fleet.type_in(Channel::Sessions, r#"{"type":"all"}"#).await;
    fleet.until_refused(&bearer("ana", "s", issued)).await;
    assert_eq!(fleet.raised(2).await.len(), 1);
}
