//! The same questions on a real PostgreSQL and on SQLite, and two replicas that start together.

mod sign_in;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use reportapp_pool::Pool;
use reportapp_pool::testing::TestPostgres;
use reportapp_session::access::UserKind;

use super::attempts::{Attempt, Outcome};
use super::roles::ADMINISTRATOR;
use super::users::NewUser;
use super::*;
use crate::test_support::sqlite_pool;

fn user(name: &str) -> NewUser {
    NewUser {
        username: name.to_owned(),
        name: name.to_owned(),
        email: None,
        password_hash: "$argon2id$one".to_owned(),
        kind: UserKind::EnterpriseAdmin,
        tenant: None,
        roles: vec![ADMINISTRATOR.to_owned()],
        must_change_password: true,
    }
}

async fn postgres() -> (TestPostgres, Pool) {
    let server = TestPostgres::start().await;
    let pool = Pool::open("store", &server.config()).await.unwrap();
    (server, pool)
}

async fn answers_every_question(store: &Store) {
    let now = Timestamp::now();
    store.migrate().await.unwrap();
    assert!(store.has_no_user().await.unwrap());
    assert!(store.create_first_user(&user("Ștefan")).await.unwrap());
    assert!(!store.create_first_user(&user("other")).await.unwrap());
    let found = store.find_credentials("ȘTEFAN ").await.unwrap().unwrap();
    assert_eq!(found.user.username, "Ștefan");
    assert!(found.user.is_active && found.user.must_change_password);
    assert_eq!(found.user.kind, UserKind::EnterpriseAdmin);
    let id = found.user.id.as_str();
    assert_eq!(store.find_user(id).await.unwrap(), Some(found.user.clone()));
    assert_eq!(store.find_user("nobody").await.unwrap(), None);

    let (old, new) = ("$argon2id$one", "$argon2id$two");
    assert!(store.replace_password_hash(id, old, new).await.unwrap());
    assert!(
        !store
            .replace_password_hash(id, old, "lost race")
            .await
            .unwrap()
    );
    assert_eq!(
        store.find_password_hash(id).await.unwrap().as_deref(),
        Some(new)
    );
    assert!(
        !store
            .find_user(id)
            .await
            .unwrap()
            .unwrap()
            .must_change_password
    );

    for (known, outcome) in [
        (Some((id, "Ștefan")), Outcome::SignedIn),
        (Some((id, "Ștefan")), Outcome::ResetRequired),
        (None, Outcome::Refused),
    ] {
        let attempt = Attempt {
            known,
            address: Some("192.0.2.1"),
            user_agent: None,
            outcome,
        };
        store.record_attempt(&attempt).await.unwrap();
    }
    store.delete_outdated(now).await.unwrap();

    let later = now + SignedDuration::from_mins(15);
    store.save_code(id, "OLDCODE2", later).await.unwrap();
    store.save_code(id, "NEWCODE2", later).await.unwrap();
    assert_eq!(
        store.redeem_code("OLDCODE2", 7, "chat", now).await.unwrap(),
        None
    );
    assert_eq!(
        store
            .redeem_code("NEWCODE2", 7, "chat", later)
            .await
            .unwrap(),
        None,
        "expired"
    );
    let redeemed = store
        .redeem_code("new code2", 7, "chat", now)
        .await
        .unwrap();
    assert_eq!(redeemed.as_deref(), Some(id));
    assert_eq!(
        store.redeem_code("NEWCODE2", 8, "chat", now).await.unwrap(),
        None,
        "used"
    );

    assert!(store.choose_company(7, "main", "alfa").await.unwrap());
    assert!(!store.choose_company(8, "main", "alfa").await.unwrap());
    let link = store.find_link(7).await.unwrap().unwrap();
    assert_eq!(link.company.as_deref(), Some("alfa"));
    assert_eq!(store.list_links(id).await.unwrap(), [link]);
    assert!(!store.unlink(7, Some("somebody else")).await.unwrap());
    assert!(store.unlink(7, Some(id)).await.unwrap());
    assert!(!store.unlink(7, None).await.unwrap());
}

#[tokio::test]
async fn the_store_answers_every_question_on_sqlite() {
    let (_folder, pool) = sqlite_pool().await;
    answers_every_question(&Store::new(pool)).await;
}

#[tokio::test]
async fn the_store_answers_every_question_on_postgres() {
    let (_server, pool) = postgres().await;
    answers_every_question(&Store::new(pool)).await;
}

#[tokio::test]
async fn replicas_that_start_together_migrate_once_and_create_one_administrator() {
    let (server, _) = postgres().await;
    let mut replicas = tokio::task::JoinSet::new();
    for number in 0..4 {
        let pool = Pool::open("store", &server.config()).await.unwrap();
        replicas.spawn(async move {
            let store = Arc::new(Store::new(pool));
            store.migrate().await.unwrap();
            let name = format!("admin-{number}");
            store.create_first_user(&user(&name)).await.unwrap()
        });
    }
    let created = replicas.join_all().await;
    assert_eq!(created.iter().filter(|created| **created).count(), 1);
}

#[tokio::test]
async fn nothing_is_answered_before_the_schema_is_known() {
    let (_folder, pool) = sqlite_pool().await;
    let store = Store::new(pool);
    assert_eq!(store.find_user("x").await, Err(StoreError::NotMigrated));
}
