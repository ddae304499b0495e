//! What stands behind the bastion: a peer that answers the PostgreSQL handshake and echoes the
//! rest, but only once its client is done sending.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A listening peer; it stops listening when dropped.
pub struct Peer {
    task: JoinHandle<()>,
}

impl Peer {
    /// A peer that answers the handshake with `answer`.
    pub async fn start(address: SocketAddr, answer: u8) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, answer));
            }
        });
        Self { task }
    }

    /// Stops listening, and returns once the port is closed.
    pub async fn stop(mut self) {
        self.task.abort();
        let _cancelled = (&mut self.task).await;
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, answer: u8) {
    let mut received = vec![0; 8];
    if stream.read_exact(&mut received).await.is_err() {
        return;
    }
    if received == [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f] {
        let _peer_may_be_gone = stream.write_all(&[answer]).await;
        return;
    }
    if stream.read_to_end(&mut received).await.is_ok() {
        let _peer_may_be_gone = stream.write_all(&received).await;
    }
}
