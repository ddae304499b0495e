//! What the triggers write, for whom, and that nobody who only serves gets around them.

use reportapp_pool::testing::SUPERUSER;
use reportapp_pool::{Pool, PoolError};
use reportapp_session::Sight;

use super::*;
use crate::store::test_database::{
    OWNER, READER, SERVING, TestDatabase, refusal, seeing, tenant, texts, within,
};

/// Missing rights, a policy included.
const DENIED: &str = "42501";

async fn change(pool: &Pool, sql: &str) {
    let context = tenant("acme");
    let changed = pool.execute_after(&context.opening(), sql, &[]).await;
    assert_eq!(changed, Ok(1), "{sql}");
}

#[tokio::test]
async fn a_change_names_row_user_tenant_program_login_request_and_address() {
    let database = TestDatabase::new().await;
    let pool = database.pool(SERVING).await;
    change(
        &pool,
        "UPDATE users_enhanced SET name = 'Ana Pop' WHERE id = 'ana'",
    )
    .await;
    let store = database.store().await;
    let filter = AuditFilter {
        table: Some("users_enhanced".to_owned()),
        row: Some("ana".to_owned()),
        ..AuditFilter::default()
    };
    let rows = within(tenant("acme"), store.audit_rows(&filter, 1)).await;
    let row = rows.unwrap().remove(0);
    assert_eq!(
        (row.operation.as_str(), row.row.as_deref()),
        ("UPDATE", Some("ana"))
    );
    assert_eq!(row.user.as_deref(), Some("ana"));
    assert_eq!(row.tenant.as_deref(), Some("acme"));
    assert_eq!(row.service.as_deref(), Some("test"));
    assert_eq!(row.db_user, SERVING);
    assert_eq!(row.request.as_deref(), Some("request-7"));
    assert_eq!(row.address.as_deref(), Some("192.0.2.7"));
    assert_eq!(row.changed.as_deref(), Some("[\"name\"]"));
    let both = (row.old.unwrap(), row.new.unwrap());
    assert!(both.0.contains("\"Ana\"") && both.1.contains("\"Ana Pop\""));
    let sql = "SELECT concat_ws(' ', action = operation, changed_at = created_at, effective_role,
                                application_name)
               FROM audit_logs_dml ORDER BY id DESC LIMIT 1";
    let seen = texts(&pool, &tenant("acme"), sql).await;
    assert_eq!(seen, ["t t app reportapp-store"]);
    let elsewhere = within(tenant("zeta"), store.audit_rows(&filter, 1)).await;
    assert_eq!(elsewhere.unwrap(), [], "another tenant does not see it");
}

#[tokio::test]
async fn every_audited_table_has_its_trigger_for_every_kind_of_change() {
    let database = TestDatabase::new().await;
    let pool = database.pool(SUPERUSER).await;
    let sql = "SELECT event_object_table || ' ' || string_agg(event_manipulation, ' ' ORDER BY event_manipulation)
        FROM information_schema.triggers
        WHERE trigger_schema = 'public' AND trigger_name = 'audit_' || event_object_table
          AND action_timing = 'AFTER'
        GROUP BY event_object_table ORDER BY event_object_table";
    let found = texts(&pool, &seeing(Sight::Platform), sql).await;
    let expected = [
        "clients",
        "platform_roles",
        "rbac_actions",
        "rbac_permissions",
        "rbac_roles",
        "rbac_routes",
        "rbac_user_roles",
        "user_sessions",
        "users_enhanced",
    ];
    assert_eq!(
        found,
        expected.map(|table| format!("{table} DELETE INSERT UPDATE"))
    );
}

