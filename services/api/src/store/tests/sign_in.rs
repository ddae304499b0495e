//! Sessions, one-time codes and devices on both engines.

use jiff::{SignedDuration, Timestamp};
use reportapp_session::access::UserKind;
use reportapp_session::epochs::Revision;
use reportapp_session::refresh::{Presented, RefreshToken};
use reportapp_session::{Session, Sight};
use tokio::task::JoinSet;

use super::{postgres, user};
use crate::store::resets::NewReset;
use crate::store::test_database::{OWNER, SERVING, TestDatabase, seeing, within};
use crate::store::users::ErpIdentity;
use crate::store::{SessionRow, Store};
use crate::test_support::sqlite_pool;

/// What the database keeps of a moment.
fn now() -> Timestamp {
    Timestamp::from_microsecond(Timestamp::now().as_microsecond()).unwrap()
}

/// A migrated store with one user, whose id is returned.
async fn with_user(store: &Store) -> String {
    store.migrate().await.unwrap();
    store.create_first_user(&user("Ana")).await.unwrap();
    store
        .find_credentials("ana")
        .await
        .unwrap()
        .unwrap()
        .user
        .id
}

async fn begin(store: &Store, user: &str, issued: u64) -> (SessionRow, RefreshToken) {
    let token = RefreshToken::begin();
    let life = std::time::Duration::from_secs(600);
    let address = Some("192.0.2.7".to_owned());
    let session = Session::begin(user, Revision(issued), address, life, now());
    let row = SessionRow::begin(session, &token, Some("a browser".to_owned()));
    store.insert_session(&row).await.unwrap();
    (row, token)
}

/// The row as it is after somebody presented `token`.
fn replaced(row: &SessionRow, presented: Presented, token: &RefreshToken) -> SessionRow {
    let line = row.line.replace(presented, token.hash(), now()).unwrap();
    SessionRow {
        line,
        ..row.clone()
    }
}

async fn keeps_sessions(store: &Store) {
    let ana = with_user(store).await;
    let (first, token) = begin(store, &ana, 3).await;
    let (second, _) = begin(store, &ana, 7).await;
    let id = first.session.id.as_str();
    let found = store.find_session(id, now()).await.unwrap();
    assert_eq!(found.as_ref(), Some(&first));
    assert_eq!(
        store
            .find_session_of(&token.successor(), now())
            .await
            .unwrap(),
        found
    );
    let stranger = RefreshToken::begin();
    assert_eq!(store.find_session_of(&stranger, now()).await.unwrap(), None);
    let both = store.list_sessions(&ana, now()).await.unwrap();
    assert_eq!(both, [first.clone(), second.clone()]);

    let next = token.successor();
    let renewed = replaced(&first, Presented::Current, &next);
    assert!(store.renew_session(&first, &renewed).await.unwrap());
    assert!(
        !store.renew_session(&first, &renewed).await.unwrap(),
        "replaced already"
    );
    assert_eq!(
        store.find_session(id, now()).await.unwrap(),
        Some(renewed.clone())
    );

    let later = second.session.expires_at;
    assert_eq!(store.find_session(id, later).await.unwrap(), None, "over");
    assert_eq!(store.list_sessions(&ana, later).await.unwrap(), []);

    store.close_sessions_of(&ana, Revision(7)).await.unwrap();
    assert_eq!(store.find_session(id, now()).await.unwrap(), None);
    assert_eq!(
        store.list_sessions(&ana, now()).await.unwrap(),
        std::slice::from_ref(&second)
    );
    let again = replaced(&renewed, Presented::Current, &next.successor());
    assert!(
        !store.renew_session(&renewed, &again).await.unwrap(),
        "it has ended"
    );
    store.close_session(&second.session.id).await.unwrap();
    assert_eq!(store.list_sessions(&ana, now()).await.unwrap(), []);

    store
        .delete_outdated(now() + SignedDuration::from_hours(24))
        .await
        .unwrap();
    assert_eq!(count(store, "user_sessions").await, 2, "kept for a week");
    store
        .delete_outdated(now() + SignedDuration::from_hours(24 * 8))
        .await
        .unwrap();
    assert_eq!(count(store, "user_sessions").await, 0);
}

