//! The API on a PostgreSQL with row security, as the login that owns the tables and as one that only
//! serves: what works on SQLite works here, and nobody sees another tenant's trail.

use std::sync::Arc;

use http::StatusCode;
use prometheus::Registry;
use reportapp_pool::Value;
use reportapp_pool::testing::SUPERUSER;
use reportapp_session::Passwords;
use reportapp_session::epochs::{SqlEpochStore, Terms};
use reportapp_session::password::is_outdated;
use reportapp_session::testing::outdated_hash;
use serde_json::json;

use crate::epochs::Epochs;
use crate::metrics::EpochMetrics;
use crate::store::Store;
use crate::store::test_database::{OWNER, SERVING, TestDatabase};
use crate::test_support::{PASSWORD, TestApp, small_ledger};

/// The application of the people in the test database; all have the same password, and `ana` and `zoe`
/// are administrators of their tenants.
pub(super) async fn application(database: &TestDatabase, login: &str) -> TestApp {
    let hash = Passwords::new().unwrap().hash(PASSWORD).await.unwrap();
    let superuser = database.pool(SUPERUSER).await;
    let sql = "UPDATE users_enhanced SET password_hash = $1";
    superuser.execute(sql, &[Value::Text(hash)]).await.unwrap();
    let roles = "INSERT INTO rbac_user_roles (user_id, role_id, granted_at)
        SELECT id, 'tenant-administrator', now() FROM users_enhanced WHERE tenant_id IS NOT NULL
        ON CONFLICT DO NOTHING";
    superuser.batch(roles).await.unwrap();

    let pool = database.pool(login).await;
    let store = Store::new(pool.clone());
    store.migrate().await.unwrap();
    TestApp::with(small_ledger(), |app| {
        let metrics = EpochMetrics::register(&Registry::new()).unwrap();
        let epochs = Epochs::new(
            Arc::new(SqlEpochStore::new(pool)),
            Terms::default(),
            metrics,
        );
        epochs.start();
        app.epochs = Arc::new(epochs);
        app.store = Arc::new(store);
    })
    .await
}

