//! The in-process store keeps the same promises as the Redis one.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::time::Duration;

use jiff::Timestamp;
use reportapp_session::epochs::Revision;
use reportapp_session::{MemoryStore, Session, SessionStore};

fn session(user: &str, life: Duration) -> Session {
    Session::begin(user, Revision(7), None, life, Timestamp::now())
}

#[tokio::test]
async fn a_session_is_found_until_it_ends() {
    let store = MemoryStore::new();
    let session = session("ana", Duration::from_secs(60));
    store.begin(&session).await.unwrap();
    assert_eq!(
        store.find(&session.id).await.unwrap(),
        Some(session.clone())
    );
    store.end(&session).await.unwrap();
    assert_eq!(store.find(&session.id).await.unwrap(), None);
}

#[tokio::test]
async fn an_expired_session_is_never_found() {
    let store = MemoryStore::new();
    let session = session("ana", Duration::ZERO);
    store.begin(&session).await.unwrap();
    assert_eq!(store.find(&session.id).await.unwrap(), None);
    assert_eq!(store.list("ana").await.unwrap(), []);
}

#[tokio::test]
async fn a_user_ends_all_sessions_but_the_present_one() {
    let store = MemoryStore::new();
    let life = Duration::from_secs(60);
    let (kept, ended, other) = (
        session("ana", life),
        session("ana", life),
        session("ion", life),
    );
    for session in [&kept, &ended, &other] {
        store.begin(session).await.unwrap();
    }
    assert_eq!(store.end_others("ana", Some(&kept.id)).await.unwrap(), 1);
    assert_eq!(store.list("ana").await.unwrap(), [kept]);
    assert_eq!(store.list("ion").await.unwrap(), [other]);
}
