//! Sessions ended over a real store, with processes that judge tokens by it and without any.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use reportapp_crds::incident_action::{Holders, Whose};
use reportapp_operator::action::app_store::AppStore;
use reportapp_operator::action::invalidate::{Invalidated, Target};
use reportapp_operator::action::trouble::{Reason, Trouble};
use reportapp_operator::action::undo::Undone;
use reportapp_operator::action::user::UserChange;
use reportapp_operator::backend::redis::wake::Wakes;
use reportapp_operator::rotation::ledger::{ADOPTED, SecretText, Value};
use reportapp_pool::Pool;
use reportapp_pool::testing::{DATABASE, PASSWORD, SUPERUSER, TestPostgres};
use reportapp_session::directory::{Change, Undone as InStore};
use reportapp_session::epochs::{
    Bearer, BootClock, EpochStore as _, Keeper, Kept, Remembered, Revision, Revoked, SqlEpochStore,
    Terms, Verdict,
};

use crate::postgres::world::endpoint;
use crate::redis::server::{self, Users, free_port};

mod crashes;

const LIMIT: Duration = Duration::from_secs(60);
const LEASE: Duration = Duration::from_secs(1);

/// The name of one is the id of another: an id goes before a name.
const PEOPLE: &str = "
    INSERT INTO users_enhanced (id, username, username_key, name, password_hash, created_at)
    VALUES ('17', 'Ana', 'ana', 'Ana', '', now()), ('ana2', 'Bob', 'bob', 'Bob', '', now()),
           ('19', 'ana2', 'ana2', 'Another Ana', '', now());
    INSERT INTO clients (id, name, name_key, created_at) VALUES ('t1', 'Acme', 'acme', now());";

/// A store with three users.
struct Scene {
    server: TestPostgres,
    pool: Pool,
}

impl Scene {
    async fn start() -> Self {
        let server = TestPostgres::start().await;
        let pool = Pool::open("test", &server.config()).await.unwrap();
        for migration in reportapp_migrations::ALL {
            pool.batch(migration.postgres).await.unwrap();
        }
        pool.batch(PEOPLE).await.unwrap();
        Self { server, pool }
    }

    /// The store as an action reaches it.
    async fn connect(&self, password: &str) -> Result<AppStore, Trouble> {
        self.connect_to(self.server.port(), password).await
    }

    /// The store as it is reached over another port.
    async fn connect_to(&self, port: u16, password: &str) -> Result<AppStore, Trouble> {
        let login = Value {
            rotation: ADOPTED.to_owned(),
            username: Some(SUPERUSER.to_owned()),
            secret: SecretText::new(password),
            created: Timestamp::UNIX_EPOCH,
        };
        let mut endpoint = endpoint(&self.server);
        endpoint.port = port;
        AppStore::connect(&endpoint, DATABASE, &login).await
    }

    async fn open(&self) -> AppStore {
        self.connect(PASSWORD).await.unwrap()
    }

    /// A process of the API, registered.
    async fn process(&self) -> Keeper {
        let store = Arc::new(SqlEpochStore::new(self.pool.clone()));
        let keeper = Keeper::start(store, BootClock, "api", Terms::new(LEASE).unwrap());
        let store = SqlEpochStore::new(self.pool.clone());
        while store.roster().await.unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        keeper
    }
}

fn user(name: &str) -> Whose {
    Whose::User(name.to_owned())
}

fn sessions(whose: Whose) -> Target {
    Target::Sessions(whose)
}

async fn end(store: &AppStore, action: &str, whose: &Whose) -> Revoked {
    raise(store, action, &sessions(whose.clone())).await
}

async fn raise(store: &AppStore, action: &str, target: &Target) -> Revoked {
    match store.invalidate(action, target, LIMIT).await.unwrap() {
        Invalidated::Acknowledged(revoked) => revoked,
        other => panic!("{other:?}"),
    }
}

fn reason<T: std::fmt::Debug>(outcome: Result<T, Trouble>) -> Reason {
    let trouble = outcome.unwrap_err();
    assert!(!trouble.message.contains(PASSWORD), "{trouble}");
    trouble.reason
}

