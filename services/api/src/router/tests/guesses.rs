//! Guesses at a password, and that they keep nobody out who is known.

use std::net::SocketAddr;

use http::StatusCode;
use serde_json::json;

use crate::peer::PeerAddr;
use crate::test_support::{Answer, PASSWORD, TestApp, request};

/// A sign-in as Ana from an address, by a browser with this mark.
async fn log_in(test: &TestApp, from: [u8; 4], device: Option<&str>, password: &str) -> Answer {
    let body = json!({"username": "Ana", "password": password});
    let mut request = request("POST", "/api/auth/login", Some(body));
    let peer = PeerAddr(SocketAddr::from((from, 4711)));
    request.extensions_mut().insert(peer);
    if let Some(device) = device {
        let cookie = format!("device={device}").parse().unwrap();
        request.headers_mut().insert("cookie", cookie);
    }
    test.call(request).await
}

#[tokio::test]
async fn ten_thousand_wrong_guesses_from_elsewhere_do_not_keep_the_owner_out() {
    let test = TestApp::start().await;
    let home = [192, 0, 2, 1];
    let signed_in = log_in(&test, home, None, PASSWORD).await;
    let device = signed_in.cookie("device").unwrap();
    let mut refused = 0;
    for number in 0..10_000_u32 {
        let [_, a, b, c] = number.to_be_bytes();
        let answer = log_in(&test, [10, a, b, c], None, "guess").await;
        refused += usize::from(answer.status == StatusCode::TOO_MANY_REQUESTS);
    }
    assert!(refused > 9_900, "{refused}");
    let stranger = log_in(&test, [198, 51, 100, 7], None, PASSWORD).await;
    assert_eq!(stranger.status, StatusCode::TOO_MANY_REQUESTS);
    let owner = log_in(&test, home, Some(&device), PASSWORD).await;
    assert_eq!(owner.status, StatusCode::OK, "{}", owner.text);
    assert_eq!(
        owner.cookie("device").as_deref(),
        Some(device.as_str()),
        "it stays known"
    );
}

#[tokio::test]
async fn guesses_from_a_shared_address_do_not_keep_a_known_device_out() {
    let test = TestApp::start().await;
    let office = [192, 0, 2, 1];
    let device = log_in(&test, office, None, PASSWORD).await.cookie("device");
    for number in 0..60 {
        let body = json!({"username": format!("u{number}"), "password": "guess"});
        test.call(request("POST", "/api/auth/login", Some(body)))
            .await;
    }
    let stranger = log_in(&test, office, None, PASSWORD).await;
    assert_eq!(stranger.status, StatusCode::TOO_MANY_REQUESTS);
    let owner = log_in(&test, office, device.as_deref(), PASSWORD).await;
    assert_eq!(owner.status, StatusCode::OK, "{}", owner.text);
}

#[tokio::test]
async fn whoever_invents_an_address_for_each_guess_is_counted_by_their_own() {
    let test = TestApp::start().await;
    let mut statuses = Vec::new();
    for number in 0..40 {
        let body = json!({"username": format!("u{number}"), "password": "guess"});
        let mut request = request("POST", "/api/auth/login", Some(body));
        for header in ["x-forwarded-for", "forwarded"] {
            let invented = match header {
                "forwarded" => format!("for=198.51.100.{number}"),
                _ => format!("198.51.100.{number}"),
            };
            let invented = invented.parse().unwrap();
            request.headers_mut().insert(header, invented);
        }
        statuses.push(test.call(request).await.status);
    }
    assert_eq!(statuses.first(), Some(&StatusCode::UNAUTHORIZED));
    assert_eq!(statuses.last(), Some(&StatusCode::TOO_MANY_REQUESTS));
}

#[tokio::test]
async fn a_known_device_may_not_guess_for_ever_and_an_invented_one_is_a_stranger() {
    let test = TestApp::start().await;
    let home = [192, 0, 2, 1];
    let device = log_in(&test, home, None, PASSWORD).await.cookie("device");
    let invented = "ab".repeat(32);
    for cookie in [device.as_deref(), Some(invented.as_str())] {
        let mut status = StatusCode::OK;
        for _ in 0..12 {
            status = log_in(&test, home, cookie, "guess").await.status;
        }
        assert_eq!(status, StatusCode::TOO_MANY_REQUESTS, "{cookie:?}");
    }
}

#[tokio::test]
async fn an_attempt_is_written_down_with_its_outcome_and_an_unknown_name_is_not() {
    let test = TestApp::start().await;
    log_in(&test, [192, 0, 2, 1], None, PASSWORD).await;
    log_in(&test, [192, 0, 2, 1], None, "wrong").await;
    test.log_in("typed-password-here", "x").await;
    let pool = test.store_pool().await;
    let sql = "SELECT identifier, success, failure_reason, ip_address FROM login_attempts
               ORDER BY created_at";
    let rows = pool.query(sql, &[]).await.unwrap();
    let found: Vec<(Option<String>, bool, Option<String>)> = rows
        .iter()
        .map(|row| {
            let get = |name| row.get::<Option<String>>(name).unwrap();
            (
                get("identifier"),
                row.get("success").unwrap(),
                get("failure_reason"),
            )
        })
        .collect();
    let refused = || Some("refused".to_owned());
    let ana = || Some("ana".to_owned());
    assert_eq!(
        found,
        [
            (ana(), true, None),
            (ana(), false, refused()),
            (None, false, refused())
        ]
    );
}
