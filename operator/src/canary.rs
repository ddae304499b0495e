//! Canary logins: whether the login in use of each credential is still accepted, found out before a
//! pod has to open a new connection.
//!
//! ```text
//!  reconcile of a ReportApp ── marks of the values in use ──▶ memory ── due (timing) ──▶ check: log in
//!                      ▲                                        │ ▲                       │
//!                      └── status, when there is news ◀─────────┘ └────────── verdict ◀───┤
//!                                                       SecretRotation, if wished ◀───────┘
//! ```
//!
//! Runs beside the controllers of the replica that leads and never holds up a reconcile. A backend that
//! gives no answer gives no verdict.

pub mod check;
pub mod in_use;
pub mod memory;
pub mod timing;
pub mod verdict;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt as _;
use kube::runtime::reflector::ObjectRef;
use prometheus::{IntGaugeVec, Opts};
use reportapp_crds::report_app::CanaryStatus;
use reportapp_crds::{ReportApp, ReportAppStatus};
use reportapp_telemetry::Health;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::{Id, JoinSet};
use tokio::time::{interval, timeout};

use crate::context::Shared;
use in_use::Sources;
use memory::{Key, Memory};
use verdict::Verdict;

/// How often it is looked what is due.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Tries at a time.
const AT_ONCE: usize = 4;
/// Longest time of one try.
const DEADLINE: Duration = Duration::from_secs(60);

/// Asks the controller for a reconcile of an object.
pub type Wake = UnboundedSender<ObjectRef<ReportApp>>;

/// Every login in use of every application, and how it stands with it.
#[derive(Debug)]
pub struct Canary {
    memory: Mutex<Memory>,
    /// How to have an application looked at, by namespace and name.
    wakes: Mutex<BTreeMap<(String, String), Wake>>,
    ok: IntGaugeVec,
}

impl Canary {
    /// Knows nothing yet; registers its metric with `health`.
    pub fn new(health: &Health) -> Self {
        let ok = IntGaugeVec::new(
            Opts::new(
                "reportapp_credential_canary_ok",
                "Whether the backend accepted the login in use when it was last tried (1); absent before.",
            ),
            &["namespace", "app", "credential"],
        )
        .expect("name and labels are constants");
        health.register(ok.clone());
        Self {
            memory: Mutex::default(),
            wakes: Mutex::default(),
            ok,
        }
    }

    /// These are the values in use of an application.
    pub fn note(&self, sources: &Sources<'_>, wake: &Wake, now: Timestamp) {
        let app = sources.app;
        let (namespace, name) = (app.namespace().unwrap_or_default(), app.name_any());
        let seed = app.uid().unwrap_or_default();
        let gone = lock(&self.memory).note((&namespace, &name), sources.marks(), &seed, now);
        self.hide(&gone);
        lock(&self.wakes).insert((namespace, name), wake.clone());
    }

    /// What the status of `app` says about a credential.
    pub fn status(&self, app: &ReportApp, credential: &str) -> Option<CanaryStatus> {
        let spec = app.spec.credentials.iter().find(|c| c.name == credential)?;
        spec.opens.login()?;
        let key = Key {
            namespace: app.namespace().unwrap_or_default(),
            app: app.name_any(),
            credential: credential.to_owned(),
        };
        let before = app
            .status
            .as_ref()
            .and_then(|status| said(status, credential));
        memory::shown(before, lock(&self.memory).seen(&key))
    }

    /// A ReportApp is gone.
    pub fn forget(&self, namespace: &str, app: &str) {
        let gone = lock(&self.memory).forget(namespace, app);
        self.hide(&gone);
        lock(&self.wakes).remove(&(namespace.to_owned(), app.to_owned()));
    }

    fn due(&self, in_hand: &BTreeSet<&Key>, now: Timestamp) -> Vec<Key> {
        lock(&self.memory).due(in_hand, now)
    }

    /// Keeps what a try gave.
    pub(super) fn answered(&self, key: &Key, outcome: Result<Verdict, String>, now: Timestamp) {
        let (namespace, app, credential) = (&key.namespace, &key.app, &key.credential);
        let verdict = match outcome {
            Ok(verdict) => Some(verdict),
            Err(why) => {
                tracing::warn!(
                    namespace,
                    app,
                    credential,
                    "the login in use could not be tried: {why}"
                );
                None
            }
        };
        let ok = verdict
            .as_ref()
            .map(|verdict| *verdict == Verdict::Accepted);
        let known = lock(&self.memory).answered(key, verdict, now);
        let Some(ok) = ok.filter(|_| known) else {
            return;
        };
        tracing::debug!(namespace, app, credential, ok, "tried the login in use");
        self.ok
            .with_label_values(&[namespace, app, credential])
            .set(ok.into());
        let object = (namespace.clone(), app.clone());
        if let Some(wake) = lock(&self.wakes).get(&object) {
            // The controller ends before this does.
            let _ended = wake.send(ObjectRef::new(app).within(namespace));
        }
    }

    fn hide(&self, gone: &[Key]) {
        for key in gone {
            let labels = [&key.namespace, &key.app, &key.credential];
            let _absent = self.ok.remove_label_values(&labels);
        }
    }
}

fn said<'a>(status: &'a ReportAppStatus, credential: &str) -> Option<&'a CanaryStatus> {
    let mut credentials = status.credentials.iter();
    let found = credentials.find(|found| found.name == credential)?;
    found.canary.as_ref()
}

/// Tries what is due. Runs until dropped, and what it began ends with it.
pub async fn run(shared: Arc<Shared>) {
    let mut ticks = interval(LOOK_EVERY);
    let mut checks = JoinSet::new();
    let mut in_hand: HashMap<Id, Key> = HashMap::new();
    loop {
        let (id, outcome) = tokio::select! {
            _ = ticks.tick() => {
                begin(&shared, &mut checks, &mut in_hand);
                continue;
            }
            Some(ended) = checks.join_next_with_id() => match ended {
                Ok((id, outcome)) => (id, outcome),
                Err(error) => (error.id(), Err("the try broke off".to_owned())),
            },
        };
        if let Some(key) = in_hand.remove(&id) {
            shared.canary.answered(&key, outcome, Timestamp::now());
        }
    }
}

fn begin(
    shared: &Arc<Shared>,
    checks: &mut JoinSet<Result<Verdict, String>>,
    in_hand: &mut HashMap<Id, Key>,
) {
    let due = shared
        .canary
        .due(&in_hand.values().collect(), Timestamp::now());
    for key in due {
        if checks.len() >= AT_ONCE {
            return;
        }
        let Some(app) = check::subject(shared, &key) else {
            continue;
        };
        let (shared, tried) = (Arc::clone(shared), key.clone());
        let check = async move {
            timeout(DEADLINE, check::check(&shared, &app, &tried))
                .await
                .unwrap_or_else(|_| Err("it took too long".to_owned()))
        };
        in_hand.insert(checks.spawn(check).id(), key);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .expect("no code panics while it holds this lock")
}
