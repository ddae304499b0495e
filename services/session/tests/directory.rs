//! Users are changed and put back the same way on SQLite and on PostgreSQL, with the tables as the
//! migrations make them.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use reportapp_pool::testing::{TestPostgres, TestSqlite};
use reportapp_pool::{Engine, Pool, Value};
use reportapp_session::directory::{
    Change, DirectoryError, Snapshot, Undone, change, find_roles, find_tenant, find_user, measure,
    open_sessions, snapshot, undo,
};
use reportapp_session::epochs::{
    EpochStore as _, ProcessId, Revision, Scope, SqlEpochStore, revision_of,
};
use tokio::task::JoinSet;

const DISABLE: Change = Change::Disable { force: false };

/// A store with four users, of whom one administers the platform.
struct Scene {
    /// What is tested. On PostgreSQL its login owns the tables and is bound by their row security.
    pool: Pool,
    /// What somebody types, bound by nothing.
    hand: Pool,
    _server: Server,
}

enum Server {
    Postgres(#[allow(dead_code, reason = "stops when dropped")] TestPostgres),
    Sqlite(#[allow(dead_code, reason = "removed when dropped")] TestSqlite),
}

impl Scene {
    async fn postgres() -> Self {
        let server = TestPostgres::start().await;
        let hand = Pool::open("hand", &server.config()).await.unwrap();
        let owner = "CREATE ROLE owner LOGIN PASSWORD 'owner'; GRANT ALL ON SCHEMA public TO owner";
        hand.batch(owner).await.unwrap();
        let pool = server.config_for("owner", "owner");
        let pool = Pool::open("store", &pool).await.unwrap();
        for migration in reportapp_migrations::ALL {
            pool.batch(migration.postgres).await.unwrap();
        }
        Self::peopled(pool, hand, Server::Postgres(server)).await
    }

    async fn sqlite() -> Self {
        let file = TestSqlite::new();
        let pool = Pool::open("store", &file.config()).await.unwrap();
        for migration in reportapp_migrations::ALL {
            pool.batch(migration.sqlite).await.unwrap();
        }
        Self::peopled(pool.clone(), pool, Server::Sqlite(file)).await
    }

    async fn peopled(pool: Pool, hand: Pool, server: Server) -> Self {
        let now = "'2026-01-02T03:04:05.000000Z'";
        // The name of one is the id of another: an id goes before a name.
        for (id, name, kind) in [
            ("17", "Ana", "user"),
            ("bob2", "Bob", "user"),
            ("19", "bob2", "user"),
            ("1", "root", "enterprise_admin"),
        ] {
            let sql = format!(
                "INSERT INTO users_enhanced
                     (id, username, username_key, name, password_hash, user_type, created_at)
                 VALUES ('{id}', '{name}', lower('{name}'), '', '', '{kind}', {now})"
            );
            hand.execute(&sql, &[]).await.unwrap();
        }
        Self {
            pool,
            hand,
            _server: server,
        }
    }

    /// Lists two sessions of Ana and one of Bob, from before everything.
    async fn with_sessions(self) -> Self {
        for (id, user) in [("s1", "17"), ("s2", "17"), ("s3", "bob2")] {
            self.list_session(id, user, Revision(0)).await;
        }
        self
    }

    async fn list_session(&self, id: &str, user: &str, issued: Revision) {
        let sql = "INSERT INTO user_sessions (id, user_id, issued, is_active, family_hash,
                       token_hash, token_prefix, created_at, last_activity_at, expires_at)
                   VALUES ($1, $2, $3, $4, $1, $1, '', $5, $5, $5)";
        let params = [
            Value::Text(id.to_owned()),
            Value::Text(user.to_owned()),
            Value::Int(i64::try_from(issued.0).unwrap()),
            Value::Bool(true),
            Value::Timestamp(jiff::Timestamp::UNIX_EPOCH),
        ];
        self.hand.execute(sql, &params).await.unwrap();
    }

    async fn active_sessions(&self) -> Vec<String> {
        let sql = "SELECT id FROM user_sessions WHERE is_active ORDER BY id";
        let rows = self.hand.query(sql, &[]).await.unwrap();
        rows.iter().map(|row| row.get("id").unwrap()).collect()
    }

    async fn set(&self, user: &str, assignment: &str) {
        let sql = format!("UPDATE users_enhanced SET {assignment} WHERE id = '{user}'");
        assert_eq!(self.hand.execute(&sql, &[]).await.unwrap(), 1);
    }

    async fn change(&self, order: &str, user: &str, what: Change) -> Snapshot {
        change(&self.pool, order, user, what).await.unwrap()
    }

    /// Whether the user may sign in, and whether the password has to be reset.
    async fn state(&self, user: &str) -> (bool, bool) {
        let person = find_user(&self.pool, user).await.unwrap().unwrap();
        (person.is_active, person.must_reset_password)
    }

    /// The number of the last revocation.
    async fn last_revision(&self) -> Revision {
        let sql = "SELECT revision FROM epoch_state";
        let row = self.hand.query_opt(sql, &[]).await.unwrap().unwrap();
        Revision(row.get("revision").unwrap())
    }

    /// What was raised after a revision.
    async fn raised_since(&self, since: Revision) -> Vec<Scope> {
        let store = SqlEpochStore::new(self.pool.clone());
        let reading = store
            .read(&ProcessId::new("nobody", 0), since)
            .await
            .unwrap();
        let mut scopes: Vec<_> = reading.raised.into_iter().map(|(scope, _)| scope).collect();
        scopes.sort();
        scopes.dedup();
        scopes
    }
}

/// A test on each engine.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        mod on_postgres {
            $(#[tokio::test]
            async fn $name() {
                super::$name(super::Scene::postgres().await).await;
            })+
        }
        mod on_sqlite {
            $(#[tokio::test]
            async fn $name() {
                super::$name(super::Scene::sqlite().await).await;
            })+
        }
    };
}

