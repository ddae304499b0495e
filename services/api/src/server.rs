//! The accept loop: connections become requests to an [`AppService`], over TLS or plain.
//!
//! The protocol is chosen by ALPN, so a connection is HTTP/1 or HTTP/2 from its first byte and a
//! graceful end never cuts one whose first request is on its way. Limits: connections at once, time
//! for a TLS handshake, time for a request head, idle time, time for which nothing of an answer is taken.
//!
//! Ending happens in two steps, so that no request is lost; see [`End`].

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::service::AppService;

mod paced;
mod protocol;

use protocol::ConnectionService;

/// A person's browser holds one to six connections.
const MAX_CONNECTIONS: usize = 4_096;
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Pause after a failed `accept`, which mostly means that file descriptors ran out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// An address could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("failed to listen on {address}")]
pub struct BindError {
    address: SocketAddr,
    source: io::Error,
}

/// How listeners are told to end. First `lame_duck`: go on accepting, since load balancers notice
/// late, but ask clients to close their connections (GOAWAY, `Connection: close`), until none is left or
/// time runs short. Then `stop`: accept nothing more, and let every connection finish.
#[derive(Clone, Debug, Default)]
pub struct End {
    /// The end is near.
    pub lame_duck: CancellationToken,
    /// The end is here.
    pub stop: CancellationToken,
    /// What is open, of all listeners.
    pub(crate) connections: TaskTracker,
}

impl End {
    /// Waits until no connection is left, once the end is near.
    pub async fn emptied(&self) {
        // A closed tracker still takes new ones; it only tells when it is empty.
        self.connections.close();
        self.connections.wait().await;
    }
}

/// A bound address, with the TLS to speak on it and the service behind it.
pub struct Listener {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    service: AppService,
}

impl Listener {
    /// Binds an address; without `tls` it speaks plain HTTP/1.
    ///
    /// # Errors
    /// [`BindError`] when the address is in use or not ours.
    pub async fn bind(
        address: SocketAddr,
        tls: Option<Arc<rustls::ServerConfig>>,
        service: AppService,
    ) -> Result<Self, BindError> {
        let listener = TcpListener::bind(address).await;
        Ok(Self {
            listener: listener.map_err(|source| BindError { address, source })?,
            tls: tls.map(TlsAcceptor::from),
            service,
        })
    }

    /// The bound address, for a port chosen by the system.
    ///
    /// # Errors
    /// Whatever the system says about the socket.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until the end is asked for, then until every connection has finished.
    pub async fn serve(self, end: End) {
        let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let stop = end.stop.clone();
        let mut stopped = pin!(stop.cancelled());
        loop {
            let slot = Arc::clone(&slots).acquire_owned();
            let slot = tokio::select! {
                slot = slot => slot.expect("the semaphore is never closed"),
                () = &mut stopped => break,
            };
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, peer)) => {
                        end.connections.spawn(self.connection(stream, peer, &end, slot));
                    }
                    Err(error) => {
                        tracing::warn!(%error, "failed to accept a connection");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
                () = &mut stopped => break,
            }
        }
        // Connections that the kernel has accepted for us would be reset by closing the listener.
        while let Some(Ok((stream, peer))) = self.listener.accept().now_or_never() {
            let Ok(slot) = Arc::clone(&slots).try_acquire_owned() else {
                break;
            };
            end.connections
                .spawn(self.connection(stream, peer, &end, slot));
        }
        drop(self.listener);
        end.emptied().await;
    }

    fn connection(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        end: &End,
        slot: OwnedSemaphorePermit,
    ) -> impl Future<Output = ()> + Send + use<> {
        let service = ConnectionService::new(self.service.clone(), peer, end.clone());
        let tls = self.tls.clone();
        async move {
            let _slot = slot;
            // Without it small answers wait for the peer's delayed acknowledgement.
            let _refused_by_some_systems = stream.set_nodelay(true);
            let Some(tls) = tls else {
                return protocol::http1(stream, service).await;
            };
            let handshake = tokio::time::timeout(HANDSHAKE_TIMEOUT, tls.accept(stream));
            // Scanners and impatient clients: nothing a person could act on.
            let Ok(Ok(stream)) = handshake.await else {
                return;
            };
            if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
                protocol::http2(stream, service).await;
            } else {
                protocol::http1(stream, service).await;
            }
        }
    }
}

#[cfg(test)]
mod tests;
