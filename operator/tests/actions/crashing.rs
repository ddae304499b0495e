//! A layer over the cluster that stops at a chosen effect: the operator dies before or after it, or
//! lives and only the effect, or its answer, is lost.

use std::future::Future;
use std::sync::Mutex;

use reportapp_crds::incident_action::Whose;
use reportapp_crds::one_shot::Phase;
use reportapp_crds::report_app::credential::Workload;
use reportapp_operator::action::invalidate::Invalidated;
use reportapp_operator::action::restart::Seen;
use reportapp_operator::action::runner::{Found, Order, State, pass};
use reportapp_operator::action::trouble::{Reason, Trouble};
use reportapp_operator::action::world::{Rotation, Turn, World};
use reportapp_session::epochs::Revision;

use crate::cluster::{Cluster, Hand};

/// Passes after which an action that has not ended never will.
const MOST_PASSES: usize = 200;

/// What happens at the chosen effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mishap {
    /// The operator dies before it.
    DiesBefore,
    /// The operator dies after it.
    DiesAfter,
    /// It is refused.
    Refused,
    /// It happens, and its answer is lost.
    AnswerLost,
}

/// All of them.
pub const MISHAPS: [Mishap; 4] = [
    Mishap::DiesBefore,
    Mishap::DiesAfter,
    Mishap::Refused,
    Mishap::AnswerLost,
];

/// Which effect it happens at, from 0; none if absent.
pub type Plan = Option<(usize, Mishap)>;

#[derive(Default)]
struct Course {
    effects: Vec<String>,
    dead: bool,
}

/// The layer.
pub struct Crashing<'a> {
    hand: Hand<'a>,
    plan: Plan,
    course: Mutex<Course>,
}

impl<'a> Crashing<'a> {
    pub fn new(hand: Hand<'a>, plan: Plan) -> Self {
        Self {
            hand,
            plan,
            course: Mutex::default(),
        }
    }

    /// Whether the operator is gone; nothing of it happens any more.
    pub fn is_dead(&self) -> bool {
        self.course.lock().unwrap().dead
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
        name: String,
        effect: impl Future<Output = Result<T, Trouble>>,
    ) -> Result<T, Trouble> {
        self.alive()?;
        let number = {
            let mut course = self.course.lock().unwrap();
            course.effects.push(name);
            course.effects.len() - 1
        };
        let mishap = self.plan.filter(|(at, _)| *at == number);
        match mishap.map(|(_, mishap)| mishap) {
            Some(Mishap::DiesBefore) => return Err(self.die()),
            Some(Mishap::Refused) => return Err(lost()),
            _ => {}
        }
        let outcome = effect.await;
        match mishap.map(|(_, mishap)| mishap) {
            Some(Mishap::DiesAfter) => Err(self.die()),
            Some(Mishap::AnswerLost) => Err(lost()),
            _ => outcome,
        }
    }
}

fn lost() -> Trouble {
    Trouble::new(Reason::ApiServer, "the connection is lost")
}

impl World for Crashing<'_> {
    fn is_begun(&self) -> bool {
        self.hand.is_begun()
    }

    async fn plan_rotation(&self) -> Result<Vec<String>, Trouble> {
        self.alive()?;
        self.hand.plan_rotation().await
    }

    async fn plan_invalidation(&self, whose: &Whose) -> Result<Vec<String>, Trouble> {
        self.alive()?;
        self.hand.plan_invalidation(whose).await
    }

    async fn take_turn(&self) -> Result<Turn, Trouble> {
        self.alive()?;
        if self.is_begun() {
            return self.hand.take_turn().await;
        }
        self.effect("begin".to_owned(), self.hand.take_turn()).await
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
        self.effect("create".to_owned(), self.hand.create_rotation())
            .await
    }

    async fn note_rotation(&self) -> Result<(), Trouble> {
        self.alive()?;
        if self.hand.is_noted() {
            return self.hand.note_rotation().await;
        }
        self.effect("note".to_owned(), self.hand.note_rotation())
            .await
    }

    async fn invalidate(&self, whose: &Whose) -> Result<Invalidated, Trouble> {
        self.effect("revoke".to_owned(), self.hand.invalidate(whose))
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
            let effects = first.course.lock().unwrap().effects.clone();
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
