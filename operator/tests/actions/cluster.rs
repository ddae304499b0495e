//! The outside of actions: objects of one application, in this process. Time goes by in ticks, in each of
//! which one pod comes or goes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use kube::ResourceExt as _;
use reportapp_crds::incident_action::{CacheNamespace, Chosen};
use reportapp_crds::one_shot::Phase;
use reportapp_crds::report_app::credential::Workload;
use reportapp_crds::{IncidentAction, ReportApp, SecretRotation};
use reportapp_operator::action::caches::{self, Sweep, Swept};
use reportapp_operator::action::claim::{Claim, components, deployment};
use reportapp_operator::action::invalidate::{Invalidated, Target};
use reportapp_operator::action::restart::Seen;
use reportapp_operator::action::rotate;
use reportapp_operator::action::runner::{Order, Task};
use reportapp_operator::action::trouble::{Reason, Trouble};
use reportapp_operator::action::undo::{PutBack, Undone};
use reportapp_operator::action::user::{Changed, UserChange};
use reportapp_operator::action::world::{Rotation, Turn, World};
use reportapp_operator::backend::redis::caches::Step;
use reportapp_operator::one_shot;
use reportapp_session::directory::{Change, Kind, Measured, Snapshot, Undone as InStore};
use reportapp_session::epochs::{ProcessId, Revision, Revoked};
use serde_json::json;

/// Ticks a rotation takes.
const ROTATION_TICKS: u32 = 3;

/// A pod, and the mark it was made with.
#[derive(Clone, Debug)]
struct Pod {
    name: String,
    mark: Option<String>,
}

/// A workload whose roll-out keeps `replicas` pods at all times.
#[derive(Clone, Debug, Default)]
pub struct Played {
    mark: Option<String>,
    replicas: usize,
    pods: Vec<Pod>,
    made: usize,
    /// Whether new pods do not start.
    pub sick: bool,
    /// How often its template was changed.
    pub restarts: usize,
}

impl Played {
    fn new(replicas: usize) -> Self {
        let mut played = Self {
            replicas,
            ..Self::default()
        };
        (0..replicas).for_each(|_| played.start());
        played
    }

    fn start(&mut self) {
        self.made += 1;
        self.pods.push(Pod {
            name: format!("pod-{}", self.made),
            mark: self.mark.clone(),
        });
    }

    fn is_new(&self, pod: &Pod) -> bool {
        pod.mark == self.mark
    }

    fn is_moving(&self) -> bool {
        self.pods.iter().any(|pod| !self.is_new(pod))
    }

    fn tick(&mut self) {
        let old = self.pods.iter().position(|pod| !self.is_new(pod));
        let Some(old) = old.filter(|_| !self.sick) else {
            return;
        };
        if self.pods.len() > self.replicas {
            self.pods.remove(old);
        } else {
            self.start();
        }
        assert!(self.pods.len() >= self.replicas, "too few pods serve");
    }
}

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

/// A user of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Person {
    pub active: bool,
    pub must_reset: bool,
    pub sessions: usize,
}

