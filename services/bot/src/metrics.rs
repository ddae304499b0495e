//! What the bot counts.

use prometheus::{Histogram, HistogramOpts, IntCounterVec, Opts};
use reportapp_telemetry::Health;

/// Metrics of the bot.
#[derive(Clone, Debug)]
pub struct Metrics {
    /// Updates handled, by what was wanted.
    pub updates: IntCounterVec,
    /// Failed calls to the Bot API, by cause.
    pub telegram_errors: IntCounterVec,
    /// Seconds of a call to the internal API.
    pub api_seconds: Histogram,
}

impl Metrics {
    /// Makes the metrics and shows them on the health port.
    pub fn register(health: &Health) -> Self {
        let counter = |name: &str, help: &str, label: &str| {
            IntCounterVec::new(Opts::new(name, help), &[label]).expect("constant names")
        };
        let metrics = Self {
            updates: counter(
                "reportapp_bot_updates_total",
                "Updates handled, by what was wanted.",
                "wish",
            ),
            telegram_errors: counter(
                "reportapp_bot_telegram_errors_total",
                "Failed calls to the Bot API, by cause.",
                "cause",
            ),
            api_seconds: Histogram::with_opts(HistogramOpts::new(
                "reportapp_bot_api_seconds",
                "Seconds of a call to the internal API.",
            ))
            .expect("constant names"),
        };
        health.register(metrics.updates.clone());
        health.register(metrics.telegram_errors.clone());
        health.register(metrics.api_seconds.clone());
        metrics
    }
}
