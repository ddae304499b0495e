//! Going on with a session, and what becomes of it when two people do.

use std::sync::Arc;

use http::StatusCode;
use reportapp_pool::Value as Parameter;
use reportapp_session::RefreshToken;
use reportapp_session::epochs::Scope;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::test_support::{Answer, PASSWORD, TestApp, request, small_ledger};

/// Signs Ana in as a program that keeps no cookies.
async fn sign_in(test: &TestApp) -> Value {
    let body = json!({"username": "ana", "password": PASSWORD, "withRefreshToken": true});
    let answer = test
        .call(request("POST", "/api/auth/login", Some(body)))
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.json()
}

async fn refresh(test: &TestApp, token: &str) -> Answer {
    let body = json!({"refreshToken": token});
    test.call(request("POST", "/api/token/refresh", Some(body)))
        .await
}

fn token(body: &Value, name: &str) -> String {
    body[name].as_str().unwrap().to_owned()
}

async fn status(test: &TestApp, access: &str) -> StatusCode {
    test.get(access, "/api/auth/me").await.status
}

#[tokio::test]
async fn a_program_goes_on_with_its_session_by_the_body_and_gets_no_cookie() {
    let test = TestApp::start().await;
    let first = sign_in(&test).await;
    let answer = refresh(&test, &token(&first, "refreshToken")).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert!(!answer.headers.contains_key("set-cookie"));
    let next = answer.json();
    assert_ne!(next["refreshToken"], first["refreshToken"]);
    for body in [&first, &next] {
        assert_eq!(
            status(&test, &token(body, "accessToken")).await,
            StatusCode::OK
        );
    }
    let sessions = test
        .get(&token(&next, "accessToken"), "/api/auth/sessions")
        .await;
    assert_eq!(
        sessions.json()["sessions"].as_array().unwrap().len(),
        1,
        "the same session"
    );
    let invented = RefreshToken::begin();
    for bad in ["", "x", invented.expose()] {
        assert_eq!(refresh(&test, bad).await.code(), "NotSignedIn", "{bad}");
    }
}

