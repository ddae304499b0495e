//! The Redis store against a real server that knows us as an ACL user.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::time::{Duration, Instant};

use jiff::Timestamp;
use reportapp_config::database::{TlsConfig, TlsMode};
use reportapp_session::epochs::Revision;
use reportapp_session::testing::{PASSWORD, TestLink, TestRedis, USERNAME};
use reportapp_session::{RedisStore, Session, SessionError, SessionStore};

async fn answers(store: &RedisStore) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while let Err(error) = store.probe().await {
        assert!(Instant::now() < deadline, "no answer: {error}");
        tokio::task::yield_now().await;
    }
}

fn session(user: &str) -> Session {
    let life = Duration::from_secs(600);
    let address = Some("192.0.2.7".to_owned());
    Session::begin(user, Revision(7), address, life, Timestamp::now())
}

#[tokio::test]
async fn a_session_is_found_until_it_ends() {
    let server = TestRedis::start();
    let store = RedisStore::new("shop", &server.config()).unwrap();
    answers(&store).await;
    let session = session("ana");
    store.begin(&session).await.unwrap();
    assert_eq!(
        store.find(&session.id).await.unwrap(),
        Some(session.clone())
    );
    store.end(&session).await.unwrap();
    assert_eq!(store.find(&session.id).await.unwrap(), None);
    store.end(&session).await.unwrap();
}

#[tokio::test]
async fn a_session_is_forgotten_when_its_life_is_over() {
    let server = TestRedis::start();
    let store = RedisStore::new("shop", &server.config()).unwrap();
    answers(&store).await;
    let life = Duration::from_millis(200);
    let session = Session::begin("ana", Revision(7), None, life, Timestamp::now());
    store.begin(&session).await.unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    while store.find(&session.id).await.unwrap().is_some() {
        assert!(Instant::now() < deadline);
    }
    assert_eq!(store.list("ana").await.unwrap(), []);
}

#[tokio::test]
async fn a_user_sees_and_ends_only_their_own_sessions() {
    let server = TestRedis::start();
    let store = RedisStore::new("shop", &server.config()).unwrap();
    answers(&store).await;
    let (first, second, other) = (session("ana"), session("ana"), session("ion"));
    for session in [&first, &second, &other] {
        store.begin(session).await.unwrap();
    }
    assert_eq!(store.list("ana").await.unwrap().len(), 2);
    assert_eq!(store.end_others("ana", Some(&second.id)).await.unwrap(), 1);
    assert_eq!(store.list("ana").await.unwrap(), [second]);
    assert_eq!(store.list("ion").await.unwrap(), [other]);
}

#[tokio::test]
async fn two_applications_share_a_server_without_seeing_each_other() {
    let server = TestRedis::start();
    let shop = RedisStore::new("shop", &server.config()).unwrap();
    let bank = RedisStore::new("bank", &server.config()).unwrap();
    answers(&shop).await;
    let session = session("ana");
    shop.begin(&session).await.unwrap();
    let refused = bank.find(&session.id).await.unwrap_err();
    assert!(
        matches!(refused, SessionError::LoginRefused { .. }),
        "{refused}"
    );
}

#[tokio::test]
async fn a_lost_server_is_an_error_and_its_return_needs_no_restart() {
    let mut server = TestRedis::start();
    let store = RedisStore::new("shop", &server.config()).unwrap();
    answers(&store).await;
    server.stop();
    let error = store.find("any").await.unwrap_err();
    assert!(matches!(error, SessionError::Unreachable { .. }), "{error}");
    server.restart();
    answers(&store).await;
    assert_eq!(store.find("any").await.unwrap(), None);
}

#[tokio::test]
async fn a_server_that_hangs_costs_one_short_wait_and_not_one_per_question() {
    let server = TestRedis::start();
    let link = TestLink::to(server.port()).await;
    let store = RedisStore::new("shop", &server.config_through(link.port())).unwrap();
    answers(&store).await;
    link.stall();
    let asked = Instant::now();
    for _ in 0..1_000 {
        store.find("any").await.unwrap_err();
    }
    // A wait for each question would take a quarter of an hour.
    assert!(asked.elapsed() < Duration::from_secs(60));
    link.mend();
    answers(&store).await;
}

#[tokio::test]
async fn a_locked_login_is_named_and_works_again_once_unlocked() {
    let server = TestRedis::start();
    let store = RedisStore::new("shop", &server.config()).unwrap();
    answers(&store).await;
    let () = server.admin(&["ACL", "SETUSER", USERNAME, "off"]).await;
    let () = server.admin(&["CLIENT", "KILL", "USER", USERNAME]).await;
    let error = store.find("any").await.unwrap_err();
    assert!(
        matches!(error, SessionError::LoginRefused { .. }),
        "{error}"
    );
    assert!(!format!("{error} {error:?}").contains(PASSWORD));
    let () = server.admin(&["ACL", "SETUSER", USERNAME, "on"]).await;
    answers(&store).await;
}

#[tokio::test]
async fn over_tls_the_certificate_must_carry_the_expected_name_whatever_is_dialled() {
    let _already_installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let pair = rcgen::generate_simple_self_signed(["redis.internal".to_owned()]).unwrap();
    let key = pair.signing_key.serialize_pem();
    let server = TestRedis::start_tls(&pair.cert.pem(), &key);
    let mut config = server.config();
    config.tls = TlsConfig {
        mode: TlsMode::VerifyFull,
        ca_file: Some(server.folder().join("tls.crt")),
        server_name: Some("redis.internal".to_owned()),
    };
    let store = RedisStore::new("shop", &config).unwrap();
    answers(&store).await;
    store.begin(&session("ana")).await.unwrap();

    for (server_name, ca_file) in [
        (
            Some("other.internal".to_owned()),
            config.tls.ca_file.clone(),
        ),
        (None, config.tls.ca_file.clone()),
        (config.tls.server_name.clone(), None),
    ] {
        config.tls.server_name = server_name;
        config.tls.ca_file = ca_file;
        let wrong = RedisStore::new("shop", &config).unwrap();
        let error = wrong.probe().await.unwrap_err();
        assert!(matches!(error, SessionError::Unreachable { .. }), "{error}");
    }
}
