//! Somebody else changes users and rights while a rotation is under way: a new user that was altered is
//! set right before anybody gets it and before the old one goes, a right that is lost stalls the rotation
//! until it is back.

use reportapp_operator::backend::Admin;
use reportapp_operator::rotation::ledger::SecretText;
use reportapp_operator::rotation::plan::Backend;
use reportapp_operator::rotation::runner::{Course, State};
use reportapp_operator::rotation::target::Strategy;
use reportapp_operator::rotation::trouble::Reason;

use crate::crash_points::{POSTGRES, REDIS};
use crate::crashing::Plan;
use crate::sandbox::{Sandbox, scheduled, stalled, succeeded};
use crate::scenes::Kind;
use crate::servers::fresh_name;

type Kinds = &'static [(Kind, Strategy)];

const ADMIN_PASSWORD: &str = "canary-administrator";

async fn assert_done(sandbox: &Sandbox, what: &str) {
    sandbox.assert_sound(what).await;
    sandbox.assert_dead_are_dead(what).await;
}

/// Runs a statement or command as somebody who may do everything. `{role}` is the application's user,
/// `{twin}` the one it gets.
async fn tamper(sandbox: &Sandbox, command: &str) {
    let credential = &sandbox.credentials[0];
    let role = credential.target.role.as_ref().unwrap();
    let twin = format!("{role}_a");
    let command = command.replace("{twin}", &twin).replace("{role}", role);
    match credential.backend {
        Backend::Redis(_) => {
            let words: Vec<_> = command.split(' ').collect();
            let () = sandbox.servers.redis.root(&words).await;
        }
        _ => sandbox.servers.sql(&command).await,
    }
}

const OF_POSTGRES: [&str; 7] = [
    "ALTER ROLE {twin} SET work_mem = '1MB'",
    "ALTER ROLE {twin} RESET role",
    "ALTER ROLE {twin} CONNECTION LIMIT 5",
    "ALTER ROLE {twin} PASSWORD 'by-hand'",
    "ALTER ROLE {twin} NOLOGIN",
    "REVOKE {role} FROM {twin}",
    "DROP ROLE {twin}",
];

const OF_REDIS: [&str; 5] = [
    "ACL SETUSER {twin} -get",
    "ACL SETUSER {twin} resetkeys",
    "ACL SETUSER {twin} resetpass",
    "ACL SETUSER {twin} off",
    "ACL DELUSER {twin}",
];

#[tokio::test]
async fn a_twin_altered_by_hand_is_set_right_before_anybody_gets_it() {
    let tables: [(Kinds, &[&str]); 2] = [(POSTGRES, &OF_POSTGRES), (REDIS, &OF_REDIS)];
    for (kinds, alterations) in tables {
        for alteration in alterations {
            // After Apply, and after Promote.
            for number in [1, 2] {
                let what = format!("{alteration} after effect {number}");
                let sandbox = Sandbox::new(kinds).await;
                let order = scheduled("altered", 100);
                assert!(sandbox.run_until_dead(&order, number).await);
                tamper(&sandbox, alteration).await;
                if number == 2 {
                    // The ledger calls it current already, but no process was given it.
                    sandbox.pass(&order, Course::Forward).await;
                    sandbox.consumers.forgive();
                }
                let (found, _) = sandbox.run(&order, Plan::default()).await;
                assert!(succeeded(&found), "{what}: {found:?}");
                assert_done(&sandbox, &what).await;
            }
        }
    }
}

/// Open sessions of the new user live on, so nothing else notices.
#[tokio::test]
async fn the_old_value_is_not_disabled_while_the_new_one_is_not_accepted() {
    for alteration in [
        "ALTER ROLE {twin} PASSWORD 'by-hand'",
        "ALTER ROLE {twin} NOLOGIN",
        "REVOKE {role} FROM {twin}",
    ] {
        let sandbox = Sandbox::new(POSTGRES).await;
        let adopted = sandbox.credentials[0].adopted.clone();
        let (role, order) = (adopted.username.unwrap(), scheduled("altered", 100));
        let outside = sandbox
            .servers
            .postgres_login(&role, adopted.secret.expose());
        let outside = outside.await.unwrap();
        sandbox
            .until(&order, Course::Forward, |found| {
                stalled(found, Reason::OldSessionsRemain)
            })
            .await;
        tamper(&sandbox, alteration).await;
        drop(outside);
        let target = &sandbox.targets()[0];
        for _ in 0..200 {
            let found = sandbox.pass(&order, Course::Forward).await;
            let entry = sandbox.entry(target);
            let works = sandbox.accepts(target, &entry.current.unwrap()).await;
            let old = &sandbox.credentials[0].adopted;
            let old = sandbox.accepts(target, old).await;
            assert!(works || old, "{alteration}: {found:?}");
            if succeeded(&found) {
                break;
            }
        }
        sandbox.consumers.forgive();
        assert_done(&sandbox, alteration).await;
    }
}

/// The administrator may do what the documentation asks for, until it may not.
struct Rights {
    kinds: Kinds,
    give: &'static [&'static str],
    take: &'static str,
    give_back: &'static str,
}

const RIGHTS: [Rights; 2] = [
    Rights {
        kinds: POSTGRES,
        give: &[
            "CREATE ROLE {admin} LOGIN CREATEROLE PASSWORD '{password}'",
            "GRANT pg_signal_backend TO {admin}",
            "DO $$BEGIN IF current_setting('server_version_num')::int >= 160000 THEN EXECUTE \
             'GRANT {role} TO {admin} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE'; END IF; END$$",
        ],
        take: "ALTER ROLE {admin} NOCREATEROLE",
        give_back: "ALTER ROLE {admin} CREATEROLE",
    },
    Rights {
        kinds: REDIS,
        give: &["ACL SETUSER {admin} on >{password} ~* &* +@all"],
        take: "ACL SETUSER {admin} -acl",
        give_back: "ACL SETUSER {admin} +acl",
    },
];

#[tokio::test]
async fn a_right_that_is_lost_on_the_way_stalls_until_it_is_back() {
    for rights in RIGHTS {
        let mut stalls = 0;
        for number in 0.. {
            let what = format!("{:?} right lost after effect {number}", rights.kinds);
            let mut sandbox = Sandbox::new(rights.kinds).await;
            let admin = fresh_name("admin");
            let fill = |text: &str| {
                let named = text.replace("{admin}", &admin);
                named.replace("{password}", ADMIN_PASSWORD)
            };
            for statement in rights.give {
                tamper(&sandbox, &fill(statement)).await;
            }
            let servers = sandbox.servers.clone();
            let login = Admin {
                username: admin.clone(),
                password: SecretText::new(ADMIN_PASSWORD),
            };
            sandbox.credentials[0].administered_by(&servers, login);
            let order = scheduled("forbidden", 100);
            if !sandbox.run_until_dead(&order, number).await {
                break;
            }
            tamper(&sandbox, &fill(rights.take)).await;
            let mut found = Vec::new();
            for _ in 0..6 {
                found = sandbox.pass(&order, Course::Forward).await;
                sandbox.tick().await;
            }
            if let State::Stalled(trouble) = &found[0].state {
                assert_eq!(trouble.reason, Reason::RightMissing, "{what}: {trouble}");
                stalls += 1;
            }
            tamper(&sandbox, &fill(rights.give_back)).await;
            let (found, _) = sandbox.run(&order, Plan::default()).await;
            assert!(succeeded(&found), "{what}: {found:?}");
            assert_done(&sandbox, &what).await;
        }
        assert!(stalls >= 4, "{:?} stalled {stalls} times", rights.kinds);
    }
}
