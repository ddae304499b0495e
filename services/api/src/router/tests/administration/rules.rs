//! What may be changed at all, and what lists show.

use http::StatusCode;
use reportapp_session::access::UserKind;
use serde_json::{Value, json};

use super::{Office, user};
use crate::test_support::Answer;

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
async fn neither_oneself_nor_the_last_enterprise_administrator_can_be_removed() {
    let office = Office::open().await;
    let own = office.ask("DELETE", &user(&office.root), json!({})).await;
    assert_eq!(
        (own.status, own.code()),
        (StatusCode::CONFLICT, "OwnAccount".to_owned()),
        "{}",
        own.text
    );
    let deputy = office
        .test
        .join("deputy", UserKind::EnterpriseAdmin, None, None)
        .await;
    // The caller must be replaced at the next sign-in, so only the deputy could sign in.
    let typed = format!(
        "UPDATE users_enhanced SET must_reset_password = 1 WHERE id = '{}'",
        office.root
    );
    office.test.by_hand(&typed).await;
    let root = office.test.token_of(&office.root).await;
    let last = office
        .test
        .ask_as(&root, "DELETE", &user(&deputy), None)
        .await;
    assert_eq!(last.code(), "LastAdministrator", "{}", last.text);
    let other = office
        .test
        .join("other", UserKind::EnterpriseAdmin, None, None)
        .await;
    for id in [&other, &deputy] {
        let answer = office.test.ask_as(&root, "DELETE", &user(id), None).await;
        let expected = match id == &other {
            true => StatusCode::NO_CONTENT,
            false => StatusCode::CONFLICT,
        };
        assert_eq!(answer.status, expected, "{}", answer.text);
    }
}

#[tokio::test]
async fn a_tenant_administrator_removes_nobody_who_stands_higher_or_elsewhere() {
    let branch = Branch::open().await;
    let test = &branch.office.test;
    let above = Some("administrator");
    let higher = test
        .join("higher", UserKind::User, Some(&branch.own), above)
        .await;
    let stranger = test
        .join("stranger", UserKind::User, Some(&branch.foreign), None)
        .await;
    for (path, status, code) in [
        (user(&higher), StatusCode::FORBIDDEN, "ROLE_LEVEL_TOO_LOW"),
        (user(&stranger), StatusCode::NOT_FOUND, "UserUnknown"),
        (
            user(&branch.office.root),
            StatusCode::NOT_FOUND,
            "UserUnknown",
        ),
    ] {
        let found = branch.ask("DELETE", &path, json!({})).await;
        assert_eq!((found.status, found.code().as_str()), (status, code));
    }
    let done = branch.ask("DELETE", &branch.clerk, json!({})).await;
    assert_eq!(done.status, StatusCode::NO_CONTENT, "{}", done.text);
}

/// A tenant administrator of `own`, with one of its clerks, and a foreign tenant.
struct Branch {
    office: Office,
    own: String,
    foreign: String,
    clerk: String,
    token: String,
}

impl Branch {
    async fn open() -> Self {
        let office = Office::open().await;
        let (own, foreign) = (office.tenant("Own").await, office.tenant("Foreign").await);
        let join = async |name: &str, role: &str| {
            let test = &office.test;
            test.join(name, UserKind::User, Some(&own), Some(role))
                .await
        };
        let chief = join("chief", "tenant-administrator").await;
        let clerk = user(&join("clerk", "reader").await);
        let token = office.test.token_of(&chief).await;
        Self {
            office,
            own,
            foreign,
            clerk,
            token,
        }
    }

    /// As the tenant administrator.
    async fn ask(&self, method: &str, path: &str, body: Value) -> Answer {
        let test = &self.office.test;
        test.ask_as(&self.token, method, path, Some(body)).await
    }
}

#[tokio::test]
async fn a_tenant_administrator_gives_no_more_than_they_hold() {
    let branch = Branch::open().await;
    let (own, foreign, clerk) = (&branch.own, &branch.foreign, &branch.clerk);
    let test = &branch.office.test;
    let above = Some("administrator");
    let victim = test.join("victim", UserKind::User, Some(own), above).await;
    let victim = user(&victim);
    let asked = json!({"name": "theirs", "tenant": foreign, "level": 10});
    let theirs = branch.office.done("POST", "/api/roles", asked).await;
    let (low, kind) = ("ROLE_LEVEL_TOO_LOW", "KindReserved");
    for (path, body, code) in [
        (clerk, json!({"roles": ["administrator"]}), low),
        (&victim, json!({"isActive": false}), low),
        (clerk, json!({"roles": [theirs["id"]]}), "RoleUnknown"),
        (clerk, json!({"userType": "enterprise_admin"}), kind),
        (clerk, json!({"tenant": foreign}), "TenantUnknown"),
        (clerk, json!({"tenant": null}), "TenantUnknown"),
    ] {
        let found = branch.ask("PATCH", path, body.clone()).await;
        assert_eq!(found.code(), code, "{path} {body}");
    }
    let body = json!({"username": "x", "userType": "super_admin"});
    let found = branch.ask("POST", "/api/users", body).await;
    assert_eq!(found.code(), kind);
}

#[tokio::test]
async fn a_tenant_administrator_writes_roles_of_no_more_than_they_hold() {
    let branch = Branch::open().await;
    let low = "ROLE_LEVEL_TOO_LOW";
    let role = |level: i64, permissions: &[&str]| json!({"name": "x", "level": level, "permissions": permissions});
    for (body, code) in [
        (role(90, &[]), low),
        (role(50, &["roles:view"]), low),
        (
            role(80, &["shoes:tie", "users:view"]),
            "PERMISSIONS_NOT_FOUND",
        ),
        (role(80, &["nonsense"]), "PERMISSIONS_NOT_FOUND"),
        (
            json!({"name": "x", "level": 10, "tenant": null}),
            "CrossTenant",
        ),
    ] {
        let found = branch.ask("POST", "/api/roles", body.clone()).await;
        assert_eq!(found.code(), code, "{body}");
    }
    for method in ["PATCH", "DELETE"] {
        let found = branch.ask(method, "/api/roles/reader", json!({})).await;
        assert_eq!(found.code(), "SystemRole", "{method}");
    }
    let made = branch
        .ask(
            "POST",
            "/api/roles",
            role(50, &["reports:view", "users:view"]),
        )
        .await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let roles = json!({"roles": ["reader", made.json()["id"]]});
    let given = branch.ask("PATCH", &branch.clerk, roles).await;
    let held = given.json()["roles"].as_array().map(Vec::len);
    assert_eq!(held, Some(2), "{}", given.text);
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
    for name in ["Carmen", "Carina", "Car_los", "Carol", "Oscar", "Zoe"] {
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
    let all = ["Car_los", "Carina", "Carmen", "Carol", "Oscar"];
    assert_eq!(names(&found), all);
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
        (vec!["Carol".to_owned(), "Oscar".to_owned()], &Value::Null)
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