/// One that nobody changed.
pub const UNTOUCHED: Person = Person {
    active: true,
    must_reset: false,
    sessions: 2,
};

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
        let mut action: IncidentAction = serde_json::from_value(json!({
            "apiVersion": "reportapp.dev/v1alpha1", "kind": "IncidentAction",
            "metadata": { "name": name, "namespace": "reports", "uid": name },
            "spec": spec,
        }))
        .unwrap();
        let mut objects = self.objects();
        action.metadata.creation_timestamp = Some(
            k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(objects.now),
        );
        let deadline = SignedDuration::from_secs(action.spec.active_deadline_seconds);
        let task = task(&self.app, &action, &objects.actions);
        let order = Order {
            task,
            dry_run: action.spec.dry_run,
            end: Some(objects.now + deadline),
            unapproved: false,
        };
        objects.actions.insert(name.to_owned(), action);
        order
    }

    /// Lets a second go by. At most one workload may be on its way then.
    pub fn tick(&self) {
        let mut objects = self.objects();
        objects.now += SignedDuration::from_secs(1);
        let moving = objects.workloads.values().filter(|w| w.is_moving()).count();
        assert!(moving <= 1, "{moving} workloads roll out at once");
        objects.workloads.values_mut().for_each(Played::tick);
        for (rotation, ticks) in objects.rotations.values_mut() {
            *ticks += 1;
            *rotation = rotated(rotation.clone(), *ticks >= ROTATION_TICKS);
        }
    }

    /// Whether pods of a workload are on their way.
    pub fn is_moving(&self) -> bool {
        self.objects().workloads.values().any(Played::is_moving)
    }

    /// Has the new pods of a workload start, or not.
    pub fn sicken(&self, workload: &str, sick: bool) {
        self.objects().workloads.get_mut(workload).unwrap().sick = sick;
    }

    /// Somebody deletes a workload, and its pods with it.
    pub fn remove_workload(&self, workload: &str) {
        self.objects().workloads.remove(workload).unwrap();
    }

    /// How often each workload was restarted.
    pub fn restarts(&self) -> BTreeMap<String, usize> {
        let objects = self.objects();
        let restarts = objects.workloads.iter();
        restarts
            .map(|(name, w)| (name.clone(), w.restarts))
            .collect()
    }

    /// Writes down how an action ended.
    pub fn end(&self, action: &str, phase: Phase) {
        let mut objects = self.objects();
        let status = &mut objects.actions.get_mut(action).unwrap().status;
        status.get_or_insert_default().phase = Some(phase);
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

    /// How many rotations there are, and how many were ever made.
    pub fn rotations(&self) -> (usize, usize) {
        let objects = self.objects();
        (objects.rotations.len(), objects.rotations_made)
    }

    /// Names of the revocations in the store.
    pub fn revocations(&self) -> Vec<String> {
        let objects = self.objects();
        objects.revocations.clone()
    }

    /// A user of the store.
    pub fn person(&self, name: &str) -> Person {
        self.objects().users[name]
    }

    /// Somebody changes a user.
    pub fn set_person(&self, name: &str, person: Person) {
        self.objects().users.insert(name.to_owned(), person);
    }

    /// How often users were changed or put back.
    pub fn changes(&self) -> usize {
        self.objects().changes
    }

    /// Keys that are in Redis.
    pub fn keys(&self) -> Vec<String> {
        self.objects().keys.iter().cloned().collect()
    }

    /// Has a process write a key of the namespace with every look, or none.
    pub fn write_keys(&self, busy: bool) {
        self.objects().busy = busy;
    }

    /// Has a process of the API fall silent, or its lease run out.
    pub fn silence(&self, silent: bool) {
        self.objects().silent = silent;
    }

    /// Takes the store away, or brings it back.
    pub fn take_store_away(&self, away: bool) {
        self.objects().store_away = away;
    }

    /// Somebody deletes every rotation.
    pub fn delete_rotations(&self) {
        self.objects().rotations.clear();
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

fn rotated(mut rotation: SecretRotation, done: bool) -> SecretRotation {
    let condition = |reason: &str| {
        json!({
            "type": "Ready", "status": "True", "reason": reason, "message": "",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        })
    };
    let (phase, reason) = if done {
        ("Succeeded", "Succeeded")
    } else {
        ("Running", "Working")
    };
    let credentials = rotation.spec.credentials.iter().map(|name| {
        json!({
            "name": name, "strategy": "AlternatingUsers", "to": "b", "oldSessions": 0, "oldPods": 0,
            "oldRefused": done,
        })
    });
    let credentials: Vec<_> = credentials.collect();
    let status = json!({
        "phase": phase, "message": "played", "conditions": [condition(reason)],
        "credentials": credentials,
    });
    rotation.status = serde_json::from_value(status).unwrap();
    rotation
}

/// The outside of one action.
pub struct Hand<'a> {
    cluster: &'a Cluster,
    action: &'a str,
    /// Where the removal of keys stands; an operator that dies forgets it.
    sweep: Mutex<Option<Sweep>>,
}

impl Objects {
    fn store(&self) -> Result<(), Trouble> {
        match self.store_away {
            true => Err(Trouble::new(Reason::StoreUnreachable, "it is away")),
            false => Ok(()),
        }
    }

    fn revision_of(&self, action: &str) -> Option<Revision> {
        let mut names = self.revocations.iter();
        let place = names.position(|name| name == action)?;
        Some(Revision(u64::try_from(place).unwrap() + 1))
    }

    /// Raises something once under a name, and says how far it is.
    fn raise(&mut self, name: &str) -> Invalidated {
        if self.revision_of(name).is_none() {
            self.revocations.push(name.to_owned());
        }
        let revision = self.revision_of(name).unwrap();
        if self.silent {
            let in_doubt = Some(1);
            return Invalidated::Committed { revision, in_doubt };
        }
        Invalidated::Acknowledged(Revoked {
            revision,
            commit: Duration::ZERO,
            acknowledgement: Duration::ZERO,
            confirmed: vec![ProcessId::new("api", 0)],
            outwaited: Vec::new(),
            roster_known: true,
        })
    }

    fn find(&mut self, user: &str) -> Result<&mut Person, Trouble> {
        let unknown = || Trouble::new(Reason::UnknownUser, "there is none");
        let key = user.trim().to_lowercase();
        self.users.get_mut(&key).ok_or_else(unknown)
    }

    /// Changes a user once under a name, and keeps what was there.
    fn change(&mut self, name: &str, change: &UserChange) -> Result<Snapshot, Trouble> {
        if let Some(snapshot) = self.snapshots.get(name) {
            return Ok(snapshot.clone());
        }
        let (kind, now) = (change.change.kind(), self.now);
        let person = self.find(&change.user)?;
        let snapshot = Snapshot {
            kind,
            user: change.user.clone(),
            differs: !holds(kind, person),
            sessions: (0..person.sessions).map(|n| format!("s{n}")).collect(),
            revision: Revision(0),
            taken_at: now,
            undone_at: None,
        };
        set(kind, person, true);
        person.sessions = 0;
        self.changes += 1;
        self.snapshots.insert(name.to_owned(), snapshot.clone());
        Ok(snapshot)
    }

    fn undo(&mut self, undone: &Undone) -> Result<InStore, Trouble> {
        let missing = || Trouble::new(Reason::NotUndoable, "nothing was changed");
        let mut snapshot = { self.snapshots.get(&undone.uid).cloned() }.ok_or_else(missing)?;
        if snapshot.undone_at.is_some() {
            return Ok(InStore::Earlier(snapshot));
        }
        snapshot.undone_at = Some(self.now);
        let person = self.find(&snapshot.user)?;
        if !holds(snapshot.kind, person) {
            return Err(Trouble::new(Reason::ChangedSince, "somebody did"));
        }
        set(snapshot.kind, person, false);
        self.changes += 1;
        self.snapshots.insert(undone.uid.clone(), snapshot.clone());
        Ok(InStore::Restored(snapshot))
    }
}

fn holds(kind: Kind, person: &Person) -> bool {
    match kind {
        Kind::Disable => !person.active,
        Kind::ForceReset => person.must_reset,
    }
}

fn set(kind: Kind, person: &mut Person, holds: bool) {
    match kind {
        Kind::Disable => person.active = !holds,
        Kind::ForceReset => person.must_reset = holds,
    }
}

impl Hand<'_> {
    /// Whether the action says that its rotation was made.
    pub fn is_noted(&self) -> bool {
        let action = self.action();
        let name = rotate::rotation_name(&action);
        action.annotations().get(rotate::NOTE) == Some(&name)
    }

    fn action(&self) -> IncidentAction {
        self.cluster.objects().actions[self.action].clone()
    }
}

