//! Signing in at an ERP on a PostgreSQL of the test's own: two ERP servers with people of their own, beside
//! a server whose readers have accounts here.

mod outages;
mod scope;

use std::collections::BTreeMap;
use std::sync::Arc;

use http::StatusCode;
use reportapp_config::DatabaseConfig;
use reportapp_config::api::ErpAuth;
use reportapp_pool::Pool;
use reportapp_pool::testing::TestPostgres;
use reportapp_sample_erp::{create_users, load};
use serde_json::{Value, json};

use crate::erp::{Server, Servers};
use crate::test_support::{Answer, PASSWORD, TestApp, request, small_ledger};

/// Maria's at `main`.
const MARIA: &str = "canary-maria-main";
/// Maria's at `nord`, who is somebody else with the same id there.
const MARIA_NORD: &str = "canary-maria-nord";

/// The application with a server of its own accounts (`demo`) and two ERP servers (`main`, `nord`).
struct Scene {
    test: TestApp,
    postgres: TestPostgres,
    /// Owner of the database of `main`.
    main: Pool,
}

impl Scene {
    async fn start() -> Self {
        Self::with("SELECT 1").await
    }

    /// A scene whose server `main` was set up by this statement before the application came.
    async fn with(set_up: &str) -> Self {
        let postgres = TestPostgres::start().await;
        let main = Pool::open("main", &postgres.config()).await.unwrap();
        let login = "CREATE ROLE erp_app LOGIN PASSWORD 'canary-erp-app'";
        main.batch(login).await.unwrap();
        main.batch("CREATE DATABASE nord").await.unwrap();
        let nord = Pool::open("nord", &at(postgres.config(), "nord"))
            .await
            .unwrap();
        fill(&main, MARIA, "alfa").await;
        fill(&nord, MARIA_NORD, "beta").await;
        main.batch(set_up).await.unwrap();
        let mut servers = Vec::new();
        for (name, database) in [("main", "erp"), ("nord", "nord")] {
            let config = at(postgres.config_for("erp_app", "canary-erp-app"), database);
            let pool = Pool::open(name, &config).await.unwrap();
            servers.push(Server::new(name, pool).with_auth(ErpAuth::Erp));
        }
        let test = TestApp::with(small_ledger(), |app| {
            servers.insert(0, app.servers.all()[0].clone());
            app.servers = Servers::new(servers);
        });
        let test = test.await;
        Self {
            test,
            postgres,
            main,
        }
    }

    async fn sign_in(&self, server: &str, username: &str, password: &str) -> Answer {
        let body = json!({"username": username, "password": password, "server": server,
                          "withRefreshToken": true});
        let request = request("POST", "/api/auth/login", Some(body));
        self.test.call(request).await
    }

    /// Maria's tokens at `main`.
    async fn maria(&self) -> Value {
        let answer = self.sign_in("main", "maria", MARIA).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        answer.json()
    }

    async fn refresh(&self, tokens: &Value) -> Answer {
        let body = json!({"refreshToken": tokens["refreshToken"]});
        let request = request("POST", "/api/auth/refresh", Some(body));
        self.test.call(request).await
    }

    /// Maria's account at `main`, as somebody at the ERP changes it.
    async fn at_erp(&self, assignment: &str) {
        let sql = format!(
            "UPDATE contafin_oracle.utilizatori SET {assignment} WHERE utilizator = 'maria'"
        );
        self.main.batch(&sql).await.unwrap();
    }
}

/// The same login at another database of the server.
fn at(mut config: DatabaseConfig, name: &str) -> DatabaseConfig {
    if let DatabaseConfig::Postgres { database, pool, .. } = &mut config {
        name.clone_into(database);
        (pool.min, pool.max) = (0, 4);
    }
    config
}

/// Books of two companies, and Maria, who may read one of them.
async fn fill(owner: &Pool, password: &str, company: &str) {
    load(owner, &Arc::new(small_ledger())).await.unwrap();
    let given = BTreeMap::from([("maria".to_owned(), password.to_owned())]);
    create_users(owner, "erp_app", &given).await.unwrap();
    let rights = format!(
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO erp_app;
         INSERT INTO contafin_oracle.drepturi
         SELECT id, '{company}' FROM contafin_oracle.utilizatori WHERE utilizator = 'maria'"
    );
    owner.batch(&rights).await.unwrap();
}