#[tokio::test]
async fn each_action_ends_what_it_names_in_a_process_that_serves() {
    let scene = Scene::start().await;
    let process = scene.process().await;
    let store = scene.open().await;
    let issued = process.stamp().await.unwrap();
    let token = |user, session| Bearer {
        tenant: None,
        user,
        session,
        issued,
    };
    let tokens = [
        token("17", "s1"),
        token("17", "s2"),
        token("ana2", "s3"),
        token("19", "s4"),
    ];
    let orders = [
        (Whose::Session("s1".to_owned()), 1),
        (user(" ANA"), 2),
        (user("ana2"), 3),
        (Whose::All, 4),
    ];
    for (whose, ended) in orders {
        let revoked = end(&store, &format!("uid of {whose}"), &whose).await;
        assert_eq!(revoked.confirmed.len(), 1, "{revoked:?}");
        for (place, token) in tokens.iter().enumerate() {
            let expected = match place < ended {
                true => Verdict::Revoked,
                false => Verdict::Accept,
            };
            assert_eq!(process.check(token).await, expected, "{whose} {token:?}");
        }
    }
    let issued = process.stamp().await.unwrap();
    let again = Bearer {
        issued,
        ..tokens[0]
    };
    assert_eq!(process.check(&again).await, Verdict::Accept);
    store.close().await;
}

/// The login of the application `demo` in Redis, whose rights are the documented ones.
fn login_of_demo() -> Value {
    Value {
        rotation: ADOPTED.to_owned(),
        username: Some("demo".to_owned()),
        secret: SecretText::new("canary-redis-demo"),
        created: Timestamp::UNIX_EPOCH,
    }
}

#[tokio::test]
async fn every_process_is_woken_with_the_login_of_the_application() {
    let scene = Scene::start().await;
    let redis = server::Server::start(Users::AclFile).await;
    let rights = "~demo:* resetchannels &demo:* +@read +@write +subscribe +publish";
    let user = ["ACL", "SETUSER", "demo", "on", ">canary-redis-demo"];
    let words: Vec<&str> = user.into_iter().chain(rights.split(' ')).collect();
    let _ok: String = redis.root(&words).await;
    let mut transcript = redis.transcript().await;
    let wakes = Wakes::new(redis.endpoint(), login_of_demo(), "demo").unwrap();
    let store = scene.open().await.waking(Some(wakes));
    // Nobody confirms before its lease is over, so there is time for the wake-up.
    let silent =
        "INSERT INTO epoch_processes (process, lease_ms, confirmed, expelled, registered_at)
                  VALUES ('silent.0', 1000, 0, false, now())";
    scene.pool.execute(silent, &[]).await.unwrap();
    let revoked = end(&store, "uid", &Whose::All).await;
    let told = format!("\"PUBLISH\" \"demo:epochs\" \"{}\"", revoked.revision.0);
    transcript.read_until(&told).await;
    assert_eq!(transcript.text.matches("PUBLISH").count(), 1);
}

#[tokio::test]
async fn a_redis_that_is_away_or_refuses_changes_nothing_of_a_revocation() {
    let scene = Scene::start().await;
    let _process = scene.process().await;
    let redis = server::Server::start(Users::AclFile).await;
    let mut away = redis.endpoint();
    away.port = free_port();
    for (number, endpoint) in [redis.endpoint(), away].into_iter().enumerate() {
        let wakes = Wakes::new(endpoint, login_of_demo(), "demo").unwrap();
        let refused = wakes.tell(Revision(7)).await.unwrap_err().to_string();
        assert!(!refused.contains("canary"), "{refused}");
        let store = scene.open().await.waking(Some(wakes));
        let revoked = end(&store, &format!("uid {number}"), &Whose::All).await;
        assert_eq!(revoked.confirmed.len(), 1, "{revoked:?}");
    }
}

#[tokio::test]
async fn an_action_that_is_repeated_goes_on_with_its_revocation() {
    let scene = Scene::start().await;
    let store = scene.open().await;
    assert_eq!(store.revision("uid").await, Ok(None));
    let first = end(&store, "uid", &Whose::All).await;
    store.close().await;
    let store = scene.open().await;
    assert_eq!(store.revision("uid").await, Ok(Some(first.revision)));
    let again = end(&store, "uid", &Whose::All).await;
    assert_eq!(again.revision, first.revision);
    let other = end(&store, "another", &Whose::All).await;
    assert!(other.revision > first.revision);
}

