//! What admission shows of itself.

use prometheus::{IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

use super::class::Class;
use super::gate::Gate;
use super::lane::Ticket;

/// Gauges and counters by class.
#[derive(Debug)]
pub(super) struct Metrics {
    limit: IntGauge,
    in_flight: IntGaugeVec,
    queued: IntGaugeVec,
    shed: IntCounterVec,
}

impl Metrics {
    pub(super) fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let metrics = Self {
            limit: IntGauge::new(
                "reportapp_api_admission_limit",
                "Requests of people and exports that may be worked on at once, found from how long they take.",
            )?,
            in_flight: IntGaugeVec::new(
                Opts::new(
                    "reportapp_api_admission_in_flight",
                    "Requests being worked on, by class.",
                ),
                &["class"],
            )?,
            queued: IntGaugeVec::new(
                Opts::new(
                    "reportapp_api_admission_queued",
                    "Requests waiting for their turn, by class.",
                ),
                &["class"],
            )?,
            shed: IntCounterVec::new(
                Opts::new(
                    "reportapp_api_admission_shed_total",
                    "Requests turned away with 503 Overloaded, by class.",
                ),
                &["class"],
            )?,
        };
        registry.register(Box::new(metrics.limit.clone()))?;
        registry.register(Box::new(metrics.in_flight.clone()))?;
        registry.register(Box::new(metrics.queued.clone()))?;
        registry.register(Box::new(metrics.shed.clone()))?;
        for class in Class::LIMITED {
            metrics.shed.with_label_values(&[class.as_str()]);
        }
        Ok(metrics)
    }

    pub(super) fn show<T: Ticket>(&self, gate: &Gate<T>) {
        let whole = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        self.limit.set(whole(gate.limit()));
        for class in Class::LIMITED {
            let (in_hand, waiting) = gate.counts(class);
            let label = [class.as_str()];
            self.in_flight.with_label_values(&label).set(whole(in_hand));
            self.queued.with_label_values(&label).set(whole(waiting));
        }
    }

    pub(super) fn shed(&self, class: Class) {
        self.shed.with_label_values(&[class.as_str()]).inc();
    }
}
