//! A login that is replaced while the pool is in use, as callers and as the server see it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use reportapp_config::{DatabaseConfig, Secret};
use reportapp_pool::testing::TestPostgres;
use reportapp_pool::{Pool, PoolError, Renewal};
use tokio::task::JoinSet;

const ROLES: [&str; 2] = ["erp_a", "erp_b"];

/// A server with two roles, each with its name as password, and its superuser.
struct Place {
    server: TestPostgres,
    admin: Pool,
}

impl Place {
    async fn start() -> Self {
        let server = TestPostgres::start().await;
        let admin = Pool::open("admin", &server.config()).await.expect("opens");
        for role in ROLES {
            let sql = format!("CREATE ROLE {role} LOGIN PASSWORD '{role}'");
            admin.batch(&sql).await.expect("role");
        }
        Self { server, admin }
    }

    async fn pool(&self, password: &str, max: u32) -> (Pool, Renewal) {
        let mut config = self.server.config_for(ROLES[0], password);
        if let DatabaseConfig::Postgres { pool, .. } = &mut config {
            (pool.min, pool.max) = (0, max);
        }
        let pool = Pool::open("erp", &config).await.expect("opens");
        let renewal = pool.renewal().expect("PostgreSQL has logins");
        (pool, renewal)
    }

    async fn sessions(&self, role: &str) -> i64 {
        let sql = format!("SELECT count(*) AS n FROM pg_stat_activity WHERE usename = '{role}'");
        let rows = self.admin.query(&sql, &[]).await.expect("activity");
        rows[0].get("n").expect("a count")
    }

    async fn until_none(&self, role: &str) {
        let none = async { while self.sessions(role).await > 0 {} };
        let gone = tokio::time::timeout(Duration::from_secs(30), none).await;
        assert!(gone.is_ok(), "sessions of {role} are left");
    }

    fn refusals(&self) -> usize {
        let log = self.server.log();
        log.matches("password authentication failed").count()
    }
}

async fn offer(renewal: &Renewal, username: &str, password: &str) -> Result<u64, PoolError> {
    let promoted = renewal.offer(username, &Secret::from(password)).await?;
    Ok(promoted.generation)
}

async fn user(pool: &Pool) -> Result<String, PoolError> {
    let rows = pool.query("SELECT session_user::text AS u", &[]).await?;
    rows[0].get("u")
}

/// Waits until nothing of a former login is open.
async fn until_one_generation(pool: &Pool) {
    let one = async {
        while pool.stats().generations.len() > 1 {
            tokio::task::yield_now().await;
        }
    };
    let drained = tokio::time::timeout(Duration::from_secs(30), one).await;
    assert!(drained.is_ok(), "{:?}", pool.stats());
}

/// Moves the clock of this test's runtime, which must have one thread.
async fn later(span: Duration) {
    tokio::time::pause();
    tokio::time::advance(span).await;
    tokio::time::resume();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logins_replaced_under_load_fail_no_request_and_leave_no_session() {
    let place = Place::start().await;
    let (pool, renewal) = place.pool(ROLES[0], 6).await;
    let (stop, served) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU64::new(0)),
    );
    let mut load = JoinSet::new();
    for _ in 0..12 {
        let (pool, stop, served) = (pool.clone(), stop.clone(), served.clone());
        load.spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                let mut transaction = pool.begin().await?;
                transaction.query("SELECT pg_sleep(0.002)", &[]).await?;
                transaction.commit().await?;
                served.fetch_add(1, Ordering::Relaxed);
            }
            Ok::<_, PoolError>(())
        });
    }
    for swap in 1..=6_u64 {
        let (new, old) = match swap % 2 {
            1 => (ROLES[1], ROLES[0]),
            _ => (ROLES[0], ROLES[1]),
        };
        let before = served.load(Ordering::Relaxed);
        let promoted = offer(&renewal, new, new).await;
        assert_eq!(promoted.expect("proved"), swap + 1);
        // A login that was under way when its successor came is no session for the server yet.
        until_one_generation(&pool).await;
        place.until_none(old).await;
        assert!(place.sessions(new).await <= 7, "one more than the bound");
        while served.load(Ordering::Relaxed) < before + 50 {
            tokio::task::yield_now().await;
        }
    }
    stop.store(true, Ordering::Relaxed);
    while let Some(ended) = load.join_next().await {
        ended.expect("no panic").expect("no request fails");
    }
    assert_eq!(pool.stats().offers["Promoted"], 6);
}

#[tokio::test]
async fn a_refused_offer_is_tried_once_a_minute_and_the_login_in_use_stays() {
    let place = Place::start().await;
    let (pool, renewal) = place.pool(ROLES[0], 2).await;
    user(&pool).await.expect("the right login");
    let wrong = "canary-wrong-offer";
    for _ in 0..5 {
        let error = offer(&renewal, ROLES[1], wrong).await.expect_err("wrong");
        assert_eq!(error.category(), "LoginRefused");
        assert!(!format!("{error} {error:?}").contains(wrong));
        assert_eq!(user(&pool).await.expect("served"), ROLES[0]);
    }
    assert_eq!(place.refusals(), 1);
    let stats = pool.stats();
    assert_eq!(stats.offers["LoginRefused"], 1);
    assert_eq!(stats.generations[0].number, 1);

    later(Duration::from_secs(61)).await;
    let again = offer(&renewal, ROLES[1], wrong).await;
    again.expect_err("still wrong");
    assert_eq!(place.refusals(), 2);
    later(Duration::from_secs(61)).await;
    assert_eq!(offer(&renewal, ROLES[1], ROLES[1]).await, Ok(2));
    // What is in use already costs no login, and going back is a promotion like any other.
    assert_eq!(offer(&renewal, ROLES[1], ROLES[1]).await, Ok(2));
    assert_eq!(offer(&renewal, ROLES[0], ROLES[0]).await, Ok(3));
    place.until_none(ROLES[1]).await;
    assert_eq!(user(&pool).await.expect("served"), ROLES[0]);
}

