//! Redis: two ACL users in turn, two passwords on one, against real servers.

use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use reportapp_operator::backend::redis::Redis;
use reportapp_operator::backend::{BackendError, Login, Session};

use self::server::{ADMIN, FIRST, Server, Users, ask};

mod caches;
mod preconditions;
pub mod server;

const SECOND: &str = "canary-redis-second";
const THIRD: &str = "canary-redis-third";

async fn accepted(backend: &Redis, user: &str, password: &str) {
    assert_eq!(backend.login(user, password).await, Ok(Login::Accepted));
}

async fn refused(server: &Server, user: &str, password: &str) {
    let answer = server.backend().login(user, password).await;
    assert_eq!(answer, Ok(Login::Refused));
    // The proof does not rest on the operator's own client.
    assert!(server.login(user, password).await.is_err());
}

async fn lacking(backend: &Redis, user: &str, password: &str, what: &str) {
    match backend.login(user, password).await {
        Ok(Login::Lacking(text)) if text.contains(what) => {}
        other => panic!("{other:?} does not lack {what:?}"),
    }
}

async fn is_open(connection: &mut MultiplexedConnection) -> bool {
    ask::<String>(connection, &["PING"]).await.is_ok()
}

fn text<T: std::fmt::Debug>(result: Result<T, BackendError>) -> String {
    result.unwrap_err().to_string()
}

#[tokio::test]
async fn users_take_turns_after_the_adoption() {
    let mut server = Server::start(Users::AclFile).await;
    let backend = server.backend();
    let notes = backend.preflight().await.unwrap();
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(notes[0].contains("(primary) is changed and saves its users in its ACL file"));
    let rules = server.rules("shop").await;

    let turns = [
        ("shop", FIRST, "shop_a", SECOND),
        ("shop_a", SECOND, "shop_b", THIRD),
        ("shop_b", THIRD, "shop_a", "canary-redis-fourth"),
    ];
    for (fence, (old, old_password, new, new_password)) in (1..).zip(turns) {
        let mut connection = server.login(old, old_password).await.unwrap();
        let () = ask(&mut connection, &["CLIENT", "SETNAME", "worker"])
            .await
            .unwrap();

        assert_eq!(backend.login(new, new_password).await, Ok(Login::Refused));
        backend.prepare(fence, new, new_password).await.unwrap();
        accepted(&backend, new, new_password).await;
        accepted(&backend, old, old_password).await;
        assert_eq!(server.rules(new).await, rules);
        let worker = Session {
            client: "worker".to_owned(),
            count: 1,
        };
        until_sessions(&backend, old, &[worker]).await;

        backend.disable(fence, old).await.unwrap();
        assert!(is_open(&mut connection).await);
        assert_eq!(backend.end_sessions(old).await, Ok(1));
        assert!(!is_open(&mut connection).await);
        assert_eq!(backend.sessions(old).await, Ok(vec![]));

        server.restart().await;
        refused(&server, old, old_password).await;
        accepted(&backend, new, new_password).await;
        assert_eq!(server.rules(new).await, rules);
    }
    assert_eq!(server.rules("shop").await, rules);
}

/// A login the operator has tried and hung up on may show for a moment.
async fn until_sessions(backend: &Redis, user: &str, expected: &[Session]) {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let sessions = backend.sessions(user).await.unwrap();
        if sessions == expected {
            return;
        }
        assert!(Instant::now() < deadline, "{sessions:?}");
    }
}

#[tokio::test]
async fn users_outlive_a_restart_in_a_configuration_file() {
    let mut server = Server::start(Users::ConfigurationFile).await;
    let backend = server.backend();
    let notes = backend.preflight().await.unwrap();
    assert!(notes[0].contains("in its configuration file"), "{notes:?}");
    backend.prepare(1, "shop_a", SECOND).await.unwrap();
    backend.disable(1, "shop").await.unwrap();
    server.restart().await;
    accepted(&backend, "shop_a", SECOND).await;
    refused(&server, "shop", FIRST).await;
}

