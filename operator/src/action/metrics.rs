//! Metrics of actions. The gauge follows the status, so a new leader shows it with its first look.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use kube::ResourceExt as _;
use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts};
use reportapp_crds::one_shot::Phase;
use reportapp_crds::{IncidentAction, IncidentActionStatus};
use reportapp_telemetry::Health;

use super::revert;
use crate::one_shot;

/// Label values of one stalled action: namespace, app, type, reason.
type Labels = [String; 4];

/// Handles of every metric of actions.
#[derive(Clone, Debug)]
pub struct ActionMetrics {
    total: IntCounterVec,
    seconds: HistogramVec,
    stalled: IntGaugeVec,
    /// Actions that are stalled, by uid.
    shown: Arc<Mutex<BTreeMap<String, Labels>>>,
}

impl ActionMetrics {
    /// Registers every metric with `health`.
    pub fn new(health: &Health) -> Self {
        let metrics = Self {
            total: IntCounterVec::new(
                Opts::new("reportapp_action_total", "Actions that ended, by phase."),
                &["namespace", "app", "type", "result"],
            )
            .expect("name and labels are constants"),
            seconds: HistogramVec::new(
                HistogramOpts::new(
                    "reportapp_action_seconds",
                    "Time from the first look at an action to its end in seconds.",
                )
                .buckets(vec![1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3_600.0, 86_400.0]),
                &["namespace", "app", "type"],
            )
            .expect("name and labels are constants"),
            stalled: IntGaugeVec::new(
                Opts::new(
                    "reportapp_action_stalled",
                    "Actions that are stalled for this reason.",
                ),
                &["namespace", "app", "type", "reason"],
            )
            .expect("name and labels are constants"),
            shown: Arc::default(),
        };
        health.register(metrics.total.clone());
        health.register(metrics.seconds.clone());
        health.register(metrics.stalled.clone());
        metrics
    }

    /// A look at an action found `after`; the object carries the status before.
    pub fn looked(&self, action: &IncidentAction, after: &IncidentActionStatus) {
        let namespace = action.namespace().unwrap_or_default();
        let kind = after
            .action_type
            .map_or_else(String::new, |kind| kind.to_string());
        let labels = [namespace, action.spec.app.clone(), kind];
        let before = action.status.as_ref().and_then(|status| status.phase);
        if let Some(phase) = after.phase.filter(|phase| phase.is_final())
            && !before.is_some_and(Phase::is_final)
        {
            let [namespace, app, kind] = labels.each_ref().map(String::as_str);
            let result = format!("{phase:?}");
            self.total
                .with_label_values(&[namespace, app, kind, &result])
                .inc();
            if let (Some(started), Some(finished)) = (&after.started_at, &after.finished_at) {
                let length = finished.0.duration_since(started.0).as_secs_f64();
                self.seconds
                    .with_label_values(&[namespace, app, kind])
                    .observe(length);
            }
        }
        let reason =
            one_shot::stalled(after.phase, &after.conditions).or_else(|| revert::blocked(after));
        let uid = action.uid().unwrap_or_default();
        let [namespace, app, kind] = labels;
        self.show(
            &uid,
            reason.map(|reason| [namespace, app, kind, reason.to_owned()]),
        );
    }

    /// Forgets stalled actions that are not there any more.
    pub fn retain(&self, is_there: impl Fn(&str) -> bool) {
        let mut gone: Vec<_> = self.shown().keys().cloned().collect();
        gone.retain(|uid| !is_there(uid));
        for uid in gone {
            self.show(&uid, None);
        }
    }

    fn show(&self, uid: &str, labels: Option<Labels>) {
        let mut shown = self.shown();
        let before = match &labels {
            Some(labels) => shown.insert(uid.to_owned(), labels.clone()),
            None => shown.remove(uid),
        };
        for changed in before.into_iter().chain(labels) {
            let count = shown.values().filter(|shown| **shown == changed).count();
            let values = changed.each_ref().map(String::as_str);
            match i64::try_from(count).unwrap_or(i64::MAX) {
                0 => {
                    let _absent = self.stalled.remove_label_values(&values);
                }
                count => self.stalled.with_label_values(&values).set(count),
            }
        }
    }

    fn shown(&self) -> MutexGuard<'_, BTreeMap<String, Labels>> {
        self.shown
            .lock()
            .expect("no code panics while it holds this lock")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::status::{Facts, in_trouble};
    use crate::action::trouble::{Reason, Trouble};
    use k8s_openapi::jiff::Timestamp;

    fn action(uid: &str) -> IncidentAction {
        serde_json::from_value(serde_json::json!({
            "apiVersion": "reportapp.dev/v1alpha1", "kind": "IncidentAction",
            "metadata": { "name": "a", "namespace": "reports", "uid": uid },
            "spec": { "app": "demo", "reason": "test", "rollingRestart": {} },
        }))
        .unwrap()
    }

    #[test]
    fn an_end_is_counted_once_and_a_stalled_one_is_shown_while_it_is_there() {
        let metrics = ActionMetrics::new(&Health::new("test", "0"));
        let now = Timestamp::from_second(1_000).unwrap();
        let trouble = Trouble::new(Reason::AppMissing, "there is none");
        let look = |action: &mut IncidentAction, late| {
            let facts = Facts { action, now, late };
            let status = in_trouble(&facts, &trouble);
            metrics.looked(action, &status);
            action.status = Some(status);
        };
        let labels = ["reports", "demo", "RollingRestart", "AppMissing"];
        let stalled = || metrics.stalled.with_label_values(&labels).get();
        let (mut one, mut other) = (action("1"), action("2"));
        look(&mut one, false);
        look(&mut one, false);
        look(&mut other, false);
        assert_eq!(stalled(), 2);
        metrics.retain(|uid| uid == "1");
        assert_eq!(stalled(), 1);
        look(&mut one, true);
        look(&mut one, true);
        assert_eq!(stalled(), 0);
        let failed = ["reports", "demo", "RollingRestart", "Failed"];
        assert_eq!(metrics.total.with_label_values(&failed).get(), 1);
    }
}
