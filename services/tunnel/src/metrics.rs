//! What the tunnel counts.

use prometheus::{Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts};
use reportapp_telemetry::Health;

/// Metrics of one tunnel.
#[derive(Clone, Debug)]
pub struct Metrics {
    /// SSH sessions that are up.
    pub sessions: IntGauge,
    /// SSH sessions opened after the first ones, that is after a loss.
    pub reconnects: IntCounter,
    /// Connections being forwarded.
    pub connections: IntGauge,
    /// Connections accepted.
    pub connections_total: IntCounter,
    /// Connections closed without being forwarded, by cause.
    pub refused: IntCounterVec,
    /// Bytes from the application to the database.
    pub bytes_up: IntCounter,
    /// Bytes from the database to the application.
    pub bytes_down: IntCounter,
    /// Seconds of a database handshake through the tunnel.
    pub handshake: Histogram,
}

impl Metrics {
    /// Makes the metrics and shows them on the health port.
    pub fn register(health: &Health) -> Self {
        let counter = |name: &str, help: &str| IntCounter::new(name, help).expect("constant names");
        let gauge = |name: &str, help: &str| IntGauge::new(name, help).expect("constant names");
        let bytes = IntCounterVec::new(
            Opts::new(
                "reportapp_tunnel_bytes_total",
                "Bytes forwarded; up is to the database.",
            ),
            &["direction"],
        )
        .expect("constant names");
        let refused = IntCounterVec::new(
            Opts::new(
                "reportapp_tunnel_connections_refused_total",
                "Connections closed without being forwarded, by cause.",
            ),
            &["cause"],
        )
        .expect("constant names");
        let handshake = Histogram::with_opts(
            HistogramOpts::new(
                "reportapp_tunnel_handshake_seconds",
                "Seconds of a database handshake through the tunnel.",
            )
            .buckets(vec![
                0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0,
            ]),
        )
        .expect("constant names");
        let metrics = Self {
            sessions: gauge("reportapp_tunnel_sessions", "SSH sessions that are up."),
            reconnects: counter(
                "reportapp_tunnel_reconnects_total",
                "SSH sessions opened again after a loss.",
            ),
            connections: gauge(
                "reportapp_tunnel_connections",
                "Connections being forwarded.",
            ),
            connections_total: counter(
                "reportapp_tunnel_connections_total",
                "Connections accepted.",
            ),
            bytes_up: bytes.with_label_values(&["up"]),
            bytes_down: bytes.with_label_values(&["down"]),
            refused: refused.clone(),
            handshake: handshake.clone(),
        };
        health.register(metrics.sessions.clone());
        health.register(metrics.reconnects.clone());
        health.register(metrics.connections.clone());
        health.register(metrics.connections_total.clone());
        health.register(bytes);
        health.register(refused);
        health.register(handshake);
        metrics
    }
}