#[tokio::test]
async fn a_plan_names_user_store_and_processes_and_raises_nothing() {
    let scene = Scene::start().await;
    let _process = scene.process().await;
    let store = scene.open().await;
    let plan = store.plan(&sessions(user("Ana"))).await.unwrap().join("\n");
    let place = format!("127.0.0.1:{}/{DATABASE}", scene.server.port());
    for word in ["user Ana (id 17)", &place, "of which 1 is registered"] {
        assert!(plan.contains(word), "{plan}");
    }
    let rows = scene.pool.query("SELECT * FROM epochs", &[]).await.unwrap();
    assert!(rows.is_empty());
}

#[tokio::test]
async fn a_process_that_says_nothing_is_in_doubt_until_its_lease_is_over() {
    let scene = Scene::start().await;
    let store = scene.open().await;
    let silent =
        "INSERT INTO epoch_processes (process, lease_ms, confirmed, expelled, registered_at)
                  VALUES ('gone.0', 1000, 0, false, now())";
    scene.pool.execute(silent, &[]).await.unwrap();
    let brief = Duration::from_millis(300);
    let soon = store
        .invalidate("uid", &sessions(Whose::All), brief)
        .await
        .unwrap();
    let Invalidated::Committed { in_doubt, .. } = soon else {
        panic!("{soon:?}");
    };
    assert_eq!(in_doubt, Some(1));
    let later = end(&store, "uid", &Whose::All).await;
    assert_eq!(later.outwaited.len(), 1);
    assert!(later.acknowledgement >= LEASE, "{later:?}");
}

#[tokio::test]
async fn a_target_that_is_renamed_or_deleted_after_the_commit_is_still_acknowledged() {
    let scene = Scene::start().await;
    let store = scene.open().await;
    let role =
        "INSERT INTO rbac_roles (id, name, level, created_at) VALUES ('r1', 'Clerks', 10, now())";
    scene.pool.batch(role).await.unwrap();
    let brief = Duration::from_secs(1);
    let targets = [
        (
            sessions(user("Ana")),
            "UPDATE users_enhanced SET username_key = 'gone' WHERE id = '17'",
        ),
        (
            Target::Permissions(Holders::User("17".to_owned())),
            "DELETE FROM users_enhanced WHERE id = '17'",
        ),
        (
            sessions(Whose::Tenant("Acme".to_owned())),
            "DELETE FROM clients WHERE id = 't1'",
        ),
        (
            Target::Permissions(Holders::Role("clerks".to_owned())),
            "DELETE FROM rbac_roles WHERE id = 'r1'",
        ),
    ];
    for (number, (target, gone)) in targets.iter().enumerate() {
        let silent = format!(
            "INSERT INTO epoch_processes (process, lease_ms, confirmed, expelled, registered_at)
             VALUES ('gone.{number}', 3000, 0, false, now())"
        );
        scene.pool.batch(&silent).await.unwrap();
        let action = format!("uid {number}");
        let soon = store.invalidate(&action, target, brief).await.unwrap();
        let Invalidated::Committed { revision, .. } = soon else {
            panic!("{soon:?}");
        };
        scene.pool.batch(gone).await.unwrap();
        let done = raise(&store, &action, target).await;
        assert_eq!(done.revision, revision, "{gone}");
        let asked_anew = store.invalidate("another", target, brief).await;
        assert!(reason(asked_anew).is_lasting(), "{gone}");
    }
}

#[tokio::test]
async fn what_stands_in_the_way_has_its_reason_and_names_the_store() {
    let mut scene = Scene::start().await;
    let store = scene.open().await;
    let unknown = store
        .invalidate("uid", &sessions(user("nobody")), LIMIT)
        .await;
    assert_eq!(reason(unknown), Reason::UnknownUser);
    assert_eq!(store.revision("uid").await, Ok(None));
    let wrong = scene.connect("wrong").await;
    assert_eq!(reason(wrong), Reason::StoreNotUsable);

    scene.pool.batch("DROP TABLE epoch_actions").await.unwrap();
    let brief = Duration::from_secs(1);
    let bare = store.invalidate("uid", &sessions(Whose::All), brief).await;
    assert_eq!(reason(bare), Reason::StoreNotUsable);

    let port = scene.server.port().to_string();
    scene.server.stop().await;
    let away = scene.connect(PASSWORD).await.unwrap_err();
    assert!(away.message.contains(&port), "{away}");
    assert_eq!(away.reason, Reason::StoreUnreachable);
    let cut = store.invalidate("uid", &sessions(Whose::All), brief).await;
    assert_eq!(reason(cut), Reason::StoreUnreachable);
}

