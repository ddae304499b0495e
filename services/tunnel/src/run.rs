//! Wires sessions, listeners and probe together and takes them down again in order.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use reportapp_config::TunnelConfig;
use reportapp_telemetry::{DependencyHandle, Drained, Health, drain};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::forward::{BEAT, Forwarder};
use crate::metrics::Metrics;
use crate::probe;
use crate::sessions::Sessions;
use crate::target::Target;

/// A loop that is silent for this long is stuck; one round of the probe can take half of it.
const MAX_SILENCE: Duration = Duration::from_secs(90);
/// After the signal, connections are still accepted for this long: the cluster needs a moment to
/// learn that this pod is going. At most half of the drain time.
const LAST_CALL: Duration = Duration::from_secs(2);

/// The tunnel cannot run at all.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A listener could not be opened.
    #[error("failed to listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

/// Runs until `stop` is cancelled, then drains.
///
/// Keys or known hosts that cannot be used do not end the process: it stays unready and reports
/// why, because the operator reads the reason from the status report.
///
/// # Errors
/// [`RunError`] when a listener cannot be opened.
pub async fn run(
    config: TunnelConfig,
    health: Health,
    stop: CancellationToken,
) -> Result<(), RunError> {
    let dependency = health.dependency(format!("tunnel/{}", config.server));
    let metrics = Metrics::register(&health);
    let target = match Target::from_config(&config) {
        Ok(target) => target,
        Err(failure) => {
            dependency.failing(failure.reason, failure.message);
            stop.cancelled().await;
            return Ok(());
        }
    };
    let mut listeners = Vec::with_capacity(config.forwards.len());
    for forward in &config.forwards {
        let address = forward.listen;
        let listener = TcpListener::bind(address)
            .await
            .map_err(|source| RunError::Listen { address, source })?;
        tracing::info!(%address, to = forward.host, port = forward.port, "forwarding");
        listeners.push((listener, forward.clone()));
    }
    Running::start(&config, &target, listeners, health, dependency, metrics)
        .until(stop, config.drain_seconds)
        .await;
    Ok(())
}

/// Everything that runs, so that it can be ended in order.
struct Running {
    health: Health,
    sessions: Arc<Sessions>,
    forwarder: Arc<Forwarder>,
    tasks: TaskTracker,
    stop_accepting: CancellationToken,
    end: CancellationToken,
}

impl Running {
    fn start(
        config: &TunnelConfig,
        target: &Target,
        listeners: Vec<(TcpListener, reportapp_config::tunnel::Forward)>,
        health: Health,
        dependency: DependencyHandle,
        metrics: Metrics,
    ) -> Self {
        let (tasks, end) = (TaskTracker::new(), CancellationToken::new());
        let stop_accepting = CancellationToken::new();
        let sessions = Sessions::start(target, &metrics, &tasks, &end);
        let forwarder = Arc::new(Forwarder::new(Arc::clone(&sessions), metrics.clone()));
        debug_assert!(BEAT < MAX_SILENCE);
        for (listener, forward) in listeners {
            let heartbeat = health.heartbeat("accept", MAX_SILENCE);
            let stop = stop_accepting.clone();
            tasks.spawn(Arc::clone(&forwarder).accept(listener, forward, heartbeat, stop));
        }
        let heartbeat = health.heartbeat("probe", MAX_SILENCE);
        let (forwards, probed) = (config.forwards.clone(), Arc::clone(&sessions));
        let ended = end.clone();
        tasks.spawn(async move {
            tokio::select! {
                () = ended.cancelled() => {}
                () = probe::watch(&forwards, &probed, &metrics, &dependency, &heartbeat) => {}
            }
            heartbeat.end();
        });
        health.set_ready(true);
        Self {
            health,
            sessions,
            forwarder,
            tasks,
            stop_accepting,
            end,
        }
    }

    async fn until(self, stop: CancellationToken, drain_seconds: u64) {
        stop.cancelled().await;
        let within = Duration::from_secs(drain_seconds);
        let work = async {
            tokio::time::sleep(LAST_CALL.min(within / 2)).await;
            self.stop_accepting.cancel();
            self.forwarder.connections.close();
            self.forwarder.connections.wait().await;
        };
        let drained = drain(&self.health, within, work).await;
        self.stop_accepting.cancel();
        let left = self.forwarder.connections.len();
        if drained == Drained::TimeUp && left > 0 {
            tracing::warn!(
                connections = left,
                "cutting connections that are still open"
            );
        }
        self.end.cancel();
        self.sessions.end().await;
        // With the sessions gone every copy ends by itself.
        self.tasks.close();
        self.tasks.wait().await;
        tracing::info!("ended");
    }
}