on_both!(
    a_user_is_found_by_id_before_name_and_in_any_case,
    disabling_ends_sessions_and_raises_the_epoch_of_that_user_alone,
    a_change_that_is_repeated_changes_nothing_more,
    a_password_that_an_erp_keeps_is_not_reset_here,
    the_last_administrator_stays_unless_it_is_forced,
    undoing_puts_back_exactly_what_was_changed,
    what_somebody_changed_since_is_not_undone,
    a_later_order_keeps_its_user,
    a_user_who_does_not_exist_leaves_no_trace,
    a_session_of_afterwards_is_no_session_that_is_left,
    sessions_that_go_on_are_counted_and_no_others,
    sessions_that_a_statement_ends_have_their_epochs_raised_and_no_others_have,
);

async fn a_user_is_found_by_id_before_name_and_in_any_case(scene: Scene) {
    for (name, id) in [
        (" ANA", "17"),
        ("17", "17"),
        ("bob2", "bob2"),
        ("BOB", "bob2"),
    ] {
        let found = find_user(&scene.pool, name).await.unwrap().unwrap();
        assert_eq!(found.id, id, "{name}");
    }
    assert_eq!(find_user(&scene.pool, "nobody").await.unwrap(), None);
    assert_eq!(find_roles(&scene.pool, "Reader").await.unwrap(), ["reader"]);
    assert!(find_roles(&scene.pool, "nothing").await.unwrap().is_empty());
    let now = "'2026-01-02T03:04:05.000000Z'";
    let sql = format!(
        "INSERT INTO clients (id, name, name_key, created_at) VALUES ('t1', 'Acme', 'acme', {now})"
    );
    scene.hand.execute(&sql, &[]).await.unwrap();
    for name in ["t1", "ACME"] {
        let found = find_tenant(&scene.pool, name).await.unwrap();
        assert_eq!(found.as_deref(), Some("t1"));
    }
}

async fn disabling_ends_sessions_and_raises_the_epoch_of_that_user_alone(scene: Scene) {
    let scene = scene.with_sessions().await;
    let mut taken = scene.change("order", "17", DISABLE).await;
    taken.sessions.sort();
    assert_eq!(taken.sessions, ["s1", "s2"]);
    assert!(taken.differs);
    assert_eq!(scene.state("17").await, (false, false));
    assert_eq!(scene.state("bob2").await, (true, false));
    assert_eq!(scene.active_sessions().await, ["s3"]);
    let ana = "17".to_owned();
    let expected = [Scope::User(ana.clone()), Scope::UserPermissions(ana)];
    assert_eq!(scene.raised_since(Revision(0)).await, expected);
    let raised = revision_of(&scene.pool, "order").await.unwrap();
    assert_eq!(raised, Some(taken.revision));
    let left = measure(&scene.pool, &taken).await.unwrap();
    assert_eq!((left.active_sessions, left.sign_in_possible), (0, false));
}

