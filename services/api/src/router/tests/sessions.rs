//! One's own sessions: listed, ended one by one, together, and everywhere.

use std::sync::Arc;

use http::StatusCode;
use reportapp_session::epochs::{Bearer, Revision, Scope};
use reportapp_session::{Claims, Session};
use serde_json::Value;

use crate::test_support::{PASSWORD, TestApp, Untold, small_ledger};

const SESSIONS: &str = "/api/auth/sessions";

/// An application whose records of sessions outlive them: only the epochs say that one ended.
async fn start() -> TestApp {
    TestApp::with(small_ledger(), |app| {
        app.sessions = Arc::new(Untold::default())
    })
    .await
}

async fn sessions(test: &TestApp, token: &str) -> Vec<Value> {
    let answer = test.get(token, SESSIONS).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.json()["sessions"].as_array().unwrap().clone()
}

async fn is_signed_in(test: &TestApp, token: &str) -> bool {
    match test.get(token, "/api/auth/me").await.status {
        StatusCode::OK => true,
        StatusCode::UNAUTHORIZED => false,
        other => panic!("{other}"),
    }
}

fn claims(test: &TestApp, token: &str) -> Claims {
    let now = jiff::Timestamp::now();
    test.app.tokens.verify(token, now).unwrap()
}

#[tokio::test]
async fn a_user_sees_where_they_are_signed_in_and_which_session_this_is() {
    let test = start().await;
    let (first, second) = (test.token().await, test.token().await);
    let found = sessions(&test, &second).await;
    assert_eq!(found.len(), 2);
    assert_eq!(found[0]["id"], claims(&test, &first).sid);
    assert_eq!(found[0]["isCurrent"], false);
    assert_eq!(found[1]["isCurrent"], true);
    assert_eq!(found[0]["address"], "192.0.2.1");
    assert_eq!(found[0]["lastActivityAt"], found[0]["createdAt"]);
    let life = |end: &str| found[0][end].as_str().unwrap().to_owned();
    assert!(life("createdAt") < life("expiresAt"));
    let shown = test.get(&second, SESSIONS).await.text;
    assert!(!shown.contains(&first) && !shown.contains(&second));
}

#[tokio::test]
async fn a_user_ends_one_session_and_the_others_go_on() {
    let test = start().await;
    let (here, there) = (test.token().await, test.token().await);
    let path = format!("{SESSIONS}/{}", claims(&test, &there).sid);
    let answer = test.ask_as(&here, "DELETE", &path, None).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text);
    assert!(is_signed_in(&test, &here).await && !is_signed_in(&test, &there).await);
    assert_eq!(sessions(&test, &here).await.len(), 1);
    let again = test.ask_as(&here, "DELETE", &path, None).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
    assert_eq!(again.code(), "SessionUnknown");
}

#[tokio::test]
async fn a_session_of_somebody_else_is_unknown_and_goes_on() {
    let test = start().await;
    let here = test.token().await;
    let life = std::time::Duration::from_secs(600);
    let now = jiff::Timestamp::now();
    let foreign = Session::begin("somebody", Revision(0), None, life, now);
    test.app.sessions.begin(&foreign).await.unwrap();
    let path = format!("{SESSIONS}/{}", foreign.id);
    let answer = test.ask_as(&here, "DELETE", &path, None).await;
    assert_eq!(answer.code(), "SessionUnknown");
    assert!(test.app.epochs.admit(&foreign.bearer()).await.is_ok());
}

#[tokio::test]
async fn a_user_ends_every_session_but_the_present_one() {
    let test = start().await;
    let (here, one, other) = (test.token().await, test.token().await, test.token().await);
    let answer = test.ask_as(&here, "DELETE", SESSIONS, None).await;
    assert_eq!(answer.json()["ended"], 2, "{}", answer.text);
    assert!(is_signed_in(&test, &here).await);
    assert!(!is_signed_in(&test, &one).await && !is_signed_in(&test, &other).await);
    let again = test.ask_as(&here, "DELETE", SESSIONS, None).await;
    assert_eq!(again.json()["ended"], 0);
}

#[tokio::test]
async fn signing_out_everywhere_ends_this_session_too_and_the_user_may_come_back() {
    let test = start().await;
    let (here, there) = (test.token().await, test.token().await);
    let everywhere = "/api/auth/logout?everywhere=true";
    let answer = test.ask_as(&here, "POST", everywhere, None).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text);
    assert!(!is_signed_in(&test, &here).await && !is_signed_in(&test, &there).await);
    let back = test.token().await;
    assert_eq!(sessions(&test, &back).await.len(), 1);
    // What was ended does not end others again.
    let again = test.ask_as(&here, "POST", everywhere, None).await;
    assert_eq!(again.status, StatusCode::NO_CONTENT);
    assert!(is_signed_in(&test, &back).await);
}

#[tokio::test]
async fn a_session_that_was_revoked_elsewhere_is_neither_accepted_nor_listed() {
    let test = start().await;
    let old = test.token().await;
    let user = claims(&test, &old).sub;
    let scopes = vec![Scope::User(user)];
    let name = "an order from outside".to_owned();
    test.app.epochs.revoke(name, scopes).await.unwrap();
    // Its record is still there, as in a Redis that was not told.
    let sid = claims(&test, &old).sid;
    assert!(test.app.sessions.find(&sid).await.unwrap().is_some());
    assert!(!is_signed_in(&test, &old).await);
    let new = test.token().await;
    let found = sessions(&test, &new).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["isCurrent"], true);
}

#[tokio::test]
async fn a_token_from_before_epochs_is_good_until_anything_ends_it() {
    let test = start().await;
    let claims = claims(&test, &test.token().await);
    let ancient = Bearer {
        issued: Revision(0),
        ..claims.bearer()
    };
    let ancient = test
        .app
        .tokens
        .issue(&ancient, jiff::Timestamp::now())
        .value;
    assert!(is_signed_in(&test, &ancient).await);
    let revoke = |scope: Scope| test.app.epochs.revoke(format!("{scope:?}"), vec![scope]);
    revoke(Scope::User("somebody else".into())).await.unwrap();
    assert!(is_signed_in(&test, &ancient).await);
    revoke(Scope::User(claims.sub.clone())).await.unwrap();
    assert!(!is_signed_in(&test, &ancient).await);
}

#[tokio::test]
async fn a_token_is_judged_by_a_stamp_from_before_the_password_was_looked_at() {
    let test = start().await;
    let before = test.app.epochs.stamp().await.unwrap();
    let token = test.token().await;
    assert_eq!(claims(&test, &token).rev, before);
    let (scopes, name) = (vec![Scope::All], "all".to_owned());
    let raised = test.app.epochs.revoke(name, scopes).await.unwrap().revision;
    assert!(!is_signed_in(&test, &token).await);
    let answer = test.log_in("ana", PASSWORD).await.json();
    assert_eq!(answer["user"]["userType"], "user");
    let token = answer["accessToken"].as_str().unwrap();
    assert_eq!(claims(&test, token).rev, raised);
    assert!(is_signed_in(&test, token).await);
}
