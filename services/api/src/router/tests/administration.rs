//! What administrators change is felt by the next request, and nobody reaches higher than they stand.

use http::StatusCode;
use reportapp_session::access::UserKind;
use reportapp_session::epochs::Scope;
use serde_json::{Value, json};

use crate::test_support::{Answer, TestApp};

/// An application with an enterprise administrator.
struct Office {
    test: TestApp,
    root: String,
    root_token: String,
}

impl Office {
    async fn open() -> Self {
        let test = TestApp::start().await;
        let root = test
            .join("root", UserKind::EnterpriseAdmin, None, None)
            .await;
        let root_token = test.token_of(&root).await;
        Self {
            test,
            root,
            root_token,
        }
    }

    /// As the enterprise administrator.
    async fn ask(&self, method: &str, path: &str, body: Value) -> Answer {
        self.test
            .ask_as(&self.root_token, method, path, Some(body))
            .await
    }

    /// As [`Office::ask`], and it is done.
    async fn done(&self, method: &str, path: &str, body: Value) -> Value {
        let answer = self.ask(method, path, body).await;
        assert!(answer.status.is_success(), "{path}: {}", answer.text);
        match answer.text.is_empty() {
            true => Value::Null,
            false => answer.json(),
        }
    }

    async fn tenant(&self, name: &str) -> String {
        let tenant = self
            .done("POST", "/api/tenants", json!({"name": name}))
            .await;
        tenant["id"].as_str().unwrap().to_owned()
    }
}

fn user(id: &str) -> String {
    format!("/api/users/{id}")
}

#[tokio::test]
async fn a_new_user_signs_in_with_the_start_password_and_is_told_to_change_it() {
    let office = Office::open().await;
    let asked = json!({"username": " Ionela ", "email": "ionela@example.com", "roles": ["reader"]});
    let made = office.done("POST", "/api/users", asked).await;
    assert_eq!(made["user"]["username"], "Ionela");
    assert_eq!(made["user"]["roles"][0]["id"], "reader");
    let password = made["startPassword"].as_str().unwrap();
    let signed_in = office.test.log_in("IONELA", password).await;
    assert_eq!(signed_in.status, StatusCode::OK, "{}", signed_in.text);
    assert_eq!(signed_in.json()["user"]["mustChangePassword"], true);
    let token = signed_in.json()["accessToken"].as_str().unwrap().to_owned();
    let companies = office.test.get(&token, "/api/companies").await;
    assert_eq!(companies.status, StatusCode::OK, "{}", companies.text);
    let listed = office
        .ask("GET", "/api/users?search=ionel", json!({}))
        .await;
    assert!(!listed.text.contains(password), "{}", listed.text);

    let again = json!({"username": "ionela"});
    let taken = office.ask("POST", "/api/users", again).await;
    assert_eq!(
        (taken.status, taken.code()),
        (StatusCode::CONFLICT, "Taken".to_owned())
    );
}