#[tokio::test]
async fn a_change_that_was_not_saved_is_repeated() {
    let mut server = Server::start(Users::AclFile).await;
    let backend = server.backend();
    server.lose_users_folder();
    text(backend.prepare(1, "shop_a", SECOND).await);
    lacking(&backend, "shop_a", SECOND, "not finished").await;

    server.restore_users_folder();
    backend.prepare(1, "shop_a", SECOND).await.unwrap();
    accepted(&backend, "shop_a", SECOND).await;
    server.restart().await;
    accepted(&backend, "shop_a", SECOND).await;
}

#[tokio::test]
async fn replicas_are_changed_as_well() {
    let primary = Server::start(Users::AclFile).await;
    let mut replica = Server::replica_of(&primary).await;
    let backend = primary.backend();
    let notes = backend.preflight().await.unwrap();
    let named = format!("127.0.0.1:{} (replica)", replica.port);
    assert!(notes.iter().any(|note| note.contains(&named)), "{notes:?}");

    backend.prepare(7, "shop_a", SECOND).await.unwrap();
    accepted(&backend, "shop_a", SECOND).await;
    let mut reader = replica.login("shop_a", SECOND).await.unwrap();
    assert_eq!(replica.rules("shop_a").await, primary.rules("shop_a").await);
    let reading = [Session {
        client: "127.0.0.1".to_owned(),
        count: 1,
    }];
    until_sessions(&backend, "shop_a", &reading).await;

    let () = replica.root(&["ACL", "SETUSER", "shop_a", "off"]).await;
    lacking(&backend, "shop_a", SECOND, "refuses").await;
    backend.prepare(7, "shop_a", SECOND).await.unwrap();
    accepted(&backend, "shop_a", SECOND).await;

    backend.disable(8, "shop").await.unwrap();
    assert!(replica.login("shop", FIRST).await.is_err());
    let () = replica
        .root(&["ACL", "SETUSER", "shop", "on", &format!(">{FIRST}")])
        .await;
    lacking(&backend, "shop", FIRST, "still accepts").await;

    until_sessions(&backend, "shop_a", &reading).await;
    backend.disable(9, "shop_a").await.unwrap();
    assert!(is_open(&mut reader).await);
    assert_eq!(backend.end_sessions("shop_a").await, Ok(1));
    assert!(!is_open(&mut reader).await);
    replica.restart().await;
    assert!(replica.login("shop_a", SECOND).await.is_err());
}

#[tokio::test]
async fn a_step_done_twice_is_done_once() {
    let server = Server::start(Users::AclFile).await;
    let backend = server.backend();
    backend.prepare(1, "shop_a", SECOND).await.unwrap();
    let once = server.all_users().await;
    backend.prepare(1, "shop_a", SECOND).await.unwrap();
    assert_eq!(server.all_users().await, once);

    backend.disable(1, "shop").await.unwrap();
    let once = server.all_users().await;
    backend.disable(1, "shop").await.unwrap();
    backend.disable(1, "shop_b").await.unwrap();
    assert_eq!(server.all_users().await, once);
    assert_eq!(backend.end_sessions("shop_b").await, Ok(0));
}

#[tokio::test]
async fn an_older_rotation_changes_nothing() {
    let server = Server::start(Users::AclFile).await;
    let backend = server.backend();
    backend.prepare(5, "shop_a", SECOND).await.unwrap();
    let users = server.all_users().await;
    let fenced = BackendError::Fenced("shop/shop/redis".to_owned());
    assert_eq!(
        backend.prepare(4, "shop_a", THIRD).await,
        Err(fenced.clone())
    );
    assert_eq!(backend.disable(4, "shop").await, Err(fenced.clone()));
    assert_eq!(backend.add_password(4, "shop", THIRD).await, Err(fenced));
    assert_eq!(server.all_users().await, users);
}

#[tokio::test]
async fn rotations_at_the_same_time_leave_the_newest() {
    let server = Server::start(Users::AclFile).await;
    let backend = server.backend();
    let passwords: Vec<String> = (1..=6).map(|number| format!("{SECOND}-{number}")).collect();
    let all = (1..).zip(&passwords).map(|(fence, password)| {
        let backend = &backend;
        async move { backend.prepare(fence, "shop_a", password).await }
    });
    futures::future::join_all(all).await;
    accepted(&backend, "shop_a", &passwords[5]).await;
}

