//! When the operator calls itself dead. `/healthz` turns red when the reconciler stops making
//! progress, although the process still answers:
//!
//! - `watch`: the ReportApps of a part of the scope cannot be read;
//! - `reconcile`: a reconcile is overdue, or one has been running for longer than it may;
//! - `status`: the status of an object of ours cannot be written, so nobody would learn how it stands.
//!
//! Each is a heartbeat of the telemetry crate that [`Progress::watch_over`] beats for as long as
//! all is well. A replica that waits for the lead makes no progress and is healthy.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use kube::{Resource, ResourceExt as _};
use prometheus::{IntGaugeVec, Opts};
use reportapp_crds::ReportApp;
use reportapp_telemetry::Health;
use tokio::time::{Instant, interval};

/// How long a fault may last before `/healthz` is red.
const PATIENCE: Duration = Duration::from_secs(60);
/// A watch that was started again says nothing until an object changes, so a failure that is not
/// repeated for this long is over. Longer than the longest pause between attempts.
const BLIND_FOR: Duration = Duration::from_secs(30);
/// How often the state is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What the controllers report and the health port shows.
#[derive(Clone, Debug)]
pub struct Progress {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    leading: AtomicBool,
    /// Since when each part of the scope cannot be watched, and the last time that was so.
    blind: Mutex<BTreeMap<String, (Instant, Instant)>>,
    /// When each known object is due at the latest.
    due: Mutex<BTreeMap<Key, Instant>>,
    /// Since when each status cannot be written, by the kind of its object.
    unwritable: Mutex<BTreeMap<(String, Key), Instant>>,
    /// Longest time between two looks at one object.
    longest_pause: Duration,
}

/// Whether a part of the operator is well.
type Check = fn(&Progress) -> bool;

/// Namespace and name.
pub type Key = (String, String);

impl Progress {
    /// Progress of controllers that look at each object at least every `longest_pause`.
    pub fn new(longest_pause: Duration) -> Self {
        Self {
            inner: Arc::new(Inner {
                leading: AtomicBool::new(false),
                blind: Mutex::default(),
                due: Mutex::default(),
                unwritable: Mutex::default(),
                longest_pause,
            }),
        }
    }

    /// Whether this replica leads.
    pub fn leading(&self, leads: bool) {
        self.inner.leading.store(leads, Ordering::Relaxed);
    }

    /// A watch of ReportApps in `part` failed.
    pub fn blind(&self, part: &str) {
        let now = Instant::now();
        let mut blind = lock(&self.inner.blind);
        let (since, last) = blind.entry(part.to_owned()).or_insert((now, now));
        if last.elapsed() > BLIND_FOR {
            *since = now;
        }
        *last = now;
    }

    /// Work on an object begins or ended; the next is due after the longest pause.
    pub fn touched(&self, namespace: &str, name: &str) {
        let next = Instant::now() + self.inner.longest_pause;
        lock(&self.inner.due).insert(key(namespace, name), next);
    }

    /// An object is gone.
    pub fn forget(&self, namespace: &str, name: &str) {
        lock(&self.inner.due).remove(&key(namespace, name));
        let report = (kind::<ReportApp>(), key(namespace, name));
        lock(&self.inner.unwritable).remove(&report);
    }

    /// Forgets every ReportApp that `known` does not know, such as one deleted behind our back, and
    /// says which those were.
    pub fn retain(&self, known: impl Fn(&str, &str) -> bool) -> Vec<Key> {
        let mut due = lock(&self.inner.due);
        let is_gone = |(namespace, name): &&Key| !known(namespace, name);
        let gone: Vec<Key> = due.keys().filter(is_gone).cloned().collect();
        for key in &gone {
            due.remove(key);
        }
        self.retain_reports::<ReportApp>(known);
        gone
    }

    /// Forgets what was said of objects of kind `K` that `known` does not know: nobody waits for the
    /// status of one that is gone.
    pub fn retain_reports<K>(&self, known: impl Fn(&str, &str) -> bool)
    where
        K: Resource<DynamicType = ()>,
    {
        let ours = kind::<K>();
        lock(&self.inner.unwritable)
            .retain(|(kind, (namespace, name)), _| *kind != ours || known(namespace, name));
    }

    /// Whether the status of `object` says what it should, or could be written.
    pub fn status_written<K>(&self, object: &K, written: bool)
    where
        K: Resource<DynamicType = ()>,
    {
        let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
        let report = (kind::<K>(), (namespace, name));
        let mut unwritable = lock(&self.inner.unwritable);
        if written {
            unwritable.remove(&report);
        } else {
            unwritable.entry(report).or_insert_with(Instant::now);
        }
    }

