//! Faults of a PostgreSQL server as a caller of the pool sees them.

use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt;
use futures::future::join_all;
use reportapp_config::DatabaseConfig;
use reportapp_config::database::TlsConfig;
use reportapp_pool::testing::{SUPERUSER, TestPostgres, TestTls};
use reportapp_pool::{Pool, PoolError, Question, within};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

async fn open(config: &DatabaseConfig) -> Pool {
    Pool::open("server/main", config)
        .await
        .expect("a good configuration opens")
}

fn with_tls(config: DatabaseConfig, change: impl FnOnce(&mut TlsConfig)) -> DatabaseConfig {
    let mut config = config;
    if let DatabaseConfig::Postgres { tls, .. } = &mut config {
        change(tls);
    }
    config
}

/// Moves the clock of this test's runtime, which must have one thread.
async fn later(span: Duration) {
    tokio::time::pause();
    tokio::time::advance(span).await;
    tokio::time::resume();
}

/// An authority and a server certificate for one name.
fn issue(name: &str) -> TestTls {
    let authority_key = rcgen::KeyPair::generate().expect("key");
    let mut authority = rcgen::CertificateParams::new(Vec::new()).expect("parameters");
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority_pem = authority.self_signed(&authority_key).expect("signed").pem();
    let issuer = rcgen::Issuer::new(authority, authority_key);
    let key = rcgen::KeyPair::generate().expect("key");
    let server = rcgen::CertificateParams::new(vec![name.to_owned()]).expect("parameters");
    let certificate = server.signed_by(&key, &issuer).expect("signed").pem();
    TestTls {
        certificate,
        key: key.serialize_pem(),
        authority: authority_pem,
    }
}

