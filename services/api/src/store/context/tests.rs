//! Who sees what, on a PostgreSQL with the roles of production. The names are the defects of the systems
//! this one replaces, turned round.

use reportapp_pool::testing::SUPERUSER;

use super::*;
use crate::store::test_database::{
    OWNER, READER, SERVING, TestDatabase, refusal, seeing, tenant, texts, within,
};

const USERS: &str = "SELECT id FROM users_enhanced ORDER BY id";
/// A policy refused the row.
const REFUSED: &str = "42501";

/// Reads in a transaction that makes these settings, as people do by hand.
async fn by_hand(pool: &Pool, settings: &[(&str, &str)]) -> usize {
    let mut transaction = pool.begin().await.unwrap();
    for (name, value) in settings {
        let params = [(*name).into(), (*value).into()].map(Value::Text);
        let sql = "SELECT set_config($1, $2, true)";
        transaction.query(sql, &params).await.unwrap();
    }
    let rows = transaction.query(USERS, &[]).await.unwrap();
    transaction.rollback().await.unwrap();
    rows.len()
}

#[tokio::test]
async fn each_spelling_of_the_tenant_isolates_and_spellings_that_disagree_show_nothing() {
    let database = TestDatabase::new().await;
    let pool = database.pool(OWNER).await;
    let names = [
        "app.tenant_id",
        "app.current_tenant",
        "app.current_tenant_id",
    ];
    for name in names {
        assert_eq!(by_hand(&pool, &[(name, "acme")]).await, 1, "{name}");
        assert_eq!(by_hand(&pool, &[(name, "")]).await, 0, "{name}");
    }
    assert_eq!(by_hand(&pool, &names.map(|name| (name, "acme"))).await, 1);
    let agreeing = [(names[0], "acme"), (names[1], ""), (names[2], "acme")];
    assert_eq!(by_hand(&pool, &agreeing).await, 1);
    for (one, other) in [(0, 1), (0, 2), (1, 2)] {
        let settings = [(names[one], "acme"), (names[other], "zeta")];
        assert_eq!(by_hand(&pool, &settings).await, 0);
        let mut settings = settings.to_vec();
        settings.push(("app.is_platform_admin", "on"));
        settings.push(("app.super_admin_id", "boss"));
        assert_eq!(by_hand(&pool, &settings).await, 0, "nor the platform");
    }
}

#[tokio::test]
async fn everybody_sees_their_own_and_the_platform_only_members_of_its_roles() {
    let database = TestDatabase::new().await;
    for login in [OWNER, SERVING] {
        let pool = database.pool(login).await;
        let platform = seeing(Sight::Platform);
        assert_eq!(
            texts(&pool, &platform, USERS).await,
            ["ana", "boss", "root", "zoe"]
        );
        assert_eq!(texts(&pool, &tenant("acme"), USERS).await, ["ana"]);
        let boss = seeing(Sight::SuperAdmin("boss".to_owned()));
        assert_eq!(texts(&pool, &boss, USERS).await, ["ana"]);
        let tenants = "SELECT id FROM clients ORDER BY id";
        assert_eq!(texts(&pool, &boss, tenants).await, ["acme"]);
        assert!(
            texts(&pool, &seeing(Sight::Nothing), USERS)
                .await
                .is_empty()
        );
        let without = seeing(Sight::NoTenant);
        assert_eq!(texts(&pool, &without, USERS).await, ["boss", "root"]);
        assert!(texts(&pool, &without, tenants).await.is_empty());
    }
    let reader = database.pool(READER).await;
    for sight in [Sight::Platform, Sight::NoTenant] {
        let seen = texts(&reader, &seeing(sight), USERS).await;
        assert!(seen.is_empty(), "a setting alone opens nothing");
    }
}

#[tokio::test]
async fn rows_of_another_tenant_can_be_neither_written_nor_taken_nor_given_away() {
    let database = TestDatabase::new().await;
    let pool = database.pool(SERVING).await;
    let acme = tenant("acme");
    let insert =
        "INSERT INTO users_enhanced (id, email, name, tenant_id) VALUES ('x', 'x@y', 'X', 'zeta')";
    assert_eq!(refusal(&pool, &acme, insert).await, REFUSED);
    let give = "UPDATE users_enhanced SET tenant_id = 'zeta' WHERE id = 'ana'";
    assert_eq!(refusal(&pool, &acme, give).await, REFUSED);
    for untouched in [
        "UPDATE users_enhanced SET name = 'taken' WHERE id = 'zoe'",
        "DELETE FROM users_enhanced WHERE id = 'zoe'",
        "UPDATE rbac_roles SET level = 100 WHERE id = 'reader'",
        "DELETE FROM rbac_permissions WHERE role_id = 'reader'",
    ] {
        let changed = pool.execute_after(&acme.opening(), untouched, &[]).await;
        assert_eq!(changed, Ok(0), "{untouched}");
    }
    let stranger = "INSERT INTO rbac_user_roles (user_id, role_id, granted_at) VALUES ('zoe', 'reader', now())";
    assert_eq!(refusal(&pool, &acme, stranger).await, REFUSED);
    let own = "INSERT INTO rbac_user_roles (user_id, role_id, granted_at) VALUES ('ana', 'reader', now())";
    assert_eq!(pool.execute_after(&acme.opening(), own, &[]).await, Ok(1));
}