#[tokio::test]
async fn sessions_are_counted_before_they_end_and_not_again() {
    let scene = Scene::start().await;
    let store = scene.open().await;
    let listed =
        "INSERT INTO user_sessions (id, user_id, issued, family_hash, token_hash, token_prefix,
                                             created_at, last_activity_at, expires_at)
                  SELECT 's' || n, '17', 0, n, n, '', now(), now(), now() + interval '1 day'
                  FROM generate_series(1, 3) n";
    scene.pool.batch(listed).await.unwrap();
    let target = sessions(user("Ana"));
    assert_eq!(store.sessions_before("uid", &target).await, Ok(Some(3)));
    end(&store, "uid", &user("Ana")).await;
    assert_eq!(store.sessions_before("uid", &target).await, Ok(None));
    assert_eq!(store.sessions_before("later", &target).await, Ok(Some(0)));
    let permissions = Target::Permissions(Holders::All);
    assert_eq!(store.sessions_before("other", &permissions).await, Ok(None));
    let unknown = store
        .sessions_before("other", &sessions(user("nobody")))
        .await;
    assert_eq!(reason(unknown), Reason::UnknownUser);
}

#[tokio::test]
async fn the_sessions_of_a_tenant_end_by_its_name() {
    let scene = Scene::start().await;
    let process = scene.process().await;
    let store = scene.open().await;
    let issued = process.stamp().await.unwrap();
    let token = |tenant| Bearer {
        tenant,
        user: "17",
        session: "s1",
        issued,
    };
    end(&store, "uid", &Whose::Tenant("ACME".to_owned())).await;
    assert_eq!(process.check(&token(Some("t1"))).await, Verdict::Revoked);
    assert_eq!(process.check(&token(Some("t2"))).await, Verdict::Accept);
    let whose = sessions(Whose::Tenant("nobody".to_owned()));
    let unknown = store.invalidate("other", &whose, LIMIT).await;
    assert_eq!(reason(unknown), Reason::UnknownTenant);
}

#[tokio::test]
async fn permissions_are_read_anew_and_no_token_ends() {
    let scene = Scene::start().await;
    let process = scene.process().await;
    let store = scene.open().await;
    let roles = ["reader".to_owned()];
    let targets = [
        (Holders::Role("READER".to_owned()), true),
        (Holders::User("ana".to_owned()), true),
        (Holders::User("bob".to_owned()), false),
        (Holders::Role("administrator".to_owned()), false),
        (Holders::All, true),
    ];
    for (holders, concerns_ana) in targets {
        let issued = process.stamp().await.unwrap();
        let memory = Remembered {
            tenant: None,
            user: "17",
            roles: &roles,
            loaded: process.revision(),
        };
        let target = Target::Permissions(holders.clone());
        raise(&store, &format!("uid of {holders}"), &target).await;
        assert_eq!(process.stale(&memory), concerns_ana, "{holders}");
        let token = Bearer {
            tenant: None,
            user: "17",
            session: "s1",
            issued,
        };
        assert_eq!(process.check(&token).await, Verdict::Accept, "{holders}");
    }
    let nothing = Target::Permissions(Holders::Role("nothing".to_owned()));
    let unknown = store.invalidate("uid", &nothing, LIMIT).await;
    assert_eq!(reason(unknown), Reason::UnknownRole);
    let ana = Target::Permissions(Holders::User("Ana".to_owned()));
    let plan = store.plan(&ana).await.unwrap();
    assert!(plan[0].contains("user Ana (id 17)"), "{plan:?}");
}

