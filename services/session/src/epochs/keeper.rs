//! Runs a [`Holder`] in a process: performs its actions on the store and lets requests wait for it.
//!
//! A request flows through [`Keeper::check`]: the gate alone while the lease lasts, else the holder is
//! asked for a read and the request waits for its outcome. One task owns the holder; every store
//! operation has a time limit, and its outcome is an event like all others.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};

use super::clock::{BootClock, Clock, Moment, Terms};
use super::gate::Gate;
use super::holder::{Action, Event, Holder};
use super::store::{Answer, EpochError, EpochStore, ProcessId};
use super::view::{Verdict, View};
use super::{Bearer, Kept, Remembered, Revision};

/// What waiting requests, and those who ask how it goes, look at.
#[derive(Clone, Debug, Default)]
struct News {
    /// Up to which moment the store failed those who asked.
    refused: Option<Moment>,
    /// Why the last operation on the store failed.
    trouble: Option<EpochError>,
    /// The store was behind at the last read.
    behind: bool,
}

/// How well a process knows the epochs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Requests are judged without asking the store, for this long from now on.
    Leased(Duration),
    /// Each request waits for a read of its own, and is refused without an answer.
    Lapsed {
        /// What the store said last; `None`: it was not asked yet.
        trouble: Option<EpochError>,
    },
    /// The store was put back to an earlier state; every request is refused.
    Behind,
}

/// The epochs of this process, kept current in the background.
pub struct Keeper<C: Clock + 'static = BootClock> {
    gate: Arc<Gate<C>>,
    store: Arc<dyn EpochStore>,
    events: mpsc::UnboundedSender<Event>,
    news: watch::Receiver<News>,
    process: watch::Receiver<ProcessId>,
    /// `None` once this process has left.
    task: Mutex<Option<JoinHandle<()>>>,
}