    /// Beats the heartbeats of `health` for as long as all is well. Runs until dropped.
    pub async fn watch_over(self, health: Health) {
        let stuck = IntGaugeVec::new(
            Opts::new(
                "reportapp_operator_stuck",
                "Whether this part of the operator makes no progress (1); /healthz is red soon after.",
            ),
            &["part"],
        )
        .expect("name and labels are constants");
        health.register(stuck.clone());
        let silence = LOOK_EVERY * 5;
        let parts: [(&'static str, Check); 3] = [
            ("watch", Self::watches),
            ("reconcile", Self::reconciles),
            ("status", Self::reports),
        ];
        let beats = parts.map(|(part, is_well)| (part, health.heartbeat(part, silence), is_well));
        let mut ticks = interval(LOOK_EVERY);
        loop {
            ticks.tick().await;
            let waits = !self.inner.leading.load(Ordering::Relaxed);
            for (part, beat, is_well) in &beats {
                let is_well = waits || is_well(&self);
                if is_well {
                    beat.beat();
                }
                stuck.with_label_values(&[part]).set(i64::from(!is_well));
            }
        }
    }

    fn watches(&self) -> bool {
        lock(&self.inner.blind)
            .values()
            .all(|(since, last)| since.elapsed() < PATIENCE || last.elapsed() > BLIND_FOR)
    }

    fn reconciles(&self) -> bool {
        let now = Instant::now();
        lock(&self.inner.due)
            .values()
            .all(|due| now < *due + PATIENCE)
    }

    fn reports(&self) -> bool {
        lock(&self.inner.unwritable)
            .values()
            .all(|since| since.elapsed() < PATIENCE)
    }
}

fn kind<K: Resource<DynamicType = ()>>() -> String {
    K::kind(&()).into_owned()
}

fn key(namespace: &str, name: &str) -> Key {
    (namespace.to_owned(), name.to_owned())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .expect("no code panics while it holds this lock")
}

#[cfg(test)]
mod tests {
    use kube::api::ObjectMeta;
    use reportapp_crds::{IncidentAction, SecretRotation};
    use serde_json::json;
    use tokio::time::sleep;

    use super::*;
    use crate::reportapp::testing::example_app;

    fn watched() -> (Progress, Health) {
        let (progress, health) = (
            Progress::new(Duration::from_secs(90)),
            Health::new("reportapp-test", "1.2.3"),
        );
        tokio::spawn(progress.clone().watch_over(health.clone()));
        (progress, health)
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_operator_stays_healthy() {
        let (progress, health) = watched();
        progress.leading(true);
        sleep(Duration::from_secs(3600)).await;
        assert!(health.overdue().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_reconciler_that_stopped_turns_the_operator_red() {
        let (progress, health) = watched();
        progress.leading(true);
        progress.touched("erp", "reports");
        sleep(Duration::from_secs(120)).await;
        assert!(health.overdue().is_empty());
        sleep(Duration::from_secs(60)).await;
        assert_eq!(health.overdue(), ["reconcile"]);
        progress.forget("erp", "reports");
        sleep(Duration::from_secs(2)).await;
        assert!(health.overdue().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_watch_or_status_that_fails_for_long_turns_the_operator_red() {
        let (progress, health) = watched();
        progress.leading(true);
        progress.status_written(&example_app(), false);
        for _ in 0..9 {
            progress.blind("erp");
            sleep(Duration::from_secs(10)).await;
        }
        assert_eq!(health.overdue(), ["watch", "status"]);
        sleep(Duration::from_secs(40)).await;
        progress.status_written(&example_app(), true);
        sleep(Duration::from_secs(2)).await;
        assert!(health.overdue().is_empty());
    }

    fn rotation() -> SecretRotation {
        let spec = json!({ "app": "demo", "credentials": ["store"], "reason": "a test" });
        of_the_examples_name(SecretRotation::new(
            "",
            serde_json::from_value(spec).unwrap(),
        ))
    }

    fn action() -> IncidentAction {
        let spec = json!({ "app": "demo", "rollingRestart": {}, "reason": "a test" });
        of_the_examples_name(IncidentAction::new(
            "",
            serde_json::from_value(spec).unwrap(),
        ))
    }

    /// Objects of different kinds may have one name.
    fn of_the_examples_name<K: Resource<DynamicType = ()>>(mut object: K) -> K {
        *object.meta_mut() = ObjectMeta {
            name: example_app().metadata.name,
            namespace: example_app().metadata.namespace,
            ..ObjectMeta::default()
        };
        object
    }

    #[tokio::test(start_paused = true)]
    async fn the_status_of_a_rotation_or_an_action_counts_like_that_of_a_reportapp() {
        let (progress, health) = watched();
        progress.leading(true);
        for written in [false, true] {
            progress.status_written(&rotation(), written);
            sleep(Duration::from_secs(90)).await;
            // Another kind, under the same name, says nothing about it.
            progress.status_written(&example_app(), true);
            progress.retain_reports::<IncidentAction>(|_, _| false);
            sleep(Duration::from_secs(2)).await;
            assert_eq!(health.overdue().is_empty(), written);
        }
        progress.status_written(&action(), false);
        sleep(Duration::from_secs(90)).await;
        assert_eq!(health.overdue(), ["status"]);
        // It was deleted.
        progress.retain_reports::<IncidentAction>(|_, _| false);
        sleep(Duration::from_secs(2)).await;
        assert!(health.overdue().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_replica_that_waits_is_healthy_whatever_happened_before() {
        let (progress, health) = watched();
        progress.touched("erp", "reports");
        progress.leading(false);
        sleep(Duration::from_secs(3600)).await;
        assert!(health.overdue().is_empty());
    }
}
