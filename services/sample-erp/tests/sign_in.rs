//! Signing in at the sample ERP, on a PostgreSQL server of the test's own.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;

use reportapp_pool::testing::{TestPostgres, TestSqlite};
use reportapp_pool::{Pool, PoolError, Value};
use reportapp_sample_erp::create_users;
use reportapp_sample_erp::sign_in::SignInError;

const ROLES: &str = "
    CREATE ROLE \"erp app\" NOLOGIN;
    CREATE ROLE erp_app_a LOGIN PASSWORD 'canary-erp-app' IN ROLE \"erp app\";
    CREATE ROLE other LOGIN PASSWORD 'canary-other';";

/// A server with the users of the sample, of whom Maria has this password.
struct Scene {
    owner: Pool,
    server: TestPostgres,
}

const MARIA: &str = "canary-maria-ăîș";

impl Scene {
    async fn start() -> Self {
        let server = TestPostgres::start().await;
        let owner = Pool::open("owner", &server.config()).await.unwrap();
        owner.batch(ROLES).await.unwrap();
        let given = BTreeMap::from([("maria".to_owned(), MARIA.to_owned())]);
        let written = create_users(&owner, "erp app", &given).await.unwrap();
        let andrei = written[1].password.as_deref().unwrap();
        assert_eq!((written.len(), andrei.len()), (3, 16));
        Self { owner, server }
    }

    async fn login(&self, username: &str, password: &str) -> Pool {
        let config = self.server.config_for(username, password);
        Pool::open("app", &config).await.unwrap()
    }
}

async fn verify(pool: &Pool, name: &str, password: &str) -> Result<Option<String>, PoolError> {
    let sql = "SELECT pack_drepturi.verificautilizator($1, $2) AS id";
    let params = [Value::from(name), Value::from(password)];
    pool.query(sql, &params).await?[0].get("id")
}

#[tokio::test]
async fn the_application_learns_who_somebody_is_and_reads_nothing_behind_it() {
    let scene = Scene::start().await;
    let app = scene.login("erp_app_a", "canary-erp-app").await;
    let id = verify(&app, " Maria ", MARIA).await.unwrap();
    let id = id.expect("the password is right");
    for (name, password) in [
        ("maria", "wrong"),
        ("maria", ""),
        ("nobody", MARIA),
        ("", ""),
    ] {
        assert_eq!(verify(&app, name, password).await.unwrap(), None, "{name}");
    }
    let nothing = [Value::Null, Value::Null];
    let sql = "SELECT pack_drepturi.verificautilizator($1, $2) AS id";
    let id_of_nothing: Option<String> = app.query(sql, &nothing).await.unwrap()[0]
        .get("id")
        .unwrap();
    assert_eq!(id_of_nothing, None);

    let sql = "SELECT utilizator, nume, activ FROM pack_drepturi.date_utilizator($1)";
    let rows = app.query(sql, &[Value::from(id.as_str())]).await.unwrap();
    assert_eq!(rows[0].get::<String>("nume").unwrap(), "Maria Ionescu");
    assert!(rows[0].get::<bool>("activ").unwrap());
    let sql = "SELECT string_agg(c, ' ' ORDER BY c) AS all FROM pack_drepturi.companii($1) AS c";
    let companies = app.query(sql, &[Value::from(id.as_str())]).await.unwrap();
    assert_eq!(
        companies[0].get::<String>("all").unwrap(),
        "carpati delta stejarul"
    );

    for sql in [
        "SELECT parola FROM contafin_oracle.utilizatori",
        "SELECT contafin_oracle.rezumat('x', '\\x00'::bytea, 1)",
    ] {
        assert!(app.query(sql, &[]).await.is_err(), "{sql}");
    }
    let other = scene.login("other", "canary-other").await;
    assert!(verify(&other, "maria", MARIA).await.is_err());
}

#[tokio::test]
async fn whoever_is_inactive_has_no_password_and_no_company() {
    let scene = Scene::start().await;
    let app = scene.login("erp_app_a", "canary-erp-app").await;
    let id = verify(&app, "maria", MARIA).await.unwrap().unwrap();
    let off = "UPDATE contafin_oracle.utilizatori SET activ = false WHERE utilizator = 'maria'";
    scene.owner.batch(off).await.unwrap();
    assert_eq!(verify(&app, "maria", MARIA).await.unwrap(), None);
    let sql = "SELECT c FROM pack_drepturi.companii($1) AS c";
    assert!(app.query(sql, &[Value::from(id)]).await.unwrap().is_empty());
}

#[tokio::test]
async fn written_again_users_keep_their_passwords_unless_new_ones_are_given() {
    let scene = Scene::start().await;
    let app = scene.login("erp_app_a", "canary-erp-app").await;
    let again = create_users(&scene.owner, "erp app", &BTreeMap::new()).await;
    assert!(again.unwrap().iter().all(|one| one.password.is_none()));
    assert!(verify(&app, "maria", MARIA).await.unwrap().is_some());
    let given = BTreeMap::from([("maria".to_owned(), "canary-new".to_owned())]);
    create_users(&scene.owner, "erp app", &given).await.unwrap();
    assert_eq!(verify(&app, "maria", MARIA).await.unwrap(), None);
    assert!(verify(&app, "maria", "canary-new").await.unwrap().is_some());
}

#[tokio::test]
async fn what_cannot_be_written_is_refused_by_name_and_changes_nothing() {
    let server = TestPostgres::start().await;
    let owner = Pool::open("owner", &server.config()).await.unwrap();
    let none = BTreeMap::new();
    let Err(error) = create_users(&owner, "erp_app", &none).await else {
        panic!("there is no such role");
    };
    assert!(
        error.to_string().starts_with("--grant-to erp_app"),
        "{error}"
    );
    owner.batch("CREATE ROLE erp_app NOLOGIN").await.unwrap();
    let stranger = BTreeMap::from([("ana".to_owned(), "canary-secret".to_owned())]);
    let Err(error) = create_users(&owner, "erp_app", &stranger).await else {
        panic!("the sample has no Ana");
    };
    assert!(error.to_string().contains("ana") && !error.to_string().contains("canary"));
    let sql = "SELECT count(*) AS found FROM pg_namespace WHERE nspname = 'pack_drepturi'";
    let found: i64 = owner.query(sql, &[]).await.unwrap()[0]
        .get("found")
        .unwrap();
    assert_eq!(found, 0);
    let file = TestSqlite::new();
    let sqlite = Pool::open("sqlite", &file.config()).await.unwrap();
    let refused = create_users(&sqlite, "erp_app", &none).await;
    assert!(matches!(refused, Err(SignInError::NotPostgres)));
}
