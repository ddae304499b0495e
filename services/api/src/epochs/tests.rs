//! What becomes of a verdict, and what is forgotten when.

use reportapp_session::epochs::MemoryEpochStore;

use super::*;

fn epochs(store: &Arc<MemoryEpochStore>) -> Arc<Epochs> {
    let metrics = EpochMetrics::register(&prometheus::Registry::new()).unwrap();
    let store: Arc<dyn EpochStore> = Arc::clone(store) as _;
    Arc::new(Epochs::new(store, Terms::default(), metrics))
}

fn bearer(issued: Revision) -> Bearer<'static> {
    Bearer {
        tenant: None,
        user: "ana",
        session: "s",
        issued,
    }
}

#[tokio::test]
async fn nobody_is_admitted_before_the_start() {
    let epochs = epochs(&Arc::default());
    let refused = epochs.admit(&bearer(Revision(u64::MAX))).await;
    assert!(matches!(refused, Err(ApiError::EpochsUnavailable(None))));
    assert!(epochs.stamp().await.is_err());
    epochs.start();
    let issued = epochs.stamp().await.unwrap();
    assert!(epochs.admit(&bearer(issued)).await.is_ok());
}

#[tokio::test]
async fn a_token_of_another_store_is_not_signed_in_here() {
    let epochs = epochs(&Arc::default());
    epochs.start();
    let later = Revision(epochs.stamp().await.unwrap().0 + 1);
    let refused = epochs.admit(&bearer(later)).await;
    assert!(matches!(refused, Err(ApiError::NotSignedIn)));
}

#[tokio::test]
async fn one_that_left_is_not_waited_for_and_lets_nobody_in_who_still_holds_it() {
    let store = Arc::default();
    let (leaving, staying) = (epochs(&store), epochs(&store));
    for epochs in [&leaving, &staying] {
        epochs.start();
        epochs.stamp().await.unwrap();
    }
    while store.roster().await.unwrap().len() < 2 {
        tokio::task::yield_now().await;
    }
    let issued = leaving.stamp().await.unwrap();
    // As a request that is still being answered does.
    let request = Arc::clone(&leaving);
    assert!(request.admit(&bearer(issued)).await.is_ok());

    leaving.leave().await;

    let roster = store.roster().await.unwrap();
    assert_eq!(roster.len(), 1);
    assert!(roster[0].process.as_str().starts_with(&staying.process));
    let refused = request.admit(&bearer(issued)).await;
    assert!(
        matches!(refused, Err(ApiError::EpochsUnavailable(_))),
        "{refused:?}"
    );
    assert!(request.stamp().await.is_err());
    assert!(staying.admit(&bearer(issued)).await.is_ok());
}

#[tokio::test]
async fn a_process_that_vanished_is_swept_after_a_lease() {
    let store = Arc::new(MemoryEpochStore::new());
    let epochs = epochs(&store);
    let gone = reportapp_session::epochs::ProcessId::new("gone", 0);
    store.register(&gone, Duration::ZERO).await.unwrap();
    store.expel(&gone).await.unwrap();
    let mut sweeper = Sweeper::new();
    // A lease of no length is over when it is seen.
    epochs.sweep(&mut sweeper).await.unwrap();
    assert!(store.roster().await.unwrap().is_empty());
}

#[test]
fn a_revocation_is_kept_for_as_long_as_a_token_of_before_may_live() {
    let now = Timestamp::from_second(100_000).unwrap();
    let life = Duration::from_secs(600);
    assert_eq!(settled(life, now), Revision(95_800_000_000));
    assert_eq!(settled(life, Timestamp::UNIX_EPOCH), Revision(0));
}
