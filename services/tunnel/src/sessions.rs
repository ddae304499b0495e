//! The sessions kept warm: who dials, how often, and who gets which session.
//!
//! One task per slot keeps one session up. While no session is up at all only the first slot
//! dials: a bastion that is down or refuses us is asked once per pause, not once per slot.
//! Sessions are handed out in turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reportapp_telemetry::Backoff;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::failure::Failure;
use crate::metrics::Metrics;
use crate::session::Session;
use crate::target::Target;

/// Sessions kept up. Two, so that the loss of one leaves the way to the database open.
pub const SLOTS: usize = 2;
/// Pauses after a failure that may pass by itself.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// Longest pause after a failure that needs a person.
const LONGEST_PAUSE_REFUSED: Duration = Duration::from_secs(30);
/// A session that lasted this long was a good one: the next loss starts with the first pause.
const GOOD_SESSION: Duration = Duration::from_secs(10);

/// What is known about the sessions at this moment.
#[derive(Clone, Debug, Default)]
pub struct State {
    up: Vec<Arc<Session>>,
    /// Why the last attempt to open a session failed; none after a success.
    pub failure: Option<Failure>,
}

/// Handle to the sessions kept warm.
#[derive(Debug)]
pub struct Sessions {
    state: watch::Sender<State>,
    turn: AtomicUsize,
}

impl Sessions {
    /// Starts to keep [`SLOTS`] sessions up, in tasks of `tasks`, until `end` is cancelled.
    pub fn start(
        target: &Target,
        metrics: &Metrics,
        tasks: &TaskTracker,
        end: &CancellationToken,
    ) -> Arc<Self> {
        let sessions = Arc::new(Self {
            state: watch::Sender::default(),
            turn: AtomicUsize::new(0),
        });
        for number in 0..SLOTS {
            let slot = Slot {
                number,
                target: target.clone(),
                metrics: metrics.clone(),
                sessions: Arc::clone(&sessions),
            };
            let end = end.clone();
            tasks.spawn(async move {
                tokio::select! {
                    () = end.cancelled() => {}
                    () = slot.keep_up() => {}
                }
            });
        }
        sessions
    }

    /// Watches the state for changes.
    pub fn watch(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }

    /// The next session in turn, none while no session is up.
    pub fn pick(&self) -> Option<Arc<Session>> {
        let state = self.state.borrow();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        state.up.get(turn.checked_rem(state.up.len())?).cloned()
    }

    /// The next session in turn, waiting at most `within` for one to come up.
    pub async fn wait(&self, within: Duration) -> Option<Arc<Session>> {
        let mut changes = self.watch();
        let found = timeout(within, async {
            loop {
                if let Some(session) = self.pick() {
                    return session;
                }
                // The sender lives in `self`, so this cannot fail.
                let _changed = changes.changed().await;
            }
        });
        found.await.ok()
    }

    /// Ends every session in good order.
    pub async fn end(&self) {
        let up = std::mem::take(&mut self.state.send_replace(State::default()).up);
        for session in up {
            session.end().await;
        }
    }
}

struct Slot {
    number: usize,
    target: Target,
    metrics: Metrics,
    sessions: Arc<Sessions>,
}

impl Slot {
    async fn keep_up(&self) {
        let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
        let mut refused_backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE_REFUSED);
        let mut had_one = false;
        loop {
            self.wait_for_turn().await;
            match Session::connect(&self.target).await {
                Ok(session) => {
                    if had_one {
                        self.metrics.reconnects.inc();
                    }
                    had_one = true;
                    let since = Instant::now();
                    self.hold(Arc::new(session)).await;
                    if since.elapsed() >= GOOD_SESSION {
                        backoff.reset();
                        refused_backoff.reset();
                    }
                    sleep(backoff.next_pause()).await;
                }
                Err(failure) => {
                    tracing::debug!(
                        slot = self.number,
                        reason = failure.reason.as_str(),
                        "failed to open an SSH session: {}",
                        failure.message
                    );
                    let pause = if failure.needs_a_person() {
                        refused_backoff.next_pause()
                    } else {
                        backoff.next_pause()
                    };
                    self.sessions
                        .state
                        .send_modify(|state| state.failure = Some(failure));
                    sleep(pause).await;
                }
            }
        }
    }

    async fn wait_for_turn(&self) {
        if self.number > 0 {
            let mut changes = self.sessions.watch();
            // The sender lives in `self`, so this cannot fail.
            let _found = changes.wait_for(|state| !state.up.is_empty()).await;
        }
    }

    async fn hold(&self, session: Arc<Session>) {
        let state = &self.sessions.state;
        state.send_modify(|state| {
            state.up.push(Arc::clone(&session));
            state.failure = None;
        });
        self.metrics.sessions.inc();
        tracing::info!(
            slot = self.number,
            bastion = self.target.address(),
            "SSH session is up"
        );
        session.closed().await;
        self.metrics.sessions.dec();
        state.send_modify(|state| state.up.retain(|other| !Arc::ptr_eq(other, &session)));
        tracing::warn!(
            slot = self.number,
            bastion = self.target.address(),
            "SSH session is lost"
        );
    }
}