fn access(tokens: &Value) -> &str {
    tokens["accessToken"].as_str().unwrap()
}

#[tokio::test]
async fn whoever_the_erp_knows_signs_in_there_and_is_known_here_from_then_on() {
    let scene = Scene::start().await;
    let test = &scene.test;
    let both = futures::join!(
        scene.sign_in("main", " MARIA ", MARIA),
        scene.sign_in("main", "maria", MARIA)
    );
    let (first, second) = (both.0.json(), both.1.json());
    assert_eq!(
        first["user"], second["user"],
        "one user for two first sign-ins"
    );
    let user = &first["user"];
    assert_eq!(user["username"], "maria@main");
    assert_eq!(
        (&user["displayName"], &user["erpServer"]),
        (&json!("Maria Ionescu"), &json!("main"))
    );
    assert_eq!(
        (&user["userType"], &user["mustChangePassword"]),
        (&json!("user"), &json!(false))
    );

    let permissions = test.get(access(&first), "/api/permissions").await.json();
    assert_eq!(
        permissions["permissions"],
        json!(["reports:view", "telegram:*"])
    );
    let servers = test
        .get(access(&first), "/api/auth/my-servers")
        .await
        .json();
    let expected = json!([
        {"server": "main", "title": "main", "kind": "erp", "signedIn": true},
        {"server": "nord", "title": "nord", "kind": "erp", "signedIn": false},
        {"server": null, "title": "demo", "kind": "store", "signedIn": false},
    ]);
    assert_eq!(servers["servers"], expected);

    scene
        .at_erp("nume = 'Maria Pop', utilizator = 'maria'")
        .await;
    assert_eq!(scene.maria().await["user"]["displayName"], "Maria Pop");
    assert_eq!(
        test.look("SELECT username AS x FROM users_enhanced")
            .await
            .len(),
        2
    );
    let sql = "SELECT coalesce(identifier, '-') AS x FROM login_attempts WHERE success";
    assert_eq!(test.look(sql).await, ["maria@main"; 3]);
}

#[tokio::test]
async fn a_wrong_password_an_unknown_name_and_a_locked_user_are_the_same_answer() {
    let scene = Scene::start().await;
    let test = &scene.test;
    let wrong = scene.sign_in("main", "maria", "canary-wrong").await;
    assert_eq!(
        (wrong.status, wrong.code()),
        (StatusCode::UNAUTHORIZED, "InvalidCredentials".to_owned())
    );
    scene.maria().await;
    let locked = "UPDATE users_enhanced SET is_active = 0 WHERE username = 'maria@main'";
    test.by_hand(locked).await;
    for (server, name, password) in [
        ("main", "maria", "canary-wrong"),
        ("main", "nobody", MARIA),
        ("main", "maria", MARIA),
        ("main", "ana", PASSWORD),
        ("nord", "maria", MARIA),
        // A server of accounts of the application takes those.
        ("demo", "maria@main", MARIA),
    ] {
        let answer = scene.sign_in(server, name, password).await;
        assert_eq!(answer.refusal(), wrong.refusal(), "{server} {name}");
    }
    let sql = "SELECT coalesce(identifier, '-') AS x FROM login_attempts WHERE NOT success
               ORDER BY created_at";
    let known = test.look(sql).await;
    // What nobody is called may be a password.
    assert_eq!(known[..3], ["-", "maria@main", "-"], "{known:?}");
    assert_eq!(
        scene.sign_in("demo", "ana", PASSWORD).await.status,
        StatusCode::OK
    );
    assert_eq!(
        scene.sign_in("vest", "maria", MARIA).await.code(),
        "ServerUnknown"
    );
    let broken = scene.sign_in("main", "maria\0", MARIA).await;
    assert_eq!(broken.code(), "InvalidCredentialsForm");

    test.by_hand("UPDATE users_enhanced SET is_active = 1, must_reset_password = 1 WHERE username = 'maria@main'").await;
    let reset = scene.sign_in("main", "maria", MARIA).await;
    assert_eq!(
        reset.code(),
        "InvalidCredentials",
        "no code could give her another password"
    );
}

