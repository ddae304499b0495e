//! What a service knows about itself: dependencies, readiness, heartbeats, metrics.
//!
//! Code that uses a dependency reports each attempt through its [`DependencyHandle`]; loops that
//! must not stop report through a [`Heartbeat`]. The probes answer from this memory alone:
//!
//! - *ready*: [`Health::set_ready`] was called, every dependency was `Ok` once, and the service is
//!   not draining. A later loss does not unready the pod, since its twins lost the same thing and
//!   an unready pod helps nobody.
//! - *live*: no heartbeat is overdue. A dependency never makes a pod dead, since a restart does not
//!   mend it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use prometheus::core::Collector;
use prometheus::{IntGauge, IntGaugeVec, Opts, Registry};
use reportapp_config::ServiceStatus;
use reportapp_config::status::{DependencyState, DependencyStatus, Reason};
use tokio::time::Instant;

use crate::process::ProcessCollector;

/// Cloneable handle to everything a service knows about itself.
#[derive(Clone, Debug)]
pub struct Health {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    service: &'static str,
    set_up: AtomicBool,
    draining: AtomicBool,
    dependencies: Mutex<BTreeMap<String, Dependency>>,
    heartbeats: Mutex<BTreeMap<u64, Beat>>,
    registry: Registry,
    dependency_up: IntGaugeVec,
    ready: IntGauge,
}

#[derive(Debug)]
struct Dependency {
    status: DependencyStatus,
    was_ok_once: bool,
}

#[derive(Debug)]
struct Beat {
    name: &'static str,
    last: Instant,
    max_silence: Duration,
}

impl Health {
    /// Health of the binary `service` (for example `reportapp-tunnel`) of version `version`
    /// (`env!("CARGO_PKG_VERSION")`), with a metrics registry of its own that already holds build
    /// and process metrics.
    pub fn new(service: &'static str, version: &str) -> Self {
        let registry = Registry::new();
        let build_info = IntGaugeVec::new(
            Opts::new(
                "reportapp_build_info",
                "Always 1; the labels say what is running.",
            ),
            &["service", "version"],
        )
        .expect("name and labels are constants");
        build_info.with_label_values(&[service, version]).set(1);
        let dependency_up = IntGaugeVec::new(
            Opts::new(
                "reportapp_dependency_up",
                "Whether the last attempt succeeded (1) or not.",
            ),
            &["dependency"],
        )
        .expect("name and labels are constants");
        let ready = IntGauge::new(
            "reportapp_ready",
            "Whether the service says it is ready (1).",
        )
        .expect("the name is a constant");
        let health = Self {
            inner: Arc::new(Inner {
                service,
                set_up: AtomicBool::new(false),
                draining: AtomicBool::new(false),
                dependencies: Mutex::default(),
                heartbeats: Mutex::default(),
                registry,
                dependency_up: dependency_up.clone(),
                ready: ready.clone(),
            }),
        };
        health.register(build_info);
        health.register(dependency_up);
        health.register(ready);
        health.register(ProcessCollector::new());
        health
    }

    /// Adds a metric to what `/metrics` shows.
    ///
    /// # Panics
    /// When a metric of that name is registered already: a mistake in the program.
    pub fn register(&self, collector: impl Collector + 'static) {
        self.inner
            .registry
            .register(Box::new(collector))
            .expect("each metric is registered once");
    }

    /// The registry behind `/metrics`.
    pub fn registry(&self) -> &Registry {
        &self.inner.registry
    }

    /// Registers the dependency `name` (see [`DependencyStatus::name`]) as not tried yet; the
    /// service is not ready before it was `Ok` once. Asking again for a name gives the same
    /// dependency.
    pub fn dependency(&self, name: impl Into<String>) -> DependencyHandle {
        self.register_dependency(name.into(), false)
    }

    /// As [`Health::dependency`], for something that is worth a report and without which the service does
    /// its work: it never keeps the service from being ready.
    pub fn advice(&self, name: impl Into<String>) -> DependencyHandle {
        self.register_dependency(name.into(), true)
    }

    fn register_dependency(&self, name: String, is_dispensable: bool) -> DependencyHandle {
        self.dependencies()
            .entry(name.clone())
            .or_insert_with(|| Dependency {
                status: DependencyStatus {
                    name: name.clone(),
                    state: DependencyState::Unknown,
                    reason: None,
                    message: String::new(),
                },
                was_ok_once: is_dispensable,
            });
        self.inner.dependency_up.with_label_values(&[&name]).set(0);
        DependencyHandle {
            health: self.clone(),
            name: name.into(),
        }
    }

    /// Says that the service itself is set up (listeners bound, every dependency registered), or
    /// takes that back. It starts as `false`.
    pub fn set_ready(&self, set_up: bool) {
        self.inner.set_up.store(set_up, Ordering::Relaxed);
        self.publish_ready();
    }

    /// Makes the service unready for good; see [`crate::drain`].
    pub fn start_draining(&self) {
        self.inner.draining.store(true, Ordering::Relaxed);
        self.publish_ready();
    }

