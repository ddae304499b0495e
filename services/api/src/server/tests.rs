//! Real sockets: TLS, HTTP/1 and HTTP/2, a certificate that changes, and an end without loss.

use std::time::Duration;

use http::StatusCode;
use reportapp_config::api::TlsFiles;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use warp::Filter;
use warp::reply::Reply;

use super::*;
use crate::handlers::endpoint::{Route, endpoint};
use crate::test_support::TestApp;
use crate::tls::Certificate;

mod database;
mod slow_clients;

/// A route whose answer waits until it is let go, and that says when a request has arrived.
struct Slow {
    route: Route,
    arrived: mpsc::Receiver<()>,
    let_go: mpsc::Sender<()>,
}

fn slow() -> Slow {
    let (arrive, arrived) = mpsc::channel(8);
    let (let_go, wait) = mpsc::channel::<()>(8);
    let wait = Arc::new(tokio::sync::Mutex::new(wait));
    let answer = move || {
        let (arrive, wait) = (arrive.clone(), Arc::clone(&wait));
        async move {
            arrive.send(()).await.unwrap();
            wait.lock().await.recv().await;
            Ok("finished".into_response())
        }
    };
    let route = endpoint("/slow", warp::path!("slow").then(answer));
    Slow {
        route,
        arrived,
        let_go,
    }
}

struct Running {
    address: SocketAddr,
    end: End,
    serving: JoinHandle<()>,
}

async fn run(tls: Option<Arc<rustls::ServerConfig>>, route: Route) -> Running {
    reportapp_telemetry::install_crypto_provider();
    let test = TestApp::start().await;
    let service = AppService::new(&test.app, route);
    let any = "127.0.0.1:0".parse().unwrap();
    let listener = Listener::bind(any, tls, service).await.unwrap();
    let address = listener.local_addr().unwrap();
    let end = End::default();
    Running {
        address,
        serving: tokio::spawn(listener.serve(end.clone())),
        end,
    }
}

fn write_pair(folder: &std::path::Path) -> reqwest::Certificate {
    let pair = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(folder.join("tls.crt"), pair.cert.pem()).unwrap();
    std::fs::write(folder.join("tls.key"), pair.signing_key.serialize_pem()).unwrap();
    reqwest::Certificate::from_pem(pair.cert.pem().as_bytes()).unwrap()
}

fn client(trusted: reqwest::Certificate, address: SocketAddr) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .tls_certs_only([trusted])
        .resolve("localhost", address)
}

fn quick() -> Route {
    endpoint(
        "/quick",
        warp::path!("quick").then(async || Ok("done".into_response())),
    )
}

#[tokio::test]
async fn both_protocols_are_spoken_over_tls_and_a_new_certificate_needs_no_restart() {
    reportapp_telemetry::install_crypto_provider();
    let folder = tempfile::tempdir().unwrap();
    let first = write_pair(folder.path());
    let certificate = Certificate::new(TlsFiles {
        certificate: folder.path().join("tls.crt"),
        key: folder.path().join("tls.key"),
    });
    certificate.reload().unwrap();
    let running = run(Some(certificate.server_config()), quick()).await;
    let url = format!("https://localhost:{}/quick", running.address.port());

    let both = client(first.clone(), running.address).build().unwrap();
    let answer = both.get(&url).send().await.unwrap();
    assert_eq!(answer.version(), http::Version::HTTP_2);
    let old = client(first.clone(), running.address)
        .http1_only()
        .build()
        .unwrap();
    let answer = old.get(&url).send().await.unwrap();
    assert_eq!(answer.version(), http::Version::HTTP_11);

    let second = write_pair(folder.path());
    certificate.reload().unwrap();
    let trusts_old = client(first, running.address).build().unwrap();
    assert!(trusts_old.get(&url).send().await.is_err());
    let trusts_new = client(second, running.address).build().unwrap();
    assert_eq!(
        trusts_new.get(&url).send().await.unwrap().status(),
        StatusCode::OK
    );
    running.end.stop.cancel();
}