#[tokio::test]
async fn a_twin_altered_by_hand_is_found_and_set_right() {
    let server = Server::start(Users::AclFile).await;
    let backend = server.backend();
    let alterations = [
        (vec!["+acl"], "commands"),
        (vec!["~*"], "keys"),
        (vec!["&*"], "channels"),
        (vec!["clearselectors"], "selectors"),
        (vec!["skip-sanitize-payload"], "sanitize-payload"),
        (vec![">another"], "another password"),
        (vec!["nopass"], "takes any password"),
    ];
    for (alteration, named) in alterations {
        backend.prepare(1, "shop_a", SECOND).await.unwrap();
        accepted(&backend, "shop_a", SECOND).await;
        let command = [&["ACL", "SETUSER", "shop_a"], &alteration[..]].concat();
        let () = server.root(&command).await;
        lacking(&backend, "shop_a", SECOND, named).await;
    }
    backend.prepare(1, "shop_a", SECOND).await.unwrap();
    accepted(&backend, "shop_a", SECOND).await;
}

#[tokio::test]
async fn one_user_carries_two_passwords_for_a_while() {
    let mut server = Server::start(Users::AclFile).await;
    let backend = server.backend();
    let _connection = server.login("shop", FIRST).await.unwrap();
    let problem = text(backend.remove_password(1, "shop", FIRST).await);
    assert!(problem.contains("the only one"), "{problem}");

    backend.add_password(1, "shop", SECOND).await.unwrap();
    backend.add_password(1, "shop", SECOND).await.unwrap();
    server.restart().await;
    accepted(&backend, "shop", FIRST).await;
    accepted(&backend, "shop", SECOND).await;

    let mut connection = server.login("shop", SECOND).await.unwrap();
    let older_than = async |seconds| {
        let age = Duration::from_secs(seconds);
        backend.sessions_older_than("shop", age).await.unwrap()
    };
    assert!(older_than(3600).await.is_empty());
    let deadline = Instant::now() + Duration::from_secs(20);
    while older_than(0).await.is_empty() {
        assert!(Instant::now() < deadline);
    }

    backend.remove_password(1, "shop", FIRST).await.unwrap();
    backend.remove_password(1, "shop", FIRST).await.unwrap();
    refused(&server, "shop", FIRST).await;
    assert!(is_open(&mut connection).await);
    server.restart().await;
    refused(&server, "shop", FIRST).await;
    accepted(&backend, "shop", SECOND).await;

    // An emergency: what is blocked comes back with the next password.
    backend.disable(2, "shop").await.unwrap();
    refused(&server, "shop", SECOND).await;
    backend.add_password(2, "shop", THIRD).await.unwrap();
    accepted(&backend, "shop", THIRD).await;
}

#[tokio::test]
async fn no_password_shows_in_what_redis_shows() {
    let server = Server::start(Users::AclFile).await;
    let backend = server.backend();
    let () = server.root(&["CONFIG", "SET", "loglevel", "debug"]).await;
    let () = server
        .root(&["CONFIG", "SET", "slowlog-log-slower-than", "0"])
        .await;
    let mut monitor = server.transcript().await;
    backend.preflight().await.unwrap();
    backend.prepare(1, "shop_a", SECOND).await.unwrap();
    accepted(&backend, "shop_a", SECOND).await;
    backend.add_password(1, "shop", THIRD).await.unwrap();
    backend.remove_password(1, "shop", FIRST).await.unwrap();
    backend.disable(1, "shop").await.unwrap();
    backend.end_sessions("shop").await.unwrap();
    let () = server.root(&["ECHO", "the end"]).await;
    monitor.read_until("the end").await;

    let slow: redis::Value = server.root(&["SLOWLOG", "GET", "200"]).await;
    let shown = [
        monitor.text.clone(),
        format!("{slow:?}"),
        server.file("log"),
        format!("{backend:?}"),
    ];
    for text in shown {
        for password in [FIRST, SECOND, THIRD, ADMIN] {
            assert!(!text.contains(password), "{password} shows in {text}");
        }
    }
    // What it shows are the commands, so the search was not for nothing.
    assert!(monitor.text.contains("reportapp:fence:shop/shop/redis"));
}
