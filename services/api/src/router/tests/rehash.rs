//! A password hash of earlier parameters is replaced at the next sign-in, and nobody is signed out by it.

use http::StatusCode;
use reportapp_session::password::is_outdated;
use reportapp_session::testing::outdated_hash;

use crate::test_support::{PASSWORD, TestApp};

const ANA: &str = "SELECT id AS x FROM users_enhanced WHERE username = 'Ana'";
const HASH: &str = "SELECT password_hash AS x FROM users_enhanced WHERE username = 'Ana'";
const EPOCHS: &str = "SELECT level || name || epoch AS x FROM epochs ORDER BY 1";

/// The application, with a hash of earlier parameters for Ana.
async fn outdated() -> TestApp {
    let test = TestApp::start().await;
    set_hash(&test, &outdated_hash(PASSWORD)).await;
    test
}

async fn set_hash(test: &TestApp, hash: &str) {
    let sql = format!("UPDATE users_enhanced SET password_hash = '{hash}' WHERE username = 'Ana'");
    test.by_hand(&sql).await;
}

async fn one(test: &TestApp, sql: &str) -> String {
    test.look(sql).await.remove(0)
}

#[tokio::test]
async fn a_right_password_is_hashed_anew_once_and_every_session_goes_on() {
    let test = outdated().await;
    let other = test.token_of(&one(&test, ANA).await).await;
    let (before, epochs) = (one(&test, HASH).await, test.look(EPOCHS).await);
    let wrong = test.log_in("ana", "not the password").await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    assert_eq!(one(&test, HASH).await, before, "nobody knew the password");

    let first = test.token().await;
    let after = one(&test, HASH).await;
    assert!(!is_outdated(&after), "{after}");
    assert_eq!(test.look(EPOCHS).await, epochs, "nothing was revoked");
    let second = test.token().await;
    assert_eq!(one(&test, HASH).await, after, "it is as it should be");
    for token in [other, first, second] {
        let me = test.get(&token, "/api/auth/me").await;
        assert_eq!(me.status, StatusCode::OK, "{}", me.text);
    }
}

#[tokio::test]
async fn a_hash_that_is_replaced_by_hand_ends_sessions_also_after_one_was_made_anew() {
    let test = outdated().await;
    test.token().await;
    let epochs = test.look(EPOCHS).await;
    set_hash(&test, &outdated_hash("another password")).await;
    assert_ne!(test.look(EPOCHS).await, epochs);
}

#[tokio::test]
async fn a_hash_that_cannot_be_replaced_keeps_nobody_out() {
    let test = outdated().await;
    let refuse = "CREATE TRIGGER refuse BEFORE UPDATE OF password_rehashed_at ON users_enhanced
                  BEGIN SELECT RAISE(ABORT, 'not today'); END";
    test.by_hand(refuse).await;
    let before = one(&test, HASH).await;
    let answer = test.log_in("ana", PASSWORD).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(one(&test, HASH).await, before);
}
