//! The outside of a rotation: real backends, and in this process the ledger (check-and-set by
//! version, or in a real store), what is published, and the clock.

// By path: the tests of secret stores take this file into a folder of theirs.
#[path = "sandbox/world.rs"]
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use reportapp_operator::backend::{Login, identities};
use reportapp_operator::rotation::consumers::rotation_of;
use reportapp_operator::rotation::ledger::{Entry, SecretText, Value};
use reportapp_operator::rotation::machine::{Order, Published, Rollout, Sessions};
use reportapp_operator::rotation::runner::{Course, Progress, State, pass};
use reportapp_operator::rotation::target::{Strategy, Target};
use reportapp_operator::rotation::trouble::{Reason, Trouble};
use reportapp_operator::rotation::world::{Publication, Read, World};
use reportapp_operator::secret_store::{SecretStore as _, Store, StoreError, Version};

use crate::consumers::Consumers;
use crate::crashing::{Crashing, Mishap, Plan};
use crate::scenes::{Credential, Kind};
use crate::servers::{Servers, shared};

/// Passes after which a rotation that has not ended never will.
const MOST_PASSES: usize = 400;

/// Files of a credential as pods mount them.
pub type Files = BTreeMap<String, SecretText>;

/// What consumers are given.
#[derive(Clone, Debug)]
pub struct Given {
    pub published: Option<Published>,
    pub files: Files,
    pub at: Instant,
}

#[derive(Default)]
struct Memory {
    ledger: BTreeMap<String, (String, u64)>,
    given: BTreeMap<String, Given>,
    /// Every value that ever was durable in a ledger, and those a write tried to make so.
    durable: BTreeMap<String, Vec<Value>>,
    tried: BTreeMap<String, Vec<Value>>,
    ledger_down: bool,
    over: BTreeSet<String>,
    /// What a place beyond the pods holds.
    outside: BTreeMap<String, Value>,
    now: Timestamp,
}

/// One application with its credentials.
pub struct Sandbox {
    pub servers: Arc<Servers>,
    pub credentials: Vec<Credential>,
    pub consumers: Consumers,
    /// Where ledgers are; absent: in `memory`, which has a copy of each otherwise.
    pub store: Option<Store>,
    memory: Mutex<Memory>,
}

impl Sandbox {
    /// Credentials as they were adopted, with pods that use them.
    pub async fn new(kinds: &[(Kind, Strategy)]) -> Self {
        Self::on(shared().await, kinds).await
    }

    /// As [`Sandbox::new`], on any servers.
    pub async fn on(servers: Arc<Servers>, kinds: &[(Kind, Strategy)]) -> Self {
        let mut credentials = Vec::new();
        for (index, (kind, strategy)) in kinds.iter().enumerate() {
            credentials.push(Credential::make(&servers, *kind, *strategy, index).await);
        }
        let mut memory = Memory {
            now: Timestamp::from_second(1_800_000_000).unwrap(),
            ..Memory::default()
        };
        for credential in &credentials {
            let target = &credential.target;
            let mut files =
                Files::from([(target.file.to_owned(), credential.adopted.secret.clone())]);
            if let Some(username) = &credential.adopted.username {
                files.insert("username".to_owned(), SecretText::new(username.clone()));
            }
            let given = Given {
                published: None,
                files,
                at: Instant::now(),
            };
            memory.given.insert(target.name.clone(), given);
        }
        let this = Self {
            servers,
            credentials,
            consumers: Consumers::default(),
            store: None,
            memory: Mutex::new(memory),
        };
        this.start_pods().await;
        this
    }

    /// The targets of a rotation of everything.
    pub fn targets(&self) -> Vec<Target> {
        self.credentials.iter().map(|c| c.target.clone()).collect()
    }

    pub fn given(&self, target: &Target) -> Given {
        self.memory.lock().unwrap().given[&target.name].clone()
    }

    /// What a reader of a published place finds there.
    pub fn outside(&self, target: &Target) -> Value {
        let memory = self.memory.lock().unwrap();
        let adopted = &self.credentials[target.index].adopted;
        memory.outside.get(&target.name).unwrap_or(adopted).clone()
    }

