//! Stand-ins for what secret stores talk to.

use std::sync::Mutex;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::StoreError;
use super::tokens::TokenSource;
use crate::rotation::ledger::SecretText;

/// Gives the same token each time and remembers the audience.
#[derive(Default)]
pub(super) struct Tokens(Mutex<Vec<String>>);

impl Tokens {
    /// Of every token so far.
    pub(super) fn audiences(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl TokenSource for Tokens {
    fn token<'a>(&'a self, audience: &'a str) -> BoxFuture<'a, Result<SecretText, StoreError>> {
        self.0.lock().unwrap().push(audience.to_owned());
        async { Ok(SecretText::new("canary0jwt")) }.boxed()
    }
}

/// Answers one request after the other, each on its own connection, and returns the requests.
pub(super) async fn answering(
    answers: Vec<(u16, &'static str)>,
) -> (String, tokio::task::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let served = tokio::spawn(async move {
        let mut requests = Vec::new();
        for (code, body) in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !is_whole(&request) {
                assert_ne!(stream.read_buf(&mut request).await.unwrap(), 0);
            }
            requests.push(String::from_utf8(request).unwrap());
            let length = body.len();
            let head = format!(
                "HTTP/1.1 {code} x\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
            );
            stream.write_all(head.as_bytes()).await.unwrap();
            stream.write_all(body.as_bytes()).await.unwrap();
        }
        requests
    });
    (address, served)
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head.split_once("content-length: ").map_or(0, |(_, rest)| {
        rest.lines().next().unwrap().trim().parse().unwrap()
    });
    body.len() >= length
}
