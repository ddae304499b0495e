//! One API process: when it reads the store, what it publishes, what it confirms.
//!
//! Its life: register, read, publish a view with a lease, read again before the lease ends. A read is
//! also sent for a wake-up that names news, and for a request that came without a fresh view; one
//! read at a time, and whoever came while it was under way waits for the next one, because the store
//! may have looked before they came. Only a read that found this process registered gives a lease; a
//! process the others gave up learns so and registers under a new name.
//!
//! Whoever drives it performs every action in order and answers each `Register`, `Read` and
//! `Confirm` by one event, a failure when there was no answer in time.

use std::sync::Arc;
use std::time::Duration;

use super::Revision;
use super::clock::{Moment, Terms};
use super::store::{ProcessId, Reading};
use super::view::View;

/// Which read an answer belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadId(u64);

/// What a process hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Time went by; see [`Holder::due`].
    Tick,
    /// Somebody says that there is a revision like this.
    Woken(Revision),
    /// A request that was here at this moment needs a read sent no earlier.
    Asked(Moment),
    /// The store remembers the registration.
    Registered(ProcessId),
    /// The registration was not answered.
    RegisterFailed(ProcessId),
    /// A read was answered.
    Answered(ReadId, Reading),
    /// A read was not answered.
    ReadFailed(ReadId),
    /// The store remembers what was confirmed.
    Confirmed(ProcessId, Revision),
    /// The confirmation was not answered.
    ConfirmFailed(ProcessId),
}

/// What a process does.
#[derive(Clone, Debug)]
pub enum Action {
    /// Register in the store, with the length of the lease.
    Register(ProcessId, Duration),
    /// Read what was raised after a revision.
    Read(ReadId, ProcessId, Revision),
    /// Judge every request by this from now on, the waiting ones first.
    Publish(Arc<View>),
    /// Refuse the waiting requests that were here at this moment: the store does not answer.
    Refuse(Moment),
    /// Tell the store that nothing older than the published view is used here any more.
    Confirm(ProcessId, Revision),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Membership {
    Outside,
    Registering,
    Inside,
}

#[derive(Clone, Copy, Debug)]
struct Flight {
    read: ReadId,
    asked_at: Moment,
    since: Revision,
    /// The registration was known to be durable when the read was sent.
    inside: bool,
}

/// The state of one process.
#[derive(Debug)]
pub struct Holder {
    terms: Terms,
    base: String,
    round: u32,
    process: ProcessId,
    membership: Membership,
    view: Arc<View>,
    flight: Option<Flight>,
    reads: u64,
    /// Somebody needs a read that is sent after the one under way.
    again: bool,
    next_read: Moment,
    /// The last read was not answered; the next one is not sent before its time.
    failing: bool,
    confirmed: Revision,
    confirming: bool,
    went_back: bool,
}

impl Holder {
    /// A process that calls itself `base`, a name no other process has or had.
    pub fn new(base: impl Into<String>, terms: Terms) -> Self {
        let base = base.into();
        Self {
            process: ProcessId::new(&base, 0),
            terms,
            base,
            round: 0,
            membership: Membership::Outside,
            view: Arc::default(),
            flight: None,
            reads: 0,
            again: false,
            next_read: Moment::default(),
            failing: false,
            confirmed: Revision::default(),
            confirming: false,
            went_back: false,
        }
    }

    /// The registration to remove when the process has stopped serving.
    pub fn process(&self) -> &ProcessId {
        &self.process
    }

    /// The store's last answer was older than what this process knows: it was put back to an
    /// earlier state, and revocations may be lost. Everything is refused until somebody revokes
    /// again, best for everybody.
    pub fn went_back(&self) -> bool {
        self.went_back
    }

    /// When to send [`Event::Tick`]; `None` while an answer is awaited.
    pub fn due(&self) -> Option<Moment> {
        self.flight.is_none().then_some(self.next_read)
    }

