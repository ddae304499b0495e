//! Keepers and revokers on real threads and clocks over the in-process store.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use super::*;
use crate::epochs::{Member, MemoryEpochStore, Reading, RevokeError, Scope, Sweeper, revoke};

/// Longer than any acknowledgement in these tests may take.
const LIMIT: Duration = Duration::from_secs(60);

/// The in-process store behind a switch.
#[derive(Default)]
struct Switched {
    inner: MemoryEpochStore,
    down: AtomicBool,
}

impl Switched {
    fn or<'a, T: Send + 'a>(&'a self, answer: Answer<'a, T>) -> Answer<'a, T> {
        if !self.down.load(Ordering::SeqCst) {
            return answer;
        }
        let detail = "switched off".to_owned();
        Box::pin(std::future::ready(Err(EpochError::Unreachable { detail })))
    }
}

impl EpochStore for Switched {
    fn read<'a>(&'a self, process: &'a ProcessId, since: Revision) -> Answer<'a, Reading> {
        self.or(self.inner.read(process, since))
    }
    fn raise<'a>(&'a self, action: &'a str, scopes: &'a [Scope]) -> Answer<'a, Revision> {
        self.or(self.inner.raise(action, scopes))
    }
    fn register<'a>(&'a self, process: &'a ProcessId, lease: Duration) -> Answer<'a, ()> {
        self.or(self.inner.register(process, lease))
    }
    fn confirm<'a>(&'a self, process: &'a ProcessId, revision: Revision) -> Answer<'a, ()> {
        self.or(self.inner.confirm(process, revision))
    }
    fn roster(&self) -> Answer<'_, Vec<Member>> {
        self.or(self.inner.roster())
    }
    fn expel<'a>(&'a self, process: &'a ProcessId) -> Answer<'a, ()> {
        self.or(self.inner.expel(process))
    }
    fn remove<'a>(&'a self, process: &'a ProcessId) -> Answer<'a, ()> {
        self.or(self.inner.remove(process))
    }
    fn settle(&self, until: Revision) -> Answer<'_, ()> {
        self.or(self.inner.settle(until))
    }
}

fn keeper(store: &Arc<Switched>, base: &str) -> Arc<Keeper> {
    let terms = Terms::new(Duration::from_millis(200)).unwrap();
    let store: Arc<dyn EpochStore> = Arc::clone(store) as _;
    Arc::new(Keeper::start(store, BootClock, base, terms))
}

fn bearer(user: &str, issued: Revision) -> Bearer<'_> {
    Bearer {
        tenant: None,
        user,
        session: "s",
        issued,
    }
}

