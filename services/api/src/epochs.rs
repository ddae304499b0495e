//! Revocation as the API uses it: who is still to be believed, and how a session ends everywhere.
//!
//! [`Epochs`] keeps this process's copy of the epochs current from the moment its tables exist until
//! the process stops serving. A request flows through [`Epochs::admit`], without a network call while
//! the lease lasts; a sign-in takes its stamp from [`Epochs::stamp`]; whatever ends sessions goes
//! through [`Epochs::revoke`].

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use reportapp_session::epochs::{
    Bearer, BootClock, Clock, EpochError, EpochStore, Keeper, Kept, Remembered, Revision, Revoked,
    Scope, Standing, Sweeper, Terms, Verdict, revoke,
};
use tokio::sync::watch;

use crate::error::ApiError;
use crate::metrics::EpochMetrics;

/// How long somebody waits for a revocation: longer than the lease of a process that vanished, shorter
/// than a person's patience.
const LIMIT: Duration = Duration::from_secs(10);
/// How long the database may take to hear that this process stops serving.
const GOODBYE: Duration = Duration::from_secs(1);
/// Beyond the life of a token: differing clocks, and a longer life configured before the last change.
const SETTLE_MARGIN: Duration = Duration::from_secs(60 * 60);

/// The epochs as this process knows them.
pub struct Epochs {
    store: Arc<dyn EpochStore>,
    terms: Terms,
    /// Unique among all processes that ever ran; readable in the table of processes.
    process: String,
    keeper: OnceLock<Keeper>,
    /// The last revision that was raised here, for whoever tells the other processes.
    raised: watch::Sender<Revision>,
    metrics: EpochMetrics,
}

impl Epochs {
    /// Epochs in `store`, whose tables may not exist yet; nobody is admitted before
    /// [`Epochs::start`].
    pub fn new(store: Arc<dyn EpochStore>, terms: Terms, metrics: EpochMetrics) -> Self {
        let host = std::env::var("HOSTNAME").unwrap_or_default();
        let process = format!("{host}-{}", reportapp_session::random::id());
        Self {
            store,
            terms,
            process: process.trim_start_matches('-').to_owned(),
            keeper: OnceLock::new(),
            raised: watch::Sender::default(),
            metrics,
        }
    }

    /// Registers this process and keeps reading; to be called once the tables exist. A second call
    /// does nothing. Needs a tokio runtime.
    pub fn start(&self) {
        self.keeper.get_or_init(|| {
            let store = Arc::clone(&self.store);
            Keeper::start(store, BootClock, self.process.as_str(), self.terms)
        });
    }

    /// Lets a token through that no acknowledged revocation covers.
    ///
    /// # Errors
    /// [`ApiError::NotSignedIn`] for a revoked token, [`ApiError::EpochsUnavailable`] when that cannot
    /// be known.
    pub async fn admit(&self, token: &Bearer<'_>) -> Result<(), ApiError> {
        let verdict = match self.keeper.get() {
            Some(keeper) => keeper.check(token).await,
            None => Verdict::Ask,
        };
        self.metrics.checked(verdict);
        match verdict {
            Verdict::Accept => Ok(()),
            Verdict::Revoked | Verdict::Unknown => Err(ApiError::NotSignedIn),
            Verdict::Ask => Err(self.unavailable()),
        }
    }

    /// What a token is issued under. Ask before the credentials are looked at.
    ///
    /// # Errors
    /// [`ApiError::EpochsUnavailable`].
    pub async fn stamp(&self) -> Result<Revision, ApiError> {
        let stamp = match self.keeper.get() {
            Some(keeper) => keeper.stamp().await,
            None => None,
        };
        stamp.ok_or_else(|| self.unavailable())
    }

    /// Whether a token is known to be revoked; a "no" may be out of date.
    pub fn knows_revoked(&self, token: &Bearer<'_>) -> bool {
        let keeper = self.keeper.get();
        keeper.is_some_and(|keeper| keeper.knows_revoked(token))
    }

    /// The last revision this process knows of; see [`Remembered::loaded`].
    pub fn revision(&self) -> Revision {
        let keeper = self.keeper.get();
        keeper.map(Keeper::revision).unwrap_or_default()
    }

    /// Whether what this process remembers of a user has to be read anew. Ask after
    /// [`Epochs::admit`] let a token of that user through.
    pub fn stale(&self, memory: &Remembered<'_>) -> bool {
        let keeper = self.keeper.get();
        keeper.is_none_or(|keeper| keeper.stale(memory))
    }

