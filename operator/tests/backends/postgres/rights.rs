//! What the administrator must have, and what must never be a target.

use reportapp_operator::backend::BackendError;
use reportapp_pool::testing::{PASSWORD, SUPERUSER};

use super::world::{A, ADMIN, ADMIN_PASSWORD, B, ROLE, World, version, with_admin};

#[tokio::test]
async fn each_missing_right_is_named_with_its_statement() {
    let world = World::start().await;
    let mut cases = vec![
        (
            "ALTER ROLE rotation_admin NOCREATEROLE",
            "ALTER ROLE \"rotation_admin\" CREATEROLE;",
        ),
        (
            "REVOKE pg_signal_backend FROM rotation_admin",
            "GRANT pg_signal_backend TO \"rotation_admin\"",
        ),
        (
            "REVOKE SET ON PARAMETER app.greeting FROM rotation_admin",
            "GRANT SET ON PARAMETER \"app\".\"greeting\" TO \"rotation_admin\";",
        ),
    ];
    if version(&world.root).await >= 160_000 {
        cases.push((
            "REVOKE bisman_backend FROM rotation_admin",
            "GRANT \"bisman_backend\" TO \"rotation_admin\" WITH ADMIN TRUE, INHERIT FALSE, SET FALSE;",
        ));
    }
    for (taken, needed) in cases {
        world.sql(taken).await;
        let error = world.postgres.preflight().await.unwrap_err();
        let BackendError::RightMissing(text) = &error else {
            panic!("{error:?}");
        };
        assert!(text.contains(needed), "{text}");
        let (_, statements) = text.split_once("run as a superuser: ").unwrap();
        world.sql(statements).await;
        world.postgres.preflight().await.unwrap();
    }
}

#[tokio::test]
async fn a_right_lost_after_the_preflight_is_named_by_the_step_that_needs_it() {
    let world = World::start().await;
    let postgres = &world.postgres;
    let held = world.login(ROLE, super::world::FIRST).await.unwrap();
    world
        .sql("REVOKE pg_signal_backend FROM rotation_admin")
        .await;
    let error = postgres.end_sessions(ROLE).await.unwrap_err();
    assert!(matches!(error, BackendError::RightMissing(_)), "{error:?}");
    assert!(error.to_string().contains("GRANT pg_signal_backend TO"));
    drop(held);
    world.sql("ALTER ROLE rotation_admin NOCREATEROLE").await;
    let error = postgres.prepare(1, A, "canary-second").await.unwrap_err();
    assert!(matches!(error, BackendError::RightMissing(_)), "{error:?}");
    assert!(
        error
            .to_string()
            .contains("CREATE ROLE \"bisman_backend_a\"")
    );
}

#[tokio::test]
async fn the_administrator_is_never_a_target() {
    let world = World::start().await;
    for role in [ADMIN, "rotation"] {
        let admin = format!("{role}_a");
        let admin = if role == ADMIN { ADMIN } else { &admin };
        let error = with_admin(&world.server, admin, ADMIN_PASSWORD, role)
            .err()
            .unwrap();
        assert!(
            error.to_string().contains("another administrator"),
            "{error}"
        );
    }
    let postgres = &world.postgres;
    for outcome in [
        postgres.prepare(1, ADMIN, "canary-x").await,
        postgres.prepare(1, ROLE, "canary-x").await,
        postgres.disable(1, ADMIN).await,
        postgres.set_password(1, SUPERUSER, "canary-x").await,
        postgres.end_sessions(SUPERUSER).await.map(drop),
    ] {
        assert!(
            matches!(outcome, Err(BackendError::Refused(_))),
            "{outcome:?}"
        );
    }
    assert!(world.login(ADMIN, ADMIN_PASSWORD).await.is_ok());
}

#[tokio::test]
async fn a_superuser_is_never_a_target_even_for_a_superuser() {
    let world = World::start().await;
    let root = |role| with_admin(&world.server, SUPERUSER, PASSWORD, role).unwrap();
    let notices = root(ROLE).preflight().await.unwrap();
    assert!(notices.iter().any(|one| one.contains("is a superuser")));
    world
        .sql("CREATE ROLE break_glass SUPERUSER LOGIN; CREATE ROLE bisman_backend_b SUPERUSER")
        .await;
    for outcome in [
        root("break_glass").preflight().await.map(drop),
        root("break_glass").prepare(1, "break_glass_a", "x").await,
        root("break_glass").disable(1, "break_glass").await,
        root("break_glass")
            .set_password(1, "break_glass", "x")
            .await,
        root(ROLE).preflight().await.map(drop),
        root(ROLE).prepare(1, B, "x").await,
    ] {
        let text = outcome.unwrap_err().to_string();
        assert!(text.contains("is a superuser"), "{text}");
    }
}

#[tokio::test]
async fn a_wrong_administrator_password_is_told_apart() {
    let world = World::start().await;
    let postgres = with_admin(&world.server, ADMIN, "canary-wrong", ROLE).unwrap();
    let error = postgres.preflight().await.unwrap_err();
    assert!(matches!(error, BackendError::AdminRefused(_)), "{error:?}");
    assert!(!error.to_string().contains("canary"));
}

#[tokio::test]
async fn a_role_that_is_not_fit_to_be_shared_is_refused_before_anything_changes() {
    let world = World::start().await;
    let missing = with_admin(&world.server, ADMIN, ADMIN_PASSWORD, "nobody").unwrap();
    let cases = [
        ("SELECT", missing, "does not exist"),
        (
            "ALTER ROLE bisman_backend VALID UNTIL '2001-01-01'",
            world.postgres.clone(),
            "VALID UNTIL 'infinity';",
        ),
        (
            "ALTER ROLE bisman_backend VALID UNTIL 'infinity'; CREATE ROLE owner; \
             ALTER ROLE bisman_backend SET role = owner",
            world.postgres.clone(),
            "RESET role;",
        ),
    ];
    for (setup, postgres, told) in cases {
        world.sql(setup).await;
        let error = postgres.preflight().await.unwrap_err();
        assert!(matches!(error, BackendError::Refused(_)), "{error:?}");
        assert!(error.to_string().contains(told), "{error}");
    }
}
