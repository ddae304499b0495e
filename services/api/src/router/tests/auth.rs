//! Signing in and out, and what a session is good for.

use http::StatusCode;
use serde_json::json;

use crate::test_support::{PASSWORD, TestApp, request};

#[tokio::test]
async fn signing_in_gives_a_token_and_a_cookie_that_both_work() {
    let test = TestApp::start().await;
    let answer = test.log_in("ANA", PASSWORD).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let body = answer.json();
    assert_eq!(body["tokenType"], "Bearer");
    assert_eq!(body["user"]["username"], "Ana");
    assert_eq!(body["user"]["userType"], "user");
    assert_eq!(body["user"]["mustChangePassword"], true);

    let token = body["accessToken"].as_str().unwrap();
    assert_eq!(test.get(token, "/api/auth/me").await.json(), body["user"]);

    let cookie = answer.headers["set-cookie"].to_str().unwrap().to_owned();
    for attribute in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    let mut by_cookie = request("GET", "/api/auth/me", None);
    let pair = cookie.split(';').next().unwrap().parse().unwrap();
    by_cookie.headers_mut().insert("cookie", pair);
    assert_eq!(test.call(by_cookie).await.status, StatusCode::OK);
}

#[tokio::test]
async fn over_tls_the_cookie_insists_on_it() {
    let test = TestApp::with(crate::test_support::small_ledger(), |app| app.secure = true).await;
    let answer = test.log_in("ana", PASSWORD).await;
    assert!(
        answer.headers["set-cookie"]
            .to_str()
            .unwrap()
            .contains("; Secure;")
    );
    assert!(answer.headers.contains_key("strict-transport-security"));
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_name_are_the_same_answer() {
    let test = TestApp::start().await;
    let wrong = test.log_in("ana", "not it").await;
    let unknown = test.log_in("nobody", PASSWORD).await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    assert_eq!(wrong.code(), "InvalidCredentials");
    assert_eq!(wrong.refusal(), unknown.refusal());
    // Who was inserted by hand has no hash yet.
    let sql = "UPDATE users_enhanced SET password_hash = ''";
    let pool = test.store_pool().await;
    pool.execute(sql, &[]).await.unwrap();
    let without = test.log_in("ana", PASSWORD).await;
    assert_eq!(without.refusal(), unknown.refusal());
}

#[tokio::test]
async fn guessing_is_slowed_down_per_user_and_says_when_to_come_back() {
    let test = TestApp::start().await;
    let mut refused = test.log_in("ana", "guess").await;
    for _ in 0..20 {
        if refused.status == StatusCode::TOO_MANY_REQUESTS {
            break;
        }
        refused = test.log_in("ana", "guess").await;
    }
    assert_eq!(refused.code(), "TooManyAttempts");
    let seconds: u64 = refused.headers["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=30).contains(&seconds));
    let right = test.log_in("Ana", PASSWORD).await;
    assert_eq!(
        right.status,
        StatusCode::TOO_MANY_REQUESTS,
        "in any spelling"
    );
    assert_eq!(
        test.log_in("ion", "guess").await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn signing_out_ends_the_session_of_the_token() {
    let test = TestApp::start().await;
    let token = test.token().await;
    let other = test.token().await;
    let answer = test.ask_as(&token, "POST", "/api/auth/logout", None).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert!(
        answer.headers["set-cookie"]
            .to_str()
            .unwrap()
            .contains("Max-Age=0")
    );
    assert_eq!(test.get(&token, "/api/auth/me").await.code(), "NotSignedIn");
    assert_eq!(
        test.get(&other, "/api/auth/me").await.status,
        StatusCode::OK
    );
    let again = test.ask_as(&token, "POST", "/api/auth/logout", None).await;
    assert_eq!(again.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_new_password_ends_every_older_session_and_the_hint_to_change() {
    let test = TestApp::start().await;
    let (token, other) = (test.token().await, test.token().await);
    let new = "a much longer secret";
    let body = json!({"current": PASSWORD, "new": new});
    let answer = test
        .ask_as(&token, "POST", "/api/auth/password", Some(body))
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    for old in [&token, &other] {
        let refused = test.get(old, "/api/auth/me").await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    }
    let token = answer.json()["accessToken"].as_str().unwrap().to_owned();
    let cookie = answer.headers["set-cookie"].to_str().unwrap();
    assert!(cookie.contains(&token));
    let me = test.get(&token, "/api/auth/me").await.json();
    assert_eq!(me["mustChangePassword"], false);
    assert_eq!(
        test.log_in("ana", PASSWORD).await.status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(test.log_in("ana", new).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_bad_new_password_names_field_and_remedy() {
    let test = TestApp::start().await;
    let token = test.token().await;
    for (current, new, code, field) in [
        (PASSWORD, "short", "InvalidPassword", "new"),
        (PASSWORD, PASSWORD, "InvalidPassword", "new"),
        (PASSWORD, "ana likes apples", "InvalidPassword", "new"),
        ("not it", "a much longer secret", "WrongPassword", "current"),
    ] {
        let body = json!({"current": current, "new": new});
        let answer = test
            .ask_as(&token, "POST", "/api/auth/password", Some(body))
            .await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert_eq!(answer.code(), code);
        assert_eq!(answer.json()["field"], field);
        assert!(!answer.text.contains(new), "{}", answer.text);
    }
}

#[tokio::test]
async fn every_report_needs_a_session() {
    let test = TestApp::start().await;
    for path in [
        "/api/companies",
        "/api/calendar",
        "/api/trial-balance",
        "/api/auth/me",
    ] {
        let answer = test.call(request("GET", path, None)).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(
            test.get("rubbish", path).await.code(),
            "NotSignedIn",
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_request_that_another_site_caused_is_refused() {
    let test = TestApp::start().await;
    let signed_in = test.log_in("ana", PASSWORD).await;
    let cookie = |name| signed_in.cookie(name).unwrap();
    for (site, expected) in [
        ("cross-site", StatusCode::FORBIDDEN),
        ("same-site", StatusCode::FORBIDDEN),
        ("same-origin", StatusCode::NO_CONTENT),
    ] {
        let mut logout = request("POST", "/api/auth/logout", None);
        let headers = logout.headers_mut();
        headers.insert("sec-fetch-site", site.parse().unwrap());
        let access = format!("access_token={}", cookie("access_token"));
        headers.insert("cookie", access.parse().unwrap());
        headers.insert("x-csrf-token", cookie("csrf_token").parse().unwrap());
        assert_eq!(test.call(logout).await.status, expected, "{site}");
    }
}

#[tokio::test]
async fn under_a_cookie_nothing_is_changed_without_the_token_of_its_session() {
    let test = TestApp::start().await;
    let (mine, other) = (
        test.log_in("ana", PASSWORD).await,
        test.log_in("ana", PASSWORD).await,
    );
    let access = mine.cookie("access_token").unwrap();
    let foreign = other.cookie("csrf_token").unwrap();
    let planted = [
        ("access_token", access.as_str()),
        ("csrf_token", foreign.as_str()),
    ];
    for csrf in [None, Some("x"), Some(foreign.as_str())] {
        for request in [
            ("DELETE", "/api/auth/sessions"),
            ("POST", "/api/telegram/link"),
        ] {
            let answer = test.browse(request, &planted, csrf).await;
            assert_eq!(answer.code(), "CsrfTokenInvalid", "{request:?} {csrf:?}");
            assert_eq!(answer.status, StatusCode::FORBIDDEN);
        }
    }
    let read = test
        .browse(("GET", "/api/auth/sessions"), &planted, None)
        .await;
    assert_eq!(read.json()["sessions"].as_array().unwrap().len(), 2);
    let own = mine.cookie("csrf_token").unwrap();
    let answer = test
        .browse(("DELETE", "/api/auth/sessions"), &planted, Some(&own))
        .await;
    assert_eq!(answer.json()["ended"], 1, "{}", answer.text);
}

#[tokio::test]
async fn only_the_csrf_cookie_can_be_read_by_a_page_and_only_sign_in_sees_the_refresh_token() {
    let test = TestApp::with(crate::test_support::small_ledger(), |app| app.secure = true).await;
    let answer = test.log_in("ana", PASSWORD).await;
    let set = answer.headers.get_all("set-cookie").iter();
    let set: Vec<&str> = set.map(|cookie| cookie.to_str().unwrap()).collect();
    assert_eq!(set.len(), 4);
    for cookie in set {
        assert!(
            cookie.contains("; Secure; SameSite=Strict; Path=/"),
            "{cookie}"
        );
        assert_eq!(
            cookie.contains("HttpOnly"),
            !cookie.starts_with("csrf_token="),
            "{cookie}"
        );
        let narrow = cookie.starts_with("refresh_token=") || cookie.starts_with("device=");
        assert_eq!(cookie.contains("Path=/api/auth/;"), narrow, "{cookie}");
    }
    assert!(
        !answer
            .text
            .contains(&answer.cookie("refresh_token").unwrap())
    );
}