async fn count(store: &Store, table: &str) -> i64 {
    let sql = format!("SELECT count(*) AS n FROM {table}");
    let row = store.pool().unwrap().query_opt(&sql, &[]).await.unwrap();
    row.unwrap().get("n").unwrap()
}

async fn lets_one_of_many_replace_a_token(store: &Store) {
    let ana = with_user(store).await;
    let (row, token) = begin(store, &ana, 3).await;
    let mut uses = JoinSet::new();
    for _ in 0..16 {
        let (store, row) = (Store::new(store.pool.clone()), row.clone());
        let next = token.successor();
        uses.spawn(async move {
            store.migrate().await.unwrap();
            let renewed = replaced(&row, Presented::Current, &next);
            (store.renew_session(&row, &renewed).await.unwrap(), next)
        });
    }
    let uses = uses.join_all().await;
    let won: Vec<_> = uses.iter().filter(|(has_won, _)| *has_won).collect();
    assert_eq!(won.len(), 1);
    let left = store
        .find_session(&row.session.id, now())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(left.line.current, won[0].1.hash());
}

async fn uses_a_code_once(store: &Store) {
    let ana = with_user(store).await;
    let now = now();
    let reset = |code| NewReset {
        user_id: &ana,
        code,
        issued_by: None,
        now,
        expires_at: now + SignedDuration::from_mins(30),
    };
    store.save_reset(&reset("FIRST2")).await.unwrap();
    store.save_reset(&reset("SECOND2")).await.unwrap();
    let late = now + SignedDuration::from_mins(30);
    for (username, code, at) in [
        ("ana", "FIRST2", now),
        ("ion", "SECOND2", now),
        ("ana", "SECOND", now),
        ("ana", "SECOND2", late),
    ] {
        let refused = store
            .reset_password(username, code, "$new", at)
            .await
            .unwrap();
        assert_eq!(refused, None, "{username} {code}");
    }
    let typed = " second-2";
    let used = store
        .reset_password(" ANA", typed, "$new", now)
        .await
        .unwrap();
    assert_eq!(used.as_deref(), Some(ana.as_str()));
    assert_eq!(
        store
            .reset_password("ana", "SECOND2", "$newer", now)
            .await
            .unwrap(),
        None
    );
    let known = store.find_credentials("ana").await.unwrap().unwrap();
    assert_eq!(known.password_hash, "$new");
    assert!(!known.user.must_change_password);

    assert!(store.force_reset(&reset("THIRD2")).await.unwrap());
    let must_reset = async || {
        let user = store.find_user(&ana).await.unwrap();
        user.unwrap().must_reset_password
    };
    assert!(must_reset().await);
    assert!(
        !store
            .force_reset(&NewReset {
                user_id: "nobody",
                ..reset("X")
            })
            .await
            .unwrap()
    );
    store
        .reset_password("ana", "THIRD2", "$third", now)
        .await
        .unwrap()
        .unwrap();
    assert!(!must_reset().await);
}

async fn knows_devices_for_half_a_year(store: &Store) {
    let ana = with_user(store).await;
    let seen = now();
    store.remember_device("d", &ana, seen).await.unwrap();
    assert!(store.is_known_device("d", seen).await.unwrap());
    assert!(!store.is_known_device("e", seen).await.unwrap());
    let half_a_year = seen + SignedDuration::from_hours(24 * 180);
    assert!(!store.is_known_device("d", half_a_year).await.unwrap());
    store.remember_device("d", &ana, half_a_year).await.unwrap();
    assert!(store.is_known_device("d", half_a_year).await.unwrap());
}

