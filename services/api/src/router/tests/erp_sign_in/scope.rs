//! What somebody who signed in at an ERP reads: that server, and there the companies the ERP names.

use http::StatusCode;
use jiff::Timestamp;
use reportapp_session::Extras;
use serde_json::{Value, json};

use super::{MARIA_NORD, Scene, access};

const CHAT: &str = "/api/telegram/internal/chat/42";

/// Every question about a company, of which the name is to be put in.
const ABOUT: [&str; 2] = [
    "/api/calendar?server=main&company=",
    "/api/trial-balance?server=main&year=2025&month=1&company=",
];

/// Links the chat 42 to whoever has these tokens.
async fn link(scene: &Scene, tokens: &Value) {
    let test = &scene.test;
    let code = test
        .ask_as(access(tokens), "POST", "/api/telegram/link", None)
        .await;
    let code = code.json()["code"].clone();
    let body = json!({"code": code, "chatId": 42, "chatName": "Maria"});
    let redeemed = test
        .bot("POST", "/api/telegram/internal/redeem", Some(body))
        .await;
    assert_eq!(redeemed.status, StatusCode::OK, "{}", redeemed.text);
}

#[tokio::test]
async fn a_company_without_a_right_is_as_unknown_as_one_that_does_not_exist() {
    let scene = Scene::start().await;
    let test = &scene.test;
    let tokens = scene.maria().await;
    for path in ["/api/companies", "/api/companies?server=main"] {
        let companies = test.get(access(&tokens), path).await.json();
        assert_eq!(companies.as_array().unwrap().len(), 1, "{companies}");
        assert_eq!(
            (&companies[0]["id"], &companies[0]["server"]),
            (&json!("alfa"), &json!("main"))
        );
    }
    for path in ABOUT {
        let own = test.get(access(&tokens), &format!("{path}alfa")).await;
        assert_eq!(own.status, StatusCode::OK, "{}", own.text);
        let foreign = test.get(access(&tokens), &format!("{path}beta")).await;
        let unknown = test.get(access(&tokens), &format!("{path}gama")).await;
        assert_eq!(
            (foreign.status, foreign.code()),
            (StatusCode::NOT_FOUND, "CompanyUnknown".to_owned())
        );
        assert_eq!(
            foreign.refusal().to_string().replace("beta", "gama"),
            unknown.refusal().to_string()
        );
    }
    // A right that is taken away is gone with the next request.
    scene
        .main
        .batch("DELETE FROM contafin_oracle.drepturi")
        .await
        .unwrap();
    let gone = test
        .get(access(&tokens), &format!("{}alfa", ABOUT[0]))
        .await;
    assert_eq!(gone.code(), "CompanyUnknown", "{}", gone.text);
    assert_eq!(
        test.get(access(&tokens), "/api/companies").await.json(),
        json!([])
    );
}

#[tokio::test]
async fn a_session_of_one_server_reads_no_other() {
    let scene = Scene::start().await;
    let test = &scene.test;
    let tokens = scene.maria().await;
    let refreshed = scene.refresh(&tokens).await;
    assert_eq!(refreshed.status, StatusCode::OK, "{}", refreshed.text);
    for token in [access(&tokens), access(&refreshed.json())] {
        let claims = test.app.tokens.verify(token, Timestamp::now()).unwrap();
        assert_eq!(claims.server_id.as_deref(), Some("main"));
        for server in ["nord", "demo"] {
            for path in [
                format!("/api/companies?server={server}"),
                format!("/api/calendar?server={server}&company=alfa"),
                format!("/api/trial-balance?server={server}&company=alfa&year=2025&month=1"),
            ] {
                let answer = test.get(token, &path).await;
                assert_eq!(
                    (answer.status, answer.code()),
                    (StatusCode::FORBIDDEN, "ServerNotSignedIn".to_owned()),
                    "{path}"
                );
                let remedy = format!("sign in to server {server}");
                assert!(answer.text.contains(&remedy), "{}", answer.text);
            }
        }
        let unknown = test.get(token, "/api/companies?server=vest").await;
        assert_eq!(unknown.code(), "ServerUnknown");
    }
    // A signed token that names another server than its user's, or none, is good for nothing.
    let session = test
        .app
        .store
        .list_sessions(tokens["user"]["id"].as_str().unwrap(), Timestamp::now());
    let session = session.await.unwrap().remove(0).session;
    for server in [Some("nord".to_owned()), None] {
        let extras = Extras {
            server_id: server,
            csrf: None,
        };
        let forged = test
            .app
            .tokens
            .issue_with(&session.bearer(), extras, Timestamp::now());
        let answer = test.get(&forged.value, "/api/companies?server=nord").await;
        assert_eq!(answer.code(), "NotSignedIn", "{}", answer.text);
    }
    // Ids of one server mean nothing at another, and accounts of the application read all of them.
    let nord = scene.sign_in("nord", "maria", MARIA_NORD).await.json();
    let companies = test.get(access(&nord), "/api/companies").await.json();
    assert_eq!(
        (&companies[0]["id"], companies.as_array().unwrap().len()),
        (&json!("beta"), 1)
    );
    let ana = test.token().await;
    for server in ["main", "nord", "demo"] {
        let companies = test
            .get(&ana, &format!("/api/companies?server={server}"))
            .await
            .json();
        assert_eq!(companies.as_array().unwrap().len(), 2, "{server}");
    }
}

