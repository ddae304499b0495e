//! Every store of epochs keeps the same promises: in this process, on SQLite, on PostgreSQL.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::time::Duration;

use reportapp_pool::testing::{TestPostgres, TestSqlite};
use reportapp_pool::{Pool, Value};
use reportapp_session::epochs::{
    EpochError, EpochStore, MemoryEpochStore, ProcessId, Reading, Revision, Scope, SqlEpochStore,
};

/// The tables as the API's migrations make them.
const POSTGRES: &str = reportapp_migrations::EPOCHS.postgres;
const SQLITE: &str = reportapp_migrations::EPOCHS.sqlite;

const LEASE: Duration = Duration::from_micros(1_999_001);

async fn sqlite() -> (TestSqlite, Pool) {
    let file = TestSqlite::new();
    let pool = Pool::open("store", &file.config()).await.unwrap();
    pool.batch(SQLITE).await.unwrap();
    (file, pool)
}

async fn postgres() -> (TestPostgres, Pool) {
    let server = TestPostgres::start().await;
    let pool = Pool::open("store", &server.config()).await.unwrap();
    pool.batch(POSTGRES).await.unwrap();
    (server, pool)
}

fn user(name: &str) -> Scope {
    Scope::User(name.to_owned())
}

fn session(name: &str) -> Scope {
    Scope::Session(name.to_owned())
}

async fn read(store: &dyn EpochStore, since: Revision) -> Reading {
    let stranger = ProcessId::new("stranger", 0);
    store.read(&stranger, since).await.unwrap()
}

async fn keeps_every_promise(store: &dyn EpochStore) {
    revisions_grow_and_an_action_happens_once(store).await;
    everybody_covers_what_was_raised_before(store).await;
    a_process_is_known_until_it_is_expelled(store).await;
    settling_forgets_the_past_only(store).await;
}

async fn revisions_grow_and_an_action_happens_once(store: &dyn EpochStore) {
    let begin = read(store, Revision(0)).await;
    assert!(begin.raised.is_empty() && !begin.registered);
    let scopes = [user("ana"), session("s1"), Scope::Tenant("acme".to_owned())];
    let first = store.raise("one", &scopes).await.unwrap();
    assert!(first > begin.revision);
    let second = store.raise("two", &[user("ana")]).await.unwrap();
    assert!(second > first);
    assert_eq!(store.raise("one", &scopes).await.unwrap(), first);

    let news = read(store, begin.revision).await;
    assert_eq!(news.revision, second);
    let newest = |scope: &Scope| {
        let found = news.raised.iter().filter(|(raised, _)| raised == scope);
        found.map(|(_, epoch)| *epoch).max()
    };
    assert_eq!(newest(&user("ana")), Some(second));
    assert_eq!(newest(&session("s1")), Some(first));
    assert_eq!(newest(&scopes[2]), Some(first));
    assert_eq!(read(store, first).await.raised, [(user("ana"), second)]);
    assert_eq!(read(store, second).await.raised, []);
}

async fn everybody_covers_what_was_raised_before(store: &dyn EpochStore) {
    let all = store.raise("all", &[Scope::All]).await.unwrap();
    let news = read(store, Revision(0)).await;
    assert_eq!(news.raised, [(Scope::All, all)]);
}

async fn a_process_is_known_until_it_is_expelled(store: &dyn EpochStore) {
    let (one, two) = (ProcessId::new("api-1", 0), ProcessId::new("api-2", 0));
    for process in [&one, &two, &one] {
        store.register(process, LEASE).await.unwrap();
    }
    store.confirm(&one, Revision(7)).await.unwrap();
    store.confirm(&one, Revision(5)).await.unwrap();
    store.expel(&two).await.unwrap();
    // Under its old name an expelled process does not come back.
    store.register(&two, LEASE).await.unwrap();
    let registered = |process| async move {
        let reading = store.read(process, Revision(0)).await.unwrap();
        reading.registered
    };
    assert!(registered(&one).await && !registered(&two).await);

    let roster = store.roster().await.unwrap();
    assert_eq!(roster.len(), 2);
    for member in roster {
        assert!(member.lease >= LEASE, "never shorter than it is");
        let is_first = member.process == one;
        assert_eq!(member.expelled, !is_first);
        let confirmed = Revision(if is_first { 7 } else { 0 });
        assert_eq!(member.confirmed, confirmed);
    }
    for process in [&one, &two, &two] {
        store.remove(process).await.unwrap();
    }
    assert!(store.roster().await.unwrap().is_empty());
    store.confirm(&one, Revision(9)).await.unwrap();
    assert!(store.roster().await.unwrap().is_empty(), "nobody came back");
}

async fn settling_forgets_the_past_only(store: &dyn EpochStore) {
    let first = store.raise("old", &[user("old")]).await.unwrap();
    let second = store.raise("young", &[user("young")]).await.unwrap();
    // A token issued between the two carries the first and must not be lost.
    store.settle(Revision(second.0 - 1)).await.unwrap();
    let reading = read(store, Revision(0)).await;
    assert_eq!(reading.settled, first);
    assert_eq!(reading.raised, [(user("young"), second)]);
    assert_eq!(reading.revision, second);
    store.settle(Revision(1)).await.unwrap();
    assert_eq!(read(store, Revision(0)).await.settled, first);
}

