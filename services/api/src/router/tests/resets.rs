//! A new password by a one-time code: forced by an administrator, or asked for in Telegram.

use http::StatusCode;
use reportapp_pool::Value as Parameter;
use serde_json::json;

use crate::test_support::{Answer, PASSWORD, TestApp, request};

const NEW: &str = "a much longer secret";

async fn reset(test: &TestApp, username: &str, code: &str, new: &str) -> Answer {
    let body = json!({"username": username, "code": code, "new": new});
    let path = "/api/auth/password/reset";
    test.call(request("POST", path, Some(body))).await
}

/// Ana as an administrator, who can force a reset on herself: her token, and her id.
async fn administrator(test: &TestApp) -> (String, String) {
    let pool = test.store_pool().await;
    let kind = "UPDATE users_enhanced SET user_type = 'enterprise_admin'";
    pool.execute(kind, &[]).await.unwrap();
    let answer = test.log_in("ana", PASSWORD).await.json();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    (text(&answer["accessToken"]), text(&answer["user"]["id"]))
}

#[tokio::test]
async fn after_a_forced_reset_the_old_password_begins_no_session_and_the_code_gives_a_new_one() {
    let test = TestApp::start().await;
    let (token, id) = administrator(&test).await;
    let path = format!("/api/users/{id}/password-reset");
    let issued = test.ask_as(&token, "POST", &path, None).await;
    assert_eq!(issued.status, StatusCode::OK, "{}", issued.text);
    let code = issued.json()["code"].as_str().unwrap().to_owned();
    assert_eq!(test.get(&token, "/api/auth/me").await.code(), "NotSignedIn");

    let right = test.log_in("ana", PASSWORD).await;
    assert_eq!(right.status, StatusCode::FORBIDDEN);
    assert_eq!(right.code(), "PasswordResetRequired");
    assert!(!right.headers.contains_key("set-cookie"));
    assert_eq!(
        test.log_in("ana", "not it").await.code(),
        "InvalidCredentials"
    );

    assert_eq!(
        reset(&test, "ana", &code, "short").await.code(),
        "InvalidPassword"
    );
    let answer = reset(&test, "ANA", &code.to_lowercase().replace('-', " "), NEW).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text);
    assert_eq!(
        test.log_in("ana", PASSWORD).await.code(),
        "InvalidCredentials"
    );
    assert_eq!(test.log_in("ana", NEW).await.status, StatusCode::OK);
    assert_eq!(
        reset(&test, "ana", &code, "another long secret")
            .await
            .code(),
        "ResetRefused"
    );
}

#[tokio::test]
async fn a_wrong_name_and_a_wrong_code_are_the_same_answer_and_guessing_is_slowed_down() {
    let test = TestApp::start().await;
    let wrong = reset(&test, "ana", "ABCDEF", NEW).await;
    let unknown = reset(&test, "nobody", "ABCDEF", NEW).await;
    assert_eq!(wrong.refusal(), unknown.refusal());
    assert_eq!(wrong.code(), "ResetRefused");
    let mut status = wrong.status;
    for _ in 0..12 {
        status = reset(&test, "ana", "ABCDEF", NEW).await.status;
    }
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn only_an_administrator_forces_a_reset() {
    let test = TestApp::start().await;
    let answer = test.log_in("ana", PASSWORD).await.json();
    let (token, id) = (
        answer["accessToken"].as_str().unwrap(),
        &answer["user"]["id"],
    );
    let path = format!("/api/users/{}/password-reset", id.as_str().unwrap());
    assert_eq!(
        test.ask_as(token, "POST", &path, None).await.code(),
        "Forbidden"
    );
    assert_eq!(test.log_in("ana", PASSWORD).await.status, StatusCode::OK);
    let (token, _) = administrator(&test).await;
    let nobody = "/api/users/nobody/password-reset";
    assert_eq!(
        test.ask_as(&token, "POST", nobody, None).await.code(),
        "UserUnknown"
    );
}

#[tokio::test]
async fn a_linked_private_chat_gets_a_code_and_the_password_stays_good_until_it_is_used() {
    let test = TestApp::start().await;
    let pool = test.store_pool().await;
    let sql = "INSERT INTO telegram_links (chat_id, user_id, chat_name, linked_at)
               SELECT $1, id, 'chat', created_at FROM users_enhanced";
    for chat in [7, -7] {
        pool.execute(sql, &[Parameter::Int(chat)]).await.unwrap();
    }
    let ask = async |chat: i64| {
        let path = format!("/api/telegram/internal/chat/{chat}/password-reset");
        test.bot("POST", &path, None).await
    };
    for stranger in [8, -7] {
        assert_eq!(ask(stranger).await.code(), "NotLinked", "{stranger}");
    }
    let earlier = ask(7).await.json()["code"].as_str().unwrap().to_owned();
    let issued = ask(7).await.json();
    assert_eq!(issued["username"], "Ana");
    assert_eq!(test.log_in("ana", PASSWORD).await.status, StatusCode::OK);
    assert_eq!(
        reset(&test, "ana", &earlier, NEW).await.code(),
        "ResetRefused"
    );
    let code = issued["code"].as_str().unwrap();
    assert_eq!(
        reset(&test, "ana", code, NEW).await.status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(test.log_in("ana", NEW).await.status, StatusCode::OK);
    let stored = "SELECT code_hash FROM password_resets";
    let rows = pool.query(stored, &[]).await.unwrap();
    let hash: String = rows[0].get("code_hash").unwrap();
    assert!(!code.replace('-', "").contains(&hash) && hash.len() == 64);
}
