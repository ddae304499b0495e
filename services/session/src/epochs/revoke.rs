//! Runs a [`Revoker`] to its acknowledgement, and says how that went.

use std::time::Duration;

use super::clock::{Clock, Moment};
use super::keeper::in_time;
use super::revoker::{Action, Event, Revoker};
use super::store::{EpochError, EpochStore, ProcessId};
use super::{Revision, Scope};

/// How long one operation on the store may take before it is tried again.
const PATIENCE: Duration = Duration::from_secs(2);
/// The same for what is only tidying up, which must not hold up an acknowledgement.
const BRIEFLY: Duration = Duration::from_millis(50);

/// A revocation that was acknowledged: no process accepts what it covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revoked {
    /// Its place among all revocations.
    pub revision: Revision,
    /// Time from the request to the commit.
    pub commit: Duration,
    /// Time from the commit to the acknowledgement.
    pub acknowledgement: Duration,
    /// The processes that said themselves that they use nothing older.
    pub confirmed: Vec<ProcessId>,
    /// The processes that said nothing until their leases were over.
    pub outwaited: Vec<ProcessId>,
    /// Whether the store told which processes there are. If not, the longest lease anybody may hold
    /// was waited for.
    pub roster_known: bool,
}

/// A revocation that was not acknowledged within its time. Ask again under the same name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RevokeError {
    /// It may not even have been written down.
    #[error("the revocation was not committed within {limit:?}: {cause}")]
    NotCommitted {
        /// The time it had.
        limit: Duration,
        /// What the store said last.
        cause: EpochError,
    },
    /// It is written down and takes effect, but some process may not know yet.
    #[error(
        "the revocation was committed, and {} had not confirmed it within {limit:?}",
        processes(*.silent)
    )]
    NotAcknowledged {
        /// The time it had.
        limit: Duration,
        /// Its place among all revocations.
        revision: Revision,
        /// How many processes had not confirmed; `None`: the store did not tell which there are.
        silent: Option<usize>,
    },
}

fn processes(silent: Option<usize>) -> String {
    match silent {
        None => "an unknown number of processes".to_owned(),
        Some(1) => "1 process".to_owned(),
        Some(count) => format!("{count} processes"),
    }
}

/// Revokes `scopes` and returns when no process accepts them any more for requests that begin now.
///
/// `action` names the revocation: calling again with the same name, after an error, a crash, or after
/// this future was dropped, goes on with it. `wake` tells the processes of a revision if it can.
///
/// # Errors
/// [`RevokeError`] after `limit`. A process that vanished is waited for by its lease, and everybody by
/// [`super::LONGEST_LEASE`] when the store fails right after the commit; a shorter limit gives up then.
pub async fn revoke(
    store: &dyn EpochStore,
    clock: &impl Clock,
    action: &str,
    scopes: Vec<Scope>,
    limit: Duration,
    wake: impl Fn(Revision),
) -> Result<Revoked, RevokeError> {
    let mut run = Run {
        store,
        clock,
        revoker: Revoker::new(action, scopes),
        begun: clock.now(),
        error: None,
    };
    match tokio::time::timeout(limit, run.until_acknowledged(wake)).await {
        Ok(revision) => Ok(run.report(revision)),
        Err(_) => Err(run.give_up(limit)),
    }
}

/// A revoker, and what its errors do not tell.
struct Run<'a, C> {
    store: &'a dyn EpochStore,
    clock: &'a C,
    revoker: Revoker,
    begun: Moment,
    /// What the store said last when it failed to commit.
    error: Option<EpochError>,
}

impl<C: Clock> Run<'_, C> {
    async fn until_acknowledged(&mut self, wake: impl Fn(Revision)) -> Revision {
        let mut event = Event::Tick;
        loop {
            let mut answer = None;
            let mut acknowledged = None;
            for action in self.revoker.step(self.clock.now(), event) {
                match action {
                    Action::Acknowledge(revision) => acknowledged = Some(revision),
                    Action::Wake(revision) => wake(revision),
                    other => answer = answer.or(self.perform(other).await),
                }
            }
            if let Some(revision) = acknowledged {
                return revision;
            }
            event = if let Some(answer) = answer {
                answer
            } else {
                tokio::time::sleep(self.left()).await;
                Event::Tick
            };
        }
    }

    /// What became of an operation on the store; `None` where nobody asks.
    async fn perform(&mut self, action: Action) -> Option<Event> {
        match action {
            Action::Raise(name, scopes) => {
                let raised = in_time(PATIENCE, self.store.raise(&name, &scopes)).await;
                Some(match raised {
                    Ok(revision) => Event::Raised(revision),
                    Err(error) => {
                        self.error = Some(error);
                        Event::RaiseFailed
                    }
                })
            }
            Action::Look => {
                // No longer than until it is acknowledged without the answer.
                let limit = PATIENCE.min(self.left());
                let roster = in_time(limit, self.store.roster()).await;
                Some(roster.map_or(Event::LookFailed, Event::Roster))
            }
            Action::Expel(process) => {
                // Whoever waits for it in vain next time tries again.
                let _ = in_time(BRIEFLY, self.store.expel(&process)).await;
                None
            }
            Action::Wake(_) | Action::Acknowledge(_) => None,
        }
    }

    /// Time until the revoker wants to go on by itself.
    fn left(&self) -> Duration {
        let due = self.revoker.due().unwrap_or_default();
        due.since(self.clock.now())
    }

    fn report(&self, revision: Revision) -> Revoked {
        let now = self.clock.now();
        let committed = self.revoker.committed().map_or(now, |(_, at)| at);
        let members = self.revoker.roster().unwrap_or_default().iter();
        let (confirmed, outwaited): (Vec<_>, Vec<_>) =
            members.partition(|member| member.confirmed >= revision);
        let names = |members: Vec<&super::Member>| {
            let names = members.into_iter().map(|member| member.process.clone());
            names.collect()
        };
        Revoked {
            revision,
            commit: committed.since(self.begun),
            acknowledgement: now.since(committed),
            confirmed: names(confirmed),
            outwaited: names(outwaited),
            roster_known: self.revoker.roster().is_some(),
        }
    }

    fn give_up(&self, limit: Duration) -> RevokeError {
        let Some((revision, _)) = self.revoker.committed() else {
            let silence = || EpochError::Unreachable {
                detail: format!("no answer within {limit:?}"),
            };
            let cause = self.error.clone().unwrap_or_else(silence);
            return RevokeError::NotCommitted { limit, cause };
        };
        let silent = self.revoker.roster().map(|roster| {
            let silent = roster.iter().filter(|member| member.confirmed < revision);
            silent.count()
        });
        RevokeError::NotAcknowledged {
            limit,
            revision,
            silent,
        }
    }
}
