//! Metrics of rotations. Gauges follow the status, so a new leader shows them with its first look.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};

use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt as _;
use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts};
use reportapp_crds::secret_rotation::{CredentialProgress, Phase, RotationStep};
use reportapp_crds::{SecretRotation, SecretRotationStatus};
use reportapp_telemetry::Health;

use crate::one_shot;

/// Labels of one credential.
const CREDENTIAL: [&str; 3] = ["namespace", "app", "credential"];

/// Handles of every metric of rotations.
#[derive(Clone, Debug)]
pub struct RotationMetrics {
    total: IntCounterVec,
    step_seconds: HistogramVec,
    due: IntGaugeVec,
    old_sessions: IntGaugeVec,
    stalled: IntGaugeVec,
    /// Label values of `due` that are shown.
    shown: Arc<Mutex<BTreeSet<[String; 3]>>>,
}

impl RotationMetrics {
    /// Registers every metric with `health`.
    pub fn new(health: &Health) -> Self {
        let gauge = |name: &str, help: &str, labels: &[&str]| {
            IntGaugeVec::new(Opts::new(name, help), labels).expect("name and labels are constants")
        };
        let metrics = Self {
            total: IntCounterVec::new(
                Opts::new(
                    "reportapp_rotation_total",
                    "Rotations that ended, by phase.",
                ),
                &["namespace", "app", "result"],
            )
            .expect("name and labels are constants"),
            step_seconds: HistogramVec::new(
                HistogramOpts::new(
                    "reportapp_rotation_step_seconds",
                    "Length of a step of one credential in seconds.",
                )
                .buckets(vec![1.0, 2.0, 5.0, 15.0, 60.0, 300.0, 3_600.0, 86_400.0]),
                &["namespace", "app", "credential", "step"],
            )
            .expect("name and labels are constants"),
            due: gauge(
                "reportapp_rotation_due_timestamp_seconds",
                "When the next scheduled rotation starts; absent while one runs.",
                &CREDENTIAL,
            ),
            old_sessions: gauge(
                "reportapp_rotation_old_sessions",
                "Sessions of the old value while a rotation converges.",
                &CREDENTIAL,
            ),
            stalled: gauge(
                "reportapp_rotation_stalled",
                "1 while a rotation is stalled for this reason.",
                &["namespace", "app", "credential", "reason"],
            ),
            shown: Arc::default(),
        };
        health.register(metrics.total.clone());
        health.register(metrics.step_seconds.clone());
        health.register(metrics.due.clone());
        health.register(metrics.old_sessions.clone());
        health.register(metrics.stalled.clone());
        metrics
    }

    /// A look at a rotation found `after`; the object carries the status before.
    pub fn looked(&self, rotation: &SecretRotation, after: &SecretRotationStatus) {
        let (namespace, app) = (rotation.namespace().unwrap_or_default(), &rotation.spec.app);
        let before = rotation.status.clone().unwrap_or_default();
        let ended = after.phase.filter(|phase| phase.is_final());
        if let Some(phase) = ended
            && !before.phase.is_some_and(Phase::is_final)
        {
            let result = format!("{phase:?}");
            self.total
                .with_label_values(&[&namespace, app, &result])
                .inc();
        }
        for credential in &rotation.spec.credentials {
            let labels = [namespace.as_str(), app.as_str(), credential.as_str()];
            for reason in [stalled(&before), stalled(after)].into_iter().flatten() {
                let all = [labels[0], labels[1], labels[2], reason];
                if stalled(after) == Some(reason) {
                    self.stalled.with_label_values(&all).set(1);
                } else {
                    let _absent = self.stalled.remove_label_values(&all);
                }
            }
        }
        for credential in &after.credentials {
            let labels = [namespace.as_str(), app.as_str(), credential.name.as_str()];
            match credential.old_sessions.filter(|_| ended.is_none()) {
                Some(count) => self
                    .old_sessions
                    .with_label_values(&labels)
                    .set(count.into()),
                None => {
                    let _absent = self.old_sessions.remove_label_values(&labels);
                }
            }
            let known = before
                .credentials
                .iter()
                .find(|found| found.name == credential.name);
            for (step, seconds) in newly_finished(known, credential) {
                let step = format!("{:?}", step.name);
                let labels = [labels[0], labels[1], labels[2], step.as_str()];
                self.step_seconds
                    .with_label_values(&labels)
                    .observe(seconds);
            }
        }
    }

    /// When a credential is due; `None` while nothing is scheduled or one is under way.
    pub fn due(&self, namespace: &str, app: &str, credential: &str, at: Option<Timestamp>) {
        let labels = [namespace, app, credential];
        let key = labels.map(str::to_owned);
        match at {
            Some(at) => {
                self.due.with_label_values(&labels).set(at.as_second());
                self.shown().insert(key);
            }
            None => {
                let _absent = self.due.remove_label_values(&labels);
                self.shown().remove(&key);
            }
        }
    }

    /// A ReportApp is gone.
    pub fn forget(&self, namespace: &str, app: &str) {
        self.shown()
            .retain(|[shown_namespace, shown_app, credential]| {
                let gone = shown_namespace == namespace && shown_app == app;
                if gone {
                    let _absent =
                        self.due
                            .remove_label_values(&[namespace, app, credential.as_str()]);
                }
                !gone
            });
    }

    fn shown(&self) -> MutexGuard<'_, BTreeSet<[String; 3]>> {
        self.shown
            .lock()
            .expect("no code panics while it holds this lock")
    }
}

/// Reason of a stalled rotation that still runs.
fn stalled(status: &SecretRotationStatus) -> Option<&str> {
    one_shot::stalled(status.phase, &status.conditions)
}

/// Steps that have ended since `before`, with their length in seconds.
fn newly_finished<'a>(
    before: Option<&'a CredentialProgress>,
    after: &'a CredentialProgress,
) -> impl Iterator<Item = (&'a RotationStep, f64)> {
    after.steps.iter().filter_map(move |step| {
        let finished = step.finished_at.as_ref()?;
        let known = before.into_iter().flat_map(|before| &before.steps);
        let was_finished = known.into_iter().any(|old| {
            old.started_at == step.started_at && old.name == step.name && old.finished_at.is_some()
        });
        let length = finished.0.duration_since(step.started_at.0).as_secs_f64();
        (!was_finished).then_some((step, length))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
    use reportapp_crds::secret_rotation::StepName;

    fn progress(finished: Option<i64>) -> CredentialProgress {
        let at = |second| Time(Timestamp::from_second(second).unwrap());
        CredentialProgress {
            name: "erp".to_owned(),
            strategy: "AlternatingUsers".to_owned(),
            steps: vec![RotationStep {
                name: StepName::RollOut,
                started_at: at(10),
                finished_at: finished.map(at),
                attempts: 1,
            }],
            ..CredentialProgress::default()
        }
    }

    #[test]
    fn a_step_is_measured_once_when_it_ends() {
        let (open, done) = (progress(None), progress(Some(25)));
        let lengths = |before, after| {
            newly_finished(before, after)
                .map(|(_, s)| s)
                .collect::<Vec<_>>()
        };
        assert_eq!(lengths(None, &open), Vec::<f64>::new());
        assert_eq!(lengths(Some(&open), &done), [15.0]);
        assert_eq!(lengths(Some(&done), &done), Vec::<f64>::new());
    }
}
