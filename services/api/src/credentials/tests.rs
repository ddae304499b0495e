//! Files of a credential change while the service runs.

use reportapp_config::status::DependencyState;
use reportapp_pool::testing::TestPostgres;

use super::*;

fn write(folder: &Path, file: &str, text: &str) {
    std::fs::write(folder.join(file), text).unwrap();
}

/// Waits until the pool uses this many logins, or the advice is in a state.
async fn until(what: &str, holds: impl Fn() -> bool) {
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(std::time::Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_login_written_in_place_is_used_and_a_wrong_one_is_named_while_the_old_one_serves() {
    let server = TestPostgres::start().await;
    let admin = Pool::open("admin", &server.config()).await.unwrap();
    for role in ["erp_a", "erp_b"] {
        let sql = format!("CREATE ROLE {role} LOGIN PASSWORD '{role}'");
        admin.batch(&sql).await.unwrap();
    }
    let config = server.config_for("erp_a", "erp_a");
    let folder = config.credential().unwrap().to_owned();
    let pool = Pool::open("store", &config).await.unwrap();
    let health = Health::new("test", "0");
    let mut tasks = JoinSet::new();
    follow(&mut tasks, &health, "store", &pool, &config);
    health.set_ready(true);
    assert!(health.is_ready(), "it keeps no service from being ready");
    let advice = health.dependency("store/credential");
    let user = async || {
        let sql = "SELECT session_user::text AS u";
        pool.query(sql, &[]).await.unwrap()[0]
            .get::<String>("u")
            .unwrap()
    };
    until("the login in use is no news", || {
        advice.status().state == DependencyState::Ok
    })
    .await;
    assert_eq!(pool.stats().generations.last().unwrap().number, 1);

    write(&folder, "username", "erp_b\n");
    write(&folder, "password", "canary-wrong\n");
    until("the wrong one is reported", || {
        advice.status().state == DependencyState::Failing
    })
    .await;
    let status = advice.status();
    assert_eq!(status.reason, Some(Reason::CredentialNotUsed));
    assert!(status.message.contains("28P01"), "{status:?}");
    let shown = folder.display().to_string();
    assert!(status.message.contains(&shown), "{status:?}");
    assert!(!status.message.contains("canary"), "{status:?}");
    assert_eq!(user().await, "erp_a");
    until("it goes on to be reported with its reason", || {
        advice.status().message.contains("within a minute")
    })
    .await;
    assert!(advice.status().message.contains("28P01"));

    // A minute later the pool tries an offer again.
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(61)).await;
    tokio::time::resume();
    write(&folder, "password", "erp_b\n");
    until("the right one is in use", || {
        advice.status().state == DependencyState::Ok
    })
    .await;
    assert_eq!(user().await, "erp_b");

    std::fs::remove_file(folder.join("password")).unwrap();
    until("a missing file is reported", || {
        advice.status().state == DependencyState::Failing
    })
    .await;
    assert!(advice.status().message.contains("password"));
    assert_eq!(user().await, "erp_b");
}