#[tokio::test]
async fn the_bot_tells_a_chat_what_its_user_may_read_and_no_more() {
    let scene = Scene::start().await;
    let test = &scene.test;
    let tokens = scene.maria().await;
    link(&scene, &tokens).await;
    let companies = test
        .bot("GET", &format!("{CHAT}/companies"), None)
        .await
        .json();
    assert_eq!(companies.as_array().unwrap().len(), 1, "{companies}");
    let choose = async |server: &str, company: &str| {
        let body = Some(json!({"server": server, "company": company}));
        test.bot("PUT", &format!("{CHAT}/company"), body).await
    };
    let (foreign, unknown) = (choose("main", "beta").await, choose("main", "gama").await);
    assert_eq!(
        (foreign.status, foreign.code()),
        (StatusCode::NOT_FOUND, "CompanyUnknown".to_owned())
    );
    assert_eq!(unknown.code(), "CompanyUnknown");
    let elsewhere = choose("nord", "beta").await;
    assert_eq!(
        (elsewhere.status, elsewhere.code()),
        (StatusCode::NOT_FOUND, "ServerUnknown".to_owned()),
        "401 and 403 would say that the bot's token is wrong"
    );
    assert_eq!(choose("main", "alfa").await.status, StatusCode::NO_CONTENT);
    let balance = test.bot("GET", &format!("{CHAT}/balance"), None).await;
    assert_eq!(balance.json()["company"]["id"], "alfa", "{}", balance.text);
    let reset = test
        .bot("POST", &format!("{CHAT}/password-reset"), None)
        .await;
    assert_eq!(
        (reset.status, reset.code()),
        (StatusCode::CONFLICT, "ErpAccount".to_owned())
    );

    scene
        .main
        .batch("DELETE FROM contafin_oracle.drepturi")
        .await
        .unwrap();
    let balance = test.bot("GET", &format!("{CHAT}/balance"), None).await;
    assert_eq!(balance.code(), "CompanyUnknown", "{}", balance.text);
    assert_eq!(
        test.bot("GET", CHAT, None).await.json()["company"],
        json!(null)
    );
    scene.at_erp("activ = false").await;
    for path in [
        CHAT.to_owned(),
        format!("{CHAT}/companies"),
        format!("{CHAT}/balance"),
    ] {
        assert_eq!(
            test.bot("GET", &path, None).await.code(),
            "NotLinked",
            "{path}"
        );
    }
}

#[tokio::test]
async fn whoever_is_deactivated_at_the_erp_reads_nothing_and_does_not_go_on() {
    let scene = Scene::start().await;
    let test = &scene.test;
    let tokens = scene.maria().await;
    scene.at_erp("activ = false").await;
    for path in ["/api/companies", "/api/calendar?company=alfa"] {
        assert_eq!(
            test.get(access(&tokens), path).await.code(),
            "NotSignedIn",
            "{path}"
        );
    }
    assert_eq!(scene.refresh(&tokens).await.code(), "NotSignedIn");
    let again = scene.sign_in("main", "maria", super::MARIA).await;
    assert_eq!(again.code(), "InvalidCredentials");
    scene.at_erp("activ = true").await;
    assert_eq!(
        scene.refresh(&tokens).await.status,
        StatusCode::OK,
        "nothing was used up"
    );
}