#[tokio::test]
async fn where_to_sign_in_does_not_depend_on_who_asks() {
    let scene = Scene::start().await;
    scene.maria().await;
    let ask = async |username: &str| {
        let body = Some(json!({"username": username}));
        let request = request("POST", "/api/auth/check-identity", body);
        scene.test.call(request).await
    };
    let known = ask("maria").await;
    assert_eq!(known.status, StatusCode::OK, "{}", known.text);
    assert_eq!(known.json()["servers"].as_array().unwrap().len(), 3);
    for other in ["nobody", "ana", "maria@main", "root"] {
        assert_eq!(ask(other).await.text, known.text, "{other}");
    }
    assert_eq!(ask(" ").await.code(), "InvalidCredentialsForm");
    let only_here = TestApp::start().await;
    let body = Some(json!({"username": "ana"}));
    let request = request("POST", "/api/auth/check-identity", body);
    let expected = json!({"servers": [{"server": null, "title": "demo", "kind": "store"}]});
    assert_eq!(
        only_here.call(request).await.json(),
        expected,
        "nothing to choose"
    );
}

#[tokio::test]
async fn guesses_at_one_server_are_slowed_down_there_alone() {
    let scene = Scene::start().await;
    for _ in 0..10 {
        let answer = scene.sign_in("main", "maria", "canary-wrong").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{}", answer.text);
    }
    let throttled = scene.sign_in("main", " Maria", MARIA).await;
    assert_eq!(throttled.code(), "TooManyAttempts");
    assert!(throttled.headers.contains_key("retry-after"));
    let elsewhere = scene.sign_in("nord", "maria", MARIA_NORD).await;
    assert_eq!(elsewhere.status, StatusCode::OK, "{}", elsewhere.text);
}

#[tokio::test]
async fn a_password_that_the_erp_keeps_is_changed_nowhere_else() {
    let scene = Scene::start().await;
    let test = &scene.test;
    let tokens = scene.maria().await;
    let id = tokens["user"]["id"].as_str().unwrap();
    let make_root =
        "UPDATE users_enhanced SET user_type = 'enterprise_admin' WHERE username = 'Ana'";
    test.by_hand(make_root).await;
    let root = test.token().await;
    let user = format!("/api/users/{id}");
    let change = json!({"current": MARIA, "new": "another long password"});
    for (token, method, path, body) in [
        (
            access(&tokens),
            "POST",
            "/api/auth/password".to_owned(),
            Some(change),
        ),
        (&root, "POST", format!("{user}/password-reset"), None),
        (
            &root,
            "PATCH",
            user.clone(),
            Some(json!({"userType": "enterprise_admin"})),
        ),
    ] {
        let answer = test.ask_as(token, method, &path, body).await;
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::CONFLICT, "ErpAccount".to_owned()),
            "{path}"
        );
        assert!(answer.text.contains("server main"), "{}", answer.text);
    }
    let shown = test.get(&root, &user).await.json();
    assert_eq!(
        (&shown["erpServer"], &shown["mustResetPassword"]),
        (&json!("main"), &json!(false))
    );
    assert_eq!(
        test.get(access(&tokens), "/api/auth/me").await.status,
        StatusCode::OK
    );
    let locked = test
        .ask_as(&root, "PATCH", &user, Some(json!({"isActive": false})))
        .await;
    assert_eq!(locked.status, StatusCode::OK, "{}", locked.text);
    assert_eq!(
        test.get(access(&tokens), "/api/auth/me").await.status,
        StatusCode::UNAUTHORIZED
    );

    let taken = json!({"username": "New@MAIN"});
    let refused = test.ask_as(&root, "POST", "/api/users", Some(taken)).await;
    assert_eq!(refused.code(), "InvalidName", "{}", refused.text);
    let free = json!({"username": "new@other"});
    let made = test.ask_as(&root, "POST", "/api/users", Some(free)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
}