#[tokio::test]
async fn keys_of_every_type_and_length_are_written_as_text() {
    let database = TestDatabase::new().await;
    let pool = database.pool(OWNER).await;
    for (kind, columns, row, expected) in [
        (
            "by_uuid",
            "id uuid PRIMARY KEY",
            "'6f1c2a34-0000-4000-8000-000000000001'",
            "6f1c2a34-0000-4000-8000-000000000001",
        ),
        (
            "by_number",
            "id bigint PRIMARY KEY",
            "9007199254740993",
            "9007199254740993",
        ),
        (
            "by_two",
            "a text, b int, PRIMARY KEY (b, a)",
            "'x', 7",
            "7:x",
        ),
        (
            "by_date",
            "day date PRIMARY KEY",
            "'2026-02-03'",
            "2026-02-03",
        ),
        ("by_none", "a text", "'x'", "none"),
    ] {
        let sql = format!(
            "CREATE TABLE {kind} ({columns});
             CREATE TRIGGER audit_{kind} AFTER INSERT OR UPDATE OR DELETE ON {kind}
                FOR EACH ROW EXECUTE FUNCTION audit_trigger_func();
             INSERT INTO {kind} VALUES ({row}); DELETE FROM {kind}"
        );
        pool.batch(&sql).await.unwrap();
        let sql = format!(
            "SELECT coalesce(row_id, 'none') FROM audit_logs_dml WHERE table_name = '{kind}' ORDER BY id"
        );
        let found = texts(&pool, &seeing(Sight::Platform), &sql).await;
        assert_eq!(found, [expected, expected], "{kind}");
    }
}

#[tokio::test]
async fn a_write_whose_audit_row_fails_fails() {
    let database = TestDatabase::new().await;
    let superuser = database.pool(SUPERUSER).await;
    let broken = "ALTER TABLE audit_logs_dml ADD CHECK (row_id <> 'ana') NOT VALID";
    superuser.batch(broken).await.unwrap();
    let pool = database.pool(OWNER).await;
    let write = "UPDATE users_enhanced SET name = 'changed' WHERE id = 'ana'";
    let error = pool
        .execute_after(&tenant("acme").opening(), write, &[])
        .await;
    assert!(
        matches!(error, Err(PoolError::Constraint { .. })),
        "{error:?}"
    );
    let name = "SELECT name FROM users_enhanced WHERE id = 'ana'";
    assert_eq!(texts(&pool, &tenant("acme"), name).await, ["Ana"]);
}

