//! Ending sessions over the database, while processes judge tokens by it.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use reportapp_pool::Pool;
use reportapp_pool::testing::TestPostgres;
use reportapp_session::epochs::{
    Bearer, BootClock, EpochStore, Keeper, RevokeError, Revoked, Scope, SqlEpochStore, Terms,
    Verdict, invalidate_sessions, registered_processes, revision_of,
};

const POSTGRES: &str = reportapp_migrations::EPOCHS.postgres;
const LIMIT: Duration = Duration::from_secs(60);
const LEASE: Duration = Duration::from_secs(1);

/// A database and the processes that hold leases on it.
struct Fleet {
    server: TestPostgres,
    pool: Pool,
    keepers: Vec<Keeper>,
}

impl Fleet {
    async fn start(processes: usize) -> Self {
        let server = TestPostgres::start().await;
        let pool = Pool::open("store", &server.config()).await.unwrap();
        pool.batch(POSTGRES).await.unwrap();
        let mut fleet = Self {
            server,
            pool,
            keepers: Vec::new(),
        };
        for number in 0..processes {
            let keeper = fleet.keeper(&format!("api-{number}")).await;
            fleet.keepers.push(keeper);
        }
        let store = fleet.store();
        while store.roster().await.unwrap().len() < processes {
            tokio::task::yield_now().await;
        }
        fleet
    }

    fn store(&self) -> SqlEpochStore {
        SqlEpochStore::new(self.pool.clone())
    }

    async fn keeper(&self, base: &str) -> Keeper {
        let pool = Pool::open(base, &self.server.config()).await.unwrap();
        let terms = Terms::new(LEASE).unwrap();
        let store = Arc::new(SqlEpochStore::new(pool));
        Keeper::start(store, BootClock, base, terms)
    }

    async fn end(&self, action: &str, scope: Scope) -> Revoked {
        let ended = invalidate_sessions(&self.pool, action, vec![scope], LIMIT, |_| {});
        ended.await.unwrap()
    }

    /// What every process says about a token, if they agree.
    async fn verdict(&self, token: &Bearer<'_>) -> Verdict {
        let first = self.keepers[0].check(token).await;
        for keeper in &self.keepers {
            assert_eq!(keeper.check(token).await, first);
        }
        first
    }
}

#[tokio::test]
async fn each_level_ends_what_it_names_and_nothing_else() {
    let fleet = Fleet::start(2).await;
    let issued = fleet.keepers[0].stamp().await.unwrap();
    let token = |tenant, user, session| Bearer {
        tenant: Some(tenant),
        user,
        session,
        issued,
    };
    let tokens = [
        token("acme", "ana", "s1"),
        token("acme", "ana", "s2"),
        token("acme", "bob", "s3"),
        token("zenith", "eve", "s4"),
    ];
    let orders = [
        Scope::Session("s1".to_owned()),
        Scope::User("ana".to_owned()),
        Scope::Tenant("acme".to_owned()),
        Scope::All,
    ];
    for (number, scope) in orders.into_iter().enumerate() {
        let revoked = fleet.end(&format!("iact-{number}"), scope).await;
        assert_eq!(revoked.confirmed.len(), 2, "{revoked:?}");
        assert!(revoked.outwaited.is_empty() && revoked.roster_known);
        assert!(revoked.acknowledgement < LEASE, "{revoked:?}");
        for (place, token) in tokens.iter().enumerate() {
            let expected = if place <= number {
                Verdict::Revoked
            } else {
                Verdict::Accept
            };
            assert_eq!(fleet.verdict(token).await, expected, "{number} {token:?}");
        }
    }
    let issued = fleet.keepers[1].stamp().await.unwrap();
    let again = Bearer {
        issued,
        ..tokens[0]
    };
    assert_eq!(fleet.verdict(&again).await, Verdict::Accept);
}

#[tokio::test]
async fn a_process_that_died_is_outwaited_and_named() {
    let mut fleet = Fleet::start(2).await;
    drop(fleet.keepers.pop());
    let revoked = fleet.end("iact-1", Scope::All).await;
    assert_eq!(revoked.confirmed.len(), 1);
    assert_eq!(revoked.outwaited[0].as_str(), "api-1.0");
    assert!(revoked.acknowledgement >= LEASE, "{revoked:?}");
}

#[tokio::test]
async fn without_any_process_the_commit_is_enough() {
    let fleet = Fleet::start(0).await;
    assert_eq!(revision_of(&fleet.pool, "iact-1").await, Ok(None));
    let revoked = fleet.end("iact-1", Scope::All).await;
    assert_eq!(registered_processes(&fleet.pool).await, Ok(0));
    let kept = revision_of(&fleet.pool, "iact-1").await;
    assert_eq!(kept, Ok(Some(revoked.revision)));
    assert!(revoked.confirmed.is_empty() && revoked.outwaited.is_empty());
    assert!(revoked.roster_known);
    let again = fleet.end("iact-1", Scope::All).await;
    assert_eq!(
        again.revision, revoked.revision,
        "one order, one revocation"
    );
}

#[tokio::test]
async fn a_database_that_is_away_is_told_within_the_limit() {
    let mut fleet = Fleet::start(0).await;
    fleet.server.stop().await;
    let begin = Instant::now();
    let limit = Duration::from_millis(300);
    let everybody = vec![Scope::All];
    let error = invalidate_sessions(&fleet.pool, "iact-1", everybody.clone(), limit, |_| {})
        .await
        .unwrap_err();
    assert!(matches!(error, RevokeError::NotCommitted { .. }), "{error}");
    assert!(begin.elapsed() < Duration::from_secs(5));
    fleet.server.start_again().await;
    let revoked = invalidate_sessions(&fleet.pool, "iact-1", everybody, LIMIT, |_| {});
    assert!(revoked.await.is_ok());
}