impl World for Hand<'_> {
    fn is_begun(&self) -> bool {
        self.cluster.is_begun(self.action)
    }

    async fn plan(&self, task: &Task) -> Result<Vec<String>, Trouble> {
        let mut objects = self.cluster.objects();
        match task {
            Task::Restart(_) | Task::Rotate(_) | Task::Sweep(_) => {}
            Task::Invalidate(_) | Task::Undo(_) => objects.store()?,
            Task::ChangeUser(change) => {
                objects.store()?;
                objects.find(&change.user)?;
            }
        }
        Ok(vec!["what is done".to_owned()])
    }

    async fn take_turn(&self) -> Result<Turn, Trouble> {
        let app = &self.cluster.app;
        let mut objects = self.cluster.objects();
        let undone = |name: &str| Some(Undone::of(objects.actions.get(name)?).ok()?.user);
        let claims: Vec<_> = { objects.actions.values() }
            .filter_map(|action| Claim::of(action, Some(app), undone))
            .collect();
        let Some(claim) = Claim::of(&objects.actions[self.action], Some(app), undone) else {
            return Ok(Turn::Ours);
        };
        let action = objects.actions.get_mut(self.action).unwrap();
        if let Some(first) = claim.waits_for(&claims) {
            return Ok(Turn::Behind(first.name.clone()));
        }
        action.metadata.owner_references = Some(one_shot::owners(&action.metadata, app));
        Ok(Turn::Ours)
    }

    async fn look(&self, workload: &Workload) -> Result<Seen, Trouble> {
        let objects = self.cluster.objects();
        let Some(found) = objects.workloads.get(&workload.name) else {
            return Err(Trouble::new(Reason::WorkloadMissing, "there is none"));
        };
        let new = |pod: &&Pod| pod.mark.as_deref() == Some(self.action);
        let old = found.pods.iter().filter(|pod| !new(pod));
        Ok(Seen {
            workload: workload.clone(),
            marked: found.mark.as_deref() == Some(self.action),
            settled: !found.is_moving() && found.pods.len() == found.replicas,
            old_pods: old.map(|pod| pod.name.clone()).collect(),
            obstacle: found.sick.then(|| "its pods do not start".to_owned()),
        })
    }

    async fn mark(&self, workload: &Workload) -> Result<(), Trouble> {
        let mut objects = self.cluster.objects();
        let found = objects.workloads.get_mut(&workload.name).unwrap();
        let mark = Some(self.action.to_owned());
        if found.mark != mark {
            found.mark = mark;
            found.restarts += 1;
        }
        Ok(())
    }

    async fn rotation(&self) -> Result<Rotation, Trouble> {
        let (action, noted) = (self.action(), self.is_noted());
        let name = rotate::rotation_name(&action);
        let objects = self.cluster.objects();
        Ok(match objects.rotations.get(&name) {
            Some((found, _)) if rotate::is_of(found, &action) => {
                Rotation::Made(Box::new(found.clone()))
            }
            Some(_) => return Err(Trouble::new(Reason::RotationNotOurs, "not of this action")),
            None if noted => Rotation::Gone,
            None => Rotation::Unmade,
        })
    }

    async fn create_rotation(&self) -> Result<(), Trouble> {
        let action = self.action();
        let rotate = action.spec.action.rotate_credential.as_ref().unwrap();
        let rotation = rotate::rotation(&action, rotate, SignedDuration::from_secs(600));
        let mut objects = self.cluster.objects();
        let Objects {
            rotations,
            rotations_made,
            ..
        } = &mut *objects;
        rotations.entry(rotation.name_any()).or_insert_with(|| {
            *rotations_made += 1;
            (rotation, 0)
        });
        Ok(())
    }

    async fn note_rotation(&self) -> Result<(), Trouble> {
        let mut objects = self.cluster.objects();
        let action = objects.actions.get_mut(self.action).unwrap();
        let name = rotate::rotation_name(action);
        action
            .annotations_mut()
            .insert(rotate::NOTE.to_owned(), name);
        Ok(())
    }

    async fn invalidate(&self, _: &Target) -> Result<Invalidated, Trouble> {
        let mut objects = self.cluster.objects();
        objects.store()?;
        Ok(objects.raise(self.action))
    }

    async fn revision(&self) -> Result<Option<Revision>, Trouble> {
        let objects = self.cluster.objects();
        objects.store()?;
        Ok(objects.revision_of(self.action))
    }

    async fn change_user(&self, change: &UserChange) -> Result<Changed, Trouble> {
        let mut objects = self.cluster.objects();
        objects.store()?;
        let snapshot = objects.change(self.action, change)?;
        let invalidated = objects.raise(self.action);
        let person = objects.find(&change.user)?;
        let measured = Measured {
            active_sessions: i64::try_from(person.sessions).unwrap(),
            sign_in_possible: !holds(snapshot.kind, person),
        };
        Ok(Changed {
            snapshot,
            invalidated,
            measured,
        })
    }

    async fn snapshot(&self, of: Option<&Undone>) -> Result<Option<Snapshot>, Trouble> {
        let objects = self.cluster.objects();
        objects.store()?;
        let name = of.map_or(self.action, |undone| &undone.uid);
        Ok(objects.snapshots.get(name).cloned())
    }

    async fn put_back(&self, undone: &Undone) -> Result<PutBack, Trouble> {
        let mut objects = self.cluster.objects();
        objects.store()?;
        let in_store = objects.undo(undone)?;
        let invalidated = objects.raise(&format!("{} puts back", self.action));
        Ok(PutBack {
            undone: in_store,
            invalidated,
        })
    }

    /// One key with each look, from the place where the last look of this operator ended.
    async fn sweep(&self, namespaces: &[CacheNamespace]) -> Result<Swept, Trouble> {
        let prefixes = caches::prefixes("demo", namespaces);
        let mut objects = self.cluster.objects();
        let mut sweep = self.sweep.lock().unwrap();
        let sweep = sweep.get_or_insert_with(|| Sweep::of(&objects.actions[self.action]));
        // 0 is the beginning, and the end.
        let place = usize::try_from(sweep.cursor.saturating_sub(1)).unwrap();
        let key = objects.keys.iter().nth(place).cloned();
        let goes = |key: &String| prefixes.iter().any(|prefix| key.starts_with(prefix));
        let found = key.filter(goes);
        let removed = found.as_ref().is_some_and(|key| objects.keys.remove(key));
        let next = place + usize::from(!removed);
        let cursor = if next < objects.keys.len() {
            next + 1
        } else {
            0
        };
        let number = |truth| i64::from(truth);
        sweep.step(Step {
            cursor: u64::try_from(cursor).unwrap(),
            scanned: 1,
            found: number(found.is_some()),
            removed: number(removed),
        });
        if objects.busy {
            objects.keys.insert("dash:new".to_owned());
        }
        Ok(sweep.swept())
    }
}
