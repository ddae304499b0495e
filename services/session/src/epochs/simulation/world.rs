//! Virtual time and everything that waits in it: the queue, the messages, the troubles.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use super::actors::{Revoking, Sweeping};
use super::chance::Chance;
use super::flaw::Flaw;
use super::history::{History, Token};
use super::process::Process;
use super::store::{Question, Reply, Store};
use super::{MICRO, MILLI, Nanos, Weather};
use crate::epochs::{Moment, Revision, Scope, Terms};

/// The usual lease.
pub(super) const LEASE: Duration = Duration::from_millis(200);
/// How long everybody waits for an answer of the store.
const PATIENCE: Nanos = 80 * MILLI;
/// From here on nothing goes wrong any more.
const CALM: Nanos = 1_500 * MILLI;
const END: Nanos = 5_000 * MILLI;

/// Who asks the store, and in which life: answers to an earlier life reach nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Party {
    Process(usize, u32),
    Revoker(usize, u32),
    Sweeper,
}

/// What happens at an instant.
#[derive(Clone, Debug)]
pub(super) enum What {
    /// A question reaches the store; its answer is lost or takes this long.
    Asked(u64, Party, Question, Option<Nanos>),
    /// An answer arrives, or none in time.
    Answered(u64, Party, Question, Option<Reply>),
    /// An answer was there before, but nobody looked until now.
    Late(Party, Question, Option<Reply>),
    /// A raise becomes visible long after it got its number.
    Shown(u64, Party, Question, Revision),
    /// A timer of this number rings; only the last one set counts.
    Timer(Party, u64),
    Woken(usize, Revision),
    /// A request reaches a process.
    Request(usize, Token, Nanos),
    /// It is judged, a moment after the process looked at its clock.
    Judged(usize, u32, Token, Nanos, Moment),
    /// A client sends its next request.
    Client(usize),
    SignIn,
    Trouble,
    Start(usize),
    Revoke,
    Resume(usize),
}

/// A clock with a rate of its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct SimClock {
    offset: Nanos,
    ppm: i64,
}

impl SimClock {
    pub(super) fn new(chance: &mut Chance, rates: bool) -> Self {
        let ppm = match chance.below(5) {
            _ if !rates => 0,
            0 | 1 => -10_000,
            2 | 3 => 10_000,
            _ => i64::try_from(chance.below(20_000)).expect("small") - 10_000,
        };
        // Clocks of different machines have nothing to do with one another.
        let offset = chance.between(10_000, 1_000_000) * MILLI;
        Self { offset, ppm }
    }

    pub(super) fn at(self, now: Nanos) -> Moment {
        let now = i64::try_from(now).expect("a run is short");
        let passed = now + now * self.ppm / 1_000_000;
        Moment::from_nanos(self.offset + u64::try_from(passed).expect("time goes on"))
    }

    /// True time from `now` until it shows `due`, and a little more.
    pub(super) fn until(self, due: Moment, now: Nanos) -> Nanos {
        let wait = due.nanos().saturating_sub(self.at(now).nanos());
        let wait = i64::try_from(wait).expect("waits are short");
        let wait = wait * 1_000_000 / (1_000_000 + self.ppm);
        u64::try_from(wait).expect("clocks go forward") + MICRO
    }

    /// Somebody sets it back.
    pub(super) fn set_back(&mut self, by: Nanos) {
        self.offset -= by;
    }
}

pub(super) struct World {
    pub(super) now: Nanos,
    sequence: u64,
    queue: BinaryHeap<Reverse<(Nanos, u64, usize)>>,
    events: Vec<Option<What>>,
    answered: Vec<bool>,
    pub(super) chance: Chance,
    pub(super) weather: Weather,
    pub(super) flaw: Flaw,
    pub(super) store: Store,
    pub(super) processes: Vec<Process>,
    pub(super) revoking: Vec<Revoking>,
    pub(super) sweeping: Sweeping,
    pub(super) history: History,
}

