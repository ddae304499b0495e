//! Rotations that go well: adoption, turns, the state a twin ends in.

use reportapp_operator::backend::{Login, Session};

use super::world::{A, ADMIN_PASSWORD, B, FIRST, ROLE, World, text};

/// Every attribute that must not differ between the roles, one per line.
const TWINS: &str = "
    SELECT string_agg(DISTINCT concat_ws(' ', r.rolconnlimit, r.rolvaliduntil, (
               SELECT string_agg(concat(setdatabase, ' ', setting), ', ' ORDER BY setting)
                 FROM pg_db_role_setting, unnest(setconfig) setting
                WHERE setrole = r.oid AND setting NOT LIKE 'role=%')), E'\\n')
      FROM pg_roles r WHERE r.rolname LIKE 'bisman\\_backend%'";

#[tokio::test]
async fn the_original_login_is_adopted_and_two_users_take_turns() {
    let world = World::start().await;
    let postgres = &world.postgres;
    let turns = [
        (ROLE, FIRST, A, "canary-second"),
        (A, "canary-second", B, "canary-third"),
        (B, "canary-third", A, "canary-fourth"),
    ];
    for (fence, (old, old_password, new, password)) in (1..).zip(turns) {
        let notices = postgres.preflight().await.unwrap();
        assert_eq!(
            old == ROLE,
            notices.iter().any(|one| one.contains("NOLOGIN")),
            "{notices:?}"
        );
        assert_eq!(postgres.login(new, password).await, Ok(Login::Refused));
        postgres.prepare(fence, new, password).await.unwrap();
        assert_eq!(postgres.login(new, password).await, Ok(Login::Accepted));
        assert_eq!(
            postgres.login(old, old_password).await,
            Ok(Login::Accepted),
            "both work while the application moves"
        );
        postgres.disable(fence, old).await.unwrap();
        assert_eq!(postgres.end_sessions(old).await, Ok(0));
        assert_eq!(postgres.login(old, old_password).await, Ok(Login::Refused));
        assert!(world.login(old, old_password).await.is_err());
        assert!(world.login(new, password).await.is_ok());
    }
    assert_eq!(world.text(TWINS).await.lines().count(), 1, "three equals");
}

#[tokio::test]
async fn a_twin_acts_as_the_base_role_which_owns_what_it_makes() {
    let world = World::start().await;
    world.postgres.prepare(1, A, "canary-second").await.unwrap();
    let app = world.login(A, "canary-second").await.unwrap();
    let users = text(&app, "SELECT session_user || ' as ' || current_user").await;
    assert_eq!(users, format!("{A} as {ROLE}"));
    for statement in ["CREATE TABLE reports.cache (id int)", "DISCARD ALL"] {
        app.batch_execute(statement).await.unwrap();
    }
    let owner = "SELECT tableowner::text FROM pg_tables WHERE tablename = 'cache'";
    assert_eq!(world.text(owner).await, ROLE);
    assert_eq!(text(&app, "SELECT current_user::text").await, ROLE);
    assert_eq!(text(&app, "SHOW statement_timeout").await, "42s");
    assert_eq!(text(&app, "SHOW app.greeting").await, "it's");
    assert_eq!(
        text(&app, "SHOW search_path").await,
        "\"$user\", reports, \"My Own\""
    );
    let notices = world.postgres.preflight().await.unwrap();
    let owns = |one: &String| one.contains("owns 1 tables");
    assert!(notices.iter().any(owns), "{notices:?}");
}