impl<C: Clock + 'static> Keeper<C> {
    /// Registers this process under `base`, a name no other process has or had, and keeps reading.
    /// Runs until it is dropped. Needs a tokio runtime.
    pub fn start(
        store: Arc<dyn EpochStore>,
        clock: C,
        base: impl Into<String>,
        terms: Terms,
    ) -> Self {
        let gate = Arc::new(Gate::new(clock));
        let holder = Holder::new(base, terms);
        let (events, heard) = mpsc::unbounded_channel();
        let (tell, news) = watch::channel(News::default());
        let (tell_process, process) = watch::channel(holder.process().clone());
        let run = Run {
            gate: Arc::clone(&gate),
            store: Arc::clone(&store),
            holder,
            patience: terms.patience(),
            operations: JoinSet::new(),
            news: tell,
            process: tell_process,
        };
        Self {
            gate,
            store,
            events,
            news,
            process,
            task: Mutex::new(Some(tokio::spawn(run.forever(heard)))),
        }
    }

    /// Judges a token for a request that is here. [`Verdict::Ask`] means that the store does not
    /// answer: refuse the request.
    pub async fn check(&self, token: &Bearer<'_>) -> Verdict {
        let (verdict, began) = self.gate.check(token);
        if verdict != Verdict::Ask {
            return verdict;
        }
        let mut news = self.news.clone();
        if self.events.send(Event::Asked(began)).is_err() {
            return Verdict::Ask;
        }
        loop {
            // Looked at before the view, so that nothing that comes in between is missed.
            let refused = news.borrow_and_update().refused;
            let verdict = self.gate.check_again(token, began);
            if verdict != Verdict::Ask || refused >= Some(began) {
                return verdict;
            }
            if news.changed().await.is_err() {
                return Verdict::Ask;
            }
        }
    }

    /// A read of the store that is sent after this call, for the stamp of a token: `None` when the
    /// store does not answer. Ask before the credentials are checked.
    pub async fn stamp(&self) -> Option<Revision> {
        let began = self.gate.now();
        let mut news = self.news.clone();
        self.events.send(Event::Asked(began)).ok()?;
        loop {
            let refused = news.borrow_and_update().refused;
            if let Some(revision) = self.gate.known_at(began) {
                return Some(revision);
            }
            if refused >= Some(began) {
                return None;
            }
            news.changed().await.ok()?;
        }
    }

    /// Somebody says that there is this revision.
    pub fn wake(&self, revision: Revision) {
        (self.waker())(revision);
    }

    /// [`Keeper::wake`], to be handed to somebody who may outlive the keeper.
    pub fn waker(&self) -> impl Fn(Revision) + Send + Sync + use<C> {
        let events = self.events.clone();
        move |revision| {
            // Nobody listens any more only when the process is ending.
            let _ = events.send(Event::Woken(revision));
        }
    }

    /// Whether a token is known to be revoked. Fit for lists, not for letting anybody in: a "no" may be
    /// out of date.
    pub fn knows_revoked(&self, token: &Bearer<'_>) -> bool {
        self.gate.check(token).0 == Verdict::Revoked
    }

    /// Whether what this process remembers of a user has to be read anew; see [`View::stale`].
    pub fn stale(&self, memory: &Remembered<'_>) -> bool {
        self.gate.stale(memory)
    }

    /// Whether a kept answer is not to be given any more; see [`View::outdated`].
    pub fn outdated(&self, kept: &Kept<'_>) -> bool {
        self.gate.outdated(kept)
    }

    /// The last revision this process knows of: what it reads from the store from now on is at least
    /// that new, and counts as [`Remembered::loaded`] under it.
    pub fn revision(&self) -> Revision {
        self.gate.revision()
    }

    /// How well this process knows the epochs.
    pub fn standing(&self) -> Standing {
        let news = self.news.borrow();
        if news.behind {
            return Standing::Behind;
        }
        match self.gate.lease_left() {
            Duration::ZERO => Standing::Lapsed {
                trouble: news.trouble.clone(),
            },
            left => Standing::Leased(left),
        }
    }

    /// Stops judging, for everybody who still holds this keeper, and then says so, so that nobody waits
    /// for this process. From then on everything is [`Verdict::Ask`].
    ///
    /// # Errors
    /// What the store said; the registration then stays until somebody waited for it in vain.
    pub async fn leave(&self) -> Result<(), EpochError> {
        let Some(task) = self.take_task() else {
            return Ok(());
        };
        task.abort();
        // Until it has ended it may publish another view. That it was aborted is no news.
        let _ = task.await;
        self.gate.close();
        let process = self.process.borrow().clone();
        self.store.remove(&process).await
    }

    fn take_task(&self) -> Option<JoinHandle<()>> {
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        task.take()
    }
}

impl<C: Clock + 'static> Drop for Keeper<C> {
    fn drop(&mut self) {
        if let Some(task) = self.take_task() {
            task.abort();
        }
    }
}

/// The task behind a keeper.
struct Run<C> {
    gate: Arc<Gate<C>>,
    store: Arc<dyn EpochStore>,
    holder: Holder,
    patience: Duration,
    operations: JoinSet<(Event, Option<EpochError>)>,
    news: watch::Sender<News>,
    process: watch::Sender<ProcessId>,
}