async fn a_change_that_is_repeated_changes_nothing_more(scene: Scene) {
    let scene = scene.with_sessions().await;
    let code = "INSERT INTO password_resets (code_hash, user_id, created_at, expires_at)
                VALUES ('c', '17', $1, $1)";
    let moment = Value::Timestamp(jiff::Timestamp::UNIX_EPOCH);
    scene.hand.execute(code, &[moment]).await.unwrap();
    let first = scene.change("order", "17", Change::ForceReset).await;
    assert_eq!(scene.state("17").await, (true, true));
    let codes = scene.hand.query("SELECT user_id FROM password_resets", &[]);
    assert!(codes.await.unwrap().is_empty(), "a code from before");
    // Somebody changes that back: a repetition must not fight with them.
    scene.set("17", "must_reset_password = false").await;
    let again = scene.change("order", "17", Change::ForceReset).await;
    assert_eq!(again, first);
    assert_eq!(scene.state("17").await, (true, false));
    assert_eq!(
        scene.raised_since(first.revision).await.len(),
        1,
        "the trigger's"
    );
    let left = measure(&scene.pool, &first).await.unwrap();
    assert!(left.sign_in_possible);
    assert_eq!(snapshot(&scene.pool, "order").await.unwrap(), Some(first));
}

async fn a_password_that_an_erp_keeps_is_not_reset_here(scene: Scene) {
    scene.set("17", "erp_server = 'main', erp_user = '4'").await;
    let refused = change(&scene.pool, "order", "17", Change::ForceReset).await;
    let (username, server) = ("Ana".to_owned(), "main".to_owned());
    assert_eq!(
        refused,
        Err(DirectoryError::ErpAccount { username, server })
    );
    assert_eq!(scene.state("17").await, (true, false));
    assert!(scene.raised_since(Revision(0)).await.is_empty());
    let locked = change(&scene.pool, "order", "17", DISABLE).await;
    assert!(locked.unwrap().differs);
}

async fn the_last_administrator_stays_unless_it_is_forced(scene: Scene) {
    let refused = change(&scene.pool, "order", "1", DISABLE).await;
    let expected = DirectoryError::LastAdministrator("root".to_owned());
    assert_eq!(refused, Err(expected));
    assert_eq!(scene.state("1").await, (true, false));
    assert!(scene.raised_since(Revision(0)).await.is_empty());
    // One who cannot sign in either does not count.
    scene
        .set("17", "user_type = 'enterprise_admin', is_active = false")
        .await;
    assert!(change(&scene.pool, "order", "1", DISABLE).await.is_err());
    scene.set("17", "is_active = true").await;
    scene.change("order", "1", DISABLE).await;
    assert_eq!(scene.state("1").await, (false, false));
    scene
        .change("forced", "17", Change::Disable { force: true })
        .await;
    assert_eq!(scene.state("17").await, (false, false));
}

async fn undoing_puts_back_exactly_what_was_changed(scene: Scene) {
    let scene = scene.with_sessions().await;
    for (order, what, changed) in [
        ("disable", DISABLE, (false, false)),
        ("reset", Change::ForceReset, (true, true)),
    ] {
        let taken = scene.change(order, "17", what).await;
        assert_eq!(scene.state("17").await, changed);
        let undone = undo(&scene.pool, "undo", order).await.unwrap();
        assert!(matches!(undone, Undone::Restored(_)), "{undone:?}");
        assert_eq!(scene.state("17").await, (true, false));
        let again = undo(&scene.pool, "undo", order).await.unwrap();
        assert!(matches!(again, Undone::Earlier(_)), "{again:?}");
        let left = measure(&scene.pool, &taken).await.unwrap();
        assert!(left.sign_in_possible);
    }
    assert_eq!(scene.active_sessions().await, ["s3"], "sessions stay ended");

    // Who was so before stays so.
    scene.set("17", "is_active = false").await;
    let taken = scene.change("needless", "17", DISABLE).await;
    assert!(!taken.differs);
    let undone = undo(&scene.pool, "undo", "needless").await.unwrap();
    assert!(matches!(undone, Undone::NothingDiffered(_)), "{undone:?}");
    assert_eq!(scene.state("17").await, (false, false));
    let nothing = undo(&scene.pool, "undo", "never").await;
    assert_eq!(nothing, Err(DirectoryError::NoSnapshot("never".to_owned())));
}

