//! Runs a [`Revoker`] to its acknowledgement.

use std::time::Duration;

use super::clock::Clock;
use super::keeper::in_time;
use super::revoker::{Action, Event, Revoker};
use super::store::EpochStore;
use super::{Revision, Scope};

/// How long one operation on the store may take before it is tried again.
const PATIENCE: Duration = Duration::from_secs(2);
/// The same for what is only tidying up, which must not hold up an acknowledgement.
const BRIEFLY: Duration = Duration::from_millis(50);

/// Revokes `scopes` and returns when no process accepts them any more for requests that begin now.
///
/// `action` names the revocation: calling again with the same name, after a crash or after this
/// future was dropped, goes on with it. `wake` tells the processes of a revision if it can. While the
/// store cannot be reached before the commit this waits; give it a deadline.
pub async fn revoke(
    store: &dyn EpochStore,
    clock: &impl Clock,
    action: &str,
    scopes: Vec<Scope>,
    wake: impl Fn(Revision),
) -> Revision {
    let mut revoker = Revoker::new(action, scopes);
    let mut event = Event::Tick;
    loop {
        let mut answer = None;
        let mut acknowledged = None;
        for action in revoker.step(clock.now(), event) {
            match action {
                Action::Raise(name, scopes) => {
                    let raised = in_time(PATIENCE, store.raise(&name, &scopes)).await;
                    answer = Some(raised.map_or(Event::RaiseFailed, Event::Raised));
                }
                Action::Wake(revision) => wake(revision),
                Action::Look => {
                    // No longer than until it is acknowledged without the answer.
                    let limit = PATIENCE.min(left(&revoker, clock));
                    let roster = in_time(limit, store.roster()).await;
                    answer = Some(roster.map_or(Event::LookFailed, Event::Roster));
                }
                Action::Expel(process) => {
                    // Whoever waits for it in vain next time tries again.
                    let _ = in_time(BRIEFLY, store.expel(&process)).await;
                }
                Action::Acknowledge(revision) => acknowledged = Some(revision),
            }
        }
        if let Some(revision) = acknowledged {
            return revision;
        }
        event = if let Some(answer) = answer {
            answer
        } else {
            tokio::time::sleep(left(&revoker, clock)).await;
            Event::Tick
        };
    }
}

/// Time until the revoker wants to go on by itself.
fn left(revoker: &Revoker, clock: &impl Clock) -> Duration {
    let due = revoker.due().unwrap_or_default().nanos();
    Duration::from_nanos(due.saturating_sub(clock.now().nanos()))
}
