//! What becomes of signing in when the ERP is away, lacks its functions, or would write passwords down.

use http::StatusCode;

use super::{MARIA, Scene, access};

#[tokio::test]
async fn an_erp_that_is_away_is_named_and_locks_nobody_out() {
    let mut scene = Scene::start().await;
    let tokens = scene.maria().await;
    scene.postgres.stop().await;
    for _ in 0..15 {
        let answer = scene.sign_in("main", "maria", MARIA).await;
        assert_eq!(
            (answer.status, answer.code()),
            (
                StatusCode::SERVICE_UNAVAILABLE,
                "DatabaseUnavailable".to_owned()
            ),
            "{}",
            answer.text
        );
        assert!(answer.text.contains("server main"), "{}", answer.text);
    }
    let refused = scene.refresh(&tokens).await;
    assert_eq!(refused.code(), "DatabaseUnavailable", "{}", refused.text);
    let me = scene.test.get(access(&tokens), "/api/auth/me").await;
    assert_eq!(me.status, StatusCode::OK, "what needs no ERP goes on");

    scene.postgres.start_again().await;
    let again = scene.refresh(&tokens).await;
    assert_eq!(again.status, StatusCode::OK, "{}", again.text);
    scene.maria().await;
}

#[tokio::test]
async fn without_its_functions_an_erp_signs_nobody_in_and_says_so() {
    let scene = Scene::start().await;
    let revoke = "REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA pack_drepturi FROM erp_app";
    scene.main.batch(revoke).await.unwrap();
    let answer = scene.sign_in("main", "maria", MARIA).await;
    assert_eq!(
        (answer.status, answer.code()),
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "ErpSignInUnavailable".to_owned()
        )
    );
    let server = scene.test.app.servers.get(Some("main")).unwrap();
    let told = server.could_verify().await.unwrap_err();
    let cause = std::error::Error::source(&told).unwrap().to_string();
    assert!(cause.contains("GRANT EXECUTE"), "{cause}");
    let nord = scene.test.app.servers.get(Some("nord")).unwrap();
    nord.could_verify().await.unwrap();
}

#[tokio::test]
async fn no_password_is_sent_to_a_server_that_would_write_it_to_its_log() {
    let logs = "ALTER DATABASE erp SET log_statement = 'all'";
    let scene = Scene::with(logs).await;
    let answer = scene.sign_in("main", "maria", MARIA).await;
    assert_eq!(answer.code(), "ErpSignInUnavailable", "{}", answer.text);
    let server = scene.test.app.servers.get(Some("main")).unwrap();
    let told = server.could_verify().await.unwrap_err();
    let cause = std::error::Error::source(&told).unwrap().to_string();
    let remedy = "ALTER DATABASE erp SET log_parameter_max_length = 0";
    assert!(cause.contains(remedy), "{cause}");
    let log = scene.postgres.log();
    assert!(
        log.contains("log_statement") && !log.contains(MARIA),
        "{log}"
    );

    let scene = Scene::with(&format!("{logs}; {remedy}")).await;
    scene.maria().await;
    let wrong = scene.sign_in("main", "maria", "canary-wrong-guess").await;
    assert_eq!(wrong.code(), "InvalidCredentials");
    // What fails is logged with its statement.
    let fails = "CREATE OR REPLACE FUNCTION
            pack_drepturi.verificautilizator(utilizator text, parola text)
        RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'out of order'; END $$";
    scene.main.batch(fails).await.unwrap();
    let failed = scene.sign_in("main", "maria", "canary-unlucky-guess").await;
    assert_eq!(failed.code(), "ErpSignInUnavailable", "{}", failed.text);
    let log = scene.postgres.log();
    let has = |text: &str| log.contains(text);
    assert!(
        has("verificautilizator($1, $2)") && has("out of order"),
        "{log}"
    );
    for secret in [MARIA, "canary-wrong-guess", "canary-unlucky-guess"] {
        assert!(!has(secret), "{secret} in {log}");
    }
}
