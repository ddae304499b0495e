//! The outside of actions: objects of one application, in this process. Time goes by in ticks, in each of
//! which one pod comes or goes. Each part of the outside is a file of its own, and [`hand`] is what an
//! action has of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use kube::ResourceExt as _;
use reportapp_crds::incident_action::Chosen;
use reportapp_crds::one_shot::Phase;
use reportapp_crds::{IncidentAction, ReportApp, SecretRotation};
use reportapp_operator::action::claim::{components, deployment};
use reportapp_operator::action::invalidate::Target;
use reportapp_operator::action::runner::{Found, Order, Task};
use reportapp_operator::action::status::{self, Facts};
use reportapp_operator::action::undo::Undone;
use reportapp_operator::action::user::UserChange;
use reportapp_operator::one_shot;
use reportapp_session::directory::{Change, Snapshot};
use serde_json::json;

mod hand;
mod keys;
mod rotations;
mod store;
mod workloads;

pub use hand::Hand;
pub use store::{Person, UNTOUCHED};
use workloads::Played;

#[derive(Default)]
struct Objects {
    actions: BTreeMap<String, IncidentAction>,
    workloads: BTreeMap<String, Played>,
    rotations: BTreeMap<String, (SecretRotation, u32)>,
    rotations_made: usize,
    /// Names of the revocations in the store, in their order.
    revocations: Vec<String>,
    /// Users of the store.
    users: BTreeMap<String, Person>,
    /// What was there before a change, by the name of the change.
    snapshots: BTreeMap<String, Snapshot>,
    /// How often a user was changed or put back.
    changes: usize,
    /// Keys in Redis.
    keys: BTreeSet<String>,
    /// Whether a process of the API writes a key with every look.
    busy: bool,
    /// Whether a process of the API says nothing, and its lease is not over.
    silent: bool,
    /// Whether the store does not answer.
    store_away: bool,
    now: Timestamp,
}

/// One namespace with one application.
pub struct Cluster {
    pub app: ReportApp,
    objects: Mutex<Objects>,
}

impl Cluster {
    /// The application of the documentation, with two pods of its API, and a workload of others.
    pub fn new() -> Self {
        let example = include_str!("../../../docs/examples/reportapp.yaml");
        let mut app: ReportApp = serde_yaml_ng::from_str(example).unwrap();
        app.metadata.uid = Some("the-app".to_owned());
        let mut objects = Objects {
            now: Timestamp::from_second(1_800_000_000).unwrap(),
            ..Objects::default()
        };
        for component in components(&app, None) {
            let name = deployment(&app.name_any(), &component).name;
            let replicas = if name.ends_with("api") { 2 } else { 1 };
            objects.workloads.insert(name, Played::new(replicas));
        }
        objects.workloads.insert("shop".to_owned(), Played::new(3));
        for name in ["ana", "bob"] {
            objects.users.insert(name.to_owned(), UNTOUCHED);
        }
        for key in [
            "dash:1",
            "demo:dash:2",
            "dash:3",
            "perm:user:1",
            "lock:task:1",
        ] {
            objects.keys.insert(key.to_owned());
        }
        Self {
            app,
            objects: Mutex::new(objects),
        }
    }

