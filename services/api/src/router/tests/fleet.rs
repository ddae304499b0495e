//! Several processes over one PostgreSQL: what one revokes, none accepts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use http::StatusCode;
use jiff::Timestamp;
use reportapp_config::DatabaseConfig;
use reportapp_pool::Pool;
use reportapp_pool::testing::TestPostgres;
use reportapp_session::access::UserKind;
use reportapp_session::epochs::{EpochStore, Scope, SqlEpochStore, Standing, Terms};
use reportapp_session::{KeySet, Session, SessionStore, Tokens};
use tokio::task::JoinSet;

use super::statements::{ENDING, typed};
use crate::epochs::Epochs;
use crate::error::ApiError;
use crate::metrics::EpochMetrics;
use crate::store::Store;
use crate::test_support::{TestApp, Untold, small_ledger};

const LIFE: Duration = Duration::from_secs(600);

/// What the processes of an application share, and the processes.
struct Fleet {
    server: TestPostgres,
    keys: tempfile::TempDir,
    sessions: Arc<dyn SessionStore>,
    apps: Vec<Arc<TestApp>>,
    lease: Duration,
}

impl Fleet {
    /// So many processes that hold leases of this length, and as many users as asked for: `u0`, `u1`, …
    async fn start(processes: usize, users: usize, lease: Duration) -> Self {
        let keys = tempfile::tempdir().unwrap();
        let signing = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        std::fs::write(keys.path().join("signing.pem"), signing.serialize_pem()).unwrap();
        let mut fleet = Self {
            server: TestPostgres::start().await,
            keys,
            sessions: Arc::new(Untold::default()),
            apps: Vec::new(),
            lease,
        };
        let pool = fleet.pool().await;
        Store::new(pool.clone()).migrate().await.unwrap();
        let insert = "INSERT INTO users_enhanced (id, username, username_key, name,
                                                  password_hash, created_at)
                      SELECT 'u' || n, 'u' || n, 'u' || n, 'u', '-', now()
                      FROM generate_series(0, $1 - 1) n";
        let users = i64::try_from(users).unwrap();
        let params = [reportapp_pool::Value::Int(users)];
        pool.execute(insert, &params).await.unwrap();
        for _ in 0..processes {
            let app = fleet.process().await;
            fleet.apps.push(app);
        }
        fleet
    }

    /// Few connections: all processes together must fit into the server.
    async fn pool(&self) -> Pool {
        let mut config = self.server.config();
        if let DatabaseConfig::Postgres { pool, .. } = &mut config {
            pool.max = 5;
        }
        Pool::open("store", &config).await.unwrap()
    }

    /// One more process, with a lease.
    async fn process(&self) -> Arc<TestApp> {
        let pool = self.pool().await;
        let store = Store::new(pool.clone());
        store.migrate().await.unwrap();
        let epochs = Epochs::new(
            Arc::new(SqlEpochStore::new(pool)),
            Terms::new(self.lease).unwrap(),
            EpochMetrics::register(&prometheus::Registry::new()).unwrap(),
        );
        epochs.start();
        let keys = KeySet::load(self.keys.path()).unwrap();
        let sessions = Arc::clone(&self.sessions);
        let test = TestApp::with(small_ledger(), |app| {
            app.store = Arc::new(store);
            app.sessions = sessions;
            app.tokens = Tokens::new("demo", LIFE.as_secs(), keys);
            app.epochs = Arc::new(epochs);
        });
        let test = test.await;
        while !matches!(test.app.epochs.standing(), Some(Standing::Leased(_))) {
            tokio::task::yield_now().await;
        }
        Arc::new(test)
    }

    /// A token of a new session of `user`, issued by the process with this number.
    async fn token(&self, process: usize, user: &str) -> String {
        let app = &self.apps[process].app;
        let issued = app.epochs.stamp().await.unwrap();
        let session = Session::begin(user, issued, None, LIFE, Timestamp::now());
        self.sessions.begin(&session).await.unwrap();
        app.tokens.issue(&session.bearer(), Timestamp::now()).value
    }
}