/// Tries one token without a break until it is revoked; returns how often it was accepted by a
/// check that began after `acknowledged` was set.
async fn hammer(keeper: Arc<Keeper>, user: String, issued: Revision, ack: Arc<AtomicBool>) -> u64 {
    let mut late = 0;
    loop {
        let acknowledged = ack.load(Ordering::SeqCst);
        match keeper.check(&bearer(&user, issued)).await {
            Verdict::Revoked => return late,
            Verdict::Accept => late += u64::from(acknowledged),
            Verdict::Unknown | Verdict::Ask => {}
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_real_threads_nothing_is_accepted_after_its_revocation_was_acknowledged() {
    let store = Arc::new(Switched::default());
    let keepers: Vec<_> = (0..4)
        .map(|n| keeper(&store, &format!("api-{n}")))
        .collect();
    for round in 0..40 {
        let user = format!("user-{round}");
        let issued = keepers[round % 4].stamp().await.unwrap();
        let ack = Arc::new(AtomicBool::new(false));
        let hammers: Vec<_> = keepers
            .iter()
            .map(|k| hammer(Arc::clone(k), user.clone(), issued, Arc::clone(&ack)))
            .map(tokio::spawn)
            .collect();
        // Every other revocation comes without a wake-up.
        let woken = if round % 2 == 0 { &keepers[..] } else { &[] };
        let wake = |revision| woken.iter().for_each(|keeper| keeper.wake(revision));
        let scopes = vec![Scope::User(user.clone())];
        let name = format!("act-{round}");
        revoke(&*store, &BootClock, &name, scopes, LIMIT, wake)
            .await
            .unwrap();
        ack.store(true, Ordering::SeqCst);
        for hammer in hammers {
            assert_eq!(hammer.await.unwrap(), 0, "round {round}");
        }
    }
}

#[tokio::test]
async fn without_the_store_a_process_refuses_when_its_lease_is_over_and_recovers_by_itself() {
    let store = Arc::new(Switched::default());
    let keeper = keeper(&store, "api");
    let issued = keeper.stamp().await.unwrap();
    let token = bearer("ana", issued);
    assert_eq!(keeper.check(&token).await, Verdict::Accept);
    store.down.store(true, Ordering::SeqCst);
    let begin = Instant::now();
    while keeper.check(&token).await == Verdict::Accept {
        tokio::task::yield_now().await;
    }
    assert!(begin.elapsed() < Duration::from_secs(2));
    assert_eq!(keeper.stamp().await, None);
    let detail = "switched off".to_owned();
    let trouble = Some(EpochError::Unreachable { detail });
    assert_eq!(keeper.standing(), Standing::Lapsed { trouble });
    store.down.store(false, Ordering::SeqCst);
    assert_eq!(keeper.check(&token).await, Verdict::Accept, "asked at once");
    assert!(matches!(keeper.standing(), Standing::Leased(_)));
}

#[tokio::test]
async fn a_store_that_was_put_back_is_noticed_and_a_revocation_mends_it() {
    let store = Arc::new(Switched::default());
    let keeper = keeper(&store, "api");
    let later = store.inner.raise("a", &[Scope::All]).await.unwrap();
    assert_eq!(keeper.stamp().await, Some(later));
    let token = bearer("ana", later);
    store.inner.put_back(Revision(1));
    assert_eq!(keeper.stamp().await, None);
    assert_eq!(keeper.standing(), Standing::Behind);
    let begin = Instant::now();
    while keeper.check(&token).await == Verdict::Accept {
        assert!(begin.elapsed() < Duration::from_secs(2));
        tokio::task::yield_now().await;
    }
    let scopes = [Scope::All];
    store.inner.raise("b", &scopes).await.unwrap();
    assert!(keeper.stamp().await > Some(later));
    assert_eq!(keeper.check(&token).await, Verdict::Revoked);
    assert!(matches!(keeper.standing(), Standing::Leased(_)));
}

#[tokio::test]
async fn a_revocation_has_a_limit_and_says_how_far_it_came() {
    let store = Arc::new(Switched::default());
    store.down.store(true, Ordering::SeqCst);
    let limit = Duration::from_millis(50);
    let revoke = |limit| {
        let everybody = vec![Scope::All];
        revoke(&*store, &BootClock, "act", everybody, limit, |_| {})
    };
    let error = revoke(limit).await.unwrap_err();
    assert!(matches!(error, RevokeError::NotCommitted { .. }));
    assert!(error.to_string().ends_with("switched off"), "{error}");

    store.down.store(false, Ordering::SeqCst);
    let silent = ProcessId::new("silent", 0);
    let lease = Duration::from_millis(400);
    store.register(&silent, lease).await.unwrap();
    let error = revoke(limit).await.unwrap_err();
    let RevokeError::NotAcknowledged { revision, .. } = error else {
        panic!("{error}");
    };
    assert!(error.to_string().contains("1 process had not"), "{error}");
    // Under the same name it goes on where it was.
    let revoked = revoke(LIMIT).await.unwrap();
    assert_eq!(revoked.revision, revision);
}

#[tokio::test]
async fn a_process_that_left_is_not_waited_for_and_one_that_vanished_is_swept() {
    let store = Arc::new(Switched::default());
    let (polite, rude) = (keeper(&store, "polite"), keeper(&store, "rude"));
    // A process that has a lease is registered.
    let leased = |k: &Arc<Keeper>| k.gate.known_at(Moment::default());
    while store.inner.roster().await.unwrap().len() < 2
        || leased(&polite).is_none()
        || leased(&rude).is_none()
    {
        tokio::task::yield_now().await;
    }
    Arc::into_inner(polite).unwrap().leave().await.unwrap();
    assert_eq!(store.roster().await.unwrap().len(), 1);
    drop(rude);

    let wakes = AtomicU64::new(0);
    let begin = Instant::now();
    let wake = |_| {
        wakes.fetch_add(1, Ordering::SeqCst);
    };
    let everybody = vec![Scope::All];
    let revoked = revoke(&*store, &BootClock, "act", everybody, LIMIT, wake)
        .await
        .unwrap();
    assert!(
        begin.elapsed() >= Duration::from_millis(204),
        "a whole lease"
    );
    assert!(revoked.acknowledgement >= Duration::from_millis(204));
    assert!(revoked.confirmed.is_empty() && revoked.roster_known);
    assert_eq!(revoked.outwaited, [ProcessId::new("rude", 0)]);
    assert!(wakes.load(Ordering::SeqCst) > 0);

    let roster = store.roster().await.unwrap();
    assert!(roster.iter().all(|member| member.expelled));
    let mut sweeper = Sweeper::new();
    let now = BootClock.now();
    sweeper.observe(now, &roster);
    let gone = sweeper.observe(now.after(Duration::from_millis(205)), &roster);
    assert_eq!(gone.len(), 1);
}
