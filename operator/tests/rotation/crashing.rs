//! A layer over the sandbox that stops at a chosen effect: the operator dies before or after it, or
//! lives and only the effect, or its answer, is lost. Around each effect the consumers are probed.

use std::future::Future;
use std::sync::Mutex;

use k8s_openapi::jiff::Timestamp;
use reportapp_operator::backend::Login;
use reportapp_operator::rotation::ledger::{Entry, Value};
use reportapp_operator::rotation::machine::{Published, Rollout, Sessions};
use reportapp_operator::rotation::target::Target;
use reportapp_operator::rotation::trouble::{Reason, Trouble};
use reportapp_operator::rotation::world::{Publication, Read, World};
use reportapp_operator::secret_store::Version;

use crate::sandbox::Sandbox;

/// What happens at the chosen effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mishap {
    /// The operator dies before it.
    DiesBefore,
    /// The operator dies when places outside were given a value and pods were not; before any other
    /// effect.
    DiesHalfway,
    /// The operator dies after it.
    DiesAfter,
    /// It is refused.
    Refused,
    /// It happens, and its answer is lost.
    AnswerLost,
}

/// All of them.
pub const MISHAPS: [Mishap; 5] = [
    Mishap::DiesBefore,
    Mishap::DiesHalfway,
    Mishap::DiesAfter,
    Mishap::Refused,
    Mishap::AnswerLost,
];

/// Which effect it happens at, from 0; none if absent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plan {
    pub at: Option<(usize, Mishap)>,
}

#[derive(Default)]
struct Course {
    effects: Vec<String>,
    dead: bool,
}

/// The layer.
pub struct Crashing<'a> {
    sandbox: &'a Sandbox,
    plan: Plan,
    course: Mutex<Course>,
}

impl<'a> Crashing<'a> {
    pub fn new(sandbox: &'a Sandbox, plan: Plan) -> Self {
        Self {
            sandbox,
            plan,
            course: Mutex::default(),
        }
    }

    /// Whether the operator is gone; nothing of it happens any more.
    pub fn is_dead(&self) -> bool {
        self.course.lock().unwrap().dead
    }

    /// The effects in their order.
    pub fn effects(&self) -> Vec<String> {
        self.course.lock().unwrap().effects.clone()
    }

    fn alive(&self) -> Result<(), Trouble> {
        match self.is_dead() {
            true => Err(lost()),
            false => Ok(()),
        }
    }

    fn die(&self) -> Trouble {
        self.course.lock().unwrap().dead = true;
        lost()
    }

    async fn effect<T>(
        &self,
        name: &str,
        effect: impl Future<Output = Result<T, Trouble>>,
    ) -> Result<T, Trouble> {
        self.alive()?;
        let number = {
            let mut course = self.course.lock().unwrap();
            course.effects.push(name.to_owned());
            course.effects.len() - 1
        };
        let mishap = self.plan.at.filter(|(at, _)| *at == number);
        let mishap = mishap.map(|(_, mishap)| mishap);
        self.sandbox.probe(&format!("before {name}")).await;
        match mishap {
            Some(Mishap::DiesBefore | Mishap::DiesHalfway) => return Err(self.die()),
            Some(Mishap::Refused) => return Err(lost()),
            _ => {}
        }
        let outcome = effect.await;
        self.sandbox.probe(&format!("after {name}")).await;
        match mishap {
            Some(Mishap::DiesAfter) => Err(self.die()),
            Some(Mishap::AnswerLost) => Err(lost()),
            _ => outcome,
        }
    }
}

fn lost() -> Trouble {
    Trouble::new(Reason::BackendUnreachable, "the connection is lost")
}

impl World for Crashing<'_> {
    fn now(&self) -> Timestamp {
        self.sandbox.now()
    }

    async fn read(&self, target: &Target) -> Result<Read, Trouble> {
        self.alive()?;
        self.sandbox.read(target).await
    }

    async fn write(
        &self,
        target: &Target,
        entry: &Entry,
        expected: Option<&Version>,
    ) -> Result<(), Trouble> {
        let write = self.sandbox.write(target, entry, expected);
        self.effect("write", write).await
    }

    async fn carried_out(&self, rotation: &str) -> Result<Option<String>, Trouble> {
        self.alive()?;
        self.sandbox.carried_out(rotation).await
    }

    async fn adopted(&self, target: &Target) -> Result<Value, Trouble> {
        self.alive()?;
        self.sandbox.adopted(target).await
    }

    async fn login(&self, target: &Target, value: &Value) -> Result<Option<Login>, Trouble> {
        self.alive()?;
        self.sandbox.login(target, value).await
    }

    async fn sessions(&self, target: &Target, value: &Value) -> Result<Sessions, Trouble> {
        self.alive()?;
        self.sandbox.sessions(target, value).await
    }

    async fn prepare(&self, target: &Target, fence: u64, value: &Value) -> Result<(), Trouble> {
        let prepare = self.sandbox.prepare(target, fence, value);
        self.effect("prepare", prepare).await
    }

    async fn disable(&self, target: &Target, fence: u64, value: &Value) -> Result<(), Trouble> {
        let disable = self.sandbox.disable(target, fence, value);
        self.effect("disable", disable).await
    }

    async fn block(&self, target: &Target, fence: u64) -> Result<u32, Trouble> {
        self.effect("block", self.sandbox.block(target, fence))
            .await
    }

    async fn published(&self, target: &Target) -> Result<Option<Published>, Trouble> {
        self.alive()?;
        self.sandbox.published(target).await
    }

    async fn publish(&self, publications: &[Publication<'_>]) -> Result<(), Trouble> {
        let number = self.course.lock().unwrap().effects.len();
        if self.plan.at == Some((number, Mishap::DiesHalfway)) {
            self.sandbox.publish_outside(publications);
        }
        self.effect("publish", self.sandbox.publish(publications))
            .await
    }

    async fn rollout(&self, target: &Target) -> Result<Rollout, Trouble> {
        self.alive()?;
        self.sandbox.rollout(target).await
    }
}
