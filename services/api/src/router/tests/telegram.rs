//! Linking a chat and what the bot may ask.

use http::StatusCode;
use serde_json::json;

use crate::test_support::{TestApp, request};

const CHAT: &str = "/api/telegram/internal/chat/42";

async fn link(test: &TestApp) -> String {
    let token = test.token().await;
    let answer = test
        .ask_as(&token, "POST", "/api/telegram/link", None)
        .await;
    let code = answer.json()["code"].as_str().unwrap().to_owned();
    let body = json!({"code": code, "chatId": 42, "chatName": "Ana"});
    let answer = test
        .bot("POST", "/api/telegram/internal/redeem", Some(body))
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(answer.json()["user"]["username"], "Ana");
    token
}

#[tokio::test]
async fn a_code_links_one_chat_once() {
    let test = TestApp::start().await;
    let token = test.token().await;
    let answer = test
        .ask_as(&token, "POST", "/api/telegram/link", None)
        .await
        .json();
    let code = answer["code"].as_str().unwrap();
    assert_eq!(code.len(), 8);
    assert_eq!(answer["deepLink"], json!(null));
    let redeem = |code: &str| json!({"code": code, "chatId": 42, "chatName": "Ana"});
    let path = "/api/telegram/internal/redeem";
    let typed = format!(" {} ", code.to_lowercase());
    assert_eq!(
        test.bot("POST", path, Some(redeem(&typed))).await.status,
        StatusCode::OK
    );
    let again = test.bot("POST", path, Some(redeem(code))).await;
    let wrong = test.bot("POST", path, Some(redeem("AAAAAAAA"))).await;
    assert_eq!(
        (again.status, again.code()),
        (StatusCode::NOT_FOUND, "CodeUnknown".to_owned())
    );
    assert_eq!(again.refusal(), wrong.refusal());
}

#[tokio::test]
async fn guessing_codes_is_slowed_down_per_chat() {
    let test = TestApp::start().await;
    let body = json!({"code": "AAAAAAAA", "chatId": 42, "chatName": "x"});
    let path = "/api/telegram/internal/redeem";
    let mut last = StatusCode::NOT_FOUND;
    for _ in 0..10 {
        last = test.bot("POST", path, Some(body.clone())).await.status;
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn the_deep_link_opens_the_bot_with_the_code() {
    let test = TestApp::with(crate::test_support::small_ledger(), |app| {
        app.bot_username = Some("shop_bot".to_owned());
    })
    .await;
    let token = test.token().await;
    let answer = test
        .ask_as(&token, "POST", "/api/telegram/link", None)
        .await
        .json();
    let expected = format!(
        "https://t.me/shop_bot?start={}",
        answer["code"].as_str().unwrap()
    );
    assert_eq!(answer["deepLink"], expected);
}

#[tokio::test]
async fn a_chat_chooses_a_company_and_sees_its_cash_and_bank() {
    let test = TestApp::start().await;
    link(&test).await;
    let chat = test.bot("GET", CHAT, None).await.json();
    assert_eq!(
        (&chat["server"], &chat["company"]),
        (&json!("demo"), &json!(null))
    );
    let none = test.bot("GET", &format!("{CHAT}/balance"), None).await;
    assert_eq!(none.code(), "CompanyNotChosen");
    let companies = test
        .bot("GET", &format!("{CHAT}/companies"), None)
        .await
        .json();
    assert_eq!(companies.as_array().unwrap().len(), 2);

    let choice = json!({"server": "demo", "company": "alfa"});
    let chosen = test
        .bot("PUT", &format!("{CHAT}/company"), Some(choice))
        .await;
    assert_eq!(chosen.status, StatusCode::NO_CONTENT, "{}", chosen.text);
    assert_eq!(
        test.bot("GET", CHAT, None).await.json()["company"]["id"],
        "alfa"
    );
    let balance = test
        .bot("GET", &format!("{CHAT}/balance"), None)
        .await
        .json();
    assert_eq!(
        (&balance["year"], &balance["month"]),
        (&json!(2025), &json!(3))
    );
    assert_eq!(balance["totals"]["solddeb"], "1000.51");
    let accounts = balance["accounts"].as_array().unwrap();
    assert_eq!(accounts.len(), 1);
    assert_eq!(accounts[0]["cont"], "5121");

    let unknown = json!({"server": "demo", "company": "nope"});
    let refused = test
        .bot("PUT", &format!("{CHAT}/company"), Some(unknown))
        .await;
    assert_eq!(refused.code(), "CompanyUnknown");
}

#[tokio::test]
async fn a_chat_is_unlinked_by_the_bot_or_by_its_user() {
    let test = TestApp::start().await;
    let token = link(&test).await;
    let listed = test.get(&token, "/api/telegram/link").await.json();
    assert_eq!(listed["linked"][0]["chatId"], 42);
    let gone = test
        .ask_as(&token, "DELETE", "/api/telegram/link/42", None)
        .await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    assert_eq!(test.bot("GET", CHAT, None).await.code(), "NotLinked");
    let again = test
        .ask_as(&token, "DELETE", "/api/telegram/link/42", None)
        .await;
    assert_eq!(again.code(), "NotLinked");

    link(&test).await;
    let unlinked = test.bot("POST", &format!("{CHAT}/unlink"), None).await;
    assert_eq!(unlinked.status, StatusCode::NO_CONTENT);
    assert_eq!(test.bot("GET", CHAT, None).await.code(), "NotLinked");
}

#[tokio::test]
async fn only_the_bot_reaches_the_internal_api_and_only_on_its_listener() {
    let test = TestApp::start().await;
    let token = link(&test).await;
    for wrong in ["", "x", &token, "canary-internal-tokem"] {
        assert_eq!(test.bot_as(wrong, CHAT).await.code(), "NotSignedIn");
    }
    assert_eq!(test.get(&token, CHAT).await.code(), "RouteUnknown");
    let mut as_bot = request("GET", CHAT, None);
    let bearer = format!("Bearer {}", crate::test_support::BOT_TOKEN);
    as_bot
        .headers_mut()
        .insert("authorization", bearer.parse().unwrap());
    assert_eq!(test.call(as_bot).await.status, StatusCode::NOT_FOUND);
}
