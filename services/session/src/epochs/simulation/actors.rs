//! Those who revoke and the one who sweeps, each with a clock of their own.

use super::flaw::Flaw;
use super::store::{Question, Reply};
use super::world::{Party, SimClock, What, World};
use super::{MICRO, MILLI};
use crate::epochs::revoker::{Action, Event};
use crate::epochs::{Revision, Revoker, Scope, Sweeper};

/// A revocation and whoever drives it at present.
pub(super) struct Revoking {
    revocation: usize,
    scope: Scope,
    revoker: Revoker,
    clock: SimClock,
    life: u32,
    timer: u64,
}

pub(super) struct Sweeping {
    sweeper: Sweeper,
    clock: SimClock,
}

impl Sweeping {
    pub(super) fn new(clock: SimClock) -> Self {
        Self {
            sweeper: Sweeper::new(),
            clock,
        }
    }
}

fn revoker(revocation: usize, scope: &Scope) -> Revoker {
    Revoker::new(format!("act-{revocation}"), vec![scope.clone()])
}

impl World {
    pub(super) fn revoke(&mut self) {
        let Some(scope) = self.some_scope() else {
            return;
        };
        let revocation = self.history.asked(scope.clone(), self.now);
        let clock = SimClock::new(&mut self.chance, self.weather.rates);
        self.revoking.push(Revoking {
            revocation,
            revoker: revoker(revocation, &scope),
            scope,
            clock,
            life: 0,
            timer: 0,
        });
        let index = self.revoking.len() - 1;
        if self.odds(self.weather.revoker) {
            let wait = self.chance.below(300 * MILLI);
            self.after(wait, What::Resume(index));
        }
        self.revoker_step(index, Event::Tick);
    }

    /// The revoker crashed, and another one, on another machine, takes over.
    pub(super) fn resume(&mut self, index: usize) {
        let clock = SimClock::new(&mut self.chance, self.weather.rates);
        let revoking = &mut self.revoking[index];
        revoking.life += 1;
        revoking.clock = clock;
        revoking.revoker = revoker(revoking.revocation, &revoking.scope);
        self.revoker_step(index, Event::Tick);
    }

    pub(super) fn revoker_timer(&mut self, index: usize, life: u32, timer: u64) {
        let revoking = &self.revoking[index];
        if revoking.life == life && revoking.timer == timer {
            self.revoker_step(index, Event::Tick);
        }
    }

    pub(super) fn revoker_answer(
        &mut self,
        index: usize,
        life: u32,
        question: Question,
        reply: Option<Reply>,
    ) {
        if self.revoking[index].life != life {
            return;
        }
        let event = match (question, reply) {
            (_, Some(Reply::Raised(revision))) => Event::Raised(revision),
            (_, Some(Reply::Roster(roster))) => Event::Roster(roster),
            (Question::Raise(..), _) => Event::RaiseFailed,
            (Question::Roster, _) => Event::LookFailed,
            _ => return,
        };
        self.revoker_step(index, event);
    }

    fn revoker_step(&mut self, index: usize, event: Event) {
        let revoking = &mut self.revoking[index];
        let party = Party::Revoker(index, revoking.life);
        let revocation = revoking.revocation;
        let now = revoking.clock.at(self.now);
        let mut assumed = None;
        for action in revoking.revoker.step(now, event) {
            match action {
                Action::Raise(name, scopes) => {
                    if self.flaw == Flaw::CommitAssumed {
                        assumed = Some(Revision(self.store.revision().0 + 1));
                    }
                    self.ask(party, Question::Raise(revocation, name, scopes));
                }
                Action::Wake(revision) => self.wake(revision),
                Action::Look => self.ask(party, Question::Roster),
                Action::Expel(process) => self.ask(party, Question::Expel(process)),
                Action::Acknowledge(_) => {
                    self.history.acknowledge(revocation, self.now);
                    self.probe(revocation);
                }
            }
        }
        let revoking = &mut self.revoking[index];
        revoking.timer += 1;
        if let Some(due) = revoking.revoker.due() {
            let wait = revoking.clock.until(due, self.now);
            let timer = revoking.timer;
            self.after(wait, What::Timer(party, timer));
        }
        if let Some(revision) = assumed {
            self.revoker_step(index, Event::Raised(revision));
        }
    }

    /// Wake-ups take the way of Redis: any of them may be lost, late, doubled or made up.
    fn wake(&mut self, revision: Revision) {
        for process in 0..self.processes.len() {
            let copies = match self.chance.below(4) {
                _ if !self.odds(self.weather.wake) => 1,
                0 => 2,
                1 => {
                    let invented = Revision(self.chance.below(50));
                    self.after(MILLI, What::Woken(process, invented));
                    0
                }
                _ => 0,
            };
            for _ in 0..copies {
                let mut wait = self.chance.hop();
                if self.odds(self.weather.wake) {
                    wait += self.chance.below(300 * MILLI);
                }
                self.after(wait, What::Woken(process, revision));
            }
        }
    }

    /// Tries tokens that are dead now everywhere: at once, and while old leases would still run.
    fn probe(&mut self, revocation: usize) {
        let ended = self.history.ended_by(revocation);
        for process in 0..self.processes.len() {
            for latest in [MICRO, 100 * MICRO, 5 * MILLI, 50 * MILLI, 300 * MILLI] {
                let Some(token) = self.chance.pick(&ended).cloned() else {
                    return;
                };
                let wait = self.chance.between(1, latest + 1);
                let began = self.now + wait;
                self.at(began, What::Request(process, token, began));
            }
        }
    }

    pub(super) fn sweep(&mut self) {
        self.ask(Party::Sweeper, Question::Roster);
        self.after(40 * MILLI, What::Timer(Party::Sweeper, 0));
    }

    pub(super) fn sweeper_answer(&mut self, reply: Option<Reply>) {
        let Some(Reply::Roster(roster)) = reply else {
            return;
        };
        let now = self.sweeping.clock.at(self.now);
        for process in self.sweeping.sweeper.observe(now, &roster) {
            self.ask(Party::Sweeper, Question::Remove(process));
        }
    }
}
