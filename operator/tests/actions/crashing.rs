//! A layer over the cluster that stops at a chosen effect.

use std::future::Future;

use reportapp_crds::incident_action::CacheNamespace;
use reportapp_crds::one_shot::Phase;
use reportapp_crds::report_app::credential::Workload;
use reportapp_operator::action::caches::Swept;
use reportapp_operator::action::invalidate::{Invalidated, Target};
use reportapp_operator::action::restart::Seen;
use reportapp_operator::action::runner::{Found, Order, State, Task, pass};
use reportapp_operator::action::trouble::{Reason, Trouble};
use reportapp_operator::action::undo::{PutBack, Undone};
use reportapp_operator::action::user::{Changed, UserChange};
use reportapp_operator::action::world::{Rotation, Turn, World};
use reportapp_session::directory::Snapshot;
use reportapp_session::epochs::Revision;

use crate::cluster::{Cluster, Hand};
pub use crate::mishap::MISHAPS;
use crate::mishap::{Course, Mishap};

/// Passes after which an action that has not ended never will.
const MOST_PASSES: usize = 200;

/// Which effect a mishap happens at, from 0; none if absent.
pub type Plan = Option<(usize, Mishap)>;

/// The layer.
pub struct Crashing<'a> {
    hand: Hand<'a>,
    course: Course<Reason>,
}

impl<'a> Crashing<'a> {
    pub fn new(hand: Hand<'a>, plan: Plan) -> Self {
        Self {
            hand,
            course: Course::new(plan, lost),
        }
    }

    /// Whether the operator is gone; nothing of it happens any more.
    pub fn is_dead(&self) -> bool {
        self.course.is_dead()
    }

    fn alive(&self) -> Result<(), Trouble> {
        self.course.alive()
    }

    async fn effect<T>(
        &self,
        name: impl Into<String>,
        effect: impl Future<Output = Result<T, Trouble>>,
    ) -> Result<T, Trouble> {
        self.course.effect(name, effect).await
    }
}

fn lost() -> Trouble {
    Trouble::new(Reason::ApiServer, "the connection is lost")
}

impl World for Crashing<'_> {
    fn is_begun(&self) -> bool {
        self.hand.is_begun()
    }

    async fn plan(&self, task: &Task) -> Result<Vec<String>, Trouble> {
        self.alive()?;
        self.hand.plan(task).await
    }

    async fn take_turn(&self) -> Result<Turn, Trouble> {
        self.alive()?;
        if self.is_begun() {
            return self.hand.take_turn().await;
        }
        self.effect("begin", self.hand.take_turn()).await
    }

    async fn look(&self, workload: &Workload) -> Result<Seen, Trouble> {
        self.alive()?;
        self.hand.look(workload).await
    }

    async fn mark(&self, workload: &Workload) -> Result<(), Trouble> {
        let name = format!("mark {}", workload.name);
        self.effect(name, self.hand.mark(workload)).await
    }

    async fn rotation(&self) -> Result<Rotation, Trouble> {
        self.alive()?;
        self.hand.rotation().await
    }

    async fn create_rotation(&self) -> Result<(), Trouble> {
        self.effect("create", self.hand.create_rotation()).await
    }

    async fn note_rotation(&self) -> Result<(), Trouble> {
        self.alive()?;
        if self.hand.is_noted() {
            return self.hand.note_rotation().await;
        }
        self.effect("note", self.hand.note_rotation()).await
    }

    async fn sessions_before(&self, target: &Target) -> Result<Option<i64>, Trouble> {
        self.alive()?;
        self.hand.sessions_before(target).await
    }

    async fn invalidate(&self, target: &Target) -> Result<Invalidated, Trouble> {
        self.effect("revoke", self.hand.invalidate(target)).await
    }

    async fn change_user(&self, change: &UserChange) -> Result<Changed, Trouble> {
        self.effect("change", self.hand.change_user(change)).await
    }

    async fn snapshot(&self, of: Option<&Undone>) -> Result<Option<Snapshot>, Trouble> {
        self.alive()?;
        self.hand.snapshot(of).await
    }

    async fn put_back(&self, undone: &Undone) -> Result<PutBack, Trouble> {
        self.effect("put back", self.hand.put_back(undone)).await
    }

    async fn sweep(&self, namespaces: &[CacheNamespace]) -> Result<Swept, Trouble> {
        self.effect("sweep", self.hand.sweep(namespaces)).await
    }

    async fn empty_memories(
        &self,
        namespaces: &[CacheNamespace],
    ) -> Result<Option<Invalidated>, Trouble> {
        self.effect("empty", self.hand.empty_memories(namespaces))
            .await
    }

    async fn revision(&self) -> Result<Option<Revision>, Trouble> {
        self.alive()?;
        self.hand.revision().await
    }
}

/// The end of an action, or `None` while it goes on.
pub fn ended(found: &Found) -> Option<Phase> {
    match &found.state {
        State::Stands(verdict) if verdict.phase.is_final() => Some(verdict.phase),
        _ => None,
    }
}

/// Carries an action out to its end; an operator that dies is followed by one that knows nothing.
/// Gives what the last pass found, and the effects of the first operator.
pub async fn run(
    cluster: &Cluster,
    action: &str,
    order: &Order,
    plan: Plan,
) -> (Found, Vec<String>) {
    let first = Crashing::new(cluster.hand(action), plan);
    let next = Crashing::new(cluster.hand(action), None);
    for _ in 0..MOST_PASSES {
        let operator = if first.is_dead() { &next } else { &first };
        let found = pass(operator, order, cluster.now()).await;
        if !operator.is_dead()
            && let Some(phase) = ended(&found)
        {
            cluster.end(action, phase);
            let effects = first.course.effects();
            return (found, effects);
        }
        cluster.tick();
    }
    panic!("the action does not end");
}

/// Carries an action out until the operator dies at effect `number`; whether it did.
pub async fn run_until(cluster: &Cluster, action: &str, order: &Order, number: usize) -> bool {
    let operator = Crashing::new(cluster.hand(action), Some((number, Mishap::DiesAfter)));
    for _ in 0..MOST_PASSES {
        let found = pass(&operator, order, cluster.now()).await;
        if operator.is_dead() {
            return true;
        }
        if ended(&found).is_some() {
            return false;
        }
        cluster.tick();
    }
    panic!("the action does not end");
}