#[tokio::test]
async fn a_wrong_password_is_a_refused_login_and_stays_hidden() {
    let server = TestPostgres::start().await;
    let wrong = "canary-wrong-password";
    let pool = open(&server.config_for(SUPERUSER, wrong)).await;
    for _ in 0..2 {
        let error = pool.probe().await.expect_err("wrong password");
        assert_eq!(error.category(), "LoginRefused", "{error:?}");
        let statement = pool
            .query("SELECT 1", &[])
            .await
            .expect_err("wrong password");
        assert_eq!(statement.category(), "LoginRefused");
        let shown = format!(
            "{error} {error:?} {statement:?} {pool:?} {:?}",
            server.config()
        );
        assert!(!shown.contains(wrong), "{shown}");
    }
    let right = open(&server.config()).await;
    right
        .batch(&format!("ALTER ROLE {SUPERUSER} PASSWORD '{wrong}'"))
        .await
        .expect("changed");
    later(Duration::from_secs(31)).await;
    pool.probe()
        .await
        .expect("the login works without a restart");
    pool.query("SELECT 1", &[])
        .await
        .expect("and so do statements");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_may_not_log_in_is_a_refused_login() {
    let server = TestPostgres::start().await;
    let admin = open(&server.config()).await;
    admin
        .batch("CREATE ROLE idle NOLOGIN PASSWORD 'x'")
        .await
        .expect("role");
    let error = open(&server.config_for("idle", "x"))
        .await
        .probe()
        .await
        .expect_err("no login");
    assert_eq!(error.category(), "LoginRefused", "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_goes_and_comes_back_is_used_again() {
    let mut server = TestPostgres::start().await;
    let pool = open(&server.config()).await;
    pool.query("SELECT 1", &[]).await.expect("up");
    for _ in 0..2 {
        server.stop().await;
        for _ in 0..3 {
            let error = pool.query("SELECT 1", &[]).await.expect_err("down");
            assert_eq!(error.category(), "Unreachable", "{error:?}");
        }
        assert_eq!(
            pool.probe().await.expect_err("down").category(),
            "Unreachable"
        );
        server.start_again().await;
        pool.probe().await.expect("up again");
        pool.query("SELECT 1", &[]).await.expect("up again");
    }
    assert!(pool.stats().connect_failures["Unreachable"] >= 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn opening_needs_no_server_but_good_settings() {
    let server = TestPostgres::start().await;
    let mut config = server.config();
    if let DatabaseConfig::Postgres { port, pool, .. } = &mut config {
        *port = 1;
        pool.acquire_timeout_ms = 1_000;
    }
    let error = open(&config)
        .await
        .probe()
        .await
        .expect_err("nobody listens");
    assert_eq!(error.category(), "Unreachable");
    let refused = async |change: &dyn Fn(&mut DatabaseConfig)| {
        let mut config = server.config();
        change(&mut config);
        match Pool::open("p", &config).await {
            Err(PoolError::Config { detail, .. }) => detail,
            other => panic!("expected a refusal, got {other:?}"),
        }
    };
    let limits = refused(&|config| {
        let DatabaseConfig::Postgres { pool, .. } = config else {
            return;
        };
        (pool.min, pool.max) = (5, 2);
    });
    assert_eq!(limits.await, "min (5) is greater than max (2)");
    let folder = refused(&|config| {
        let DatabaseConfig::Postgres { credential, .. } = config else {
            return;
        };
        *credential = "/nowhere".into();
    });
    assert!(folder.await.contains("/nowhere/username"));
    let authority = refused(&|config| {
        let DatabaseConfig::Postgres { tls, .. } = config else {
            return;
        };
        *tls = TlsConfig {
            ca_file: Some("/nowhere/ca.pem".into()),
            ..TlsConfig::default()
        };
    });
    assert!(authority.await.contains("/nowhere/ca.pem"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_certificate_must_be_signed_and_named_as_configured() {
    let tls = issue("db.erp.example");
    let server = TestPostgres::start_tls(&tls).await;
    let named = |name: Option<&str>| {
        let name = name.map(str::to_owned);
        with_tls(server.config(), |tls| tls.server_name = name)
    };
    open(&named(Some("db.erp.example")))
        .await
        .probe()
        .await
        .expect("dialled by address, named as the host");
    let wrong_name = open(&named(Some("other.example")))
        .await
        .probe()
        .await
        .expect_err("wrong name");
    assert_eq!(wrong_name.category(), "TlsInvalid", "{wrong_name:?}");
    let dialled_name = open(&named(None))
        .await
        .probe()
        .await
        .expect_err("the address is not in it");
    assert_eq!(dialled_name.category(), "TlsInvalid", "{dialled_name:?}");

    let folder = tempfile::tempdir().expect("folder");
    let other = folder.path().join("other.pem");
    std::fs::write(&other, issue("db.erp.example").authority).expect("written");
    let trust = |file: Option<&Path>| {
        let file = file.map(Path::to_owned);
        with_tls(named(Some("db.erp.example")), |tls| tls.ca_file = file)
    };
    for config in [trust(Some(&other)), trust(None)] {
        let error = open(&config)
            .await
            .probe()
            .await
            .expect_err("unknown authority");
        assert_eq!(error.category(), "TlsInvalid", "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_tls_is_not_used_in_plain_text() {
    let server = TestPostgres::start().await;
    let config = with_tls(server.config(), |tls| *tls = TlsConfig::default());
    let error = open(&config).await.probe().await.expect_err("no TLS there");
    assert_eq!(error.category(), "TlsInvalid", "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_never_answers_is_unreachable_in_time() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("listener");
    let server = TestPostgres::start().await;
    let mut config = server.config();
    if let DatabaseConfig::Postgres { port, pool, .. } = &mut config {
        *port = silent.local_addr().expect("address").port();
        pool.acquire_timeout_ms = 400;
    }
    let pool = open(&config).await;
    let outcome = tokio::time::timeout(Duration::from_secs(5), pool.query("SELECT 1", &[])).await;
    assert_eq!(
        outcome.expect("in time").expect_err("silent").category(),
        "Unreachable"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_session_carries_its_name_and_its_limits() {
    let server = TestPostgres::start().await;
    let pool = open(&server.config()).await;
    let rows = pool
        .query(
            "SELECT current_setting('application_name') AS name, current_setting('statement_timeout') AS limit_, \
             current_setting('TimeZone') AS zone",
            &[],
        )
        .await
        .expect("settings");
    assert_eq!(
        rows[0].get::<String>("name").expect("name"),
        "reportapp-server/main"
    );
    assert_eq!(rows[0].get::<String>("limit_").expect("limit"), "30s");
    assert_eq!(rows[0].get::<String>("zone").expect("zone"), "UTC");
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_kept_warm_and_end_with_the_pool() {
    let server = TestPostgres::start().await;
    let watcher = open(&server.config()).await;
    let mut config = server.config();
    if let DatabaseConfig::Postgres { pool, .. } = &mut config {
        pool.min = 3;
    }
    let pool = Pool::open("warm", &config).await.expect("open");
    let sessions = async || {
        let sql =
            "SELECT count(*) AS n FROM pg_stat_activity WHERE application_name = 'reportapp-warm'";
        watcher.query(sql, &[]).await.expect("activity")[0]
            .get::<i64>("n")
            .expect("n")
    };
    let reach = async |wanted: i64| {
        tokio::time::timeout(Duration::from_secs(20), async {
            while sessions().await != wanted {}
        })
        .await
    };
    reach(3)
        .await
        .expect("three sessions without a single request");
    pool.close().await;
    reach(0).await.expect("no session is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_table_does_not_break_prepared_statements_for_long() {
    let server = TestPostgres::start().await;
    let mut config = server.config();
    if let DatabaseConfig::Postgres { pool, .. } = &mut config {
        pool.max = 1;
    }
    let pool = open(&config).await;
    pool.batch("CREATE TABLE t (a bigint)")
        .await
        .expect("table");
    pool.query("SELECT * FROM t", &[]).await.expect("prepared");
    pool.batch("ALTER TABLE t ADD COLUMN b bigint")
        .await
        .expect("changed");
    let rows = pool.query("SELECT * FROM t", &[]).await;
    assert!(rows.is_ok(), "{rows:?}");
}

#[tokio::test]
async fn what_a_question_sets_in_its_session_ends_with_it() {
    let postgres = TestPostgres::start().await;
    let mut config = postgres.config();
    if let DatabaseConfig::Postgres { pool, .. } = &mut config {
        (pool.min, pool.max) = (0, 1);
    }
    let pool = Pool::open("test", &config).await.expect("opens");
    let shown = "SELECT current_setting('statement_timeout') AS x";
    let before = pool.query(shown, &[]).await.expect("a setting");
    for attack in [
        "SELECT set_config('statement_timeout', '1234', false) AS x",
        "SELECT set_config('transaction_read_only', 'off', true) AS x",
        "SET SESSION statement_timeout = 1234",
        "SET SESSION AUTHORIZATION DEFAULT",
        "COMMIT",
    ] {
        // Whether it is refused or undone does not matter to the next one on the connection.
        drop(pool.read_only(&[question(attack)]).await);
        let after = pool.query(shown, &[]).await.expect("a setting");
        assert_eq!(after, before, "{attack}");
        let writable = "SELECT current_setting('transaction_read_only') = 'off' AS x";
        let rows = pool.query(writable, &[]).await.expect("a setting");
        assert!(rows[0].get::<bool>("x").expect("x"), "{attack}");
    }
}

#[tokio::test]
async fn a_stream_has_a_limit_of_its_own_and_leaves_nothing_in_its_session() {
    let postgres = TestPostgres::start().await;
    let mut config = postgres.config();
    if let DatabaseConfig::Postgres { pool, .. } = &mut config {
        (pool.min, pool.max, pool.statement_timeout_ms) = (0, 1, 300);
    }
    let pool = Pool::open("test", &config).await.expect("opens");
    let slow = question("SELECT pg_sleep(0.6), current_setting('transaction_read_only') AS x");
    let rows = pool.read_only_stream(&slow, Duration::from_secs(60)).await;
    let rows: Vec<_> = rows.expect("a stream").collect().await;
    let row = rows[0].as_ref().expect("more time than the pool gives");
    assert_eq!(row.get::<String>("x").expect("x"), "on");
    let settings = "SELECT current_setting('statement_timeout') AS limit, \
                    current_setting('transaction_read_only') AS read_only";
    let after = pool.query(settings, &[]).await.expect("settings");
    assert_eq!(after[0].get::<String>("limit").expect("limit"), "300ms");
    assert_eq!(
        after[0].get::<String>("read_only").expect("read_only"),
        "off"
    );
}

#[tokio::test]
async fn a_dropped_stream_ends_its_statement_at_the_server_and_frees_its_place() {
    let postgres = TestPostgres::start().await;
    let mut config = postgres.config();
    if let DatabaseConfig::Postgres { pool, .. } = &mut config {
        (pool.min, pool.max) = (0, 1);
    }
    let pool = Pool::open("test", &config).await.expect("opens");
    let watcher = Pool::open("watcher", &postgres.config())
        .await
        .expect("opens");
    // Far more than fits into the buffers between the server and a reader who has stopped.
    let large = question("SELECT i, repeat('x', 1000) AS x FROM generate_series(1, 10000000) AS i");
    let active = "SELECT count(*) AS n FROM pg_stat_activity \
                  WHERE state = 'active' AND query LIKE 'SELECT i, repeat%'";
    let active = async || watcher.query(active, &[]).await.expect("activity")[0].get::<i64>("n");
    for _ in 0..2 {
        let rows = pool
            .read_only_stream(&large, Duration::from_secs(600))
            .await;
        let mut rows = rows.expect("a stream");
        rows.next().await.expect("a row").expect("a good row");
        assert_eq!(active().await, Ok(1), "the server waits for its reader");
        drop(rows);
        let ended = async { while active().await != Ok(0) {} };
        let ended = tokio::time::timeout(Duration::from_secs(20), ended).await;
        ended.expect("the end of the statement");
        pool.query("SELECT 1", &[])
            .await
            .expect("the only place is free");
    }
}

fn question(sql: &str) -> Question {
    Question {
        sql: sql.to_owned(),
        params: Vec::new(),
    }
}

/// The clock of this runtime moves only when nothing else can happen, so each wait is as long as its deadline.
#[tokio::test]
async fn whoever_asks_a_frozen_server_is_answered_by_the_deadline() {
    let server = TestPostgres::start().await;
    let mut config = server.config();
    if let DatabaseConfig::Postgres { pool, .. } = &mut config {
        (pool.min, pool.max) = (0, 3);
        (pool.acquire_timeout_ms, pool.statement_timeout_ms) = (700, 1_000);
    }
    let pool = open(&config).await;
    pool.query("SELECT 1", &[]).await.expect("up");
    let frozen = server.freeze();
    tokio::time::pause();
    let asked = tokio::time::Instant::now();
    let statement = pool.query("SELECT 1", &[]).await.expect_err("frozen");
    assert_eq!(statement.category(), "StatementTimeout");
    // Its own limit, and a grace for the server to enforce it.
    assert!(asked.elapsed() <= Duration::from_millis(6_005));
    let mut callers = JoinSet::new();
    for _ in 0..9 {
        let pool = pool.clone();
        callers.spawn(async move {
            let asked = tokio::time::Instant::now();
            let error = pool.query("SELECT 1", &[]).await.expect_err("frozen");
            (asked.elapsed(), error)
        });
    }
    while let Some(ended) = callers.join_next().await {
        let (waited, error) = ended.expect("no panic");
        assert!(waited <= Duration::from_millis(705), "{waited:?} {error:?}");
        assert!(error.is_transient(), "{error:?}");
    }
    tokio::time::resume();
    drop(frozen);
    pool.query("SELECT 1", &[]).await.expect("up again");
    pool.probe().await.expect("up again");
}

/// How many sessions of the server are at `pg_sleep`.
async fn sleepers(admin: &Pool) -> i64 {
    let sql = "SELECT count(*) AS n FROM pg_stat_activity \
               WHERE state = 'active' AND query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()";
    let rows = admin.query(sql, &[]).await.expect("counted");
    rows[0].get("n").expect("a number")
}

async fn until_sleepers(admin: &Pool, wanted: i64) {
    let wait = async {
        while sleepers(admin).await != wanted {
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(20), wait).await;
    waited.unwrap_or_else(|_| panic!("not {wanted} sessions that sleep"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_ends_at_the_server_with_the_request_it_is_for() {
    let server = TestPostgres::start().await;
    let (admin, pool) = (open(&server.config()).await, open(&server.config()).await);
    let sleep = [question("SELECT pg_sleep(600)")];
    let deadline = Instant::now() + Duration::from_millis(700);
    let (read, wrote, asked) = tokio::join!(
        within(deadline, pool.read_only(&sleep)),
        within(deadline, async {
            let mut transaction = pool.begin().await?;
            transaction.execute("SELECT pg_sleep(600)", &[]).await
        }),
        within(deadline, pool.query("SELECT pg_sleep(600)", &[])),
    );
    for category in [
        read.expect_err("too slow").category(),
        wrote.expect_err("too slow").category(),
        asked.expect_err("too slow").category(),
    ] {
        assert_eq!(category, "StatementTimeout");
    }
    until_sleepers(&admin, 0).await;

    // The server knows the limit itself, so that it holds without us too.
    let show = [question(
        "SELECT setting::bigint AS ms FROM pg_settings WHERE name = 'statement_timeout'",
    )];
    let limit = async || {
        let tables = pool.read_only(&show).await.expect("shown");
        tables[0][0].get::<i64>("ms").expect("a number")
    };
    let soon = Instant::now() + Duration::from_secs(9);
    assert!((1..=9_000).contains(&within(soon, limit()).await));
    assert_eq!(limit().await, 30_000, "of the session, when nobody waits");
    // No time at all costs no connection.
    let late = within(Instant::now(), pool.query("SELECT 1", &[])).await;
    assert_eq!(late.expect_err("late").category(), "AcquireTimeout");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_goes_away_takes_its_statement_along() {
    let server = TestPostgres::start().await;
    let (admin, pool) = (open(&server.config()).await, open(&server.config()).await);
    let sleep = [question("SELECT pg_sleep(600)")];
    let caller = tokio::spawn(async move { pool.read_only(&sleep).await });
    until_sleepers(&admin, 1).await;
    caller.abort();
    until_sleepers(&admin, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stands_still_holds_nobody_beyond_the_deadline_and_is_used_again() {
    let server = TestPostgres::start().await;
    let pool = open(&server.config()).await;
    let ask = [question("SELECT 1")];
    pool.read_only(&ask).await.expect("the server is up");
    let frozen = server.freeze();
    // More than there are connections: some wait at the server, some to log in, some for their turn.
    let deadline = Instant::now() + Duration::from_millis(500);
    let callers = (0..16).map(|_| within(deadline, pool.read_only(&ask)));
    let answers = tokio::time::timeout(Duration::from_secs(20), join_all(callers)).await;
    for answer in answers.expect("everybody has an answer long before the limits of the pool") {
        let error = answer.expect_err("nobody answers");
        assert!(error.is_transient(), "{error:?}");
    }
    drop(frozen);
    let again = async {
        while pool.read_only(&ask).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    let again = tokio::time::timeout(Duration::from_secs(30), again).await;
    again.expect("the pool is of use again without a restart");
}

/// A way to a server, as a tunnel is one: it can be cut, and there is another at once.
struct Way {
    port: u16,
    open: Arc<Mutex<JoinSet<()>>>,
    _accepting: AbortOnDropHandle<()>,
}

impl Way {
    async fn to(server: u16) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("port");
        let port = listener.local_addr().expect("bound").port();
        let open = Arc::new(Mutex::new(JoinSet::new()));
        let carried = Arc::clone(&open);
        let accepting = tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                carried.lock().expect("no panic").spawn(async move {
                    let far = tokio::net::TcpStream::connect(("127.0.0.1", server)).await;
                    let _cut =
                        tokio::io::copy_bidirectional(&mut near, &mut far.expect("up")).await;
                });
            }
        });
        Self {
            port,
            open,
            _accepting: AbortOnDropHandle::new(accepting),
        }
    }

    fn cut(&self) {
        self.open.lock().expect("no panic").abort_all();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_only_reads_is_asked_again_when_its_connection_is_lost_and_no_other_is() {
    let server = TestPostgres::start().await;
    let admin = open(&server.config()).await;
    let way = Way::to(server.port()).await;
    let mut config = server.config();
    if let DatabaseConfig::Postgres { port, pool, .. } = &mut config {
        (*port, pool.min, pool.max) = (way.port, 0, 3);
    }
    let pool = open(&config).await;
    let slow = [question("SELECT 7::bigint AS n FROM pg_sleep(1)")];
    for _ in 0..3 {
        let asked = (0..3).map(|_| pool.read_only(&slow));
        let cut = async {
            until_sleepers(&admin, 3).await;
            way.cut();
        };
        let (answers, ()) = tokio::join!(join_all(asked), cut);
        for answer in answers {
            let tables = answer.expect("asked again");
            assert_eq!(tables[0][0].get::<i64>("n"), Ok(7));
        }
        // Those that are cut while they rest are not noticed by anybody.
        way.cut();
        pool.read_only(&slow).await.expect("asked again");
    }
    // What might write is not done twice.
    let asked = pool.query("SELECT 7 FROM pg_sleep(600)", &[]);
    let cut = async {
        until_sleepers(&admin, 1).await;
        way.cut();
    };
    let (answer, ()) = tokio::join!(asked, cut);
    assert_eq!(answer.expect_err("lost").category(), "Unreachable");
}