    /// Takes in one event at `now`, which is not before the event happened.
    pub fn step(&mut self, now: Moment, event: Event) -> Vec<Action> {
        let mut actions = Vec::new();
        match event {
            Event::Tick => self.ticked(now, &mut actions),
            Event::Woken(revision) if revision > self.view.revision => {
                self.read_after(now, now, &mut actions);
            }
            Event::Asked(began) => self.read_after(now, began, &mut actions),
            Event::Registered(process) if process == self.process => {
                self.membership = Membership::Inside;
                self.read_after(now, now, &mut actions);
            }
            Event::RegisterFailed(process) if process == self.process => {
                self.membership = Membership::Outside;
            }
            Event::Answered(read, reading) => self.answered(now, read, &reading, &mut actions),
            Event::ReadFailed(read) => self.read_failed(now, read, &mut actions),
            Event::Confirmed(process, revision) if process == self.process => {
                self.confirming = false;
                self.confirmed = self.confirmed.max(revision);
                self.confirm(&mut actions);
            }
            // Tried again after the next read.
            Event::ConfirmFailed(process) if process == self.process => self.confirming = false,
            // News that is known, and what concerns a registration that was given up.
            Event::Woken(_)
            | Event::Registered(_)
            | Event::RegisterFailed(_)
            | Event::Confirmed(..)
            | Event::ConfirmFailed(_) => {}
        }
        actions
    }

    fn ticked(&mut self, now: Moment, actions: &mut Vec<Action>) {
        if self.membership == Membership::Outside {
            self.register(actions);
        }
        if self.flight.is_none() && now >= self.next_read {
            self.read(now, actions);
        }
    }

    fn register(&mut self, actions: &mut Vec<Action>) {
        self.membership = Membership::Registering;
        actions.push(Action::Register(self.process.clone(), self.terms.lease()));
    }

    /// Sees to it that a read is sent at `moment` or later, unless one was.
    fn read_after(&mut self, now: Moment, moment: Moment, actions: &mut Vec<Action>) {
        match self.flight {
            Some(flight) if flight.asked_at >= moment => {}
            Some(_) => self.again = true,
            // A store in trouble is not asked anew by every request; the next tick reads for all.
            None if self.failing && now < self.next_read => {}
            None => self.read(now, actions),
        }
    }

    fn read(&mut self, now: Moment, actions: &mut Vec<Action>) {
        self.reads += 1;
        self.again = false;
        let flight = Flight {
            read: ReadId(self.reads),
            asked_at: now,
            since: self.view.revision,
            inside: self.membership == Membership::Inside,
        };
        self.flight = Some(flight);
        let process = self.process.clone();
        actions.push(Action::Read(flight.read, process, flight.since));
    }

    fn answered(
        &mut self,
        now: Moment,
        read: ReadId,
        reading: &Reading,
        actions: &mut Vec<Action>,
    ) {
        let Some(flight) = self.flight.take_if(|flight| flight.read == read) else {
            return;
        };
        self.went_back = reading.revision < flight.since;
        if self.went_back {
            // Waiting helps nobody: the next answer is no better.
            actions.push(Action::Refuse(flight.asked_at));
            self.failed(now);
            return;
        }
        self.failing = false;
        let lease = reading.registered.then(|| self.terms.lease());
        self.view = Arc::new(self.view.with(reading, flight.asked_at, lease));
        self.next_read = flight.asked_at.after(self.terms.renew());
        actions.push(Action::Publish(Arc::clone(&self.view)));
        if reading.registered {
            self.membership = Membership::Inside;
            self.confirm(actions);
        } else if flight.inside {
            self.round += 1;
            self.process = ProcessId::new(&self.base, self.round);
            self.confirmed = Revision::default();
            self.confirming = false;
            self.register(actions);
        }
        if self.again {
            self.read(now, actions);
        }
    }

    fn read_failed(&mut self, now: Moment, read: ReadId, actions: &mut Vec<Action>) {
        if let Some(flight) = self.flight.take_if(|flight| flight.read == read) {
            let waited_long = now.before(self.terms.forbearance());
            actions.push(Action::Refuse(waited_long.min(flight.asked_at)));
            self.failed(now);
        }
    }

    fn failed(&mut self, now: Moment) {
        self.failing = true;
        self.next_read = now.after(self.terms.retry());
    }

    /// One confirmation at a time, always of what is published by then.
    fn confirm(&mut self, actions: &mut Vec<Action>) {
        if self.confirming || self.view.revision <= self.confirmed {
            return;
        }
        self.confirming = true;
        let process = self.process.clone();
        actions.push(Action::Confirm(process, self.view.revision));
    }
}

#[cfg(test)]
mod tests;
