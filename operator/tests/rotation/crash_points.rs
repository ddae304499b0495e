//! The operator is killed before and after every effect of every strategy, and every effect, and
//! every answer, is lost once: the end is the same, no value is lost, no consumer is refused.

use reportapp_operator::rotation::machine::Order;
use reportapp_operator::rotation::target::{Round, Strategy};

use crate::crashing::{MISHAPS, Plan};
use crate::sandbox::{Sandbox, emergency, manual, scheduled, succeeded};
use crate::scenes::Kind;

const ID: &str = "the-rotation";

/// A strategy, how often it was carried out before, and whether this time is an emergency.
struct Scene {
    name: &'static str,
    kinds: &'static [(Kind, Strategy)],
    before: u64,
    emergency: bool,
}

impl Scene {
    async fn sandbox(&self) -> Sandbox {
        let sandbox = Sandbox::new(self.kinds).await;
        for turn in 0..self.before {
            let order = scheduled(&format!("turn-{turn}"), turn);
            let (found, _) = sandbox.run(&order, Plan::default()).await;
            assert!(succeeded(&found), "{found:?}");
        }
        sandbox.consumers.forgive();
        sandbox
    }

    fn order(&self) -> Order {
        match self.emergency {
            true => emergency(ID, 100),
            false => manual(ID, 100),
        }
    }

    /// Whether consumers may be refused for a while: there is no overlap.
    fn interrupts(&self) -> bool {
        self.emergency || self.kinds.iter().any(|(_, s)| *s == Strategy::InPlace)
    }

    #[expect(
        clippy::print_stdout,
        reason = "a reader wants to see how many there are"
    )]
    async fn enumerate(&self) {
        let sandbox = self.sandbox().await;
        let (found, effects) = sandbox.run(&self.order(), Plan::default()).await;
        assert!(succeeded(&found), "{}: {found:?}", self.name);
        self.check(&sandbox, "undisturbed").await;
        for (number, effect) in effects.iter().enumerate() {
            for mishap in MISHAPS {
                let plan = Plan {
                    at: Some((number, mishap)),
                };
                let what = format!("{}: {mishap:?} at {} ({number})", self.name, effect);
                let sandbox = self.sandbox().await;
                let (found, _) = sandbox.run(&self.order(), plan).await;
                assert!(succeeded(&found), "{what}: {found:?}");
                self.check(&sandbox, &what).await;
            }
        }
        println!(
            "{}: {} plans over {}",
            self.name,
            effects.len() * MISHAPS.len() + 1,
            effects.join(", ")
        );
    }

    async fn check(&self, sandbox: &Sandbox, what: &str) {
        let failures = sandbox.consumers.failures();
        if self.interrupts() {
            let first = match self.kinds[0].0 {
                Kind::Key => "after publish",
                _ if self.emergency => "after block",
                _ => "after prepare",
            };
            let begun = failures.first().is_none_or(|f| f.starts_with(first));
            assert!(begun, "{what}: {failures:?}");
        } else {
            assert!(failures.is_empty(), "{what}: {failures:?}");
        }
        sandbox.consumers.forgive();
        if self.emergency {
            sandbox.consumers.forget_tokens();
        }
        sandbox.probe("at the end").await;
        let failures = sandbox.consumers.failures();
        assert!(failures.is_empty(), "{what}: {failures:?}");
        for credential in &sandbox.credentials {
            let target = &credential.target;
            let entry = sandbox.entry(target);
            let closed = entry.closed.clone().unwrap();
            assert!(
                closed.succeeded && closed.rotation == ID,
                "{what}: {entry:?}"
            );
            assert!(
                entry.pending.is_none() && !entry.undoing,
                "{what}: {entry:?}"
            );
            assert!(entry.rotation.is_none(), "{what}: {entry:?}");
            let current = entry.current.unwrap();
            assert_eq!(current.rotation, ID, "{what}");
            assert!(sandbox.accepts(target, &current).await, "{what}");
            let given = sandbox.given(target);
            let published = given.published.unwrap();
            let last = match target.strategy {
                Strategy::KeyOverlap => Round::Alone,
                _ => Round::Switched,
            };
            assert_eq!(
                (published.rotation.as_str(), published.round),
                (ID, last),
                "{what}"
            );
            assert_eq!(given.files[target.file], current.secret, "{what}");
            if target.strategy == Strategy::KeyOverlap {
                // A public key of the old one beside it would have its tokens accepted, leaked ones too.
                let names: Vec<_> = given.files.keys().collect();
                assert_eq!(names, [target.file], "{what}");
            }
            let (durable, tried) = sandbox.generated(target, ID);
            assert!(durable == 1 && tried <= 2, "{what}: {durable}, {tried}");
        }
        sandbox.assert_dead_are_dead(what).await;
    }
}