#[tokio::test]
async fn a_browser_goes_on_by_its_cookies_and_no_script_sees_a_token() {
    let test = TestApp::start().await;
    let signed_in = test.log_in("ana", PASSWORD).await;
    assert!(signed_in.json()["refreshToken"].is_null());
    let cookie = |name| signed_in.cookie(name).unwrap();
    let (old, csrf) = (cookie("refresh_token"), cookie("csrf_token"));
    let held = [("refresh_token", old.as_str())];
    let path = ("POST", "/api/auth/refresh");
    for wrong in [None, Some("x")] {
        let refused = test.browse(path, &held, wrong).await;
        assert_eq!(refused.code(), "CsrfTokenInvalid");
    }
    let answer = test.browse(path, &held, Some(&csrf)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let access = answer.cookie("access_token").unwrap();
    let next = answer.cookie("refresh_token").unwrap();
    assert_ne!(next, old);
    assert_eq!(
        answer.cookie("csrf_token"),
        Some(csrf),
        "pages need not hear of it"
    );
    assert!(!answer.text.contains(&access) && !answer.text.contains(&next));
    assert_eq!(status(&test, &access).await, StatusCode::OK);
}

#[tokio::test]
async fn a_token_used_again_after_others_followed_ends_the_session_of_both() {
    let test = TestApp::start().await;
    let first = sign_in(&test).await;
    let (stolen, access) = (token(&first, "refreshToken"), token(&first, "accessToken"));
    let second = refresh(&test, &stolen).await.json();
    let third = refresh(&test, &token(&second, "refreshToken")).await.json();
    let found_out = refresh(&test, &stolen).await;
    assert_eq!(found_out.code(), "NotSignedIn", "{}", found_out.text);
    let newest = token(&third, "refreshToken");
    assert_eq!(
        refresh(&test, &newest).await.status,
        StatusCode::UNAUTHORIZED
    );
    for body in [&access, &token(&third, "accessToken")] {
        assert_eq!(status(&test, body).await, StatusCode::UNAUTHORIZED);
    }
    let metrics = test.health.registry().gather();
    let metrics = prometheus::TextEncoder::new()
        .encode_to_string(&metrics)
        .unwrap();
    let line = r#"reportapp_session_refreshes_total{outcome="reused"} 1"#;
    assert!(metrics.contains(line), "{metrics}");
    // Somebody else's session, and a new one of the same user, go on.
    assert_eq!(
        status(&test, &token(&sign_in(&test).await, "accessToken")).await,
        StatusCode::OK
    );
}

#[tokio::test]
async fn an_answer_that_was_lost_is_asked_for_again_within_seconds_and_leaves_one_line() {
    let test = TestApp::start().await;
    let held = token(&sign_in(&test).await, "refreshToken");
    let lost = refresh(&test, &held).await.json();
    let again = refresh(&test, &held).await;
    assert_eq!(again.status, StatusCode::OK, "{}", again.text);
    let again = refresh(&test, &token(&again.json(), "refreshToken")).await;
    assert_eq!(again.status, StatusCode::OK, "{}", again.text);
    // Whoever found the lost answer shows that there are two of them.
    let found = refresh(&test, &token(&lost, "refreshToken")).await;
    assert_eq!(found.status, StatusCode::UNAUTHORIZED);
    let last = token(&again.json(), "refreshToken");
    assert_eq!(refresh(&test, &last).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_refresh_at_the_same_moment_one_line_is_left() {
    let test = Arc::new(TestApp::start().await);
    let held = token(&sign_in(&test).await, "refreshToken");
    let mut windows = JoinSet::new();
    for _ in 0..5 {
        let (test, held) = (Arc::clone(&test), held.clone());
        windows.spawn(async move { refresh(&test, &held).await });
    }
    let answers = windows.join_all().await;
    let mut good = Vec::new();
    for answer in &answers {
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        let held = RefreshToken::read(&token(&answer.json(), "refreshToken")).unwrap();
        let now = jiff::Timestamp::now();
        let row = test
            .app
            .store
            .find_session_of(&held, now)
            .await
            .unwrap()
            .unwrap();
        good.push(row.line.current == held.hash());
    }
    assert_eq!(
        good.iter().filter(|is_good| **is_good).count(),
        1,
        "{good:?}"
    );
}

#[tokio::test]
async fn whoever_was_signed_out_locked_or_must_reset_gets_no_further_token() {
    for end in ["all", "user", "lock", "reset", "tenant"] {
        let test = TestApp::start().await;
        let body = sign_in(&test).await;
        let user = body["user"]["id"].as_str().unwrap().to_owned();
        let pool = test.store_pool().await;
        let execute = async |sql: &str| {
            let params = [Parameter::Text(user.clone())];
            pool.execute(sql, &params).await.unwrap();
        };
        let revoke = async |scope| {
            let name = "an order from outside".to_owned();
            test.app.epochs.revoke(name, vec![scope]).await.unwrap();
        };
        match end {
            "all" => revoke(Scope::All).await,
            "user" => revoke(Scope::User(user.clone())).await,
            "lock" => execute("UPDATE users_enhanced SET is_active = 0 WHERE id = $1").await,
            "reset" => {
                execute("UPDATE users_enhanced SET must_reset_password = 1 WHERE id = $1").await;
            }
            _ => {
                let sql = "INSERT INTO clients (id, name, name_key, is_active, created_at)
                           VALUES ($1, 't', 't', 0, '2026-01-01T00:00:00Z')";
                execute(sql).await;
                execute("UPDATE users_enhanced SET tenant_id = $1 WHERE id = $1").await;
            }
        }
        let refused = refresh(&test, &token(&body, "refreshToken")).await;
        assert!(refused.status.is_client_error(), "{end}: {}", refused.text);
        assert!(["NotSignedIn", "PasswordResetRequired"].contains(&refused.code().as_str()));
    }
}

#[tokio::test]
async fn signing_out_ends_the_session_also_when_the_access_token_has_expired() {
    let test = TestApp::with(small_ledger(), |_| {}).await;
    let signed_in = test.log_in("ana", PASSWORD).await;
    let held = signed_in.cookie("refresh_token").unwrap();
    let cookies = [("refresh_token", held.as_str())];
    let out = test
        .browse(("POST", "/api/auth/logout"), &cookies, None)
        .await;
    assert_eq!(out.status, StatusCode::NO_CONTENT, "{}", out.text);
    for name in ["access_token", "refresh_token", "csrf_token"] {
        assert_eq!(out.cookie(name).as_deref(), Some(""), "{name}");
    }
    let access = signed_in.cookie("access_token").unwrap();
    assert_eq!(status(&test, &access).await, StatusCode::UNAUTHORIZED);
    assert_eq!(refresh(&test, &held).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_refresh_token_of_a_session_that_was_ended_ends_no_other() {
    let test = TestApp::start().await;
    let held = test.log_in("ana", PASSWORD).await;
    let held = held.cookie("refresh_token").unwrap();
    let action = "of an administrator".to_owned();
    // As an action does it: the epoch alone.
    test.app
        .epochs
        .revoke(action, vec![Scope::All])
        .await
        .unwrap();
    let anew = token(&sign_in(&test).await, "accessToken");
    let cookies = [("refresh_token", held.as_str())];
    let path = ("POST", "/api/auth/logout?everywhere=true");
    let out = test.browse(path, &cookies, None).await;
    assert_eq!(out.status, StatusCode::NO_CONTENT, "{}", out.text);
    assert_eq!(status(&test, &anew).await, StatusCode::OK);
}

#[tokio::test]
async fn a_session_that_was_renewed_shows_by_what_and_when() {
    let test = TestApp::start().await;
    let held = token(&sign_in(&test).await, "refreshToken");
    let mut renew = request(
        "POST",
        "/api/auth/refresh",
        Some(json!({"refreshToken": held})),
    );
    let agent = "curl/8".parse().unwrap();
    renew.headers_mut().insert("user-agent", agent);
    let access = token(&test.call(renew).await.json(), "accessToken");
    let listed = test.get(&access, "/api/auth/sessions").await.json();
    assert_eq!(listed["sessions"][0]["userAgent"], "curl/8");
}