impl World {
    pub(super) fn new(mut chance: Chance, weather: Weather, flaw: Flaw) -> Self {
        let count = usize::try_from(chance.between(2, 5)).expect("small");
        let mut processes = Vec::new();
        for index in 0..count {
            let lease = match chance.below(3) {
                0 if weather.leases => LEASE * 2,
                1 if weather.leases => LEASE / 2,
                _ => LEASE,
            };
            let terms = Terms::new(lease).expect("short");
            let clock = SimClock::new(&mut chance, weather.rates);
            processes.push(Process::new(index, terms, clock));
        }
        let sweeping = Sweeping::new(SimClock::new(&mut chance, weather.rates));
        Self {
            now: 0,
            sequence: 0,
            queue: BinaryHeap::new(),
            events: Vec::new(),
            answered: Vec::new(),
            chance,
            weather,
            flaw,
            store: Store::default(),
            processes,
            revoking: Vec::new(),
            sweeping,
            history: History::default(),
        }
    }

    pub(super) fn run(&mut self) {
        for process in 0..self.processes.len() {
            self.at(0, What::Start(process));
            self.at(MILLI, What::Client(process));
        }
        self.at(0, What::SignIn);
        self.at(0, What::Trouble);
        self.at(0, What::Timer(Party::Sweeper, 0));
        for _ in 0..self.chance.between(4, 10) {
            let when = self.chance.between(50 * MILLI, CALM);
            self.at(when, What::Revoke);
        }
        while let Some(Reverse((at, _, index))) = self.queue.pop() {
            let over = at > CALM + 700 * MILLI && self.history.open() == 0;
            if over || at > END {
                break;
            }
            self.now = at;
            let what = self.events[index].take().expect("happens once");
            self.happen(what);
        }
    }

    /// Requests that have waited for longer than two reads in vain, when all trouble is over.
    pub(super) fn stuck(&self) -> usize {
        let processes = self.processes.iter();
        processes
            .map(|p| p.waiting_longer(self.now, 250 * MILLI))
            .sum()
    }

    /// Has something happen at an instant, after all that was to happen then already.
    pub(super) fn at(&mut self, at: Nanos, what: What) {
        self.sequence += 1;
        self.events.push(Some(what));
        let entry = (at, self.sequence, self.events.len() - 1);
        self.queue.push(Reverse(entry));
    }

    pub(super) fn after(&mut self, wait: Nanos, what: What) {
        self.at(self.now + wait, what);
    }

    pub(super) fn troubled(&self) -> bool {
        self.now < CALM
    }

    /// Whether something that happens this often in a thousand happens now.
    pub(super) fn odds(&mut self, odds: u64) -> bool {
        self.troubled() && self.chance.thousandths(odds)
    }

    fn happen(&mut self, what: What) {
        match what {
            What::Asked(id, party, question, back) => self.asked(id, party, question, back),
            What::Answered(id, party, question, reply) => {
                if !std::mem::replace(&mut self.answered[id_index(id)], true) {
                    self.deliver(party, question, reply);
                }
            }
            What::Late(party, question, reply) => self.deliver(party, question, reply),
            What::Shown(id, party, question, revision) => {
                self.shown(id, party, question, revision);
            }
            What::Timer(Party::Process(process, life), timer) => {
                self.process_timer(process, life, timer);
            }
            What::Timer(Party::Revoker(revoking, life), timer) => {
                self.revoker_timer(revoking, life, timer);
            }
            What::Timer(Party::Sweeper, _) => self.sweep(),
            What::Woken(process, revision) => self.woken(process, revision),
            What::Request(process, token, began) => self.request(process, token, began),
            What::Judged(process, life, token, began, read) => {
                self.judge(process, life, token, began, read);
            }
            What::Client(process) => self.client(process),
            What::SignIn => self.sign_in(),
            What::Trouble => self.trouble(),
            What::Start(process) => self.start(process),
            What::Revoke => self.revoke(),
            What::Resume(revoking) => self.resume(revoking),
        }
    }

    fn deliver(&mut self, party: Party, question: Question, reply: Option<Reply>) {
        match party {
            Party::Process(process, life) => self.process_answer(process, life, question, reply),
            Party::Revoker(revoking, life) => self.revoker_answer(revoking, life, question, reply),
            Party::Sweeper => self.sweeper_answer(reply),
        }
    }

    /// Sends a question on its way; the asker hears an answer or, after a while, that there is none.
    pub(super) fn ask(&mut self, party: Party, question: Question) {
        let id = self.answered.len() as u64;
        self.answered.push(false);
        self.after(PATIENCE, What::Answered(id, party, question.clone(), None));
        let there = self.hop();
        let back = self.hop();
        let cut = match party {
            Party::Process(process, _) => self.processes[process].cut_until,
            Party::Revoker(..) | Party::Sweeper => 0,
        };
        if self.odds(self.weather.lost) || (cut > self.now && self.chance.once_in(2)) {
            return;
        }
        let arrives = (self.now + there).max(cut).max(self.store.stalled_until);
        let back = (!self.odds(self.weather.lost)).then_some(back);
        self.at(arrives, What::Asked(id, party, question, back));
    }