/// An account of an ERP is one user, whatever it is called, and has no password here.
async fn stands_for_an_account_of_an_erp(store: &Store) {
    let ana = with_user(store).await;
    let at = |server: &str, user: &str| ErpIdentity {
        server: server.to_owned(),
        user: user.to_owned(),
    };
    let known = async |server: &str, user: &str, username: &str, name: &str| {
        store.erp_user(&at(server, user), username, name).await
    };
    let first = known("main", "4", "Maria", "Maria Pop").await.unwrap();
    assert_eq!(
        (
            first.username.as_str(),
            first.kind,
            first.must_change_password
        ),
        ("Maria@main", UserKind::User, false)
    );
    let person = store.find_person(&first.id).await.unwrap().unwrap();
    assert_eq!(person.access.roles, ["reader"]);
    assert_eq!(person.user.erp, Some(at("main", "4")));

    let renamed = known("main", "4", "maria", "Maria Ionescu").await.unwrap();
    assert_eq!(
        (&renamed.id, renamed.name.as_str()),
        (&first.id, "Maria Ionescu")
    );
    let elsewhere = known("nord", "4", "maria", "Maria Pop").await.unwrap();
    assert_ne!(elsewhere.id, first.id);
    let namesake = known("main", "5", "MARIA", "Somebody else").await;
    assert!(namesake.is_err(), "the name is taken");

    let found = store.find_erp_user("main", " MARIA ").await.unwrap();
    assert_eq!(found, Some(renamed));
    assert!(
        store
            .find_credentials("maria@main")
            .await
            .unwrap()
            .is_none()
    );
    let code = NewReset {
        user_id: &first.id,
        code: "CODE",
        issued_by: None,
        now: now(),
        expires_at: now() + SignedDuration::from_mins(30),
    };
    store.save_reset(&code).await.unwrap();
    let reset = store.reset_password("maria@main", "CODE", "$hash", now());
    assert_eq!(
        reset.await.unwrap(),
        None,
        "a code gives nobody a password here"
    );
    assert!(
        store
            .find_account(&ana)
            .await
            .unwrap()
            .unwrap()
            .erp_server
            .is_none()
    );
    let account = store.find_account(&first.id).await.unwrap().unwrap();
    assert_eq!(account.erp_server.as_deref(), Some("main"));
}

#[tokio::test]
async fn everything_about_signing_in_is_kept_on_sqlite() {
    let open = async || {
        let (folder, pool) = sqlite_pool().await;
        (folder, Store::new(pool))
    };
    let (_folder, store) = open().await;
    keeps_sessions(&store).await;
    let (_folder, store) = open().await;
    lets_one_of_many_replace_a_token(&store).await;
    let (_folder, store) = open().await;
    uses_a_code_once(&store).await;
    let (_folder, store) = open().await;
    knows_devices_for_half_a_year(&store).await;
    let (_folder, store) = open().await;
    stands_for_an_account_of_an_erp(&store).await;
}

#[tokio::test]
async fn an_account_of_an_erp_is_kept_on_postgres() {
    let (_server, pool) = postgres().await;
    stands_for_an_account_of_an_erp(&Store::new(pool)).await;
}

/// Under row security nobody is known yet who could be in sight.
#[tokio::test]
async fn an_account_of_an_erp_is_made_by_whoever_serves() {
    let database = TestDatabase::new().await;
    for (login, id) in [(OWNER, "4"), (SERVING, "5")] {
        let store = Store::new(database.pool(login).await);
        store.migrate().await.unwrap();
        let identity = ErpIdentity {
            server: "main".to_owned(),
            user: id.to_owned(),
        };
        let platform = || seeing(Sight::Platform);
        let made = within(platform(), store.erp_user(&identity, id, "Maria")).await;
        let made = made.unwrap();
        let person = within(platform(), store.find_person(&made.id))
            .await
            .unwrap();
        assert_eq!(person.unwrap().access.roles, ["reader"], "{login}");
    }
}

#[tokio::test]
async fn sessions_are_kept_on_postgres() {
    let (_server, pool) = postgres().await;
    keeps_sessions(&Store::new(pool)).await;
}

#[tokio::test]
async fn one_of_many_replaces_a_token_on_postgres() {
    let (_server, pool) = postgres().await;
    lets_one_of_many_replace_a_token(&Store::new(pool)).await;
}

#[tokio::test]
async fn a_code_is_used_once_on_postgres() {
    let (_server, pool) = postgres().await;
    uses_a_code_once(&Store::new(pool)).await;
}

#[tokio::test]
async fn devices_are_known_on_postgres() {
    let (_server, pool) = postgres().await;
    knows_devices_for_half_a_year(&Store::new(pool)).await;
}