async fn status(test: &TestApp, token: &str) -> StatusCode {
    test.get(token, "/api/auth/me").await.status
}

async fn sign_out(test: &TestApp, token: &str, path: &str) {
    let answer = test.ask_as(token, "POST", path, None).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text);
}

#[tokio::test]
async fn a_sign_out_in_one_process_is_heard_by_all_before_it_is_answered() {
    let fleet = Fleet::start(2, 1, Duration::from_secs(6)).await;
    let (here, there) = (&fleet.apps[0], &fleet.apps[1]);
    let token = fleet.token(0, "u0").await;
    assert_eq!(status(there, &token).await, StatusCode::OK);
    sign_out(here, &token, "/api/auth/logout").await;
    assert_eq!(status(there, &token).await, StatusCode::UNAUTHORIZED);
    assert_eq!(status(here, &token).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_process_that_crashed_delays_a_sign_out_by_its_lease_and_its_successor_knows() {
    let lease = Duration::from_secs(1);
    let mut fleet = Fleet::start(2, 1, lease).await;
    let (lost, kept) = (fleet.token(0, "u0").await, fleet.token(0, "u0").await);
    drop(fleet.apps.pop());
    let begin = Instant::now();
    sign_out(&fleet.apps[0], &lost, "/api/auth/logout").await;
    assert!(begin.elapsed() >= lease, "{:?}", begin.elapsed());
    let successor = fleet.process().await;
    assert_eq!(status(&successor, &lost).await, StatusCode::UNAUTHORIZED);
    assert_eq!(status(&successor, &kept).await, StatusCode::OK);
}

#[tokio::test]
async fn without_the_store_the_lease_is_used_up_and_then_nobody_is_let_in() {
    let lease = Duration::from_secs(3);
    let mut fleet = Fleet::start(1, 1, lease).await;
    let token = fleet.token(0, "u0").await;
    let app = Arc::clone(&fleet.apps[0]);
    let claims = app.app.tokens.verify(&token, Timestamp::now()).unwrap();
    fleet.server.stop().await;
    let stopped = Instant::now();
    let mut accepted = 0;
    let refused = loop {
        match app.app.epochs.admit(&claims.bearer()).await {
            Ok(()) => accepted += 1,
            Err(error) => break error,
        }
        assert!(stopped.elapsed() < lease + Duration::from_secs(2));
        tokio::task::yield_now().await;
    };
    assert!(accepted > 0, "a short stall is not noticed");
    assert!(
        matches!(refused, ApiError::EpochsUnavailable(Some(_))),
        "{refused}"
    );
    let answer = app.get(&token, "/api/auth/me").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.code(), "StoreUnavailable");
    assert!(answer.headers.contains_key("retry-after"));

    fleet.server.start_again().await;
    while status(&app, &token).await != StatusCode::OK {
        assert!(stopped.elapsed() < Duration::from_secs(60));
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_store_that_was_put_back_lets_nobody_in_until_all_sessions_are_ended() {
    let fleet = Fleet::start(1, 1, Duration::from_secs(1)).await;
    let (app, pool) = (&fleet.apps[0], fleet.pool().await);
    let end_all = |name| {
        let everybody = vec![Scope::All];
        reportapp_session::epochs::invalidate_sessions(&pool, name, everybody, LIFE, |_| {})
    };
    end_all("before").await.unwrap();
    let token = fleet.token(0, "u0").await;
    let earlier = "UPDATE epoch_state SET revision = 1";
    pool.batch(earlier).await.unwrap();
    let sign_in = app.log_in("u0", "any password").await;
    assert_eq!(sign_in.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(sign_in.code(), "StorePutBack");
    let put_back = Instant::now();
    while status(app, &token).await == StatusCode::OK {
        assert!(put_back.elapsed() < Duration::from_secs(10));
        tokio::task::yield_now().await;
    }
    let refused = app.get(&token, "/api/auth/me").await;
    assert_eq!(refused.code(), "StorePutBack", "{}", refused.text);

    end_all("after").await.unwrap();
    assert_eq!(status(app, &token).await, StatusCode::UNAUTHORIZED);
    let token = fleet.token(0, "u0").await;
    assert_eq!(status(app, &token).await, StatusCode::OK);
}

#[tokio::test]
async fn a_sign_out_that_cannot_be_committed_is_not_answered_as_done() {
    let mut fleet = Fleet::start(1, 1, Duration::from_secs(30)).await;
    let token = fleet.token(0, "u0").await;
    let app = Arc::clone(&fleet.apps[0]);
    fleet.server.stop().await;
    let answer = app.ask_as(&token, "POST", "/api/auth/logout", None).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.code(), "SessionsNotEnded");
    assert!(
        !answer.headers.contains_key("set-cookie"),
        "still signed in"
    );
}

/// Asks without a break until the token is refused; returns how often it was accepted at all, and
/// for a request that began after the revocation was acknowledged.
async fn hammer(test: Arc<TestApp>, token: Arc<str>, ended: Arc<AtomicBool>) -> (u64, u64) {
    let (mut accepted, mut wrongly) = (0, 0);
    loop {
        // A request from outside waits for its network. These wait for nothing, and would keep the leases
        // of the processes in this one from being renewed.
        tokio::task::yield_now().await;
        let was_ended = ended.load(Ordering::SeqCst);
        match status(&test, &token).await {
            StatusCode::OK => {
                accepted += 1;
                wrongly += u64::from(was_ended);
            }
            StatusCode::UNAUTHORIZED => return (accepted, wrongly),
            other => panic!("{other}"),
        }
        if wrongly > 100 {
            return (accepted, wrongly);
        }
    }
}

/// One round: every user is hammered in every process while one process ends them all.
async fn round(fleet: &Fleet, number: usize, users: usize) -> (u64, u64) {
    let everywhere = number % 4 == 3;
    let mut hammers = JoinSet::new();
    let mut ending = JoinSet::new();
    for user in 0..users {
        let process = (number + user) % fleet.apps.len();
        let token: Arc<str> = fleet.token(process, &format!("u{user}")).await.into();
        let ended = Arc::new(AtomicBool::new(false));
        for app in &fleet.apps {
            let (app, token) = (Arc::clone(app), Arc::clone(&token));
            hammers.spawn(hammer(app, token, Arc::clone(&ended)));
        }
        let app = Arc::clone(&fleet.apps[process]);
        ending.spawn(async move {
            let path = if everywhere {
                "/api/auth/logout?everywhere=true"
            } else {
                "/api/auth/logout"
            };
            sign_out(&app, &token, path).await;
            ended.store(true, Ordering::SeqCst);
        });
    }
    ending.join_all().await;
    let counts = hammers.join_all().await;
    counts
        .into_iter()
        .fold((0, 0), |(all, wrong), (a, w)| (all + a, wrong + w))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn in_eight_processes_nothing_is_accepted_after_its_end_was_acknowledged() {
    const ROUNDS: usize = 10;
    const USERS: usize = 20;
    let fleet = Fleet::start(8, USERS, Duration::from_secs(2)).await;
    let (mut accepted, mut wrongly) = (0, 0);
    for number in 0..ROUNDS {
        let (all, wrong) = round(&fleet, number, USERS).await;
        accepted += all;
        wrongly += wrong;
    }
    println!(
        "{} revocations in 8 processes: {accepted} requests accepted before, {wrongly} wrongly after",
        ROUNDS * USERS
    );
    assert!(accepted > 0, "the processes were asked");
    assert_eq!(wrongly, 0);
    let store = SqlEpochStore::new(fleet.pool().await);
    assert_eq!(
        store.roster().await.unwrap().len(),
        8,
        "nobody was given up"
    );
}

#[tokio::test]
async fn an_order_over_the_database_alone_ends_what_every_process_accepts() {
    let fleet = Fleet::start(2, 2, Duration::from_secs(1)).await;
    let (one, other) = (fleet.token(0, "u0").await, fleet.token(1, "u1").await);
    let pool = fleet.pool().await;
    let limit = Duration::from_secs(60);
    let order = |name, scope| {
        reportapp_session::epochs::invalidate_sessions(&pool, name, vec![scope], limit, |_| {})
    };
    let revoked = order("one", Scope::User("u0".to_owned())).await.unwrap();
    assert_eq!(revoked.confirmed.len(), 2, "{revoked:?}");
    for app in &fleet.apps {
        assert_eq!(status(app, &one).await, StatusCode::UNAUTHORIZED);
        assert_eq!(status(app, &other).await, StatusCode::OK);
    }
    order("all", Scope::All).await.unwrap();
    for app in &fleet.apps {
        assert_eq!(status(app, &other).await, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn a_permission_taken_away_is_refused_by_every_process_once_that_is_answered() {
    const ROUNDS: usize = 10;
    let fleet = Fleet::start(3, 1, Duration::from_secs(6)).await;
    let pool = fleet.pool().await;
    let root = "INSERT INTO users_enhanced (id, username, username_key, name, password_hash, user_type, created_at)
                VALUES ('root', 'root', 'root', 'root', '-', 'enterprise_admin', now())";
    pool.batch(root).await.unwrap();
    let root = fleet.token(0, "root").await;
    let token = fleet.token(0, "u0").await;
    let set = |process: usize, roles: serde_json::Value| {
        let (test, root) = (&fleet.apps[process], root.as_str());
        async move {
            let body = Some(serde_json::json!({ "roles": roles }));
            let answer = test.ask_as(root, "PATCH", "/api/users/u0", body).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        }
    };
    for round in 0..ROUNDS {
        let at = round % fleet.apps.len();
        for (roles, expected) in [
            (serde_json::json!(["reader"]), StatusCode::OK),
            (serde_json::json!([]), StatusCode::FORBIDDEN),
        ] {
            set(at, roles).await;
            for (number, test) in fleet.apps.iter().enumerate() {
                let answer = test.get(&token, "/api/companies").await;
                assert_eq!(answer.status, expected, "round {round}, process {number}");
            }
        }
    }
}

#[tokio::test]
async fn a_statement_that_ends_tokens_is_felt_by_every_process_within_one_lease() {
    let lease = Duration::from_secs(1);
    let fleet = Fleet::start(2, 0, lease).await;
    let pool = fleet.pool().await;
    for (number, statement) in ENDING.iter().enumerate() {
        let tenant = format!("t{number}");
        let insert = format!(
            "INSERT INTO clients (id, name, name_key, created_at) VALUES ('{tenant}', '{tenant}', '{tenant}', now())"
        );
        pool.batch(&insert).await.unwrap();
        let name = format!("typed{number}");
        let id = fleet.apps[0].join(&name, UserKind::User, Some(&tenant), None);
        let id = id.await;
        let token = fleet.apps[0].token_of(&id).await;
        for test in &fleet.apps {
            assert_eq!(status(test, &token).await, StatusCode::OK, "{statement}");
        }
        pool.batch(&typed(statement, &id, &tenant)).await.unwrap();
        let ended = Instant::now();
        for test in &fleet.apps {
            let latest = until_refused(test, &token, ended).await;
            assert!(latest <= lease, "accepted {latest:?} after {statement}");
        }
    }
}

/// When, after `since`, the last request began that was still accepted.
async fn until_refused(test: &TestApp, token: &str, since: Instant) -> Duration {
    let mut latest = Duration::ZERO;
    loop {
        let asked = since.elapsed();
        if status(test, token).await == StatusCode::UNAUTHORIZED {
            return latest;
        }
        assert!(asked < Duration::from_secs(60), "it is never heard of");
        latest = asked;
        tokio::task::yield_now().await;
    }
}
