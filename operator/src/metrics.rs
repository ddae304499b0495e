//! Metrics of the operator itself; process and build metrics come from the telemetry crate.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts};
use reportapp_telemetry::Health;

/// Handles of every metric the operator writes.
#[derive(Clone, Debug)]
pub struct Metrics {
    reconcile_total: IntCounterVec,
    reconcile_seconds: HistogramVec,
    applies_total: IntCounterVec,
    deletes_total: IntCounterVec,
    events_failed_total: IntCounterVec,
    leader: IntGauge,
    app_ready: IntGaugeVec,
    app_reason: IntGaugeVec,
    /// The reason that is shown for each ReportApp, by namespace and name.
    shown: Arc<Mutex<BTreeMap<(String, String), String>>>,
}

/// Label value of the one kind there is.
const KIND: &str = "ReportApp";

impl Metrics {
    /// Registers every metric with `health`.
    pub fn new(health: &Health) -> Self {
        let metrics = Self {
            reconcile_total: counter(
                "reportapp_operator_reconcile_total",
                "Finished reconciles by result.",
                &["kind", "result"],
            ),
            reconcile_seconds: HistogramVec::new(
                HistogramOpts::new(
                    "reportapp_operator_reconcile_seconds",
                    "Length of a reconcile in seconds.",
                )
                .buckets(vec![
                    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0,
                ]),
                &["kind"],
            )
            .expect("name and labels are constants"),
            applies_total: counter(
                "reportapp_operator_applies_total",
                "Objects written by server-side apply.",
                &["kind"],
            ),
            deletes_total: counter(
                "reportapp_operator_deletes_total",
                "Objects deleted because the spec no longer names them.",
                &["kind"],
            ),
            events_failed_total: counter(
                "reportapp_operator_events_failed_total",
                "Events that could not be published.",
                &["reason"],
            ),
            leader: IntGauge::new(
                "reportapp_operator_leader",
                "Whether this replica leads (1) or waits.",
            )
            .expect("the name is a constant"),
            app_ready: gauge(
                "reportapp_app_ready",
                "Whether the ReportApp is Ready (1).",
                &["namespace", "name"],
            ),
            app_reason: gauge(
                "reportapp_app_reason",
                "Always 1; the label says the reason of the Ready condition.",
                &["namespace", "name", "reason"],
            ),
            shown: Arc::default(),
        };
        health.register(metrics.reconcile_total.clone());
        health.register(metrics.reconcile_seconds.clone());
        health.register(metrics.applies_total.clone());
        health.register(metrics.deletes_total.clone());
        health.register(metrics.events_failed_total.clone());
        health.register(metrics.leader.clone());
        health.register(metrics.app_ready.clone());
        health.register(metrics.app_reason.clone());
        metrics
    }

    /// A reconcile ended with `result`, a word from a fixed set.
    pub fn reconciled(&self, result: &str, took: Duration) {
        self.reconcile_total
            .with_label_values(&[KIND, result])
            .inc();
        self.reconcile_seconds
            .with_label_values(&[KIND])
            .observe(took.as_secs_f64());
    }

    /// An object of `kind` was written.
    pub fn applied(&self, kind: &str) {
        self.applies_total.with_label_values(&[kind]).inc();
    }

    /// An object of `kind` was deleted.
    pub fn deleted(&self, kind: &str) {
        self.deletes_total.with_label_values(&[kind]).inc();
    }

    /// An event could not be published.
    pub fn event_failed(&self, reason: &str) {
        self.events_failed_total.with_label_values(&[reason]).inc();
    }

    /// Whether this replica leads.
    pub fn leading(&self, leads: bool) {
        self.leader.set(i64::from(leads));
    }

    /// The `Ready` condition of a ReportApp.
    pub fn app(&self, namespace: &str, name: &str, ready: bool, reason: &str) {
        self.app_ready
            .with_label_values(&[namespace, name])
            .set(i64::from(ready));
        let key = (namespace.to_owned(), name.to_owned());
        let shown = self.shown().insert(key, reason.to_owned());
        if let Some(shown) = shown.filter(|shown| shown != reason) {
            let _absent = self
                .app_reason
                .remove_label_values(&[namespace, name, &shown]);
        }
        self.app_reason
            .with_label_values(&[namespace, name, reason])
            .set(1);
    }

    /// A ReportApp is gone.
    pub fn forget(&self, namespace: &str, name: &str) {
        let _absent = self.app_ready.remove_label_values(&[namespace, name]);
        let key = (namespace.to_owned(), name.to_owned());
        if let Some(reason) = self.shown().remove(&key) {
            let _absent = self
                .app_reason
                .remove_label_values(&[namespace, name, &reason]);
        }
    }

    fn shown(&self) -> MutexGuard<'_, BTreeMap<(String, String), String>> {
        self.shown
            .lock()
            .expect("no code panics while it holds this lock")
    }
}

fn counter(name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
    IntCounterVec::new(Opts::new(name, help), labels).expect("name and labels are constants")
}

fn gauge(name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
    IntGaugeVec::new(Opts::new(name, help), labels).expect("name and labels are constants")
}
