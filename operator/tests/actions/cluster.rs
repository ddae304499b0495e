//! The outside of actions: objects of one application, in this process. Time goes by in ticks, in each of
//! which one pod comes or goes.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use kube::ResourceExt as _;
use reportapp_crds::incident_action::{Chosen, Whose};
use reportapp_crds::one_shot::Phase;
use reportapp_crds::report_app::credential::Workload;
use reportapp_crds::{IncidentAction, ReportApp, SecretRotation};
use reportapp_operator::action::claim::{Claim, components, deployment};
use reportapp_operator::action::invalidate::Invalidated;
use reportapp_operator::action::restart::Seen;
use reportapp_operator::action::rotate;
use reportapp_operator::action::runner::{Order, Task};
use reportapp_operator::action::trouble::{Reason, Trouble};
use reportapp_operator::action::world::{Rotation, Turn, World};
use reportapp_operator::one_shot;
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
    /// Revocations in the store by name, in their order.
    revocations: Vec<(String, Whose)>,
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
        let task = match action.spec.action.chosen().unwrap() {
            Chosen::RollingRestart(restart) => {
                let ours = components(&self.app, restart.components.as_deref());
                let ours = ours
                    .iter()
                    .map(|part| deployment(&self.app.name_any(), part));
                Task::Restart(ours.chain(restart.workloads.iter().cloned()).collect())
            }
            Chosen::RotateCredential(rotate) => Task::Rotate(rotate.clone()),
            Chosen::InvalidateSessions(invalidate) => Task::Invalidate(invalidate.whose().unwrap()),
        };
        let order = Order {
            task,
            dry_run: action.spec.dry_run,
            end: Some(objects.now + deadline),
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

    /// How many rotations there are, and how many were ever made.
    pub fn rotations(&self) -> (usize, usize) {
        let objects = self.objects();
        (objects.rotations.len(), objects.rotations_made)
    }

    /// Names of the revocations in the store.
    pub fn revocations(&self) -> Vec<String> {
        let objects = self.objects();
        let names = objects.revocations.iter();
        names.map(|(action, _)| action.clone()).collect()
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
}

impl Objects {
    fn store(&mut self) -> Result<&mut Vec<(String, Whose)>, Trouble> {
        match self.store_away {
            true => Err(Trouble::new(Reason::StoreUnreachable, "it is away")),
            false => Ok(&mut self.revocations),
        }
    }

    fn revision_of(&self, action: &str) -> Option<Revision> {
        let mut names = self.revocations.iter();
        let place = names.position(|(name, _)| name == action)?;
        Some(Revision(u64::try_from(place).unwrap() + 1))
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

    async fn plan_rotation(&self) -> Result<Vec<String>, Trouble> {
        Ok(vec!["create a rotation".to_owned()])
    }

    async fn plan_invalidation(&self, whose: &Whose) -> Result<Vec<String>, Trouble> {
        self.cluster.objects().store()?;
        Ok(vec![format!("end sessions of {whose}")])
    }

    async fn take_turn(&self) -> Result<Turn, Trouble> {
        let app = &self.cluster.app;
        let mut objects = self.cluster.objects();
        let claims: Vec<_> = { objects.actions.values() }
            .filter_map(|action| Claim::of(action, Some(app)))
            .collect();
        let action = objects.actions.get_mut(self.action).unwrap();
        let claim = Claim::of(action, Some(app)).unwrap();
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

    async fn invalidate(&self, whose: &Whose) -> Result<Invalidated, Trouble> {
        let mut objects = self.cluster.objects();
        objects.store()?;
        if objects.revision_of(self.action).is_none() {
            let revocation = (self.action.to_owned(), whose.clone());
            objects.store()?.push(revocation);
        }
        let revision = objects.revision_of(self.action).unwrap();
        if objects.silent {
            let in_doubt = Some(1);
            return Ok(Invalidated::Committed { revision, in_doubt });
        }
        Ok(Invalidated::Acknowledged(Revoked {
            revision,
            commit: Duration::ZERO,
            acknowledgement: Duration::ZERO,
            confirmed: vec![ProcessId::new("api", 0)],
            outwaited: Vec::new(),
            roster_known: true,
        }))
    }

    async fn revision(&self) -> Result<Option<Revision>, Trouble> {
        let mut objects = self.cluster.objects();
        objects.store()?;
        Ok(objects.revision_of(self.action))
    }
}