#[tokio::test]
async fn the_store_in_this_process_keeps_every_promise() {
    keeps_every_promise(&MemoryEpochStore::new()).await;
}

#[tokio::test]
async fn the_store_on_sqlite_keeps_every_promise() {
    let (_file, pool) = sqlite().await;
    keeps_every_promise(&SqlEpochStore::new(pool)).await;
}

#[tokio::test]
async fn the_store_on_postgres_keeps_every_promise() {
    let (_server, pool) = postgres().await;
    keeps_every_promise(&SqlEpochStore::new(pool)).await;
}

#[tokio::test]
async fn revisions_become_visible_in_their_order_also_when_many_revoke_at_once() {
    let (server, pool) = postgres().await;
    let store = SqlEpochStore::new(pool);
    let mut revoking = tokio::task::JoinSet::new();
    for process in 0..4 {
        let pool = Pool::open("store", &server.config()).await.unwrap();
        revoking.spawn(async move {
            let store = SqlEpochStore::new(pool);
            for round in 0..25 {
                let name = format!("{process}-{round}");
                store.raise(&name, &[session(&name)]).await.unwrap();
            }
        });
    }
    // Reading only what is new must miss nothing: a revision that shows up behind a later one would.
    let (mut seen, mut since) = (BTreeSet::new(), Revision(0));
    loop {
        let is_last = revoking.is_empty();
        let news = read(&store, since).await;
        let mut epochs = news.raised.iter().map(|(_, epoch)| *epoch);
        assert!(epochs.all(|epoch| epoch > since && epoch <= news.revision));
        seen.extend(news.raised.into_iter().map(|(_, epoch)| epoch));
        since = news.revision;
        if is_last {
            break;
        }
        while let Some(ended) = revoking.try_join_next() {
            ended.unwrap();
        }
    }
    assert_eq!(seen.len(), 100, "each revision once");
}

#[tokio::test]
async fn a_commit_is_durable_also_where_the_database_does_not_insist() {
    let (server, pool) = postgres().await;
    let relaxed = "ALTER DATABASE erp SET synchronous_commit = off";
    pool.batch(relaxed).await.unwrap();
    let pool = Pool::open("store", &server.config()).await.unwrap();
    // A trigger tells under which setting the row was written.
    let tell = "CREATE TABLE told (setting text);
        CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN INSERT INTO told VALUES (current_setting('synchronous_commit')); RETURN NULL; END $$;
        CREATE TRIGGER tell AFTER INSERT ON epochs EXECUTE FUNCTION tell()";
    pool.batch(tell).await.unwrap();
    let store = SqlEpochStore::new(pool.clone());
    store.raise("one", &[Scope::All]).await.unwrap();
    let told = pool.query("SELECT setting FROM told", &[]).await.unwrap();
    assert_eq!(told[0].value(0), &Value::Text("on".to_owned()));
    let after = pool.query("SHOW synchronous_commit", &[]).await.unwrap();
    assert_eq!(after[0].value(0), &Value::Text("off".to_owned()));
}

#[tokio::test]
async fn a_login_that_only_became_the_owning_role_may_do_everything() {
    let (server, admin) = postgres().await;
    let roles = "CREATE ROLE app; CREATE ROLE app_a LOGIN PASSWORD 'twin' IN ROLE app;
        ALTER ROLE app_a SET role = 'app';
        ALTER TABLE epoch_state OWNER TO app; ALTER TABLE epochs OWNER TO app;
        ALTER TABLE epoch_actions OWNER TO app; ALTER TABLE epoch_processes OWNER TO app";
    admin.batch(roles).await.unwrap();
    let config = server.config_for("app_a", "twin");
    let pool = Pool::open("store", &config).await.unwrap();
    keeps_every_promise(&SqlEpochStore::new(pool)).await;
}

#[tokio::test]
async fn a_store_that_is_not_what_it_should_be_is_an_error_and_never_an_empty_answer() {
    let (_file, pool) = sqlite().await;
    let store = SqlEpochStore::new(pool.clone());
    let process = ProcessId::new("api", 0);
    pool.batch("INSERT INTO epochs VALUES ('planet', 'earth', 5)")
        .await
        .unwrap();
    let answer = store.read(&process, Revision(0)).await;
    assert!(
        matches!(answer, Err(EpochError::Corrupt { .. })),
        "{answer:?}"
    );
    pool.batch("DELETE FROM epoch_state").await.unwrap();
    let answer = store.read(&process, Revision(9)).await;
    assert!(
        matches!(answer, Err(EpochError::Corrupt { .. })),
        "{answer:?}"
    );
    let answer = store.raise("one", &[Scope::All]).await;
    assert!(
        matches!(answer, Err(EpochError::Corrupt { .. })),
        "{answer:?}"
    );
    pool.batch("DROP TABLE epochs").await.unwrap();
    let answer = store.read(&process, Revision(0)).await;
    assert!(
        matches!(answer, Err(EpochError::Refused { .. })),
        "{answer:?}"
    );
}