#[tokio::test]
async fn old_sessions_are_counted_by_client_and_ended() {
    let world = World::start().await;
    let postgres = &world.postgres;
    assert_eq!(postgres.sessions(ROLE).await, Ok(Vec::new()));
    let held = [
        world.login(ROLE, FIRST).await.unwrap(),
        world.login(ROLE, FIRST).await.unwrap(),
    ];
    let session = |client: &str| Session {
        client: client.to_owned(),
        count: 2,
    };
    assert_eq!(postgres.sessions(ROLE).await, Ok(vec![session("bisman")]));
    world.sql("GRANT pg_read_all_stats TO rotation_admin").await;
    assert_eq!(
        postgres.sessions(ROLE).await,
        Ok(vec![session("bisman at 127.0.0.1")])
    );
    postgres.disable(1, ROLE).await.unwrap();
    assert_eq!(
        text(&held[0], "SELECT 'still here'").await,
        "still here",
        "NOLOGIN alone ends nothing"
    );
    assert_eq!(postgres.end_sessions(ROLE).await, Ok(2));
    assert_eq!(postgres.sessions(ROLE).await, Ok(Vec::new()));
    for client in &held {
        assert!(client.simple_query("SELECT 1").await.is_err());
    }
}

#[tokio::test]
async fn a_password_can_be_changed_in_place() {
    let world = World::start().await;
    let postgres = &world.postgres;
    postgres.disable(1, ROLE).await.unwrap();
    postgres
        .set_password(1, ROLE, "canary-in-place")
        .await
        .unwrap();
    assert_eq!(postgres.login(ROLE, FIRST).await, Ok(Login::Refused));
    assert_eq!(
        postgres.login(ROLE, "canary-in-place").await,
        Ok(Login::Accepted)
    );
    let comment = "SELECT shobj_description('bisman_backend'::regrole, 'pg_authid')";
    assert_eq!(
        world.text(comment).await,
        "Reports; ask the DBA\nreportapp shop/erp/main fence=1"
    );
}

#[tokio::test]
async fn no_password_reaches_the_log_of_the_server() {
    let world = World::start().await;
    let postgres = &world.postgres;
    world
        .sql("ALTER DATABASE erp SET log_statement = 'all'")
        .await;
    world
        .sql("ALTER DATABASE erp SET log_min_error_statement = 'debug1'")
        .await;
    let before = world.server.log().len();
    postgres.prepare(1, A, "canary-'q\"uoted").await.unwrap();
    postgres
        .set_password(1, ROLE, "canary-in-place")
        .await
        .unwrap();
    assert_eq!(
        postgres.login(A, "canary-'q\"uoted").await,
        Ok(Login::Accepted)
    );
    assert_eq!(postgres.login(A, "canary-wrong").await, Ok(Login::Refused));
    postgres.disable(1, A).await.unwrap();
    let log = world.server.log().split_off(before);
    assert!(
        log.contains("ALTER ROLE \"bisman_backend_a\" LOGIN"),
        "{log}"
    );
    assert!(log.contains("SCRAM-SHA-256$4096:"), "{log}");
    for password in ["canary", ADMIN_PASSWORD] {
        assert!(!log.contains(password), "{log}");
    }
}

#[tokio::test]
async fn every_step_done_twice_is_done_once() {
    let world = World::start().await;
    let postgres = &world.postgres;
    // Every role, its rights, settings and memberships.
    let state = "
        SELECT concat(
            (SELECT string_agg(to_jsonb(r)::text, ' ' ORDER BY r.oid) FROM pg_roles r),
            (SELECT string_agg(to_jsonb(s)::text, ' ' ORDER BY s.setrole, s.setdatabase)
               FROM pg_db_role_setting s),
            (SELECT string_agg(to_jsonb(m)::text, ' ' ORDER BY m.roleid, m.member)
               FROM pg_auth_members m),
            (SELECT string_agg(to_jsonb(d)::text, ' ' ORDER BY d.objoid) FROM pg_shdescription d))";
    postgres.prepare(1, A, "canary-second").await.unwrap();
    let once = world.text(state).await;
    postgres.prepare(1, A, "canary-second").await.unwrap();
    assert_eq!(world.text(state).await, once);
    assert_eq!(
        postgres.login(A, "canary-second").await,
        Ok(Login::Accepted)
    );
    postgres.disable(1, ROLE).await.unwrap();
    let once = world.text(state).await;
    postgres.disable(1, ROLE).await.unwrap();
    assert_eq!(world.text(state).await, once);
    postgres.disable(1, B).await.unwrap();
    assert_eq!(world.text(state).await, once, "B never existed");
}