#[tokio::test]
async fn contexts_interleaved_on_one_connection_never_see_each_other() {
    let database = TestDatabase::new().await;
    let pool = database.single(OWNER).await;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..60 {
        let pool = pool.clone();
        tasks.spawn(async move {
            let (id, expected) = [("acme", "ana"), ("zeta", "zoe")][number % 2];
            if number % 3 == 0 {
                let mut transaction = pool.begin_after(&tenant(id).opening()).await.unwrap();
                let rows = transaction.query(USERS, &[]).await.unwrap();
                assert_eq!(rows.len(), 1);
                assert_eq!(rows[0].get::<String>("id").unwrap(), expected);
                // Every other one goes away without a word.
                if number % 2 == 0 {
                    transaction.commit().await.unwrap();
                }
            } else {
                assert_eq!(texts(&pool, &tenant(id), USERS).await, [expected]);
            }
        });
    }
    tasks.join_all().await;
    assert_eq!(pool.stats().size, 1, "one connection served them all");
    let left = pool.query(USERS, &[]).await.unwrap();
    assert!(left.is_empty(), "nothing is left on the connection");
}

#[tokio::test]
async fn a_setting_left_on_a_connection_is_not_used() {
    let database = TestDatabase::new().await;
    let pool = database.single(OWNER).await;
    pool.batch("SET app.current_tenant = 'zeta'; SET app.is_platform_admin = 'on'; SET app.current_user_id = 'x'")
        .await
        .unwrap();
    assert_eq!(texts(&pool, &tenant("acme"), USERS).await, ["ana"]);
    let nobody = seeing(Sight::Nothing);
    assert!(texts(&pool, &nobody, USERS).await.is_empty());
    let who = texts(&pool, &nobody, "SELECT acting_user_id()").await;
    assert_eq!(who, ["ana"]);
}

#[tokio::test]
async fn a_setting_made_outside_of_a_transaction_is_gone_at_the_next_statement() {
    let database = TestDatabase::new().await;
    let pool = database.single(OWNER).await;
    let set =
        "SELECT set_tenant_context('acme'), set_service_context('manual', 'ana', '192.0.2.1')";
    pool.query(set, &[]).await.unwrap();
    assert!(pool.query(USERS, &[]).await.unwrap().is_empty());
    let mut transaction = pool.begin().await.unwrap();
    transaction.query(set, &[]).await.unwrap();
    assert_eq!(transaction.query(USERS, &[]).await.unwrap().len(), 1);
    transaction.commit().await.unwrap();
    assert!(pool.query(USERS, &[]).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_request_sees_nothing_until_it_is_known_whose_it_is() {
    let database = TestDatabase::new().await;
    let store = database.store().await;
    let request = Context {
        sight: sight_of("/api/companies"),
        user: None,
        ..tenant("acme")
    };
    within(request, async {
        assert!(store.find_user("ana").await.unwrap().is_none());
        let found = as_system(store.find_user("ana")).await.unwrap();
        assert!(found.is_some());
        identify("ana", Sight::Tenant("acme".to_owned()));
        assert!(store.find_user("ana").await.unwrap().is_some());
        assert!(store.find_user("zoe").await.unwrap().is_none());
        assert_eq!(current().user.as_deref(), Some("ana"));
    })
    .await;
    let own_account = Context {
        sight: sight_of("/api/auth/password"),
        ..tenant("acme")
    };
    within(own_account, async {
        identify("root", Sight::Nothing);
        assert!(
            store.find_user("root").await.unwrap().is_some(),
            "of no tenant"
        );
    })
    .await;
}

#[tokio::test]
async fn every_table_of_tenants_is_isolated_also_from_its_owner() {
    let database = TestDatabase::new().await;
    let pool = database.pool(SUPERUSER).await;
    let sql = "SELECT c.relname::text AS name FROM pg_class c
        WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
          AND (c.relname IN ('clients', 'rbac_user_roles', 'rbac_permissions')
               OR EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id'))
          AND NOT (c.relrowsecurity AND c.relforcerowsecurity AND EXISTS (
                SELECT FROM pg_policies p WHERE p.tablename = c.relname AND p.cmd = 'ALL'
                  AND p.policyname = c.relname || '_tenant_isolation'
                  AND p.qual IS NOT NULL AND p.with_check IS NOT NULL))";
    assert_eq!(pool.query(sql, &[]).await.unwrap(), []);
    let unsafe_path = "SELECT proname::text AS name FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace AND prosecdef
          AND NOT coalesce(array_to_string(proconfig, ','), '') LIKE 'search_path=pg_catalog, %, pg_temp'";
    assert_eq!(
        pool.query(unsafe_path, &[]).await.unwrap(),
        [],
        "definer functions pin their path"
    );
}