#[tokio::test]
async fn a_wrong_secret_makes_three_attempts_a_minute_however_many_ask() {
    let place = Place::start().await;
    let (pool, renewal) = place.pool("canary-wrong", 10).await;
    for minute in 1..=2 {
        let mut callers = JoinSet::new();
        for _ in 0..20 {
            let pool = pool.clone();
            callers.spawn(async move { (user(&pool).await, pool.probe().await) });
        }
        let offered = offer(&renewal, ROLES[1], "canary-also-wrong").await;
        offered.expect_err("wrong");
        while let Some(ended) = callers.join_next().await {
            let (statement, probe) = ended.expect("no panic");
            let categories = [
                statement.expect_err("wrong").category(),
                probe.expect_err("wrong").category(),
            ];
            assert_eq!(categories, ["LoginRefused"; 2]);
        }
        assert!(place.refusals() <= 3 * minute, "{}", place.refusals());
        later(Duration::from_secs(60)).await;
    }
}

#[tokio::test]
async fn a_request_whose_login_is_refused_goes_on_with_the_one_that_is_offered() {
    let place = Place::start().await;
    let (pool, renewal) = place.pool(ROLES[0], 1).await;
    user(&pool).await.expect("the right login");
    let changed = format!(
        "ALTER ROLE {role} PASSWORD 'changed'; \
         SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{role}'",
        role = ROLES[0]
    );
    place.admin.batch(&changed).await.expect("changed");
    place.until_none(ROLES[0]).await;
    let asking = pool.clone();
    let request = tokio::spawn(async move {
        // The session that was ended may be seen by this one first.
        match user(&asking).await {
            Err(PoolError::Unreachable { .. }) => user(&asking).await,
            outcome => outcome,
        }
    });
    renewal.refused().await;
    assert_eq!(offer(&renewal, ROLES[0], "changed").await, Ok(2));
    let outcome = request.await.expect("no panic");
    assert_eq!(outcome.expect("the same request"), ROLES[0]);

    // Nobody renews any more, so nobody waits.
    drop(renewal);
    place
        .admin
        .batch(&changed.replace("'changed'", "'again'"))
        .await
        .expect("changed");
    place.until_none(ROLES[0]).await;
    let mut outcome = user(&pool).await;
    if matches!(outcome, Err(PoolError::Unreachable { .. })) {
        outcome = user(&pool).await;
    }
    assert_eq!(outcome.expect_err("refused").category(), "LoginRefused");
}

#[tokio::test]
async fn a_connection_in_use_at_a_swap_serves_on_is_closed_on_return_and_ends_by_the_deadline() {
    let place = Place::start().await;
    let (pool, renewal) = place.pool(ROLES[0], 3).await;
    let mut brief = pool.begin().await.expect("begun");
    let mut long = pool.begin().await.expect("begun");
    let offered = offer(&renewal, ROLES[1], ROLES[1]).await;
    offered.expect("proved");
    assert_eq!(user(&pool).await.expect("new"), ROLES[1]);
    brief.query("SELECT 1", &[]).await.expect("it serves on");
    brief.commit().await.expect("to its end");
    while place.sessions(ROLES[0]).await > 1 {}
    long.query("SELECT 1", &[]).await.expect("it serves on");

    later(Duration::from_secs(299)).await;
    long.query("SELECT 1", &[]).await.expect("it serves on");
    later(Duration::from_secs(2)).await;
    place.until_none(ROLES[0]).await;
    let error = long.query("SELECT 1", &[]).await.expect_err("ended");
    assert_eq!(error.category(), "Unreachable", "{error:?}");
    assert_eq!(user(&pool).await.expect("new"), ROLES[1]);
}

#[tokio::test]
async fn the_gauges_show_each_login() {
    let place = Place::start().await;
    let (pool, renewal) = place.pool(ROLES[0], 3).await;
    let registry = prometheus::Registry::new();
    pool.register_metrics(&registry).expect("once");
    let busy = pool.begin().await.expect("begun");
    let offered = offer(&renewal, ROLES[1], ROLES[1]).await;
    offered.expect("proved");
    let text = || {
        let families = registry.gather();
        let text = prometheus::TextEncoder::new().encode_to_string(&families);
        text.expect("metrics are text")
    };
    let connections = "reportapp_pool_generation_connections{engine=\"postgres\"";
    for wanted in [
        format!("{connections},generation=\"1\",pool=\"erp\",state=\"in_use\"}} 1"),
        format!("{connections},generation=\"2\",pool=\"erp\",state=\"idle\"}} 1"),
        "reportapp_pool_offers{engine=\"postgres\",outcome=\"Promoted\",pool=\"erp\"} 1".to_owned(),
    ] {
        assert!(text().contains(&wanted), "{wanted} in {}", text());
    }
    drop(busy);
    place.until_none(ROLES[0]).await;
    assert!(!text().contains("generation=\"1\""), "{}", text());
}