async fn turns(name: &'static str, kinds: &'static [(Kind, Strategy)]) {
    for before in 0..3 {
        let scene = Scene {
            name,
            kinds,
            before,
            emergency: false,
        };
        scene.enumerate().await;
    }
}

async fn once(name: &'static str, kinds: &'static [(Kind, Strategy)], emergency: bool) {
    let scene = Scene {
        name,
        kinds,
        before: u64::from(emergency),
        emergency,
    };
    scene.enumerate().await;
}

pub const POSTGRES: &[(Kind, Strategy)] = &[(Kind::Postgres, Strategy::AlternatingUsers)];
pub const POSTGRES_IN_PLACE: &[(Kind, Strategy)] = &[(Kind::Postgres, Strategy::InPlace)];
pub const REDIS: &[(Kind, Strategy)] = &[(Kind::Redis, Strategy::AlternatingUsers)];
pub const REDIS_IN_PLACE: &[(Kind, Strategy)] = &[(Kind::Redis, Strategy::TwoPasswords)];
pub const KEY: &[(Kind, Strategy)] = &[(Kind::Key, Strategy::KeyOverlap)];
pub const VALUE: &[(Kind, Strategy)] = &[(Kind::Value, Strategy::ValueOnly)];
pub const TWO: &[(Kind, Strategy)] = &[
    (Kind::Postgres, Strategy::AlternatingUsers),
    (Kind::Redis, Strategy::AlternatingUsers),
];
pub const MIXED: &[(Kind, Strategy)] = &[
    (Kind::Key, Strategy::KeyOverlap),
    (Kind::Redis, Strategy::TwoPasswords),
];

#[tokio::test]
async fn postgresql_users_in_turn_survive_every_crash() {
    turns("PostgreSQL, users in turn", POSTGRES).await;
}

#[tokio::test]
async fn postgresql_in_place_survives_every_crash() {
    once("PostgreSQL, in place", POSTGRES_IN_PLACE, false).await;
}

#[tokio::test]
async fn redis_users_in_turn_survive_every_crash() {
    turns("Redis, users in turn", REDIS).await;
}

#[tokio::test]
async fn redis_with_two_passwords_survives_every_crash() {
    turns("Redis, two passwords", REDIS_IN_PLACE).await;
}

#[tokio::test]
async fn signing_keys_survive_every_crash() {
    turns("signing key", KEY).await;
}

#[tokio::test]
async fn published_values_survive_every_crash() {
    turns("value", VALUE).await;
}

#[tokio::test]
async fn credentials_that_rotate_together_survive_every_crash() {
    once("PostgreSQL and Redis together", TWO, false).await;
    once("signing key and Redis together", MIXED, false).await;
}

#[tokio::test]
async fn emergencies_survive_every_crash() {
    once("emergency, PostgreSQL, users in turn", POSTGRES, true).await;
    once("emergency, PostgreSQL, in place", POSTGRES_IN_PLACE, true).await;
    once("emergency, Redis, users in turn", REDIS, true).await;
    once("emergency, Redis, two passwords", REDIS_IN_PLACE, true).await;
    once("emergency, signing key", KEY, true).await;
    once("emergency, value", VALUE, true).await;
}