async fn what_somebody_changed_since_is_not_undone(scene: Scene) {
    scene.change("reset", "17", Change::ForceReset).await;
    scene.set("17", "must_reset_password = false").await;
    let undone = undo(&scene.pool, "undo", "reset").await;
    let Err(DirectoryError::ChangedSince { what, .. }) = undone else {
        panic!("{undone:?}");
    };
    assert!(what.contains("a new password already"), "{what}");
    assert_eq!(revision_of(&scene.pool, "undo").await.unwrap(), None);

    scene.change("disable", "bob2", DISABLE).await;
    let gone = "DELETE FROM users_enhanced WHERE id = 'bob2'";
    scene.hand.execute(gone, &[]).await.unwrap();
    let undone = undo(&scene.pool, "undo", "disable").await;
    assert_eq!(undone, Err(DirectoryError::UnknownUser("bob2".to_owned())));
}

async fn a_later_order_keeps_its_user(scene: Scene) {
    scene.change("first", "17", DISABLE).await;
    scene.change("second", "17", DISABLE).await;
    let held = undo(&scene.pool, "undo", "first").await;
    let Err(DirectoryError::HeldByLater { order, .. }) = held else {
        panic!("{held:?}");
    };
    assert_eq!(order, "second");
    assert_eq!(scene.state("17").await, (false, false));
    // What the first one may not put back any more, the second one does.
    let second = undo(&scene.pool, "undo second", "second").await.unwrap();
    assert!(matches!(second, Undone::Restored(_)), "{second:?}");
    assert_eq!(scene.state("17").await, (true, false));
    let first = undo(&scene.pool, "undo", "first").await;
    assert!(
        matches!(first, Err(DirectoryError::ChangedSince { .. })),
        "{first:?}"
    );
}

async fn a_user_who_does_not_exist_leaves_no_trace(scene: Scene) {
    let unknown = change(&scene.pool, "order", "nobody", DISABLE).await;
    assert_eq!(
        unknown,
        Err(DirectoryError::UnknownUser("nobody".to_owned()))
    );
    assert_eq!(snapshot(&scene.pool, "order").await.unwrap(), None);
    assert_eq!(revision_of(&scene.pool, "order").await.unwrap(), None);
}

async fn a_session_of_afterwards_is_no_session_that_is_left(scene: Scene) {
    let scene = scene.with_sessions().await;
    let taken = scene.change("order", "17", Change::ForceReset).await;
    // With the code, under a newer revision.
    scene.list_session("new", "17", taken.revision).await;
    let left = measure(&scene.pool, &taken).await.unwrap();
    assert_eq!(left.active_sessions, 0);
    let again = scene.change("order", "17", Change::ForceReset).await;
    assert_eq!(again, taken);
    assert_eq!(scene.active_sessions().await, ["new", "s3"]);
}