#[tokio::test]
async fn a_role_taken_away_is_felt_by_the_next_request_and_ends_no_session() {
    let office = Office::open().await;
    let id = office
        .test
        .join("mihai", UserKind::User, None, Some("reader"))
        .await;
    let token = office.test.token_of(&id).await;
    let reads = || office.test.get(&token, "/api/companies");
    assert_eq!(reads().await.status, StatusCode::OK);
    office.done("PATCH", &user(&id), json!({"roles": []})).await;
    assert_eq!(reads().await.status, StatusCode::FORBIDDEN);
    assert_eq!(
        office.test.get(&token, "/api/auth/me").await.status,
        StatusCode::OK
    );
    office
        .done("PATCH", &user(&id), json!({"roles": ["reader"]}))
        .await;
    assert_eq!(reads().await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_a_role_permits_is_felt_by_the_next_request_of_its_holders() {
    let office = Office::open().await;
    let asked = json!({"name": "auditors", "level": 50, "permissions": ["users:view"]});
    let role = office.done("POST", "/api/roles", asked).await;
    let role = format!("/api/roles/{}", role["id"].as_str().unwrap());
    let id = office.test.join("dana", UserKind::User, None, None).await;
    let roles = json!({"roles": [role.rsplit('/').next()]});
    office.done("PATCH", &user(&id), roles).await;
    let token = office.test.token_of(&id).await;
    let (users, reports) = ("/api/users", "/api/companies");
    let (test, token) = (&office.test, token.as_str());
    let status = |path: &'static str| async move { test.get(token, path).await.status };
    assert_eq!(
        (status(users).await, status(reports).await),
        (StatusCode::OK, StatusCode::FORBIDDEN)
    );
    office
        .done("PATCH", &role, json!({"permissions": ["reports:*"]}))
        .await;
    assert_eq!(
        (status(users).await, status(reports).await),
        (StatusCode::FORBIDDEN, StatusCode::OK)
    );
    office.done("DELETE", &role, json!({})).await;
    assert_eq!(status(reports).await, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn what_a_process_remembers_serves_until_an_epoch_says_otherwise() {
    let office = Office::open().await;
    let id = office
        .test
        .join("petru", UserKind::User, None, Some("reader"))
        .await;
    let token = office.test.token_of(&id).await;
    let name = || async {
        let me = office.test.get(&token, "/api/auth/me").await.json();
        me["displayName"].as_str().unwrap().to_owned()
    };
    assert_eq!(name().await, "petru");
    let typed = format!("UPDATE users_enhanced SET name = 'typed' WHERE id = '{id}'");
    office.test.by_hand(&typed).await;
    assert_eq!(name().await, "petru", "no request asks the store for it");
    for scope in [
        Scope::Permissions,
        Scope::RolePermissions("reader".to_owned()),
        Scope::UserPermissions(id.clone()),
    ] {
        let next = format!("{scope:?}").replace('"', "");
        let typed = format!("UPDATE users_enhanced SET name = '{next}' WHERE id = '{id}'");
        office.test.by_hand(&typed).await;
        office.test.app.changed(vec![scope]).await.unwrap();
        assert_eq!(name().await, next);
    }
}

#[tokio::test]
async fn whoever_is_locked_is_refused_by_the_next_request_and_back_at_once_when_unlocked() {
    let office = Office::open().await;
    let id = office
        .test
        .join("vlad", UserKind::User, None, Some("reader"))
        .await;
    let token = office.test.token_of(&id).await;
    let me = |token: String| {
        let test = &office.test;
        async move { test.get(&token, "/api/auth/me").await.status }
    };
    assert_eq!(me(token.clone()).await, StatusCode::OK);
    office
        .done("PATCH", &user(&id), json!({"isActive": false}))
        .await;
    assert_eq!(me(token.clone()).await, StatusCode::UNAUTHORIZED);
    office
        .done("PATCH", &user(&id), json!({"isActive": true}))
        .await;
    assert_eq!(me(token).await, StatusCode::UNAUTHORIZED, "it is over");
    let next = office.test.token_of(&id).await;
    assert_eq!(me(next).await, StatusCode::OK);
}

#[tokio::test]
async fn a_lock_typed_into_the_database_ends_the_tokens_with_it() {
    let office = Office::open().await;
    let tenant = office.tenant("Acme").await;
    for statement in [
        "UPDATE users_enhanced SET is_active = 0 WHERE id = 'ID'",
        "UPDATE users_enhanced SET must_reset_password = 1 WHERE id = 'ID'",
        "UPDATE users_enhanced SET user_type = 'super_admin' WHERE id = 'ID'",
        "UPDATE users_enhanced SET tenant_id = NULL WHERE id = 'ID'",
        "DELETE FROM users_enhanced WHERE id = 'ID'",
        "UPDATE clients SET is_active = 0 WHERE id = 'TENANT'",
    ] {
        let name = format!("user{}", reportapp_session::random::id());
        let id = office
            .test
            .join(&name, UserKind::User, Some(&tenant), Some("reader"))
            .await;
        let token = office.test.token_of(&id).await;
        assert_eq!(
            office.test.get(&token, "/api/companies").await.status,
            StatusCode::OK
        );
        let statement = statement.replace("ID", &id).replace("TENANT", &tenant);
        office.test.by_hand(&statement).await;
        // Within one lease; this makes the process look at once.
        let somebody = Scope::UserPermissions("somebody".to_owned());
        office.test.app.changed(vec![somebody]).await.unwrap();
        let answer = office.test.get(&token, "/api/companies").await;
        assert_eq!(answer.code(), "NotSignedIn", "{statement}");
    }
}

#[tokio::test]
async fn the_users_of_a_locked_tenant_cannot_sign_in_and_their_sessions_end() {
    let office = Office::open().await;
    let tenant = office.tenant("Acme").await;
    let asked = json!({"username": "elena", "tenant": tenant, "roles": ["reader"]});
    let made = office.done("POST", "/api/users", asked).await;
    let password = made["startPassword"].as_str().unwrap();
    let signed_in = office.test.log_in("elena", password).await.json();
    assert_eq!(signed_in["user"]["tenant"], tenant.as_str());
    let token = signed_in["accessToken"].as_str().unwrap();
    let lock = format!("/api/tenants/{tenant}");
    office
        .done("PATCH", &lock, json!({"isActive": false}))
        .await;
    let refused = office.test.get(token, "/api/auth/me").await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        office.test.log_in("elena", password).await.code(),
        "InvalidCredentials"
    );
    office.done("PATCH", &lock, json!({"isActive": true})).await;
    assert_eq!(
        office.test.log_in("elena", password).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn the_sessions_of_a_tenant_end_by_its_epoch_and_no_others() {
    let office = Office::open().await;
    let (acme, other) = (office.tenant("Acme").await, office.tenant("Other").await);
    let mut tokens = Vec::new();
    for (name, tenant) in [("one", &acme), ("two", &other)] {
        let id = office
            .test
            .join(name, UserKind::User, Some(tenant), None)
            .await;
        tokens.push(office.test.token_of(&id).await);
    }
    let scopes = vec![Scope::Tenant(acme)];
    office
        .test
        .app
        .epochs
        .revoke("x".to_owned(), scopes)
        .await
        .unwrap();
    let status = |token: &str| {
        let (test, token) = (&office.test, token.to_owned());
        async move { test.get(&token, "/api/auth/me").await.status }
    };
    assert_eq!(status(&tokens[0]).await, StatusCode::UNAUTHORIZED);
    assert_eq!(status(&tokens[1]).await, StatusCode::OK);
}

#[tokio::test]
async fn the_last_enterprise_administrator_can_be_neither_locked_nor_demoted() {
    let office = Office::open().await;
    let other = office
        .test
        .join("deputy", UserKind::EnterpriseAdmin, None, None)
        .await;
    let own = office
        .ask("PATCH", &user(&office.root), json!({"isActive": false}))
        .await;
    assert_eq!(own.code(), "OwnAccount", "{}", own.text);
    office
        .done("PATCH", &user(&other), json!({"isActive": false}))
        .await;
    let demoted = office
        .ask("PATCH", &user(&office.root), json!({"userType": "user"}))
        .await;
    assert_eq!(demoted.code(), "LastAdministrator", "{}", demoted.text);
    office
        .done("PATCH", &user(&other), json!({"isActive": true}))
        .await;
    office
        .done("PATCH", &user(&office.root), json!({"userType": "user"}))
        .await;
}

#[tokio::test]
async fn a_tenant_administrator_gives_no_more_than_they_hold() {
    let office = Office::open().await;
    let (own, foreign) = (office.tenant("Own").await, office.tenant("Foreign").await);
    let chief = office
        .test
        .join(
            "chief",
            UserKind::User,
            Some(&own),
            Some("tenant-administrator"),
        )
        .await;
    let victim = office
        .test
        .join("victim", UserKind::User, Some(&own), Some("administrator"))
        .await;
    let clerk = office
        .test
        .join("clerk", UserKind::User, Some(&own), Some("reader"))
        .await;
    let asked = json!({"name": "theirs", "tenant": foreign, "level": 10});
    let theirs = office.done("POST", "/api/roles", asked).await;
    let token = office.test.token_of(&chief).await;
    let refused = |method: &'static str, path: String, body: Value| {
        let (test, token) = (&office.test, token.as_str());
        async move { test.ask_as(token, method, &path, Some(body)).await.code() }
    };
    let clerk = user(&clerk);
    for (method, path, body, code) in [
        (
            "PATCH",
            &clerk,
            json!({"roles": ["administrator"]}),
            "ROLE_LEVEL_TOO_LOW",
        ),
        (
            "PATCH",
            &user(&victim),
            json!({"isActive": false}),
            "ROLE_LEVEL_TOO_LOW",
        ),
        (
            "PATCH",
            &clerk,
            json!({"roles": [theirs["id"]]}),
            "RoleUnknown",
        ),
        (
            "PATCH",
            &clerk,
            json!({"userType": "enterprise_admin"}),
            "KindReserved",
        ),
        ("PATCH", &clerk, json!({"tenant": foreign}), "TenantUnknown"),
        ("PATCH", &clerk, json!({"tenant": null}), "TenantUnknown"),
        (
            "POST",
            &"/api/users".to_owned(),
            json!({"username": "x", "userType": "super_admin"}),
            "KindReserved",
        ),
        (
            "POST",
            &"/api/roles".to_owned(),
            json!({"name": "x", "level": 90}),
            "ROLE_LEVEL_TOO_LOW",
        ),
        (
            "POST",
            &"/api/roles".to_owned(),
            json!({"name": "x", "level": 50, "permissions": ["roles:view"]}),
            "ROLE_LEVEL_TOO_LOW",
        ),
        (
            "POST",
            &"/api/roles".to_owned(),
            json!({"name": "x", "level": 80, "permissions": ["shoes:tie", "nonsense"]}),
            "PERMISSIONS_NOT_FOUND",
        ),
        (
            "POST",
            &"/api/roles".to_owned(),
            json!({"name": "x", "level": 10, "tenant": null}),
            "CrossTenant",
        ),
        (
            "PATCH",
            &"/api/roles/reader".to_owned(),
            json!({"permissions": ["*:*"]}),
            "SystemRole",
        ),
        (
            "DELETE",
            &"/api/roles/reader".to_owned(),
            json!({}),
            "SystemRole",
        ),
    ] {
        let found = refused(method, path.clone(), body.clone()).await;
        assert_eq!(found, code, "{method} {path} {body}");
    }
    let made =
        json!({"name": "clerks", "level": 50, "permissions": ["reports:view", "users:view"]});
    let made = office
        .test
        .ask_as(&token, "POST", "/api/roles", Some(made))
        .await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let roles = json!({"roles": ["reader", made.json()["id"]]});
    let given = office
        .test
        .ask_as(&token, "PATCH", &clerk, Some(roles))
        .await;
    assert_eq!(
        given.json()["roles"].as_array().unwrap().len(),
        2,
        "{}",
        given.text
    );
}

#[tokio::test]
async fn who_moves_to_another_tenant_leaves_its_roles_behind() {
    let office = Office::open().await;
    let (old, new) = (office.tenant("Old").await, office.tenant("New").await);
    let asked =
        json!({"name": "clerks", "tenant": old, "level": 10, "permissions": ["reports:view"]});
    let role = office.done("POST", "/api/roles", asked).await["id"].clone();
    let asked = json!({"username": "ion", "tenant": old, "roles": ["reader", role]});
    let made = office.done("POST", "/api/users", asked).await;
    let id = made["user"]["id"].as_str().unwrap();
    let moved = office
        .done("PATCH", &user(id), json!({"tenant": new}))
        .await;
    assert_eq!(moved["tenant"]["name"], "New");
    let names: Vec<&Value> = moved["roles"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| &r["id"])
        .collect();
    assert_eq!(names, ["reader"]);
    let back = office
        .ask("PATCH", &user(id), json!({"roles": [role]}))
        .await;
    assert_eq!(back.code(), "CrossTenant", "{}", back.text);
}

#[tokio::test]
async fn users_are_found_by_any_part_of_a_name_and_listed_page_by_page() {
    let office = Office::open().await;
    for name in ["Carmen", "Carina", "Car_los", "Oscar", "Zoe"] {
        office.test.join(name, UserKind::User, None, None).await;
    }
    let names = |answer: &Value| -> Vec<String> {
        let users = answer["users"].as_array().unwrap().iter();
        users
            .map(|user| user["username"].as_str().unwrap().to_owned())
            .collect()
    };
    let get = |path: &'static str| office.done("GET", path, json!({}));
    let found = get("/api/users?search=CAR").await;
    assert_eq!(names(&found), ["Car_los", "Carina", "Carmen", "Oscar"]);
    assert_eq!(
        names(&get("/api/users?search=r_l").await),
        ["Car_los"],
        "no wildcard"
    );
    let first = get("/api/users?search=car&limit=3").await;
    assert_eq!(names(&first), ["Car_los", "Carina", "Carmen"]);
    assert_eq!(first["next"], "carmen");
    let last = get("/api/users?search=car&limit=3&after=carmen").await;
    assert_eq!(
        (names(&last), &last["next"]),
        (vec!["Oscar".to_owned()], &Value::Null)
    );
    let wrong = office.ask("GET", "/api/users?limit=0", json!({})).await;
    assert_eq!(wrong.code(), "InvalidLimit");
}

#[tokio::test]
async fn everybody_sees_what_they_may_do() {
    let office = Office::open().await;
    let ana = office.test.token().await;
    let own = office.test.get(&ana, "/api/permissions").await.json();
    assert_eq!(own["permissions"], json!(["reports:view", "telegram:*"]));
    assert_eq!(
        (&own["level"], &own["userType"]),
        (&json!(10), &json!("user"))
    );
    let root = office.done("GET", "/api/permissions", json!({})).await;
    assert_eq!(root["permissions"], json!(["*:*"]));
}

#[tokio::test]
async fn a_chat_of_a_user_who_may_not_read_reports_any_more_is_told_nothing() {
    let office = Office::open().await;
    let ana = office.test.token().await;
    let code = office
        .test
        .ask_as(&ana, "POST", "/api/telegram/link", None)
        .await
        .json();
    let body = json!({"code": code["code"], "chatId": 7, "chatName": "x"});
    office
        .test
        .bot("POST", "/api/telegram/internal/redeem", Some(body))
        .await;
    let chat = "/api/telegram/internal/chat/7";
    assert_eq!(
        office.test.bot("GET", chat, None).await.status,
        StatusCode::OK
    );
    let id = office.test.get(&ana, "/api/auth/me").await.json()["id"].clone();
    office
        .done("PATCH", &user(id.as_str().unwrap()), json!({"roles": []}))
        .await;
    assert_eq!(office.test.bot("GET", chat, None).await.code(), "NotLinked");
}
