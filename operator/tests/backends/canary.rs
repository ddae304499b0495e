//! Canary logins against real servers: what a changed password makes of the verdict, and how often it
//! is tried meanwhile. The clock is the test's own.

use k8s_openapi::jiff::Timestamp;
use reportapp_operator::backend::postgres::Postgres;
use reportapp_operator::backend::redis::Redis;
use reportapp_operator::canary::timing::{Answer, Timing};
use reportapp_operator::canary::verdict::{Verdict, judge};
use reportapp_operator::rotation::ledger::{ADOPTED, SecretText, Value};
use reportapp_operator::rotation::plan::Backend;
use reportapp_pool::testing::DATABASE;

use crate::postgres::world::{A, FIRST, KEY, ROLE, World, endpoint};
use crate::redis::server::{self, Server, Users};

const SECOND: &str = "canary-second-password";

fn value(user: &str, password: &str) -> Value {
    Value {
        rotation: ADOPTED.to_owned(),
        username: Some(user.to_owned()),
        secret: SecretText::new(password),
        created: Timestamp::UNIX_EPOCH,
    }
}

/// The way in of the application, without an administrator.
fn postgres(world: &World) -> Backend {
    let (database, role) = (DATABASE.to_owned(), ROLE.to_owned());
    let postgres = Postgres::for_logins(endpoint(&world.server), database, role, KEY.to_owned());
    Backend::Postgres(postgres.unwrap())
}

fn redis(server: &Server) -> Backend {
    let redis = Redis::for_logins(server.endpoint(), "shop".to_owned(), KEY.to_owned());
    Backend::Redis(redis.unwrap())
}

async fn tried(backend: &Backend, value: &Value) -> Result<Verdict, String> {
    judge("erp", backend.visit(value).await, || {
        "the remedy".to_owned()
    })
}

/// Lets an hour pass, second by second; gives how often the login was tried.
async fn an_hour(timing: &mut Timing, from: i64, backend: &Backend, value: &Value) -> u32 {
    let mut tries = 0;
    for second in from..from + 3_600 {
        let now = Timestamp::from_second(second).unwrap();
        if timing.is_due(now) {
            tries += 1;
            let answer = match tried(backend, value).await {
                Ok(Verdict::Accepted) => Answer::Accepted,
                Ok(_) => Answer::Refused,
                Err(_) => Answer::Silence,
            };
            timing.answered(answer, now);
        }
    }
    tries
}

#[tokio::test]
async fn a_password_changed_behind_our_back_is_refused_and_tried_rarely() {
    let world = World::start().await;
    let (backend, first) = (postgres(&world), value(ROLE, FIRST));
    let mut timing = Timing::new("uid/erp");
    assert_eq!(an_hour(&mut timing, 0, &backend, &first).await, 1);

    world
        .sql(&format!("ALTER ROLE {ROLE} PASSWORD '{SECOND}'"))
        .await;
    let refused = Ok(Verdict::Refused("the remedy".to_owned()));
    assert_eq!(tried(&backend, &first).await, refused);
    timing.changed(Timestamp::from_second(3_600).unwrap());
    assert_eq!(an_hour(&mut timing, 3_600, &backend, &first).await, 4);
    assert_eq!(an_hour(&mut timing, 7_200, &backend, &first).await, 1);

    world
        .sql(&format!("ALTER ROLE {ROLE} PASSWORD '{FIRST}'"))
        .await;
    assert_eq!(an_hour(&mut timing, 10_800, &backend, &first).await, 1);
    assert_eq!(an_hour(&mut timing, 14_400, &backend, &first).await, 0);
    assert_eq!(tried(&backend, &first).await, Ok(Verdict::Accepted));
    world.sql(&format!("ALTER ROLE {ROLE} NOLOGIN")).await;
    assert_eq!(tried(&backend, &first).await, refused);
}

#[tokio::test]
async fn a_twin_that_lost_its_role_is_accepted_and_lacking() {
    let world = World::start().await;
    let (backend, twin) = (postgres(&world), value(A, SECOND));
    world.postgres.prepare(1, A, SECOND).await.unwrap();
    assert_eq!(tried(&backend, &twin).await, Ok(Verdict::Accepted));
    world.sql(&format!("REVOKE {ROLE} FROM {A}")).await;
    let lacking = tried(&backend, &twin).await.unwrap();
    assert!(matches!(lacking, Verdict::Lacking(_)), "{lacking:?}");
}

#[tokio::test]
async fn a_server_that_is_away_gives_no_verdict() {
    let world = World::start().await;
    let backend = postgres(&world);
    drop(world);
    let silence = tried(&backend, &value(ROLE, FIRST)).await;
    assert!(silence.is_err(), "{silence:?}");
    let server = Server::start(Users::AclFile).await;
    let backend = redis(&server);
    drop(server);
    let silence = tried(&backend, &value("shop", server::FIRST)).await;
    assert!(silence.is_err(), "{silence:?}");
}

#[tokio::test]
async fn a_redis_user_changed_behind_our_back_is_refused_until_it_is_put_back() {
    let server = Server::start(Users::AclFile).await;
    let (backend, first) = (redis(&server), value("shop", server::FIRST));
    assert_eq!(tried(&backend, &first).await, Ok(Verdict::Accepted));
    let set = async |password: &str| {
        let password = format!(">{password}");
        let () = server
            .root(&["ACL", "SETUSER", "shop", "resetpass", &password])
            .await;
    };
    set(SECOND).await;
    let refused = Ok(Verdict::Refused("the remedy".to_owned()));
    assert_eq!(tried(&backend, &first).await, refused);
    let mut timing = Timing::new("uid/redis");
    assert_eq!(an_hour(&mut timing, 0, &backend, &first).await, 4);
    set(server::FIRST).await;
    assert_eq!(an_hour(&mut timing, 3_600, &backend, &first).await, 1);
    let () = server.root(&["ACL", "SETUSER", "shop", "off"]).await;
    assert_eq!(tried(&backend, &first).await, refused);
}
