//! Clients that keep us waiting, in virtual time where they are cut and over real sockets where they are many.

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::Instant;

use super::*;
use crate::service::STALL;

const SECOND: Duration = Duration::from_secs(1);
const QUICK: &str = "GET /quick HTTP/1.1\r\nhost: x\r\n\r\n";
const BODY: &str = "POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n12345";

/// The client's side of a connection.
pub(super) struct Client<S>(S);

impl<S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin> Client<S> {
    async fn say(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
    }

    /// Sends a request and reads an answer that ends with `done`.
    pub(super) async fn ask(&mut self, text: &str) -> String {
        self.say(text).await;
        let mut answer = Vec::new();
        while !answer.ends_with(b"done") {
            assert_ne!(self.0.read_buf(&mut answer).await.unwrap(), 0, "cut");
        }
        String::from_utf8(answer).unwrap()
    }

    /// What comes until the server closes.
    async fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        let _reset = self.0.read_to_end(&mut rest).await;
        String::from_utf8(rest).unwrap()
    }
}

pub(super) async fn connect(running: &Running) -> Client<TcpStream> {
    Client(TcpStream::connect(running.address).await.unwrap())
}

/// `/quick`, `/echo` with a body, and `/large`, which no buffer on the way can hold.
fn routes() -> Route {
    let echo = warp::path!("echo").and(crate::handlers::endpoint::body());
    let echo = echo.then(async |_| Ok("done".into_response()));
    let large = warp::path!("large").then(async || Ok(vec![b'x'; 16 << 20].into_response()));
    let routes = quick().or(endpoint("/echo", echo)).unify();
    routes.or(endpoint("/large", large)).unify().boxed()
}

/// A connection in virtual time, and its other end in a task.
async fn virtual_connection() -> (Client<DuplexStream>, JoinHandle<()>, TestApp) {
    let test = TestApp::start().await;
    tokio::time::pause();
    let (ours, theirs) = duplex(64 * 1024);
    let service = AppService::new(&test.app, routes());
    let peer = "192.0.2.1:4711".parse().unwrap();
    let service = ConnectionService::new(service, peer, End::default());
    let serving = tokio::spawn(protocol::http1(theirs, service));
    (Client(ours), serving, test)
}

#[tokio::test]
async fn a_head_has_ten_seconds_from_its_first_byte_while_an_idle_connection_has_a_minute() {
    let (mut client, serving, _test) = virtual_connection().await;
    client.ask(QUICK).await;
    tokio::time::sleep(30 * SECOND).await;
    client.ask(QUICK).await;
    tokio::time::sleep(30 * SECOND).await;
    client.say("GET /qu").await;
    let begun = Instant::now();
    tokio::time::sleep(6 * SECOND).await;
    client.say("ick HT").await;
    assert_eq!(client.rest().await, "");
    assert_eq!(begun.elapsed().as_secs(), 10);
    serving.await.unwrap();
}

#[tokio::test]
async fn a_body_that_does_not_come_is_told_so_and_was_never_let_in() {
    let (mut client, serving, test) = virtual_connection().await;
    client.say(BODY).await;
    let begun = Instant::now();
    let answer = client.rest().await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("BodyRefused"), "{answer}");
    assert_eq!(begun.elapsed().as_secs(), 20);
    serving.await.unwrap();
    drop(test);
}

#[tokio::test]
async fn a_client_that_takes_nothing_of_its_answer_is_cut() {
    let (mut client, serving, _test) = virtual_connection().await;
    client.say("GET /large HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let begun = Instant::now();
    serving.await.unwrap();
    assert_eq!(begun.elapsed().as_secs(), STALL.as_secs());
}

#[tokio::test]
async fn many_slow_clients_do_not_hinder_a_normal_one() {
    let running = run(None, routes()).await;
    let mut slow = Vec::new();
    for _ in 0..200 {
        for begun in ["GET /quick HT", BODY] {
            let mut client = connect(&running).await;
            client.say(begun).await;
            slow.push(client);
        }
    }
    for _ in 0..20 {
        connect(&running).await.ask(QUICK).await;
    }
    // They are slow and not refused: whoever goes on is answered.
    for client in slow.iter_mut().skip(1).step_by(2) {
        client.ask("67890").await;
    }
    running.end.stop.cancel();
}