    /// The first half of publishing.
    pub fn publish_outside(&self, publications: &[Publication<'_>]) {
        let mut memory = self.memory.lock().unwrap();
        for publication in publications {
            let value = publication.entry.current.clone().unwrap();
            memory
                .outside
                .insert(publication.target.name.clone(), value);
        }
    }

    /// The ledger as it is.
    pub fn entry(&self, target: &Target) -> Entry {
        let memory = self.memory.lock().unwrap();
        memory
            .ledger
            .get(&target.name)
            .map_or_else(Entry::default, |(json, _)| {
                serde_json::from_str(json).unwrap()
            })
    }

    /// Writes the ledger behind the rotation's back.
    pub fn overwrite(&self, target: &Target, change: impl FnOnce(&mut Entry)) {
        let mut entry = self.entry(target);
        change(&mut entry);
        let mut memory = self.memory.lock().unwrap();
        let version = memory.ledger.get(&target.name).map_or(0, |(_, v)| *v) + 1;
        let json = serde_json::to_string(&entry).unwrap();
        memory.ledger.insert(target.name.clone(), (json, version));
    }

    /// Seals or unseals the ledger.
    pub fn seal(&self, sealed: bool) {
        self.memory.lock().unwrap().ledger_down = sealed;
    }

    /// Nobody carries rotation `id` out any more.
    pub fn abandon(&self, id: &str) {
        self.memory.lock().unwrap().over.insert(id.to_owned());
    }

    /// Values that were durable, other than the one in use.
    pub fn dead_values(&self, target: &Target) -> Vec<Value> {
        let adopted = self.credentials[target.index].adopted.clone();
        let current = self.entry(target).current.unwrap_or(adopted.clone());
        let memory = self.memory.lock().unwrap();
        let durable = memory
            .durable
            .get(&target.name)
            .cloned()
            .unwrap_or_default();
        let mut all: Vec<_> = durable.into_iter().chain([adopted]).collect();
        all.retain(|value| value.secret != current.secret);
        all
    }

    /// How many values rotation `id` made durable, and how many it tried to.
    pub fn generated(&self, target: &Target, id: &str) -> (usize, usize) {
        let memory = self.memory.lock().unwrap();
        let count = |values: &BTreeMap<String, Vec<Value>>| {
            let values = values.get(&target.name).into_iter().flatten();
            values.filter(|value| value.rotation == id).count()
        };
        (count(&memory.durable), count(&memory.tried))
    }

    /// Lets a second pass, and pods move on by one.
    pub async fn tick(&self) {
        {
            let mut memory = self.memory.lock().unwrap();
            memory.now = memory
                .now
                .checked_add(SignedDuration::from_secs(1))
                .unwrap();
        }
        self.move_pods().await;
    }

    /// A login with a client that is not the operator's; `true` where there is nothing to log in to.
    pub async fn accepts(&self, target: &Target, value: &Value) -> bool {
        let (user, secret) = (
            value.username.as_deref().unwrap_or(""),
            value.secret.expose(),
        );
        self.consumers
            .login(&self.servers, &self.credentials[target.index], user, secret)
            .await
            .is_ok()
    }

    /// One pass with nothing in its way.
    pub async fn pass(&self, order: &Order, course: Course) -> Vec<Progress> {
        pass(
            &Crashing::new(self, Plan::default()),
            order,
            &self.targets(),
            course,
        )
        .await
    }

    /// Passes until `holds`; gives the last one.
    pub async fn until(
        &self,
        order: &Order,
        course: Course,
        holds: impl Fn(&[Progress]) -> bool,
    ) -> Vec<Progress> {
        let mut last = Vec::new();
        for _ in 0..MOST_PASSES {
            last = self.pass(order, course).await;
            if holds(&last) {
                return last;
            }
            self.tick().await;
        }
        panic!("still {last:?}");
    }

    /// Runs a rotation to its end, with at most one mishap; gives the last pass and the effects.
    pub async fn run(&self, order: &Order, plan: Plan) -> (Vec<Progress>, Vec<String>) {
        self.run_on(order, Course::Forward, plan).await
    }

    /// As [`Sandbox::run`], on any course.
    pub async fn run_on(
        &self,
        order: &Order,
        course: Course,
        plan: Plan,
    ) -> (Vec<Progress>, Vec<String>) {
        let targets = self.targets();
        let mut world = Crashing::new(self, plan);
        let mut effects = Vec::new();
        let mut last = Vec::new();
        for _ in 0..MOST_PASSES {
            last = pass(&world, order, &targets, course).await;
            if world.is_dead() {
                effects.extend(world.effects());
                world = Crashing::new(self, Plan::default());
            } else if last.iter().all(is_ended) {
                effects.extend(world.effects());
                return (last, effects);
            }
            self.tick().await;
        }
        panic!("{plan:?}: the rotation does not end: {last:?}");
    }

    /// Runs a rotation until the operator dies right after effect `number`; `false` when it ended
    /// before.
    pub async fn run_until_dead(&self, order: &Order, number: usize) -> bool {
        self.run_until(order, number, Mishap::DiesAfter).await
    }

    /// As [`Sandbox::run_until_dead`], with any way to die.
    pub async fn run_until(&self, order: &Order, number: usize, mishap: Mishap) -> bool {
        let plan = Plan {
            at: Some((number, mishap)),
        };
        let targets = self.targets();
        let world = Crashing::new(self, plan);
        for _ in 0..MOST_PASSES {
            let last = pass(&world, order, &targets, Course::Forward).await;
            if world.is_dead() {
                return true;
            }
            if last.iter().all(is_ended) {
                return false;
            }
            self.tick().await;
        }
        panic!("neither dead nor ended");
    }

    /// Nobody was refused, the value in use works, is the one consumers are given, and is the only
    /// one that opens anything.
    pub async fn assert_sound(&self, what: &str) {
        let failures = self.consumers.failures();
        assert!(failures.is_empty(), "{what}: {failures:?}");
        // A rotation that may not go on does not wait for the last pods.
        for target in &self.targets() {
            while self.rollout_of(target).await != Rollout::Complete {
                self.tick().await;
            }
        }
        self.probe("at the end").await;
        let failures = self.consumers.failures();
        assert!(failures.is_empty(), "{what}: {failures:?}");
        for credential in &self.credentials {
            let target = &credential.target;
            let entry = self.entry(target);
            assert!(entry.rotation.is_none(), "{what}: {entry:?}");
            assert!(
                entry.pending.is_none() && !entry.undoing,
                "{what}: {entry:?}"
            );
            let current = entry.current.unwrap_or(credential.adopted.clone());
            assert!(self.accepts(target, &current).await, "{what}");
            let files = self.given(target).files;
            assert_eq!(files[target.file], current.secret, "{what}");
            assert_eq!(self.outside(target).secret, current.secret, "{what}");
        }
    }

    /// Nothing but the value in use opens anything.
    pub async fn assert_dead_are_dead(&self, what: &str) {
        for credential in &self.credentials {
            let target = &credential.target;
            if target.role.is_none() {
                continue;
            }
            for dead in self.dead_values(target) {
                let alive = self.accepts(target, &dead).await;
                assert!(
                    !alive,
                    "{what}: {:?} of {} still opens",
                    dead.username, dead.rotation
                );
            }
        }
    }
}

/// Whether a credential is through.
pub fn is_ended(progress: &Progress) -> bool {
    matches!(progress.state, State::Ended { .. } | State::Superseded)
}

/// Whether all have succeeded.
pub fn succeeded(found: &[Progress]) -> bool {
    let good = |p: &Progress| {
        matches!(
            p.state,
            State::Ended {
                succeeded: true,
                ..
            }
        )
    };
    found.iter().all(good)
}

/// Whether any stalls for `reason`.
pub fn stalled(found: &[Progress], reason: Reason) -> bool {
    let stalled = |p: &Progress| matches!(&p.state, State::Stalled(t) if t.reason == reason);
    found.iter().any(stalled)
}

/// A rotation made by a person at second `at`.
pub fn manual(id: &str, at: u64) -> Order {
    Order {
        id: id.to_owned(),
        fence: at * 1_000,
        emergency: false,
        repairs: true,
    }
}

/// A rotation made by the schedule.
pub fn scheduled(id: &str, at: u64) -> Order {
    Order {
        repairs: false,
        ..manual(id, at)
    }
}

/// An emergency.
pub fn emergency(id: &str, at: u64) -> Order {
    Order {
        emergency: true,
        ..manual(id, at)
    }
}
