//! What goes wrong on the way: hands that alter twins, rotations that come late, servers that are
//! down, roles of somebody else.

use reportapp_config::database::TlsMode;
use reportapp_operator::backend::postgres::Postgres;
use reportapp_operator::backend::{BackendError, Endpoint, Login};
use reportapp_pool::testing::{DATABASE, PASSWORD, SUPERUSER, TestPostgres, TestTls};

use super::world::{A, B, FIRST, KEY, ROLE, World, admin, endpoint};

#[tokio::test]
async fn a_smaller_fence_is_refused_by_every_change() {
    let world = World::start().await;
    let postgres = &world.postgres;
    postgres.prepare(5, A, "canary-second").await.unwrap();
    let fenced = Err(BackendError::Fenced(KEY.to_owned()));
    assert_eq!(postgres.prepare(4, A, "canary-late").await, fenced);
    assert_eq!(postgres.prepare(4, B, "canary-late").await, fenced);
    assert_eq!(postgres.disable(4, A).await, fenced);
    assert_eq!(postgres.disable(4, ROLE).await, fenced);
    assert_eq!(postgres.set_password(4, ROLE, "canary-late").await, fenced);
    assert_eq!(
        postgres.login(A, "canary-second").await,
        Ok(Login::Accepted)
    );
    assert_eq!(postgres.login(ROLE, FIRST).await, Ok(Login::Accepted));
    postgres.prepare(6, B, "canary-third").await.unwrap();
    assert_eq!(postgres.disable(5, A).await, fenced);
}

#[tokio::test]
async fn of_two_rotations_at_once_the_newer_one_wins() {
    let world = World::start().await;
    let postgres = &world.postgres;
    let (older, newer) = tokio::join!(
        postgres.prepare(1, A, "canary-older"),
        postgres.prepare(2, A, "canary-newer"),
    );
    newer.unwrap();
    assert!(matches!(older, Ok(()) | Err(BackendError::Fenced(_))));
    assert_eq!(postgres.login(A, "canary-newer").await, Ok(Login::Accepted));
    assert_eq!(postgres.login(A, "canary-older").await, Ok(Login::Refused));
}

#[tokio::test]
async fn a_twin_altered_by_hand_is_lacking_until_it_is_prepared_again() {
    let world = World::start().await;
    let postgres = &world.postgres;
    let alterations = [
        (
            "ALTER ROLE bisman_backend_a CONNECTION LIMIT 1",
            "connection limit",
        ),
        (
            "ALTER ROLE bisman_backend_a VALID UNTIL 'infinity'",
            "valid until",
        ),
        (
            "ALTER ROLE bisman_backend_a SET work_mem = '1MB'",
            "work_mem",
        ),
        ("ALTER ROLE bisman_backend_a RESET role", "runs as"),
        (
            "ALTER ROLE bisman_backend_a IN DATABASE erp RESET ALL",
            "statement_timeout in database \"erp\"",
        ),
        (
            "ALTER ROLE bisman_backend SET lock_timeout = '3s'",
            "lock_timeout",
        ),
    ];
    postgres.prepare(1, A, "canary-second").await.unwrap();
    for (alteration, told) in alterations {
        world.sql(alteration).await;
        match postgres.login(A, "canary-second").await {
            Ok(Login::Lacking(text)) => assert!(text.contains(told), "{text}"),
            other => panic!("{alteration}: {other:?}"),
        }
        postgres.prepare(1, A, "canary-second").await.unwrap();
        assert_eq!(
            postgres.login(A, "canary-second").await,
            Ok(Login::Accepted),
            "{alteration}"
        );
    }
}

#[tokio::test]
async fn a_lost_membership_is_lacking_and_repaired() {
    let world = World::start().await;
    let postgres = &world.postgres;
    postgres.prepare(1, A, "canary-second").await.unwrap();
    let revoke = "
        DO $$ DECLARE grantor text; BEGIN
            FOR grantor IN SELECT m.grantor::regrole FROM pg_auth_members m
                            WHERE m.roleid = 'bisman_backend'::regrole
                              AND m.member = 'bisman_backend_a'::regrole LOOP
                EXECUTE format('REVOKE bisman_backend FROM bisman_backend_a GRANTED BY %s', grantor);
            END LOOP;
        END $$";
    // Without membership the twin may not even enter the database.
    for enter in [
        "SELECT",
        "GRANT CONNECT ON DATABASE erp TO bisman_backend_a",
    ] {
        world.sql(revoke).await;
        world.sql(enter).await;
        let outcome = postgres.login(A, "canary-second").await;
        assert!(matches!(outcome, Ok(Login::Lacking(_))), "{outcome:?}");
        postgres.preflight().await.unwrap();
        postgres.prepare(1, A, "canary-second").await.unwrap();
        assert_eq!(
            postgres.login(A, "canary-second").await,
            Ok(Login::Accepted)
        );
    }
}

