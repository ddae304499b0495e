//! Keys that leave a real server, and those that stay.

use std::collections::BTreeSet;

use reportapp_operator::backend::redis::caches::{CacheSession, Caches};
use reportapp_operator::backend::{Admin, BackendError};
use reportapp_operator::rotation::ledger::SecretText;

use super::server::{ADMIN, Server, Users};

/// What the documentation has an administrator be given for them.
const PREFIXES: [&str; 4] = ["dash:", "demo:dash:", "report:", "demo:report:"];

fn caches(server: &Server) -> Caches {
    let admin = Admin {
        username: "reportapp-operator".to_owned(),
        password: SecretText::new(ADMIN),
    };
    Caches::new(server.endpoint(), admin).unwrap()
}

async fn enter(server: &Server) -> Result<CacheSession, BackendError> {
    let prefixes = PREFIXES.map(str::to_owned).to_vec();
    caches(server).enter(prefixes).await
}

/// Gives the administrator what the documentation says.
async fn grant(server: &Server) {
    let page = include_str!("../../../../docs/how-to/action-invalidate-caches.md");
    let command = page.lines().find(|line| line.starts_with("ACL SETUSER"));
    let words: Vec<_> = command.unwrap().split(' ').collect();
    let () = server.root(&words).await;
}

/// One round; gives how many keys were looked at, found and removed.
async fn round(session: &mut CacheSession) -> (i64, i64, i64) {
    let (mut scanned, mut found, mut removed, mut cursor) = (0, 0, 0, 0);
    loop {
        let step = session.step(cursor).await.unwrap();
        scanned += step.scanned;
        found += step.found;
        removed += step.removed;
        cursor = step.cursor;
        if cursor == 0 {
            return (scanned, found, removed);
        }
    }
}

#[tokio::test]
async fn keys_of_the_namespaces_go_in_batches_and_all_others_stay() {
    let server = Server::start(Users::AclFile).await;
    grant(&server).await;
    let others = [
        "dashboard:1",
        "demo:dashing:1",
        "lock:task:1",
        "other:dash:1",
        "rate:1:login",
        "dash",
    ];
    for key in others {
        let () = server.root(&["SET", key, "1"]).await;
    }
    // Several batches of each, and keys that are no text.
    let fill = "for n = 1, 3000 do redis.call('SET', 'dash:core:' .. n, 1) \
                redis.call('SADD', 'demo:report:' .. n, n) end \
                redis.call('SET', 'dash:\\255\\000', 1)";
    let () = server.root(&["EVAL", fill, "0"]).await;
    let mut session = enter(&server).await.unwrap();
    session.preflight().await.unwrap();
    let (scanned, found, removed) = round(&mut session).await;
    assert_eq!(removed, 6_001);
    assert!(found >= removed && scanned >= found, "{scanned} {found}");
    let (scanned, found, _) = round(&mut session).await;
    // A table that shrinks shows some keys twice.
    assert!(scanned >= 6 && found == 0, "{scanned} {found}");
    let left: BTreeSet<String> = server.root(&["KEYS", "*"]).await;
    assert_eq!(left, BTreeSet::from(others.map(str::to_owned)));
}

#[tokio::test]
async fn a_right_that_is_missing_is_named_with_the_command_that_gives_it() {
    let server = Server::start(Users::AclFile).await;
    for taken in [None, Some("-scan"), Some("-unlink"), Some("resetkeys")] {
        if let Some(taken) = taken {
            grant(&server).await;
            let () = server
                .root(&["ACL", "SETUSER", "reportapp-operator", taken])
                .await;
        }
        let mut session = enter(&server).await.unwrap();
        match session.preflight().await {
            Err(BackendError::RightMissing(problem)) => {
                for word in ["~demo:report:*", "+scan +unlink"] {
                    assert!(problem.contains(word), "without {taken:?}: {problem}");
                }
            }
            other => panic!("without {taken:?}: {other:?}"),
        }
    }
    grant(&server).await;
    let mut session = enter(&server).await.unwrap();
    session.preflight().await.unwrap();
}

#[tokio::test]
async fn a_replica_is_no_place_to_remove_keys() {
    let primary = Server::start(Users::AclFile).await;
    let replica = Server::replica_of(&primary).await;
    match enter(&replica).await.err() {
        Some(BackendError::Refused(problem)) => {
            assert!(problem.contains("is a replica"), "{problem}");
        }
        other => panic!("{other:?}"),
    }
}
