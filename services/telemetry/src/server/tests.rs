//! The health port as a probe sees it: raw HTTP over a real socket.

use reportapp_config::ServiceStatus;
use reportapp_config::status::Reason;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

async fn start(health: &Health) -> SocketAddr {
    let server = HealthServer::bind(([127, 0, 0, 1], 0).into(), health.clone())
        .await
        .unwrap();
    let address = server.local_addr().unwrap();
    server.spawn();
    address
}

async fn ask(address: SocketAddr, method: &str, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    let body = answer.split_once("\r\n\r\n").unwrap().1.to_owned();
    (status, body)
}

#[tokio::test]
async fn probes_follow_the_health_of_the_service() {
    let health = Health::new("reportapp-test", "1.2.3");
    let store = health.dependency("store");
    health.set_ready(true);
    let address = start(&health).await;
    assert_eq!(ask(address, "GET", "/livez").await.0, 200);
    assert_eq!(ask(address, "GET", "/readyz").await.0, 503);
    store.ok();
    assert_eq!(ask(address, "GET", "/readyz").await.0, 200);
    health.start_draining();
    assert_eq!(
        ask(address, "GET", "/readyz").await,
        (503, "draining\n".to_owned())
    );
    assert_eq!(ask(address, "GET", "/livez").await.0, 200);
}

#[tokio::test]
async fn a_stuck_loop_fails_liveness_by_name() {
    let health = Health::new("reportapp-test", "1.2.3");
    let _beat = health.heartbeat("reconcile", Duration::ZERO);
    let address = start(&health).await;
    assert_eq!(
        ask(address, "GET", "/livez").await,
        (503, "stuck: reconcile\n".to_owned())
    );
}

#[tokio::test]
async fn the_status_report_is_the_shared_type() {
    let health = Health::new("reportapp-test", "1.2.3");
    health
        .dependency("redis")
        .failing(Reason::RedisUnreachable, "Redis does not answer");
    let address = start(&health).await;
    let (code, body) = ask(address, "GET", "/status").await;
    let status: ServiceStatus = serde_json::from_str(&body).unwrap();
    assert_eq!(code, 200);
    assert_eq!(status, health.status());
}

#[tokio::test]
async fn metrics_tell_build_process_and_dependencies() {
    let health = Health::new("reportapp-test", "1.2.3");
    health.dependency("redis").ok();
    let address = start(&health).await;
    let (_, body) = ask(address, "GET", "/metrics").await;
    for line in [
        "reportapp_build_info{service=\"reportapp-test\",version=\"1.2.3\"} 1",
        "reportapp_dependency_up{dependency=\"redis\"} 1",
        "process_resident_memory_bytes ",
        "process_cpu_seconds_total ",
    ] {
        assert!(body.contains(line), "{line} is missing in\n{body}");
    }
}

#[tokio::test]
async fn other_paths_and_methods_are_refused() {
    let address = start(&Health::new("reportapp-test", "1.2.3")).await;
    assert_eq!(ask(address, "GET", "/").await.0, 404);
    assert_eq!(ask(address, "POST", "/livez").await.0, 405);
}
