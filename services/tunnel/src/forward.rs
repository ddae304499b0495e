//! Accepts connections on one listener and leads each to the far end.
//!
//! A connection that arrives while no session is up is held for a moment, since a session is
//! usually back within it, and closed after that: an application that waits in vain is worse off
//! than one that sees its connection fail.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reportapp_config::tunnel::Forward;
use reportapp_telemetry::Heartbeat;
use russh::client::Msg;
use russh::{Channel, ChannelOpenFailure};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{Instant, interval, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::metrics::Metrics;
use crate::pump::pump;
use crate::session::{OpenError, keep_alive};
use crate::sessions::Sessions;

/// Connections forwarded at the same time, over all listeners; more are closed at once.
pub const MAX_CONNECTIONS: usize = 512;
/// How long a connection waits for a session.
const HOLD: Duration = Duration::from_secs(5);
/// How often an idle accept loop shows that it is alive.
pub const BEAT: Duration = Duration::from_secs(10);
/// Pause after a failed `accept`, which mostly means that file descriptors ran out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What every connection needs.
#[derive(Debug)]
pub struct Forwarder {
    sessions: Arc<Sessions>,
    metrics: Metrics,
    slots: Arc<Semaphore>,
    is_full: AtomicBool,
    /// Tasks of the connections, to be awaited when draining.
    pub connections: TaskTracker,
}

impl Forwarder {
    /// A forwarder over `sessions` with [`MAX_CONNECTIONS`] free slots.
    pub fn new(sessions: Arc<Sessions>, metrics: Metrics) -> Self {
        Self {
            sessions,
            metrics,
            slots: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
            is_full: AtomicBool::new(false),
            connections: TaskTracker::new(),
        }
    }

    /// Accepts until `stop` is cancelled, then closes the listener.
    pub async fn accept(
        self: Arc<Self>,
        listener: TcpListener,
        forward: Forward,
        heartbeat: Heartbeat,
        stop: CancellationToken,
    ) {
        let forward = Arc::new(forward);
        let mut beat = interval(BEAT);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = beat.tick() => heartbeat.beat(),
                accepted = listener.accept() => match accepted {
                    Ok((stream, peer)) => self.admit(stream, peer, &forward),
                    Err(error) => {
                        tracing::warn!(%error, "failed to accept a connection");
                        sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
        heartbeat.end();
    }

    fn admit(self: &Arc<Self>, stream: TcpStream, peer: SocketAddr, forward: &Arc<Forward>) {
        self.metrics.connections_total.inc();
        let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() else {
            self.refuse("Limit");
            if !self.is_full.swap(true, Ordering::Relaxed) {
                tracing::warn!(
                    limit = MAX_CONNECTIONS,
                    "closing new connections: as many as allowed are open; check the pool sizes"
                );
            }
            return;
        };
        if self.is_full.swap(false, Ordering::Relaxed) {
            tracing::info!("accepting connections again");
        }
        let (forwarder, forward) = (Arc::clone(self), Arc::clone(forward));
        self.connections.spawn(async move {
            forwarder.metrics.connections.inc();
            forwarder.carry(stream, peer, &forward).await;
            forwarder.metrics.connections.dec();
            drop(slot);
        });
    }

    async fn carry(&self, stream: TcpStream, peer: SocketAddr, forward: &Forward) {
        if let Err(error) = stream.set_nodelay(true).and_then(|()| keep_alive(&stream)) {
            tracing::debug!(%error, "failed to set options of an accepted connection");
        }
        let Some(channel) = self.open(peer, forward).await else {
            return;
        };
        if let Err(error) = pump(stream, channel, &self.metrics).await {
            tracing::debug!(%peer, %error, "a forwarded connection broke");
        }
    }

    async fn open(&self, peer: SocketAddr, forward: &Forward) -> Option<Channel<Msg>> {
        let until = Instant::now() + HOLD;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let Some(session) = self.sessions.wait(left).await else {
                self.refuse("NoSession");
                tracing::debug!(%peer, "closing a connection: no SSH session came up");
                return None;
            };
            match session.open(forward, peer).await {
                Ok(channel) => return Some(channel),
                // Its slot notices as well and takes it out of the turn.
                Err(OpenError::SessionEnded) if left > Duration::ZERO => {
                    tokio::task::yield_now().await;
                }
                Err(error) => {
                    self.refuse(cause(&error));
                    tracing::debug!(%peer, %error, "closing a connection");
                    return None;
                }
            }
        }
    }

    fn refuse(&self, cause: &str) {
        self.metrics.refused.with_label_values(&[cause]).inc();
    }
}

fn cause(error: &OpenError) -> &'static str {
    match error {
        OpenError::SessionEnded => "NoSession",
        OpenError::TimedOut => "TimedOut",
        OpenError::Refused(ChannelOpenFailure::ConnectFailed) => "DatabaseUnreachable",
        OpenError::Refused(_) => "ForwardRefused",
    }
}
