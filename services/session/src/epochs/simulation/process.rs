//! One API process: drives a [`Holder`] as the real one would, and judges requests.

use std::sync::Arc;

use super::flaw::Flaw;
use super::history::Token;
use super::store::{Question, Reply};
use super::world::{Party, SimClock, What, World};
use super::{MICRO, MILLI, Nanos};
use crate::epochs::holder::{Action, Event};
use crate::epochs::{Bearer, Holder, Moment, Revision, Terms, Verdict, View};

/// A request that needs a read of the store.
struct Waiting {
    token: Token,
    /// True time, for the history.
    began: Nanos,
    /// The same by the clock of the process.
    read: Moment,
    /// When it began to wait.
    since: Nanos,
}

pub(super) struct Process {
    index: usize,
    terms: Terms,
    pub(super) clock: SimClock,
    life: u32,
    up: bool,
    holder: Holder,
    view: Arc<View>,
    waiting: Vec<Waiting>,
    timer: u64,
    pub(super) paused_until: Nanos,
    pub(super) cut_until: Nanos,
    /// When the store last answered one of its reads.
    pub(super) read_at: Nanos,
}

impl Process {
    pub(super) fn new(index: usize, terms: Terms, clock: SimClock) -> Self {
        Self {
            index,
            terms,
            clock,
            life: 0,
            up: false,
            holder: Holder::new(String::new(), terms),
            view: Arc::default(),
            waiting: Vec::new(),
            timer: 0,
            paused_until: 0,
            cut_until: 0,
            read_at: 0,
        }
    }

    fn party(&self) -> Party {
        Party::Process(self.index, self.life)
    }

    /// How many requests have waited for longer than this.
    pub(super) fn waiting_longer(&self, now: Nanos, long: Nanos) -> usize {
        let old = |w: &&Waiting| self.up && w.since + long < now;
        self.waiting.iter().filter(old).count()
    }

    fn alive(&self, life: u32) -> bool {
        self.up && self.life == life
    }

    /// The view as this process takes it, mistakes included.
    fn adopt(&mut self, view: &Arc<View>, flaw: Flaw, now: Moment) {
        self.view = Arc::clone(view);
        if flaw == Flaw::LeaseFromAnswer && view.fresh_until.is_some() {
            self.prolong(now);
        }
    }

    fn prolong(&mut self, now: Moment) {
        let mut view = View::clone(&self.view);
        view.fresh_until = Some(now.after(self.terms.lease()));
        self.view = Arc::new(view);
    }
}

fn judge_with(view: &View, token: &Bearer<'_>, began: Moment, flaw: Flaw) -> Verdict {
    let verdict = view.judge(token, began);
    if flaw == Flaw::LevelsCombinedWithOr && verdict == Verdict::Revoked {
        let some_valid = view
            .epochs
            .levels(token)
            .into_iter()
            .any(|epoch| epoch <= token.issued);
        if some_valid {
            return Verdict::Accept;
        }
    }
    verdict
}

impl World {
    pub(super) fn start(&mut self, index: usize) {
        let process = &mut self.processes[index];
        process.up = true;
        process.life += 1;
        let name = format!("api-{index}-{}", process.life);
        process.holder = Holder::new(name, process.terms);
        process.view = Arc::default();
        process.waiting.clear();
        self.step(index, Event::Tick);
    }

    /// A crash, or a stop in good order: serve nothing more, then say so.
    pub(super) fn stop(&mut self, index: usize) {
        if !self.processes[index].up {
            return;
        }
        self.processes[index].up = false;
        if self.chance.once_in(2) {
            let process = self.processes[index].holder.process().clone();
            let party = self.processes[index].party();
            self.ask(party, Question::Remove(process));
        }
        let wait = self.chance.between(MILLI, 300 * MILLI);
        self.after(wait, What::Start(index));
    }

    /// Puts off what reaches a process that stands still.
    fn paused(&mut self, index: usize, what: What) -> Option<What> {
        let until = self.processes[index].paused_until;
        if until > self.now {
            self.at(until, what);
            return None;
        }
        Some(what)
    }

    pub(super) fn process_timer(&mut self, index: usize, life: u32, timer: u64) {
        let process = &self.processes[index];
        if !process.alive(life) || process.timer != timer {
            return;
        }
        let what = What::Timer(Party::Process(index, life), timer);
        if self.paused(index, what).is_none() {
            return;
        }
        let process = &mut self.processes[index];
        if self.flaw == Flaw::ReliesOnWakeUps && process.view.fresh_until.is_some() {
            process.prolong(process.clock.at(self.now));
            self.set_timer(index, 20 * MILLI);
            return;
        }
        self.step(index, Event::Tick);
    }

    pub(super) fn woken(&mut self, index: usize, revision: Revision) {
        if !self.processes[index].up || self.paused(index, What::Woken(index, revision)).is_none() {
            return;
        }
        if self.flaw == Flaw::ConfirmsWakeUps {
            let process = &self.processes[index];
            let question = Question::Confirm(process.holder.process().clone(), revision);
            self.ask(process.party(), question);
        }
        self.step(index, Event::Woken(revision));
    }

