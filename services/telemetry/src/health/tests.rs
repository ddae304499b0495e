//! Readiness, liveness and the status report.

use super::*;

fn health() -> Health {
    Health::new("reportapp-test", "1.2.3")
}

#[test]
fn a_service_is_ready_once_it_is_set_up_and_every_dependency_was_available_once() {
    let health = health();
    let (store, redis) = (health.dependency("store"), health.dependency("redis"));
    health.set_ready(true);
    store.ok();
    assert!(!health.is_ready());
    redis.ok();
    assert!(health.is_ready());
}

#[test]
fn a_later_loss_keeps_the_service_ready_but_shows_in_the_status() {
    let health = health();
    let store = health.dependency("store");
    health.set_ready(true);
    store.ok();
    store.failing(Reason::StoreUnreachable, "the store does not answer");
    assert!(health.is_ready());
    let status = health.status();
    assert_eq!(status.dependencies[0].state, DependencyState::Failing);
    assert_eq!(
        status.dependencies[0].reason,
        Some(Reason::StoreUnreachable)
    );
    store.ok();
    assert_eq!(health.status().dependencies[0].reason, None);
    assert_eq!(health.status().dependencies[0].message, "");
}

#[test]
fn advice_is_reported_and_keeps_nobody_from_being_ready() {
    let health = health();
    let advice = health.advice("reports");
    health.set_ready(true);
    assert!(health.is_ready());
    advice.failing(Reason::ReportRefused, "payroll.yaml:12: no such kind");
    assert!(health.is_ready());
    let reported = &health.status().dependencies[0];
    assert_eq!(reported.reason, Some(Reason::ReportRefused));
}

#[test]
fn a_service_that_is_not_set_up_is_not_ready_even_without_dependencies() {
    let health = health();
    assert!(!health.is_ready());
    health.set_ready(true);
    assert!(health.is_ready());
}

#[test]
fn draining_makes_a_ready_service_unready_and_keeps_it_live() {
    let health = health();
    health.set_ready(true);
    let _beat = health.heartbeat("loop", Duration::ZERO);
    health.start_draining();
    assert!(!health.is_ready());
    assert!(health.overdue().is_empty());
}

#[test]
fn the_same_name_is_the_same_dependency() {
    let health = health();
    let (first, second) = (health.dependency("store"), health.dependency("store"));
    first.ok();
    assert_eq!(second.status().state, DependencyState::Ok);
    assert_eq!(health.status().dependencies.len(), 1);
}

#[test]
fn a_forgotten_dependency_no_longer_blocks_readiness_and_late_reports_are_ignored() {
    let health = health();
    let gone = health.dependency("server/old");
    let clone = gone.clone();
    health.set_ready(true);
    gone.forget();
    clone.failing(Reason::DatabaseUnreachable, "gone");
    assert!(health.is_ready());
    assert!(health.status().dependencies.is_empty());
}

#[test]
fn dependencies_are_listed_in_a_stable_order() {
    let health = health();
    for name in ["store", "redis", "server/b", "server/a"] {
        health.dependency(name);
    }
    let names: Vec<_> = health
        .status()
        .dependencies
        .into_iter()
        .map(|d| d.name)
        .collect();
    assert_eq!(names, ["redis", "server/a", "server/b", "store"]);
}

#[tokio::test(start_paused = true)]
async fn a_loop_that_falls_silent_is_named_until_it_beats_again() {
    let health = health();
    let beat = health.heartbeat("poll", Duration::from_secs(10));
    tokio::time::advance(Duration::from_secs(11)).await;
    assert_eq!(health.overdue(), ["poll"]);
    beat.beat();
    assert!(health.overdue().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_loop_that_panicked_is_overdue_and_one_that_ended_is_not() {
    let health = health();
    drop(health.heartbeat("panicked", Duration::from_secs(10)));
    health.heartbeat("ended", Duration::from_secs(10)).end();
    tokio::time::advance(Duration::from_secs(11)).await;
    assert_eq!(health.overdue(), ["panicked"]);
}
