//! What goes wrong at a chosen effect: the operator dies before or after it, or lives and only the
//! effect, or its answer, is lost. The layers over the outside of actions and of rotations count their
//! effects with it.

use std::future::Future;
use std::sync::Mutex;

use reportapp_operator::one_shot::trouble::Trouble;

/// What happens at the chosen effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mishap {
    /// The operator dies before it.
    DiesBefore,
    /// The operator dies when a part of it has happened, where an effect has parts; before any other.
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

/// The life of one operator.
pub struct Course<R> {
    /// Which effect the mishap happens at, from 0; none if absent.
    plan: Option<(usize, Mishap)>,
    /// What an operator sees of a lost effect.
    lost: fn() -> Trouble<R>,
    life: Mutex<Life>,
}

#[derive(Default)]
struct Life {
    effects: Vec<String>,
    dead: bool,
}

impl<R> Course<R> {
    pub fn new(plan: Option<(usize, Mishap)>, lost: fn() -> Trouble<R>) -> Self {
        Self {
            plan,
            lost,
            life: Mutex::default(),
        }
    }

    /// Whether the operator is gone; nothing of it happens any more.
    pub fn is_dead(&self) -> bool {
        self.life.lock().unwrap().dead
    }

    /// The effects in their order.
    pub fn effects(&self) -> Vec<String> {
        self.life.lock().unwrap().effects.clone()
    }

    /// Nothing, while the operator is there.
    pub fn alive(&self) -> Result<(), Trouble<R>> {
        match self.is_dead() {
            true => Err((self.lost)()),
            false => Ok(()),
        }
    }

    /// Whether the operator dies in the middle of the next effect.
    pub fn dies_halfway_next(&self) -> bool {
        let next = self.life.lock().unwrap().effects.len();
        self.plan == Some((next, Mishap::DiesHalfway))
    }

    /// Has an effect happen, unless it is the chosen one and something else happens instead.
    pub async fn effect<T>(
        &self,
        name: impl Into<String>,
        effect: impl Future<Output = Result<T, Trouble<R>>>,
    ) -> Result<T, Trouble<R>> {
        self.alive()?;
        let number = {
            let mut life = self.life.lock().unwrap();
            life.effects.push(name.into());
            life.effects.len() - 1
        };
        let mishap = self.plan.filter(|(at, _)| *at == number);
        let mishap = mishap.map(|(_, mishap)| mishap);
        match mishap {
            Some(Mishap::DiesBefore | Mishap::DiesHalfway) => return Err(self.die()),
            Some(Mishap::Refused) => return Err((self.lost)()),
            _ => {}
        }
        let outcome = effect.await;
        match mishap {
            Some(Mishap::DiesAfter) => Err(self.die()),
            Some(Mishap::AnswerLost) => Err((self.lost)()),
            _ => outcome,
        }
    }

    fn die(&self) -> Trouble<R> {
        self.life.lock().unwrap().dead = true;
        (self.lost)()
    }
}
