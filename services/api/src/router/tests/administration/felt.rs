//! How soon a change is felt, and by whom.

use http::StatusCode;
use jiff::Timestamp;
use reportapp_session::access::UserKind;
use reportapp_session::epochs::Scope;
use serde_json::{Value, json};

use super::super::statements::{ENDING, typed};
use super::{Office, user};
use crate::test_support::request;

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
    // As if somebody signed in between two statements; what is seen of them now must not be remembered.
    let next = office.test.token_of(&id).await;
    assert_eq!(me(next.clone()).await, StatusCode::UNAUTHORIZED);
    let typed = format!("UPDATE users_enhanced SET is_active = 1 WHERE id = '{id}'");
    office.test.by_hand(&typed).await;
    assert_eq!(me(next).await, StatusCode::OK);
    assert_eq!(me(token).await, StatusCode::UNAUTHORIZED, "it is over");
}

#[tokio::test]
async fn a_statement_typed_into_the_database_ends_the_tokens_with_it() {
    let office = Office::open().await;
    let tenant = office.tenant("Acme").await;
    for statement in ENDING {
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
        office.test.by_hand(&typed(statement, &id, &tenant)).await;
        // Within one lease; this makes the process look at once.
        let somebody = Scope::UserPermissions("somebody".to_owned());
        office.test.app.changed(vec![somebody]).await.unwrap();
        let answer = office.test.get(&token, "/api/companies").await;
        assert_eq!(answer.code(), "NotSignedIn", "{statement}");
    }
}

#[tokio::test]
async fn whoever_is_removed_is_refused_by_the_next_request_and_leaves_nothing_but_the_record() {
    let office = Office::open().await;
    let test = &office.test;
    let asked = json!({"username": "ilie", "roles": ["reader"]});
    let made = office.done("POST", "/api/users", asked).await;
    let id = made["user"]["id"].as_str().unwrap();
    let password = made["startPassword"].as_str().unwrap();
    let signed_in = test.log_in("ilie", password).await.json();
    let token = signed_in["accessToken"].as_str().unwrap();
    let code = test.ask_as(token, "POST", "/api/telegram/link", None).await;
    let body = json!({"code": code.json()["code"], "chatId": 9, "chatName": "x"});
    let path = "/api/telegram/internal/redeem";
    assert_eq!(
        test.bot("POST", path, Some(body)).await.status,
        StatusCode::OK
    );

    office.done("DELETE", &user(id), json!({})).await;
    let me = test.get(token, "/api/auth/me").await;
    assert_eq!(me.status, StatusCode::UNAUTHORIZED, "{}", me.text);
    let chat = test.bot("GET", "/api/telegram/internal/chat/9", None).await;
    assert_eq!(chat.code(), "NotLinked");
    let refused = test.log_in("ilie", password).await;
    assert_eq!(refused.code(), "InvalidCredentials");
    for (table, left) in [
        ("user_sessions", 0),
        ("rbac_user_roles", 0),
        ("known_devices", 0),
        ("telegram_links", 0),
        ("telegram_codes", 0),
        ("login_attempts", 1),
    ] {
        let sql = format!("SELECT user_id AS x FROM {table} WHERE user_id = '{id}'");
        assert_eq!(test.look(&sql).await.len(), left, "{table}");
    }
    let again = office.ask("DELETE", &user(id), json!({})).await;
    assert_eq!(again.code(), "UserUnknown");
    let asked = json!({"username": "ilie"});
    let namesake = office.done("POST", "/api/users", asked).await;
    assert_ne!(namesake["user"]["id"], made["user"]["id"]);
}

#[tokio::test]
async fn a_tenant_outlives_its_super_administrator() {
    let office = Office::open().await;
    let asked = json!({"username": "owner", "userType": "super_admin"});
    let owner = office.done("POST", "/api/users", asked).await["user"]["id"].clone();
    let asked = json!({"name": "Acme", "superAdmin": owner});
    let acme = office.done("POST", "/api/tenants", asked).await;
    assert_eq!(acme["superAdmin"]["id"], owner);
    let path = user(owner.as_str().unwrap());
    office.done("DELETE", &path, json!({})).await;
    let tenants = office.done("GET", "/api/tenants", json!({})).await;
    assert_eq!(tenants["tenants"][0]["superAdmin"], json!(null));
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

/// Somebody whom an administrator created, signed in as a program, and renewed once.
struct Hired {
    accesses: [String; 2],
    refresh: String,
}

impl Hired {
    async fn new(office: &Office, name: &str, kind: &str, tenant: Option<&str>) -> Self {
        let asked = json!({"username": name, "userType": kind, "tenant": tenant});
        let made = office.done("POST", "/api/users", asked).await;
        let body = json!({
            "username": name, "password": made["startPassword"], "withRefreshToken": true,
        });
        let first = office.open_way("/api/auth/login", body).await;
        let body = json!({"refreshToken": first["refreshToken"]});
        let renewed = office.open_way("/api/token/refresh", body).await;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Self {
            accesses: [&first, &renewed].map(|body| text(&body["accessToken"])),
            refresh: text(&renewed["refreshToken"]),
        }
    }

    /// What the API says to each of its access tokens, and then to its refresh token.
    async fn answers(&self, office: &Office) -> Vec<StatusCode> {
        let mut answers = Vec::new();
        for token in &self.accesses {
            answers.push(office.test.get(token, "/api/auth/me").await.status);
        }
        let body = json!({"refreshToken": self.refresh});
        let renewal = request("POST", "/api/token/refresh", Some(body));
        answers.push(office.test.call(renewal).await.status);
        answers
    }
}

#[tokio::test]
async fn a_token_names_its_tenant_also_after_it_was_renewed_and_administrators_renew_too() {
    let office = Office::open().await;
    let acme = office.tenant("Acme").await;
    let mut hired = Vec::new();
    for (name, kind, tenant) in [
        ("user-of-acme", "user", Some(acme.as_str())),
        ("super", "super_admin", None),
        ("enterprise", "enterprise_admin", None),
    ] {
        let person = Hired::new(&office, name, kind, tenant).await;
        for token in &person.accesses {
            let claims = office.test.app.tokens.verify(token, Timestamp::now());
            assert_eq!(claims.unwrap().tenant.as_deref(), tenant, "{name}");
            let me = office.test.get(token, "/api/auth/me").await.json();
            assert_eq!(me["userType"], kind);
            assert_eq!(me["tenant"].as_str(), tenant, "{name}");
        }
        hired.push(person);
    }
    let scopes = vec![Scope::Tenant(acme)];
    let revoked = office.test.app.epochs.revoke("t".to_owned(), scopes).await;
    revoked.unwrap();
    let ended = hired[0].answers(&office).await;
    assert_eq!(ended, [StatusCode::UNAUTHORIZED; 3]);
    for other in &hired[1..] {
        assert_eq!(other.answers(&office).await, [StatusCode::OK; 3]);
    }
}