    fn hop(&mut self) -> Nanos {
        let hop = self.chance.hop();
        if self.odds(self.weather.slow) {
            hop + self.chance.below(60 * MILLI)
        } else {
            hop
        }
    }

    fn asked(&mut self, id: u64, party: Party, question: Question, back: Option<Nanos>) {
        if let (Question::Read(..), Party::Process(process, _)) = (&question, party) {
            self.processes[process].read_at = self.now;
        }
        if let Question::Raise(revocation, action, _) = &question {
            if self.flaw == Flaw::CommitsOutOfOrder
                && let Some(number) = self.store.take_number(action)
            {
                let wait = self.chance.below(30 * MILLI);
                self.after(wait, What::Shown(id, party, question, number));
                return;
            }
            self.store.keep_snapshot(self.now);
            self.history.committed(*revocation);
            self.cut_at_the_worst_moment();
        }
        let reply = self.store.answer(&question, self.flaw, self.now);
        if let Some(back) = back {
            self.after(back, What::Answered(id, party, question, Some(reply)));
        }
    }

    fn shown(&mut self, id: u64, party: Party, question: Question, revision: Revision) {
        if let Question::Raise(revocation, _, scopes) = &question {
            self.store.show(revision, scopes.clone());
            self.history.committed(*revocation);
        }
        let reply = Some(Reply::Raised(revision));
        self.after(300 * MICRO, What::Answered(id, party, question, reply));
    }

    fn some_process(&mut self) -> usize {
        let index = self.chance.below(self.processes.len() as u64);
        usize::try_from(index).expect("small")
    }

    /// A process that read just before a commit and cannot read again for longer than its lease.
    fn cut_at_the_worst_moment(&mut self) {
        if self.odds(self.weather.cut * 2) {
            let until = self.now + 500 * MILLI;
            let last = self.processes.iter_mut().max_by_key(|p| p.read_at);
            last.expect("there are processes").cut_until = until;
        }
    }

    /// Every few milliseconds something may break.
    fn trouble(&mut self) {
        if !self.troubled() {
            return;
        }
        self.after(10 * MILLI, What::Trouble);
        if self.odds(self.weather.stall / 4) {
            self.store.stalled_until = self.now + self.chance.below(300 * MILLI);
        }
        let index = self.some_process();
        if self.odds(self.weather.cut / 2) {
            self.processes[index].cut_until = self.now + self.chance.below(500 * MILLI);
        }
        if self.odds(self.weather.pause / 2) {
            self.processes[index].paused_until = self.now + self.chance.below(400 * MILLI);
        }
        if self.odds(self.weather.crash / 4) {
            self.stop(index);
        }
        if self.flaw == Flaw::ClockJumps && self.chance.once_in(10) {
            let by = self.chance.below(200 * MILLI);
            self.processes[index].clock.set_back(by);
        }
    }

    /// Somebody signs in: the stamp comes from the store itself.
    fn sign_in(&mut self) {
        let (tenant, user) = (self.chance.below(3), self.chance.below(8));
        let revision = self.store.revision();
        self.history.issued(tenant, user, revision);
        let wait = self.chance.between(5 * MILLI, 20 * MILLI);
        self.after(wait, What::SignIn);
    }

    fn client(&mut self, process: usize) {
        let wait = self.chance.between(5 * MILLI, 25 * MILLI);
        self.after(wait, What::Client(process));
        let tokens = self.history.tokens();
        let recent = &tokens[tokens.len().saturating_sub(40)..];
        if let Some(token) = self.chance.pick(recent).cloned() {
            self.request(process, token, self.now);
        }
    }

    /// The scope of the next revocation: of each size, of somebody who exists.
    pub(super) fn some_scope(&mut self) -> Option<Scope> {
        let size = match self.chance.below(10) {
            0 => 0,
            1..4 => 1,
            4..7 => 2,
            _ => 3,
        };
        let token = self.chance.pick(self.history.tokens())?;
        Some(token.scope(size))
    }
}

fn id_index(id: u64) -> usize {
    usize::try_from(id).expect("a run has fewer messages")
}