#[tokio::test]
async fn no_hash_is_written_down_but_that_it_changed_is() {
    let database = TestDatabase::new().await;
    let pool = database.pool(OWNER).await;
    change(
        &pool,
        "UPDATE users_enhanced SET password_hash = 'canary-hash' WHERE id = 'ana'",
    )
    .await;
    let session = "INSERT INTO user_sessions (id, user_id, tenant_id, family_hash, token_hash, token_prefix,
                                              issued, created_at, last_activity_at, expires_at)
        VALUES ('s', 'ana', 'acme', 'canary-hash', 'canary-hash', 'abcdefgh', 1, now(), now(), now())";
    change(&pool, session).await;
    change(
        &pool,
        "UPDATE user_sessions SET last_activity_at = now(), issued = issued + 1, token_hash = 'canary-hash-2'",
    )
    .await;
    let sql = "SELECT concat_ws(' ', table_name, operation, changed_fields) FROM audit_logs_dml
               WHERE row_id IN ('ana', 's') ORDER BY id DESC LIMIT 2";
    let found = texts(&pool, &tenant("acme"), sql).await;
    assert_eq!(
        found,
        [
            "user_sessions INSERT",
            "users_enhanced UPDATE [\"password_hash\"]"
        ],
        "and what a session does all the time is no news"
    );
    let leaked = "SELECT id::text FROM audit_logs_dml a WHERE a::text LIKE '%canary-hash%'";
    assert!(
        texts(&pool, &seeing(Sight::Platform), leaked)
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn a_login_that_only_serves_can_neither_switch_the_trail_off_nor_write_it() {
    let database = TestDatabase::new().await;
    let pool = database.pool(SERVING).await;
    let platform = seeing(Sight::Platform);
    for sql in [
        "ALTER TABLE users_enhanced DISABLE TRIGGER audit_users_enhanced",
        "ALTER TABLE users_enhanced DISABLE TRIGGER ALL",
        "ALTER TABLE users_enhanced DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE users_enhanced NO FORCE ROW LEVEL SECURITY",
        "DROP TRIGGER audit_users_enhanced ON users_enhanced",
        "DROP POLICY clients_tenant_isolation ON clients",
        "CREATE OR REPLACE FUNCTION is_platform_admin() RETURNS boolean LANGUAGE sql AS 'SELECT true'",
        "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "TRUNCATE users_enhanced CASCADE",
        "TRUNCATE user_sessions",
        "TRUNCATE audit_logs_dml",
        "SET session_replication_role = replica",
        "SET ROLE store",
        "INSERT INTO audit_logs_dml (table_name, operation, db_user, effective_role) VALUES ('x', 'x', 'x', 'x')",
        "UPDATE audit_logs_dml SET user_id = 'somebody else'",
        "DELETE FROM audit_logs_dml",
        "UPDATE audit_batches SET head = ''",
        "DELETE FROM audit_batches",
        "INSERT INTO security_events (event_type, severity) VALUES ('x', 'info')",
        "DELETE FROM security_events",
        "INSERT INTO platform_roles (role) VALUES ('reader')",
        "SELECT remove_oldest_audit_batch(29)",
        "SELECT remove_old_security_events(1)",
        "INSERT INTO rbac_actions (name) VALUES ('x')",
        "UPDATE schema_migrations SET checksum = ''",
    ] {
        assert_eq!(refusal(&pool, &platform, sql).await, DENIED, "{sql}");
    }
    let reader = database.pool(READER).await;
    for sql in [
        "SELECT log_security_event('forged')",
        "SELECT seal_audit_rows(1)",
    ] {
        assert_eq!(refusal(&reader, &platform, sql).await, DENIED, "{sql}");
    }
}

#[tokio::test]
async fn the_statements_of_the_runbook_work_as_typed_by_the_owner() {
    let database = TestDatabase::new().await;
    let pool = database.pool(OWNER).await;
    let tenant = "6f1c2a34-0000-4000-8000-00000000000a";
    let superuser = database.pool(SUPERUSER).await;
    let client = format!(
        "INSERT INTO clients (id, name, name_key, created_at) VALUES ('{tenant}', 'T', 't', now())"
    );
    superuser.batch(&client).await.unwrap();
    let mut transaction = pool.begin().await.unwrap();
    let insert = format!(
        "SELECT set_config('app.current_tenant', '{tenant}', true);
         SELECT set_config('app.service_name', 'manual-test', true);
         INSERT INTO users_enhanced (id, email, name, tenant_id)
         VALUES (gen_random_uuid(), 'test@example.com', 'Test User', '{tenant}'::uuid);"
    );
    transaction.batch(&insert).await.unwrap();
    let count =
        "SELECT count(*) AS after_count FROM audit_logs_dml WHERE table_name = 'users_enhanced'";
    let row = transaction.query_opt(count, &[]).await.unwrap().unwrap();
    assert_eq!(row.get::<i64>("after_count").unwrap(), 1);
    transaction.rollback().await.unwrap();

    // Without a context the owner changes nobody, and says so by nothing but the number of rows; a
    // superuser needs none.
    let disable = "UPDATE users_enhanced SET is_active = false WHERE id = 'zoe'";
    assert_eq!(pool.execute(disable, &[]).await.unwrap(), 0);
    assert_eq!(superuser.execute(disable, &[]).await.unwrap(), 1);

    let everything = "SELECT set_tenant_context(NULL, NULL, true);
        UPDATE users_enhanced SET is_active = false WHERE id = 'ana';
        UPDATE user_sessions SET is_active = false WHERE user_id = 'ana';
        UPDATE users_enhanced SET must_reset_password = true WHERE id = 'ana';
        SELECT table_name, operation, COUNT(*) FROM audit_logs_dml
            WHERE created_at > NOW() - INTERVAL '1 hour' GROUP BY 1, 2;
        SELECT tablename, policyname, cmd, qual FROM pg_policies WHERE schemaname = 'public' ORDER BY tablename;";
    let mut transaction = pool.begin().await.unwrap();
    transaction.batch(everything).await.unwrap();
    transaction.commit().await.unwrap();
    let sql = "SELECT event_type FROM security_events WHERE tenant_id = 'acme' ORDER BY id";
    let events = texts(&pool, &seeing(Sight::Platform), sql).await;
    assert_eq!(events, ["user_disabled", "password_reset_forced"]);
}

#[tokio::test]
async fn the_questions_of_the_runbook_are_answered_as_typed_by_the_owner() {
    let database = TestDatabase::new().await;
    let pool = database.pool(OWNER).await;
    let failed = "INSERT INTO login_attempts
                      (id, identifier, ip_address, user_agent, user_id, failure_reason, created_at)
                  VALUES ('1', 'ana', '192.0.2.7', 'curl/8', 'ana', 'refused', now())";
    pool.execute(failed, &[]).await.unwrap();
    let many = "UPDATE users_enhanced SET name = name || '.' WHERE id = 'ana'";
    for _ in 0..101 {
        change(&pool, many).await;
    }
    let recent_failed_logins = "SELECT user_id, ip_address, user_agent, created_at, failure_reason
        FROM login_attempts
        WHERE success = false AND created_at > NOW() - INTERVAL '24 hours'
        ORDER BY created_at DESC LIMIT 50";
    let unusual_patterns = "SELECT service_name, user_id, table_name, operation, COUNT(*) as count
        FROM audit_logs_dml
        WHERE created_at > NOW() - INTERVAL '1 hour'
        GROUP BY 1, 2, 3, 4 HAVING COUNT(*) > 100 ORDER BY count DESC";
    let failures = pool.query(recent_failed_logins, &[]).await.unwrap();
    assert_eq!(failures.len(), 1);
    assert_eq!(failures[0].get::<String>("user_id").unwrap(), "ana");
    assert_eq!(
        failures[0].get::<String>("failure_reason").unwrap(),
        "refused"
    );

    assert_eq!(
        pool.query(unusual_patterns, &[]).await.unwrap(),
        [],
        "in nobody's sight"
    );
    let mut transaction = pool.begin().await.unwrap();
    let platform = "SELECT set_tenant_context(NULL, NULL, true)";
    transaction.query(platform, &[]).await.unwrap();
    let unusual = transaction.query(unusual_patterns, &[]).await.unwrap();
    assert_eq!(unusual.len(), 1);
    assert_eq!(
        unusual[0].get::<String>("table_name").unwrap(),
        "users_enhanced"
    );
    assert_eq!(unusual[0].get::<i64>("count").unwrap(), 101);

    let accessed = "SELECT table_name, operation, row_id, user_id, ip_address, created_at
        FROM audit_logs_dml WHERE user_id = 'ana' ORDER BY created_at DESC LIMIT 500";
    let accessed = transaction.query(accessed, &[]).await.unwrap();
    assert_eq!(accessed.len(), 101);
    assert_eq!(accessed[0].get::<String>("row_id").unwrap(), "ana");
    let by_user = "SELECT table_name, operation, COUNT(*) as count, MAX(created_at) as last_action
        FROM audit_logs_dml
        WHERE user_id = 'ana' AND created_at > NOW() - INTERVAL '7 days'
        GROUP BY table_name, operation ORDER BY count DESC";
    let by_user = transaction.query(by_user, &[]).await.unwrap();
    assert_eq!(by_user[0].get::<i64>("count").unwrap(), 101);
    let session = "INSERT INTO user_sessions (id, user_id, family_hash, token_hash, token_prefix, issued, ip_address,
            user_agent, created_at, last_activity_at, expires_at)
        VALUES ('s1', 'ana', 'f', 't', 'p', 1, '192.0.2.7', 'curl/8', now(), now(), now() + interval '1 day')";
    transaction.execute(session, &[]).await.unwrap();
    let all_user_sessions =
        "SELECT u.email, s.created_at, s.expires_at, s.ip_address, s.user_agent, s.is_active
        FROM user_sessions s
        JOIN users_enhanced u ON s.user_id = u.id
        WHERE s.is_active = true
        ORDER BY s.created_at DESC";
    let sessions = transaction.query(all_user_sessions, &[]).await.unwrap();
    assert_eq!(sessions.len(), 1);
    assert_eq!(sessions[0].get::<String>("user_agent").unwrap(), "curl/8");
    transaction.rollback().await.unwrap();
}