async fn sessions_that_a_statement_ends_have_their_epochs_raised_and_no_others_have(scene: Scene) {
    let scene = scene.with_sessions().await;
    let typed = async |sql: &str| scene.hand.batch(sql).await.unwrap();
    typed("UPDATE user_sessions SET last_activity_at = expires_at, ip_address = 'x'").await;
    assert_eq!(scene.raised_since(Revision(0)).await, []);
    typed("UPDATE user_sessions SET is_active = false WHERE user_id = '17'").await;
    let session = |id: &str| Scope::Session(id.to_owned());
    assert_eq!(
        scene.raised_since(Revision(0)).await,
        [session("s1"), session("s2")]
    );
    if scene.pool.engine() == Engine::Postgres {
        let revisions = "SELECT DISTINCT epoch FROM epochs";
        let rows = scene.hand.query(revisions, &[]).await.unwrap();
        assert_eq!(rows.len(), 1, "one statement is one revision");
    }
    // What was ended, or has expired, needs no epoch when it is tidied away.
    let before = scene.last_revision().await;
    typed("DELETE FROM user_sessions").await;
    assert_eq!(scene.raised_since(before).await, []);
    scene.list_session("s4", "17", before).await;
    typed("UPDATE user_sessions SET expires_at = '2999-01-01T00:00:00.000000Z'").await;
    typed("DELETE FROM user_sessions").await;
    assert_eq!(scene.raised_since(before).await, [session("s4")]);
    // Those whose epoch was raised before their row changes, as the program does it, have no other raised.
    let before = scene.last_revision().await;
    scene.list_session("s5", "17", before).await;
    typed("UPDATE user_sessions SET tenant_id = 't1'").await;
    for scope in [
        session("s5"),
        Scope::User("17".to_owned()),
        Scope::Tenant("t1".to_owned()),
        Scope::All,
    ] {
        let store = SqlEpochStore::new(scene.pool.clone());
        let name = format!("{scope:?}");
        let raised = store
            .raise(&name, std::slice::from_ref(&scope))
            .await
            .unwrap();
        typed("UPDATE user_sessions SET is_active = false").await;
        assert_eq!(scene.raised_since(raised).await, [], "{scope:?}");
        typed(&format!(
            "UPDATE user_sessions SET is_active = true, issued = {}",
            raised.0
        ))
        .await;
    }
}

async fn sessions_that_go_on_are_counted_and_no_others(scene: Scene) {
    let scene = scene.with_sessions().await;
    let count = async |scope: &Scope| open_sessions(&scene.pool, scope).await.unwrap();
    assert_eq!(count(&Scope::All).await, 0, "they have expired");
    let future =
        "UPDATE user_sessions SET expires_at = '2999-01-01T00:00:00.000000Z', tenant_id = 't1'";
    scene.hand.batch(future).await.unwrap();
    let (ana, tenant) = (Scope::User("17".to_owned()), Scope::Tenant("t1".to_owned()));
    let (first, third) = (
        Scope::Session("s1".to_owned()),
        Scope::Session("s3".to_owned()),
    );
    for (scope, expected) in [(&Scope::All, 3), (&tenant, 3), (&ana, 2), (&first, 1)] {
        assert_eq!(count(scope).await, expected, "{scope:?}");
    }
    assert_eq!(count(&Scope::Permissions).await, 0);
    let store = SqlEpochStore::new(scene.pool.clone());
    store.raise("end s3", &[third]).await.unwrap();
    assert_eq!(count(&Scope::All).await, 2);
    store.raise("end Ana", &[ana]).await.unwrap();
    assert_eq!(count(&Scope::All).await, 0);
}

#[tokio::test]
async fn of_many_who_change_or_undo_at_once_exactly_one_does() {
    const MANY: usize = 8;
    let scene = Scene::postgres().await.with_sessions().await;
    let mut changes = JoinSet::new();
    for _ in 0..MANY {
        let pool = scene.pool.clone();
        changes.spawn(async move { change(&pool, "order", "17", DISABLE).await.unwrap() });
    }
    let taken = changes.join_all().await;
    assert!(taken.iter().all(|other| *other == taken[0]), "{taken:?}");
    assert_eq!(taken[0].sessions.len(), 2);
    let raised = "SELECT action FROM epoch_actions";
    let raised = scene.hand.query(raised, &[]).await.unwrap();
    assert_eq!(raised.len(), 2, "once by the order and once by the trigger");

    let mut undoings = JoinSet::new();
    for number in 0..MANY {
        let pool = scene.pool.clone();
        // As one action that is repeated, and as several.
        let by = format!("undo {}", number % 4);
        undoings.spawn(async move { undo(&pool, &by, "order").await.unwrap() });
    }
    let undone = undoings.join_all().await;
    let restored = undone
        .iter()
        .filter(|done| matches!(done, Undone::Restored(_)));
    assert_eq!(restored.count(), 1, "{undone:?}");
    let earlier = undone
        .iter()
        .filter(|done| matches!(done, Undone::Earlier(_)));
    assert_eq!(earlier.count(), MANY - 1, "{undone:?}");
    assert_eq!(scene.state("17").await, (true, false));
}