    /// Whether a kept answer is not to be given any more; without a lease nobody knows, so none is.
    pub fn outdated(&self, kept: &Kept<'_>) -> bool {
        let is_known = |keeper: &&Keeper| matches!(keeper.standing(), Standing::Leased(_));
        let keeper = self.keeper.get().filter(is_known);
        keeper.is_none_or(|keeper| keeper.outdated(kept))
    }

    /// Ends what `scopes` name, and returns when no process accepts it any more. `action` names the
    /// revocation; a repetition under the same name goes on with it. It also goes on when the caller
    /// does not wait any longer.
    ///
    /// # Errors
    /// [`ApiError::NotRevoked`] after ten seconds.
    pub async fn revoke(&self, action: String, scopes: Vec<Scope>) -> Result<Revoked, ApiError> {
        let store = Arc::clone(&self.store);
        let waker = self.keeper.get().map(Keeper::waker);
        let raised = self.raised.clone();
        let begun = Instant::now();
        let work = tokio::spawn(async move {
            let wake = |revision| {
                if let Some(waker) = &waker {
                    waker(revision);
                }
                raised.send_if_modified(|known| {
                    let is_news = *known < revision;
                    *known = revision.max(*known);
                    is_news
                });
            };
            revoke(&*store, &BootClock, &action, scopes, LIMIT, wake).await
        });
        let outcome = work
            .await
            .map_err(|_| ApiError::Internal("a revocation panicked"))?;
        self.metrics.revoked(outcome.is_ok(), begun.elapsed());
        outcome.map_err(ApiError::NotRevoked)
    }

    /// Somebody says that there is this revision.
    pub fn wake(&self, revision: Revision) {
        if let Some(keeper) = self.keeper.get() {
            keeper.wake(revision);
        }
    }

    /// The last revision that was raised here; changes as soon as one is committed.
    pub fn raised(&self) -> watch::Receiver<Revision> {
        self.raised.subscribe()
    }

    /// How well this process knows the epochs; `None` before [`Epochs::start`].
    pub fn standing(&self) -> Option<Standing> {
        self.keeper.get().map(Keeper::standing)
    }

    /// The name of this process among all that ever ran.
    pub fn process(&self) -> &str {
        &self.process
    }

    /// What was counted of judged tokens.
    pub fn metrics(&self) -> &EpochMetrics {
        &self.metrics
    }

    /// Forgets processes that vanished.
    ///
    /// # Errors
    /// What the store said.
    pub async fn sweep(&self, sweeper: &mut Sweeper) -> Result<(), EpochError> {
        let roster = self.store.roster().await?;
        for process in sweeper.observe(BootClock.now(), &roster) {
            tracing::info!(%process, "forgot a process that vanished");
            self.store.remove(&process).await?;
        }
        Ok(())
    }

    /// Forgets revocations that concern nothing any more at `now` if all that is issued is good for
    /// this `life` at most.
    ///
    /// # Errors
    /// What the store said.
    pub async fn settle(&self, life: Duration, now: Timestamp) -> Result<(), EpochError> {
        self.store.settle(settled(life, now)).await
    }

    /// Stops judging, also for requests that are still being answered, and says so, so that nobody waits
    /// for this process.
    pub async fn leave(&self) {
        let Some(keeper) = self.keeper.get() else {
            return;
        };
        match tokio::time::timeout(GOODBYE, keeper.leave()).await {
            Ok(Ok(())) => tracing::debug!("said goodbye to the store of epochs"),
            Ok(Err(error)) => tracing::warn!(%error, "failed to leave the store of epochs"),
            Err(_) => tracing::warn!("the store of epochs does not answer a goodbye"),
        }
    }

    fn unavailable(&self) -> ApiError {
        match self.standing() {
            Some(Standing::Behind) => ApiError::EpochsPutBack,
            Some(Standing::Lapsed { trouble }) => ApiError::EpochsUnavailable(trouble),
            Some(Standing::Leased(_)) | None => ApiError::EpochsUnavailable(None),
        }
    }
}

/// Revisions are microseconds since 1970.
fn settled(life: Duration, now: Timestamp) -> Revision {
    let micros = u64::try_from(now.as_microsecond()).unwrap_or(0);
    let kept = u64::try_from((life + SETTLE_MARGIN).as_micros()).unwrap_or(u64::MAX);
    Revision(micros.saturating_sub(kept))
}

#[cfg(test)]
mod tests;
