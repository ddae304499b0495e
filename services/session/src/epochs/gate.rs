//! The check each request passes: the current view, without a lock, an allocation or a network call.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;

use super::clock::{BootClock, Clock, Moment};
use super::view::{Verdict, View};
use super::{Bearer, Kept, Remembered, Revision};

/// Holds the view of this process for all its threads.
#[derive(Debug, Default)]
pub struct Gate<C = BootClock> {
    clock: C,
    view: ArcSwap<View>,
}

impl<C: Clock> Gate<C> {
    /// A gate that lets nobody through without asking the store.
    pub fn new(clock: C) -> Self {
        Self {
            clock,
            view: ArcSwap::default(),
        }
    }

    /// The present by the clock of this gate.
    pub fn now(&self) -> Moment {
        self.clock.now()
    }

    /// Takes the view a [`super::Holder`] asked to publish.
    pub fn publish(&self, view: Arc<View>) {
        self.view.store(view);
    }

    /// Lets nobody through any more; what is known to be revoked stays so.
    pub(super) fn close(&self) {
        self.view.rcu(|view| view.closed());
    }

    /// Judges a token for a request that is here. On [`Verdict::Ask`] hand the moment to the holder
    /// and judge again, with [`Gate::check_again`], by the view it publishes.
    pub fn check(&self, token: &Bearer<'_>) -> (Verdict, Moment) {
        // The time first: a thread that is paused between the two judges by a later view, never by
        // an earlier time.
        let began = self.clock.now();
        (self.check_again(token, began), began)
    }

    /// Judges a token for a request that was here at `began`.
    pub fn check_again(&self, token: &Bearer<'_>, began: Moment) -> Verdict {
        self.view.load().judge(token, began)
    }

    /// Whether what this process remembers of a user has to be read anew; see [`View::stale`].
    pub fn stale(&self, memory: &Remembered<'_>) -> bool {
        self.view.load().stale(memory)
    }

    /// Whether a kept answer is not to be given any more; see [`View::outdated`].
    pub fn outdated(&self, kept: &Kept<'_>) -> bool {
        self.view.load().outdated(kept)
    }

    /// The last revision this process knows of.
    pub fn revision(&self) -> Revision {
        self.view.load().revision
    }

    /// How long requests are still judged without asking the store.
    pub fn lease_left(&self) -> Duration {
        let until = self.view.load().fresh_until.unwrap_or_default();
        until.since(self.clock.now())
    }

    /// The revision the view contains, if it was asked for at `moment` or later.
    pub fn known_at(&self, moment: Moment) -> Option<Revision> {
        let view = self.view.load();
        let current = view.asked_at.is_some_and(|asked| asked >= moment);
        current.then_some(view.revision)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Reading, Scope};
    use super::*;

    fn token() -> Bearer<'static> {
        Bearer {
            tenant: Some("acme"),
            user: "6f1d2c34-4c0e-4d8e-9a53-0f3b8f7f2a10",
            session: "b5a2f9d07c114f0d8e0f6f2f4f2b9a55",
            issued: Revision(3),
        }
    }

    fn open(raised: Vec<(Scope, Revision)>) -> Gate {
        let gate = Gate::new(BootClock);
        let reading = Reading {
            revision: Revision(9),
            settled: Revision(0),
            raised,
            registered: true,
        };
        let lease = Some(Duration::from_secs(60));
        let view = View::default().with(&reading, BootClock.now(), lease);
        gate.publish(Arc::new(view));
        gate
    }

    #[test]
    fn a_closed_gate_lets_nobody_through_and_knows_what_it_knew() {
        let gate = open(vec![(Scope::User("bob".to_owned()), Revision(7))]);
        let bob = Bearer {
            user: "bob",
            ..token()
        };
        gate.close();
        assert_eq!(gate.check(&token()).0, Verdict::Ask);
        assert_eq!(gate.check_again(&token(), Moment::default()), Verdict::Ask);
        assert_eq!(gate.check(&bob).0, Verdict::Revoked);
    }

    #[test]
    fn a_new_gate_asks_and_one_with_a_lease_answers() {
        let (verdict, _) = Gate::new(BootClock).check(&token());
        assert_eq!(verdict, Verdict::Ask);
        assert_eq!(open(Vec::new()).check(&token()).0, Verdict::Accept);
    }

    #[test]
    fn a_check_costs_next_to_nothing_however_much_was_revoked() {
        const CHECKS: u32 = 200_000;
        let raised = (0..100_000).map(|n| (Scope::Session(format!("s{n}")), Revision(5)));
        let gate = open(raised.collect());
        let (token, begin) = (token(), std::time::Instant::now());
        for _ in 0..CHECKS {
            let (verdict, _) = gate.check(std::hint::black_box(&token));
            assert_eq!(verdict, Verdict::Accept);
        }
        let each = begin.elapsed() / CHECKS;
        println!("{each:?} per check with 100,000 sessions revoked");
        // Twenty times what it takes, for a machine that is busy.
        assert!(each < Duration::from_micros(20), "{each:?}");
    }
}