impl<C: Clock + 'static> Run<C> {
    async fn forever(mut self, mut heard: mpsc::UnboundedReceiver<Event>) {
        self.step(Event::Tick);
        loop {
            let now = self.gate.now();
            let due = self.holder.due();
            let wait = due.map(|due| Duration::from_nanos(due.nanos().saturating_sub(now.nanos())));
            let event = tokio::select! {
                Some(done) = self.operations.join_next() => match done {
                    Ok((event, error)) => {
                        self.report(&event, error.as_ref());
                        event
                    }
                    // A store that panicked: the lease runs out, and nobody gets in.
                    Err(_) => return,
                },
                event = heard.recv() => match event {
                    Some(event) => event,
                    None => return,
                },
                () = tokio::time::sleep(wait.unwrap_or(self.patience)) => Event::Tick,
            };
            self.step(event);
        }
    }

    fn step(&mut self, event: Event) {
        for action in self.holder.step(self.gate.now(), event) {
            match action {
                Action::Publish(view) => self.publish(view),
                Action::Refuse(until) => self.news.send_modify(|news| {
                    news.refused = news.refused.max(Some(until));
                }),
                other => self.perform(other),
            }
        }
        self.report_setback();
        let process = self.holder.process();
        self.process.send_if_modified(|known| {
            let changed = known != process;
            known.clone_from(process);
            changed
        });
    }

    fn publish(&mut self, view: Arc<View>) {
        self.gate.publish(view);
        self.news.send_modify(|_| {});
    }

    fn perform(&mut self, action: Action) {
        let store = Arc::clone(&self.store);
        let patience = self.patience;
        self.operations.spawn(async move {
            match action {
                Action::Register(process, lease) => {
                    let done = in_time(patience, store.register(&process, lease)).await;
                    outcome(done, |done| match done {
                        Some(()) => Event::Registered(process),
                        None => Event::RegisterFailed(process),
                    })
                }
                Action::Read(read, process, since) => {
                    let done = in_time(patience, store.read(&process, since)).await;
                    outcome(done, |done| match done {
                        Some(reading) => Event::Answered(read, reading),
                        None => Event::ReadFailed(read),
                    })
                }
                Action::Confirm(process, revision) => {
                    let done = in_time(patience, store.confirm(&process, revision)).await;
                    outcome(done, |done| match done {
                        Some(()) => Event::Confirmed(process, revision),
                        None => Event::ConfirmFailed(process),
                    })
                }
                Action::Publish(_) | Action::Refuse(_) => (Event::Tick, None),
            }
        });
    }

    /// Says once that the store is in trouble, and once that it is well again.
    fn report(&mut self, event: &Event, error: Option<&EpochError>) {
        let was_failing = self.news.borrow().trouble.is_some();
        match (event, error) {
            (_, Some(error)) => {
                if !was_failing {
                    tracing::warn!(%error, "the epochs cannot be renewed; without them requests are refused");
                }
                // Nobody waits for this.
                self.news.send_if_modified(|news| {
                    news.trouble = Some(error.clone());
                    false
                });
            }
            (Event::Answered(..), None) if was_failing => {
                tracing::info!("the epochs are renewed again");
                self.news.send_if_modified(|news| {
                    news.trouble = None;
                    false
                });
            }
            _ => {}
        }
    }

    /// Says once that the store is behind what this process knows.
    fn report_setback(&mut self) {
        let went_back = self.holder.went_back();
        let is_new = self.news.borrow().behind != went_back;
        if !is_new {
            return;
        }
        if went_back {
            tracing::error!(
                "the store of epochs was put back to an earlier state; every request is refused \
                 until something is revoked: revoke all sessions, revocations may be lost"
            );
        }
        self.news.send_if_modified(|news| {
            news.behind = went_back;
            false
        });
    }
}

/// An event, and the error behind it if it is a failure.
fn outcome<T>(
    done: Result<T, EpochError>,
    event: impl FnOnce(Option<T>) -> Event,
) -> (Event, Option<EpochError>) {
    match done {
        Ok(done) => (event(Some(done)), None),
        Err(error) => (event(None), Some(error)),
    }
}

/// The answer, or an error when it takes longer.
pub(super) async fn in_time<T>(limit: Duration, answer: Answer<'_, T>) -> Result<T, EpochError> {
    let late = || EpochError::Unreachable {
        detail: format!("no answer within {limit:?}"),
    };
    tokio::time::timeout(limit, answer)
        .await
        .unwrap_or_else(|_| Err(late()))
}

#[cfg(test)]
mod tests;
