//! A layer over the sandbox that stops at a chosen effect. Around each effect the consumers are probed.

use std::future::Future;

use k8s_openapi::jiff::Timestamp;
use reportapp_operator::backend::Login;
use reportapp_operator::rotation::ledger::{Entry, Value};
use reportapp_operator::rotation::machine::{Published, Rollout, Sessions};
use reportapp_operator::rotation::target::Target;
use reportapp_operator::rotation::trouble::{Reason, Trouble};
use reportapp_operator::rotation::world::{Publication, Read, World};
use reportapp_operator::secret_store::Version;

use crate::mishap::Course;
pub use crate::mishap::{MISHAPS, Mishap};
use crate::sandbox::Sandbox;

/// Which effect a mishap happens at, from 0; none if absent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plan {
    pub at: Option<(usize, Mishap)>,
}

/// The layer.
pub struct Crashing<'a> {
    sandbox: &'a Sandbox,
    course: Course<Reason>,
}

impl<'a> Crashing<'a> {
    pub fn new(sandbox: &'a Sandbox, plan: Plan) -> Self {
        Self {
            sandbox,
            course: Course::new(plan.at, lost),
        }
    }

    /// Whether the operator is gone; nothing of it happens any more.
    pub fn is_dead(&self) -> bool {
        self.course.is_dead()
    }

    /// The effects in their order.
    pub fn effects(&self) -> Vec<String> {
        self.course.effects()
    }

    fn alive(&self) -> Result<(), Trouble> {
        self.course.alive()
    }

    async fn effect<T>(
        &self,
        name: &str,
        effect: impl Future<Output = Result<T, Trouble>>,
    ) -> Result<T, Trouble> {
        self.alive()?;
        self.sandbox.probe(&format!("before {name}")).await;
        let probed = async {
            let outcome = effect.await;
            self.sandbox.probe(&format!("after {name}")).await;
            outcome
        };
        self.course.effect(name, probed).await
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

    async fn sessions(
        &self,
        target: &Target,
        value: &Value,
        in_use: Option<&Value>,
    ) -> Result<Sessions, Trouble> {
        self.alive()?;
        self.sandbox.sessions(target, value, in_use).await
    }

    async fn prepare(&self, target: &Target, fence: u64, value: &Value) -> Result<(), Trouble> {
        let prepare = self.sandbox.prepare(target, fence, value);
        self.effect("prepare", prepare).await
    }

    async fn disable(
        &self,
        target: &Target,
        fence: u64,
        value: &Value,
        in_use: Option<&Value>,
    ) -> Result<(), Trouble> {
        let disable = self.sandbox.disable(target, fence, value, in_use);
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
        if self.course.dies_halfway_next() {
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