async fn token(test: &TestApp, username: &str) -> String {
    let answer = test.log_in(username, PASSWORD).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.json()["accessToken"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn everybody_reads_the_trail_of_their_own_tenants_only() {
    let database = TestDatabase::new().await;
    for login in [OWNER, SERVING, SUPERUSER] {
        let test = application(&database, login).await;
        for (username, seen, unseen) in [
            ("ana", "acme", "zeta"),
            ("zoe", "zeta", "acme"),
            ("boss", "acme", "zeta"),
        ] {
            let token = token(&test, username).await;
            let page = test.get(&token, "/api/audit/logs?limit=200").await;
            assert_eq!(
                page.status,
                StatusCode::OK,
                "{login} {username}: {}",
                page.text
            );
            let page = page.json();
            let entries = page["entries"].as_array().unwrap();
            assert!(!entries.is_empty(), "{login} {username}");
            for entry in entries {
                assert_eq!(entry["tenant"], seen, "{login} {username}: {entry}");
            }
            let summary = test.get(&token, "/api/audit/summary").await;
            assert_eq!(summary.status, StatusCode::OK, "{}", summary.text);
            assert!(!page.to_string().contains(unseen), "{login} {username}");
        }
        let root = token(&test, "root").await;
        let page = test.get(&root, "/api/audit/logs?table=clients").await.text;
        assert!(page.contains("acme") && page.contains("zeta"), "{page}");
    }
}

#[tokio::test]
async fn a_page_of_the_trail_continues_where_the_one_before_ended() {
    let database = TestDatabase::new().await;
    let test = application(&database, OWNER).await;
    let root = token(&test, "root").await;
    let all = test.get(&root, "/api/audit/logs?limit=200").await.json();
    let all = all["entries"].as_array().unwrap();
    let mut seen = Vec::new();
    let mut path = "/api/audit/logs?limit=3".to_owned();
    while seen.len() < 9 {
        let page = test.get(&root, &path).await.json();
        seen.extend(page["entries"].as_array().unwrap().clone());
        path = format!("/api/audit/logs?limit=3&before={}", page["next"]);
    }
    assert_eq!(seen[..], all[..9]);
    let answer = test.get(&root, "/api/audit/logs?from=yesterday").await;
    assert_eq!(
        (answer.status, answer.code()),
        (StatusCode::BAD_REQUEST, "InvalidMoment".to_owned())
    );
}

#[tokio::test]
async fn who_may_not_see_the_trail_is_refused_and_the_refusal_is_a_security_event() {
    let database = TestDatabase::new().await;
    let test = application(&database, SERVING).await;
    let superuser = database.pool(SUPERUSER).await;
    let reader = "UPDATE rbac_user_roles SET role_id = 'reader' WHERE user_id = 'zoe'";
    superuser.batch(reader).await.unwrap();
    let zoe = token(&test, "zoe").await;
    let refused = test.get(&zoe, "/api/audit/logs").await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.text);
    let wrong = test.log_in("zoe", "not the password").await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    let sql = "SELECT event_type, concat_ws(' ', user_id, tenant_id, request_method, request_path, ip_address) AS who
        FROM security_events WHERE event_type IN ('permission_denied', 'sign_in_refused') ORDER BY id";
    let rows = superuser.query(sql, &[]).await.unwrap();
    let events: Vec<(String, String)> = rows
        .iter()
        .map(|row| (row.get("event_type").unwrap(), row.get("who").unwrap()))
        .collect();
    let (kinds, whos): (Vec<_>, Vec<_>) = events.into_iter().unzip();
    assert_eq!(kinds, ["permission_denied", "sign_in_refused"]);
    assert_eq!(whos[0], "zoe zeta GET /api/audit/logs 192.0.2.1");
    assert_eq!(whos[1], "POST /api/auth/login 192.0.2.1");
}

#[tokio::test]
async fn a_new_password_works_under_row_security_and_is_in_the_trail_without_its_hash() {
    let database = TestDatabase::new().await;
    for login in [OWNER, SERVING] {
        let test = application(&database, login).await;
        for username in ["ana", "root"] {
            let token = token(&test, username).await;
            let body = json!({"current": PASSWORD, "new": "another long password"});
            let answer = test
                .ask_as(&token, "POST", "/api/auth/password", Some(body))
                .await;
            assert_eq!(
                answer.status,
                StatusCode::OK,
                "{login} {username}: {}",
                answer.text
            );
        }
        let root = test.log_in("root", "another long password").await.json();
        let token = root["accessToken"].as_str().unwrap();
        let path = "/api/audit/logs?table=users_enhanced&row=ana&limit=1";
        let entry = test.get(token, path).await.json()["entries"][0].clone();
        assert_eq!(entry["user"], "ana", "{entry}");
        assert_eq!(entry["service"], "reportapp-api");
        assert_eq!(entry["address"], "192.0.2.1");
        assert!(entry["request"].is_string());
        let change = json!({"field": "password_hash", "old": null, "new": null, "hidden": true});
        assert!(
            entry["changes"].as_array().unwrap().contains(&change),
            "{entry}"
        );
    }
}

#[tokio::test]
async fn whoever_sees_a_tenant_sees_whose_it_is() {
    let database = TestDatabase::new().await;
    for login in [OWNER, SERVING] {
        let test = application(&database, login).await;
        let sight = "INSERT INTO rbac_user_roles (user_id, role_id, granted_at)
                     VALUES ('ana', 'administrator', now()) ON CONFLICT DO NOTHING";
        let superuser = database.pool(SUPERUSER).await;
        superuser.batch(sight).await.unwrap();
        let boss = json!({"id": "boss", "name": "Boss"});
        for (username, seen) in [
            ("boss", json!([boss])),
            ("ana", json!([boss])),
            ("root", json!([boss, null])),
        ] {
            let token = token(&test, username).await;
            let listed = test.get(&token, "/api/tenants").await.json();
            let tenants = listed["tenants"].as_array().unwrap().iter();
            let owners: Vec<_> = tenants.map(|tenant| tenant["superAdmin"].clone()).collect();
            assert_eq!(json!(owners), seen, "{login} {username}: {listed}");
        }
        let token = token(&test, "boss").await;
        let name = json!({"name": format!("Acme {login}")});
        let changed = test
            .ask_as(&token, "PATCH", "/api/tenants/acme", Some(name))
            .await;
        assert_eq!(changed.json()["superAdmin"], boss, "{}", changed.text);
    }
}

#[tokio::test]
async fn a_password_is_hashed_anew_under_row_security_and_that_is_a_security_event() {
    let database = TestDatabase::new().await;
    for login in [OWNER, SERVING] {
        let test = application(&database, login).await;
        let superuser = database.pool(SUPERUSER).await;
        let outdated = [Value::Text(outdated_hash(PASSWORD))];
        let sql = "UPDATE users_enhanced SET password_hash = $1 WHERE id = 'ana'";
        superuser.execute(sql, &outdated).await.unwrap();
        let before = token(&test, "ana").await;
        let sql = "SELECT password_hash AS hash FROM users_enhanced WHERE id = 'ana'";
        let hash: String = superuser.query(sql, &[]).await.unwrap()[0]
            .get("hash")
            .unwrap();
        assert!(!is_outdated(&hash), "{login}");
        token(&test, "ana").await;
        let me = test.get(&before, "/api/auth/me").await;
        assert_eq!(me.status, StatusCode::OK, "{login}: {}", me.text);
        let sql = "SELECT user_id || ' ' || tenant_id || ' ' || event_details AS event
                   FROM security_events WHERE event_type = 'password_rehashed' ORDER BY id DESC";
        let rows = superuser.query(sql, &[]).await.unwrap();
        let event: String = rows[0].get("event").unwrap();
        assert_eq!(event, "ana acme {\"user_id\": \"ana\"}", "{login}");
    }
}

/// What the trail says of somebody of `acme` who lost one role and was removed with another.
async fn removed(database: &TestDatabase, path: &str, told: &str) {
    let id = path.trim_start_matches("/api/users/");
    let sql = format!(
        "SELECT table_name || ' ' || tenant_id || ' ' || (user_id IS NOT NULL) AS entry
         FROM audit_logs_dml WHERE operation = 'DELETE' AND old_data::text LIKE '%{id}%' ORDER BY id"
    );
    let rows = database.pool(SUPERUSER).await.query(&sql, &[]).await;
    let rows = rows.unwrap();
    let entries: Vec<String> = rows.iter().map(|row| row.get("entry").unwrap()).collect();
    assert_eq!(
        entries,
        [
            "rbac_user_roles acme true",
            "rbac_user_roles acme true",
            "users_enhanced acme true"
        ],
        "{told}"
    );
}

#[tokio::test]
async fn tenants_are_administered_under_row_security_by_their_own_people_only() {
    let database = TestDatabase::new().await;
    for login in [OWNER, SERVING] {
        let test = application(&database, login).await;
        for username in ["ana", "boss"] {
            let token = token(&test, username).await;
            let told = format!("{login} {username}");
            let done = async |method: &str, path: &str, body, expected: u16| {
                let answer = test.ask_as(&token, method, path, body).await;
                assert_eq!(
                    answer.status.as_u16(),
                    expected,
                    "{told} {method} {path}: {}",
                    answer.text
                );
                answer
            };
            let role = json!({"name": format!("clerk-{login}-{username}"), "level": 5,
                              "tenant": "acme", "permissions": ["reports:view"]});
            let role = done("POST", "/api/roles", Some(role), 201).await.json();
            let role = role["id"].as_str().unwrap().to_owned();
            let user = json!({"username": format!("new-{login}-{username}"), "displayName": "New",
                              "tenant": "acme", "roles": [role]});
            let made = done("POST", "/api/users", Some(user), 201).await.json();
            let user = format!("/api/users/{}", made["user"]["id"].as_str().unwrap());
            let shown = done("GET", &user, None, 200).await.json();
            assert_eq!(shown["tenant"]["id"], "acme", "{told}: {shown}");
            done("PATCH", &user, Some(json!({"isActive": false})), 200).await;
            done("PATCH", &user, Some(json!({"roles": ["reader"]})), 200).await;
            let path = format!("/api/roles/{role}");
            done("PATCH", &path, Some(json!({"level": 4})), 200).await;
            done("DELETE", &path, None, 204).await;
            for foreign in ["/api/users/zoe", "/api/users/root"] {
                done("GET", foreign, None, 404).await;
                done("PATCH", foreign, Some(json!({"isActive": false})), 404).await;
                done("DELETE", foreign, None, 404).await;
            }
            done("DELETE", &user, None, 204).await;
            removed(&database, &user, &told).await;
        }
    }
}