    fn objects(&self) -> MutexGuard<'_, Objects> {
        self.objects.lock().unwrap()
    }

    pub fn now(&self) -> Timestamp {
        self.objects().now
    }

    /// Creates an action `name`, which is its uid as well.
    pub fn create(&self, name: &str, spec: serde_json::Value) -> Order {
        self.add(name, spec);
        self.order(name)
    }

    /// The same of one that cannot be worked on yet.
    pub fn add(&self, name: &str, spec: serde_json::Value) {
        let mut action: IncidentAction = serde_json::from_value(json!({
            "apiVersion": "reportapp.dev/v1alpha1", "kind": "IncidentAction",
            "metadata": { "name": name, "namespace": "reports", "uid": name },
            "spec": spec,
        }))
        .unwrap();
        let mut objects = self.objects();
        action.metadata.creation_timestamp = Some(Time(objects.now));
        objects.actions.insert(name.to_owned(), action);
    }

    /// What an action does, with everything it names.
    pub fn order(&self, name: &str) -> Order {
        let objects = self.objects();
        let action = &objects.actions[name];
        let deadline = SignedDuration::from_secs(action.spec.active_deadline_seconds);
        Order {
            task: task(&self.app, action, &objects.actions),
            dry_run: action.spec.dry_run,
            end: Some(objects.now + deadline),
            unapproved: false,
        }
    }

    /// Writes down what a pass found.
    pub fn publish(&self, name: &str, found: Found) {
        let mut objects = self.objects();
        let facts = Facts {
            action: &objects.actions[name],
            now: objects.now,
            late: false,
        };
        let status = status::after_pass(&facts, found);
        objects.actions.get_mut(name).unwrap().status = Some(status);
    }

    /// What the status of an action says of the sessions that it ended.
    pub fn sessions_before(&self, name: &str) -> Option<i64> {
        let objects = self.objects();
        let status = objects.actions[name].status.as_ref()?;
        status.revocation.as_ref()?.sessions_before
    }

    /// Lets a second go by. At most one workload may be on its way then.
    pub fn tick(&self) {
        let mut objects = self.objects();
        objects.now += SignedDuration::from_secs(1);
        let moving = objects.workloads.values().filter(|w| w.is_moving()).count();
        assert!(moving <= 1, "{moving} workloads roll out at once");
        objects.workloads.values_mut().for_each(Played::tick);
        objects.tick_rotations();
    }

    /// Writes down how an action ended.
    pub fn end(&self, action: &str, phase: Phase) {
        let mut objects = self.objects();
        let status = &mut objects.actions.get_mut(action).unwrap().status;
        status.get_or_insert_default().phase = Some(phase);
    }

    /// Somebody deletes an action; the garbage collector takes what it owns with it.
    pub fn delete(&self, action: &str) {
        let mut objects = self.objects();
        let deleted = objects.actions.remove(action).unwrap();
        objects.collect_rotations_of(&deleted);
    }

    /// Whether an action belongs to the application.
    pub fn is_begun(&self, action: &str) -> bool {
        one_shot::belongs_to(&self.objects().actions[action].metadata, &self.app)
    }

    /// Somebody gives an action to the application.
    pub fn own(&self, action: &str) {
        let mut objects = self.objects();
        let metadata = &mut objects.actions.get_mut(action).unwrap().metadata;
        metadata.owner_references = Some(one_shot::owners(metadata, &self.app));
    }

    /// The outside as the action `name` has it.
    pub fn hand<'a>(&'a self, name: &'a str) -> Hand<'a> {
        Hand {
            cluster: self,
            action: name,
            sweep: Mutex::default(),
        }
    }
}

/// What an action does, with what it names.
fn task(
    app: &ReportApp,
    action: &IncidentAction,
    others: &BTreeMap<String, IncidentAction>,
) -> Task {
    let change = |user: &str, change| {
        Task::ChangeUser(UserChange {
            user: user.to_owned(),
            change,
            duration: action.spec.duration,
        })
    };
    match action.spec.action.chosen().unwrap() {
        Chosen::RollingRestart(restart) => {
            let ours = components(app, restart.components.as_deref());
            let ours = ours.iter().map(|part| deployment(&app.name_any(), part));
            Task::Restart(ours.chain(restart.workloads.iter().cloned()).collect())
        }
        Chosen::RotateCredential(rotate) => Task::Rotate(rotate.clone()),
        Chosen::InvalidateSessions(invalidate) => {
            Task::Invalidate(Target::Sessions(invalidate.whose().unwrap()))
        }
        Chosen::InvalidatePermissions(invalidate) => {
            Task::Invalidate(Target::Permissions(invalidate.holders().unwrap()))
        }
        Chosen::InvalidateCaches(invalidate) => Task::Sweep(invalidate.namespaces.clone()),
        Chosen::DisableUser(disable) => {
            let force = disable.force;
            change(&disable.user, Change::Disable { force })
        }
        Chosen::ForcePasswordReset(reset) => change(&reset.user, Change::ForceReset),
        Chosen::Undo(undo) => {
            let found = others.get(&undo.action_ref);
            Task::Undo(Undone::resolve(&undo.action_ref, &app.name_any(), found).unwrap())
        }
    }
}