#[tokio::test]
async fn roles_of_somebody_else_are_left_alone() {
    let world = World::start().await;
    let postgres = &world.postgres;
    world.sql("CREATE ROLE bisman_backend_a LOGIN").await;
    for outcome in [
        postgres.preflight().await.map(drop),
        postgres.prepare(1, A, "canary-second").await,
        postgres.disable(1, A).await,
    ] {
        let text = outcome.unwrap_err().to_string();
        assert!(
            text.contains("GRANT \"bisman_backend\" TO \"bisman_backend_a\";"),
            "{text}"
        );
    }
    world.sql("DROP ROLE bisman_backend_a").await;
    postgres.prepare(1, A, "canary-second").await.unwrap();
    let other = world.other("shop/other/main");
    for outcome in [
        other.preflight().await.map(drop),
        other.prepare(9, B, "canary-second").await,
        other.disable(9, ROLE).await,
    ] {
        let text = outcome.unwrap_err().to_string();
        assert!(
            text.contains("is rotated for shop/erp/main already"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_server_that_is_down_is_not_a_refusal() {
    let mut world = World::start().await;
    let postgres = world.postgres.clone();
    assert_eq!(postgres.login(ROLE, FIRST).await, Ok(Login::Accepted));
    world.server.stop().await;
    for outcome in [
        postgres.login(ROLE, FIRST).await.map(drop),
        postgres.preflight().await.map(drop),
        postgres.disable(1, ROLE).await,
    ] {
        assert!(
            matches!(outcome, Err(BackendError::Unreachable(_))),
            "{outcome:?}"
        );
    }
}

#[tokio::test]
async fn the_server_is_known_by_its_certificate() {
    let tls = certificates("db.erp.example");
    let server = TestPostgres::start_tls(&tls).await;
    let plain = endpoint(&server);
    let named = |name: &str, authority: &str| Endpoint {
        tls: TlsMode::VerifyFull,
        authority: Some(authority.to_owned()),
        server_name: Some(name.to_owned()),
        ..plain.clone()
    };
    let right = backend(named("db.erp.example", &tls.authority)).unwrap();
    assert_eq!(
        right.login(SUPERUSER, "canary-wrong").await,
        Ok(Login::Refused)
    );
    right.login(SUPERUSER, PASSWORD).await.unwrap();
    let stranger = certificates("db.erp.example").authority;
    for (name, authority) in [
        ("other.example", tls.authority.as_str()),
        ("db.erp.example", stranger.as_str()),
    ] {
        let wrong = backend(named(name, authority)).unwrap();
        let error = wrong.login(SUPERUSER, PASSWORD).await.unwrap_err();
        assert!(matches!(error, BackendError::Unreachable(_)), "{error:?}");
        assert!(error.to_string().contains("certificate"), "{error}");
    }
    assert!(backend(named("db.erp.example", "no certificate")).is_err());
    let plain = backend(plain).unwrap();
    let error = plain.login(SUPERUSER, PASSWORD).await.unwrap_err();
    assert!(
        error.to_string().contains("pg_hba.conf"),
        "says nothing about the password: {error}"
    );
}

fn backend(endpoint: Endpoint) -> Result<Postgres, BackendError> {
    let (role, key) = (ROLE.to_owned(), KEY.to_owned());
    Postgres::new(endpoint, DATABASE.to_owned(), admin("root", "x"), role, key)
}

fn certificates(name: &str) -> TestTls {
    let authority_key = rcgen::KeyPair::generate().expect("key");
    let mut authority = rcgen::CertificateParams::new(Vec::new()).expect("parameters");
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority_pem = authority.self_signed(&authority_key).expect("signed").pem();
    let issuer = rcgen::Issuer::new(authority, authority_key);
    let key = rcgen::KeyPair::generate().expect("key");
    let server = rcgen::CertificateParams::new(vec![name.to_owned()]).expect("parameters");
    TestTls {
        certificate: server.signed_by(&key, &issuer).expect("signed").pem(),
        key: key.serialize_pem(),
        authority: authority_pem,
    }
}