#[tokio::test]
async fn a_request_in_hand_is_answered_after_the_end_was_asked_for_and_new_ones_are_refused() {
    let mut slow = slow();
    let running = run(None, slow.route.clone()).await;
    let url = format!("http://{}/slow", running.address);
    let client = reqwest::Client::new();
    let request = tokio::spawn(client.get(&url).send());
    slow.arrived.recv().await.unwrap();

    running.end.stop.cancel();
    // The listener is closed as soon as the loop has seen the cancellation.
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    while tokio::net::TcpStream::connect(running.address)
        .await
        .is_ok()
    {
        assert!(tokio::time::Instant::now() < deadline, "still accepting");
    }
    assert!(!running.serving.is_finished(), "a request is in hand");
    slow.let_go.send(()).await.unwrap();
    let answer = request.await.unwrap().unwrap();
    assert_eq!(answer.headers()["connection"], "close");
    assert_eq!(answer.text().await.unwrap(), "finished");
    running.serving.await.unwrap();
}

#[tokio::test]
async fn no_request_is_lost_while_the_server_ends_under_load() {
    let running = run(None, quick()).await;
    let url = format!("http://{}/quick", running.address);
    let (first, mut answered) = mpsc::channel(64);
    let workers: Vec<JoinHandle<u32>> = (0..8)
        .map(|_| {
            let (url, first) = (url.clone(), first.clone());
            tokio::spawn(async move {
                let mut count = 0;
                loop {
                    // A new connection for each request: the hardest case for an ending server.
                    let client = reqwest::Client::builder().pool_max_idle_per_host(0);
                    match client.build().unwrap().get(&url).send().await {
                        Ok(answer) => assert_eq!(answer.text().await.unwrap(), "done"),
                        Err(error) if error.is_connect() => return count,
                        Err(error) => panic!("a request was lost: {error:?}"),
                    }
                    count += 1;
                    let _full = first.try_send(());
                }
            })
        })
        .collect();
    for _ in 0..32 {
        answered.recv().await.unwrap();
    }
    running.end.stop.cancel();
    running.serving.await.unwrap();
    let mut total = 0;
    for worker in workers {
        total += worker.await.unwrap();
    }
    assert!(total >= 32);
}

#[tokio::test]
async fn near_the_end_answers_ask_clients_to_close_their_connections() {
    let running = run(None, quick()).await;
    let url = format!("http://{}/quick", running.address);
    let client = reqwest::Client::new();
    let before = client.get(&url).send().await.unwrap();
    assert!(!before.headers().contains_key("connection"));
    running.end.lame_duck.cancel();
    let after = client.get(&url).send().await.unwrap();
    assert_eq!(after.headers()["connection"], "close");
    assert_eq!(
        client.get(&url).send().await.unwrap().status(),
        StatusCode::OK
    );
    running.end.stop.cancel();
    running.serving.await.unwrap();
}

#[tokio::test]
async fn near_the_end_http2_is_asked_to_go_elsewhere_and_loses_nothing_in_hand() {
    let folder = tempfile::tempdir().unwrap();
    reportapp_telemetry::install_crypto_provider();
    let trusted = write_pair(folder.path());
    let certificate = Certificate::new(TlsFiles {
        certificate: folder.path().join("tls.crt"),
        key: folder.path().join("tls.key"),
    });
    certificate.reload().unwrap();
    let mut slow = slow();
    let running = run(Some(certificate.server_config()), slow.route.clone()).await;
    let url = format!("https://localhost:{}/slow", running.address.port());
    let client = client(trusted, running.address).build().unwrap();
    let first = tokio::spawn(client.get(&url).send());
    slow.arrived.recv().await.unwrap();

    running.end.lame_duck.cancel();
    slow.let_go.send(()).await.unwrap();
    let first = first.await.unwrap().unwrap();
    assert_eq!(first.version(), http::Version::HTTP_2);
    assert_eq!(first.text().await.unwrap(), "finished");
    // The client holds nothing against us: the connection is gone although nobody told the listener to stop.
    running.end.emptied().await;
    slow.let_go.send(()).await.unwrap();
    let second = client.get(&url).send().await.unwrap();
    assert_eq!(second.text().await.unwrap(), "finished", "still accepting");
    running.end.stop.cancel();
    running.serving.await.unwrap();
}

#[tokio::test]
async fn near_the_end_an_idle_connection_may_ask_once_more_and_is_waited_for() {
    let running = run(None, quick()).await;
    let mut idle = slow_clients::connect(&running).await;
    let answer = idle.ask("GET /quick HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(!answer.contains("connection: close"), "{answer}");
    running.end.lame_duck.cancel();
    let mut emptied = Box::pin(running.end.emptied());
    assert!((&mut emptied).now_or_never().is_none());
    let answer = idle.ask("GET /quick HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(answer.contains("connection: close"), "{answer}");
    emptied.await;
    running.end.stop.cancel();
}