    /// Whether the service is finishing its work before it ends.
    pub fn is_draining(&self) -> bool {
        self.inner.draining.load(Ordering::Relaxed)
    }

    /// What `/readyz` says.
    pub fn is_ready(&self) -> bool {
        self.inner.set_up.load(Ordering::Relaxed)
            && !self.is_draining()
            && self
                .dependencies()
                .values()
                .all(|dependency| dependency.was_ok_once)
    }

    /// Registers a loop that must report at least every `max_silence`, else `/livez` fails.
    pub fn heartbeat(&self, name: &'static str, max_silence: Duration) -> Heartbeat {
        let mut heartbeats = self.heartbeats();
        let id = heartbeats.last_key_value().map_or(0, |(id, _)| id + 1);
        heartbeats.insert(
            id,
            Beat {
                name,
                last: Instant::now(),
                max_silence,
            },
        );
        Heartbeat {
            health: self.clone(),
            id,
        }
    }

    /// Names of the loops that have been silent for too long; empty means that the process is
    /// live. A draining process is always live: its loops are meant to end.
    pub fn overdue(&self) -> Vec<&'static str> {
        if self.is_draining() {
            return Vec::new();
        }
        let heartbeats = self.heartbeats();
        let is_overdue = |beat: &&Beat| beat.last.elapsed() > beat.max_silence;
        heartbeats
            .values()
            .filter(is_overdue)
            .map(|beat| beat.name)
            .collect()
    }

    /// What `/status` says.
    pub fn status(&self) -> ServiceStatus {
        ServiceStatus {
            service: self.inner.service.to_owned(),
            ready: self.is_ready(),
            dependencies: self
                .dependencies()
                .values()
                .map(|d| d.status.clone())
                .collect(),
        }
    }

    fn publish_ready(&self) {
        self.inner.ready.set(i64::from(self.is_ready()));
    }

    fn dependencies(&self) -> MutexGuard<'_, BTreeMap<String, Dependency>> {
        self.inner
            .dependencies
            .lock()
            .expect("no code panics while it holds this lock")
    }

    fn heartbeats(&self) -> MutexGuard<'_, BTreeMap<u64, Beat>> {
        self.inner
            .heartbeats
            .lock()
            .expect("no code panics while it holds this lock")
    }
}

/// Reports what happened to one dependency. Only transitions are logged.
#[derive(Clone, Debug)]
pub struct DependencyHandle {
    health: Health,
    name: Arc<str>,
}

impl DependencyHandle {
    /// The dependency's stable name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The last attempt succeeded.
    pub fn ok(&self) {
        self.set(DependencyState::Ok, None, String::new());
    }

    /// The last attempt failed. `message` is one sentence for a person, without any secret; the
    /// operator copies it into a condition.
    pub fn failing(&self, reason: Reason, message: impl Into<String>) {
        self.set(DependencyState::Failing, Some(reason), message.into());
    }

    /// The dependency as last reported.
    pub fn status(&self) -> DependencyStatus {
        self.health.dependencies()[&*self.name].status.clone()
    }

    /// Forgets the dependency, for one that the service no longer has.
    pub fn forget(self) {
        self.health.dependencies().remove(&*self.name);
        let _was_there = self
            .health
            .inner
            .dependency_up
            .remove_label_values(&[&self.name]);
        self.health.publish_ready();
    }

    fn set(&self, state: DependencyState, reason: Option<Reason>, message: String) {
        let is_ok = state == DependencyState::Ok;
        let changed = {
            let mut dependencies = self.health.dependencies();
            // A clone of a handle may outlive `forget`.
            let Some(dependency) = dependencies.get_mut(&*self.name) else {
                return;
            };
            let status = &mut dependency.status;
            let changed = status.state != state || status.reason != reason;
            status.state = state;
            status.reason = reason;
            status.message.clone_from(&message);
            dependency.was_ok_once |= is_ok;
            changed
        };
        if !changed {
            return;
        }
        self.health
            .inner
            .dependency_up
            .with_label_values(&[&*self.name])
            .set(i64::from(is_ok));
        self.health.publish_ready();
        match reason {
            None => tracing::info!(dependency = &*self.name, "dependency is available"),
            Some(reason) => tracing::warn!(
                dependency = &*self.name,
                reason = reason.as_str(),
                "dependency fails: {message}"
            ),
        }
    }
}

/// Proof of life of one loop. Dropping it does not end the watch, so a loop that panicked is
/// noticed; a loop that ends on purpose calls [`Heartbeat::end`].
#[derive(Debug)]
pub struct Heartbeat {
    health: Health,
    id: u64,
}

impl Heartbeat {
    /// The loop went round once more.
    pub fn beat(&self) {
        if let Some(beat) = self.health.heartbeats().get_mut(&self.id) {
            beat.last = Instant::now();
        }
    }

    /// The loop ended on purpose.
    pub fn end(self) {
        self.health.heartbeats().remove(&self.id);
    }
}

#[cfg(test)]
mod tests;