#[tokio::test]
async fn kept_answers_go_from_a_process_that_serves_and_nothing_else_does() {
    let scene = Scene::start().await;
    let process = scene.process().await;
    let store = scene.open().await;
    let kept = |loaded| Kept {
        name: "treasury",
        loaded,
    };
    let token = Bearer {
        tenant: None,
        user: "17",
        session: "s1",
        issued: process.stamp().await.unwrap(),
    };
    let before = process.revision();
    assert!(!process.outdated(&kept(before)));
    for _repeated in 0..2 {
        let emptied = store.empty_caches("uid", LIMIT).await.unwrap();
        let Invalidated::Acknowledged(revoked) = emptied else {
            panic!("{emptied:?}");
        };
        assert_eq!(revoked.confirmed.len(), 1, "{revoked:?}");
        assert!(process.outdated(&kept(before)));
        // Repeated, it is the same: what was read since stays.
        assert!(!process.outdated(&kept(revoked.revision)));
    }
    assert_eq!(process.check(&token).await, Verdict::Accept);
}

fn disable(name: &str) -> UserChange {
    UserChange {
        user: name.to_owned(),
        change: Change::Disable { force: false },
        duration: None,
    }
}

#[tokio::test]
async fn a_user_is_locked_in_a_process_that_serves_and_put_back() {
    let scene = Scene::start().await;
    let process = scene.process().await;
    let store = scene.open().await;
    let issued = process.stamp().await.unwrap();
    let token = |user| Bearer {
        tenant: None,
        user,
        session: "s1",
        issued,
    };
    let plan = store.plan_change(&disable("Ana")).await.unwrap().join("\n");
    assert!(plan.contains("user Ana (id 17) may not sign in"), "{plan}");
    assert_eq!(store.snapshot("uid").await, Ok(None));

    let changed = store.change("uid", &disable("Ana"), LIMIT).await.unwrap();
    assert_eq!(changed.measured.active_sessions, 0);
    assert!(!changed.measured.sign_in_possible);
    assert!(matches!(changed.invalidated, Invalidated::Acknowledged(_)));
    assert_eq!(process.check(&token("17")).await, Verdict::Revoked);
    assert_eq!(process.check(&token("ana2")).await, Verdict::Accept);
    // The name may be somebody else's by then.
    let renamed = "UPDATE users_enhanced SET username_key = 'gone' WHERE id = '17'";
    scene.pool.execute(renamed, &[]).await.unwrap();
    let again = store.change("uid", &disable("Ana"), LIMIT).await.unwrap();
    assert_eq!(again.snapshot, changed.snapshot);

    let undone = Undone {
        name: "lock".to_owned(),
        uid: "uid".to_owned(),
        user: "Ana".to_owned(),
    };
    let plan = store.plan_undo(&undone).await.unwrap().join("\n");
    assert!(
        plan.contains("user Ana (id 17) may sign in again"),
        "{plan}"
    );
    let put_back = store.put_back("undo", &undone, LIMIT).await.unwrap();
    assert!(
        matches!(put_back.undone, InStore::Restored(_)),
        "{put_back:?}"
    );
    assert!(matches!(put_back.invalidated, Invalidated::Acknowledged(_)));
    let again = store.put_back("undo", &undone, LIMIT).await.unwrap();
    assert!(matches!(again.undone, InStore::Earlier(_)), "{again:?}");
    assert_eq!(process.check(&token("17")).await, Verdict::Revoked);
}

#[tokio::test]
async fn a_user_who_must_not_be_changed_has_the_reason() {
    let scene = Scene::start().await;
    let store = scene.open().await;
    let admin = "UPDATE users_enhanced SET user_type = 'enterprise_admin' WHERE id = '17'";
    scene.pool.execute(admin, &[]).await.unwrap();
    let last = store
        .change("uid", &disable("ana"), LIMIT)
        .await
        .unwrap_err();
    assert_eq!(last.reason, Reason::LastAdministrator);
    assert!(last.message.contains("force: true"), "{last}");
    let unknown = store.plan_change(&disable("nobody")).await;
    assert_eq!(reason(unknown), Reason::UnknownUser);
    let undone = Undone {
        name: "lock".to_owned(),
        uid: "uid".to_owned(),
        user: "ana".to_owned(),
    };
    let nothing = store.put_back("undo", &undone, LIMIT).await;
    assert_eq!(reason(nothing), Reason::NotUndoable);

    store.change("uid", &disable("bob"), LIMIT).await.unwrap();
    let back = "UPDATE users_enhanced SET is_active = true WHERE id = 'ana2'";
    scene.pool.execute(back, &[]).await.unwrap();
    let since = store.put_back("undo", &undone, LIMIT).await;
    assert_eq!(reason(since), Reason::ChangedSince);
}