    pub(super) fn process_answer(
        &mut self,
        index: usize,
        life: u32,
        question: Question,
        reply: Option<Reply>,
    ) {
        if !self.processes[index].alive(life) {
            return;
        }
        let until = self.processes[index].paused_until;
        if until > self.now {
            // It was marked as answered; it is the same answer that arrives later.
            let again = What::Late(Party::Process(index, life), question, reply);
            self.at(until, again);
            return;
        }
        let event = match (question, reply) {
            (Question::Read(read, ..), Some(Reply::Read(reading))) => {
                Event::Answered(read, reading)
            }
            (Question::Read(read, ..), _) => Event::ReadFailed(read),
            (Question::Register(process, _), Some(_)) => Event::Registered(process),
            (Question::Register(process, _), None) => Event::RegisterFailed(process),
            (Question::Confirm(process, revision), Some(_)) => Event::Confirmed(process, revision),
            (Question::Confirm(process, _), None) => Event::ConfirmFailed(process),
            _ => return,
        };
        self.step(index, event);
    }

    pub(super) fn request(&mut self, index: usize, token: Token, began: Nanos) {
        if !self.processes[index].up {
            return;
        }
        let what = What::Request(index, token, began);
        let Some(What::Request(_, token, _)) = self.paused(index, what) else {
            return;
        };
        let process = &self.processes[index];
        let (life, read) = (process.life, process.clock.at(self.now));
        // The thread may be put aside between looking at the clock and judging.
        let wait = match self.chance.below(20) {
            0 => self.chance.below(50 * MILLI),
            _ => self.chance.below(5 * MICRO),
        };
        self.after(wait, What::Judged(index, life, token, began, read));
    }

    pub(super) fn judge(
        &mut self,
        index: usize,
        life: u32,
        token: Token,
        began: Nanos,
        read: Moment,
    ) {
        if !self.processes[index].alive(life) {
            return;
        }
        let what = What::Judged(index, life, token, began, read);
        let Some(What::Judged(_, _, token, ..)) = self.paused(index, what) else {
            return;
        };
        let view = &self.processes[index].view;
        match judge_with(view, &token.bearer(), read, self.flaw) {
            Verdict::Ask => {
                let waiting = Waiting {
                    token,
                    began,
                    read,
                    since: self.now,
                };
                self.processes[index].waiting.push(waiting);
                self.step(index, Event::Asked(read));
            }
            verdict => self.history.judged(index, &token, began, verdict),
        }
    }

    fn step(&mut self, index: usize, event: Event) {
        let process = &mut self.processes[index];
        let party = process.party();
        let now = process.clock.at(self.now);
        for action in process.holder.step(now, event) {
            match action {
                Action::Register(process, lease) => {
                    self.ask(party, Question::Register(process, lease));
                }
                Action::Read(read, process, since) => {
                    self.ask(party, Question::Read(read, process, since));
                }
                Action::Confirm(process, revision) => {
                    self.ask(party, Question::Confirm(process, revision));
                }
                Action::Publish(view) => {
                    self.processes[index].adopt(&view, self.flaw, now);
                    self.judge_waiting(index);
                }
                Action::Refuse(asked_at) => self.refuse(index, asked_at),
            }
        }
        let process = &self.processes[index];
        if let Some(due) = process.holder.due() {
            let wait = process.clock.until(due, self.now);
            self.set_timer(index, wait);
        }
    }

    fn set_timer(&mut self, index: usize, wait: Nanos) {
        let process = &mut self.processes[index];
        process.timer += 1;
        let what = What::Timer(process.party(), process.timer);
        self.after(wait, what);
    }

    fn judge_waiting(&mut self, index: usize) {
        let waiting = std::mem::take(&mut self.processes[index].waiting);
        for request in waiting {
            let view = &self.processes[index].view;
            let read = match self.flaw {
                Flaw::JoinsEarlierRead => Moment::default(),
                _ => request.read,
            };
            match judge_with(view, &request.token.bearer(), read, self.flaw) {
                Verdict::Ask => self.processes[index].waiting.push(request),
                verdict => self
                    .history
                    .judged(index, &request.token, request.began, verdict),
            }
        }
    }

    fn refuse(&mut self, index: usize, asked_at: Moment) {
        let waiting = std::mem::take(&mut self.processes[index].waiting);
        let (refused, kept) = waiting.into_iter().partition(|w| w.read <= asked_at);
        self.processes[index].waiting = kept;
        let refused: Vec<Waiting> = refused;
        let verdict = match self.flaw {
            Flaw::FailsOpen => Verdict::Accept,
            _ => Verdict::Ask,
        };
        for request in refused {
            self.history
                .judged(index, &request.token, request.began, verdict);
        }
    }
}
