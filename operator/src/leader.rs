//! Leader election by one Lease, so that only one replica of the operator works at a time.
//!
//! [`lead`] waits for the Lease, runs the work beside the renewals, and gives the Lease back when
//! the work ends, so that the next replica need not wait for it to expire. Nobody fences the API
//! server's other objects, therefore a leader that cannot renew stops its work *before* the Lease
//! can belong to another: at [`Timing::renew_within`] after the last renewal was **sent**.
//!
//! The decisions are in [`election`], without clock or network; the Lease itself is behind
//! [`lease::Leases`], so that the loop runs in tests on paused time.

pub mod election;
pub mod lease;

use std::future::Future;

use tokio::time::{Instant, sleep, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;

use election::{Election, Step, Timing};
use lease::{LeaseError, Leases};

/// The lead ended in another way than by finishing the work.
#[derive(Debug, thiserror::Error)]
pub enum LeaderError {
    /// The Lease could not be renewed in time; the work was stopped.
    #[error("lost the lead: the Lease could not be renewed in time")]
    Lost,
}

/// How waiting for the lead and leading ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The process was asked to stop before it ever led.
    NeverLed,
    /// The work ended by itself; the Lease was given back.
    Finished,
}

/// Waits for the Lease, then runs `work` and renews until it ends. `leading` hears each change.
///
/// # Errors
/// [`LeaderError::Lost`]; `work` has been dropped by then.
pub async fn lead<L, W, F>(
    leases: &L,
    identity: &str,
    timing: Timing,
    stop: &CancellationToken,
    leading: impl Fn(bool),
    work: W,
) -> Result<Ended, LeaderError>
where
    L: Leases,
    W: FnOnce() -> F,
    F: Future<Output = ()>,
{
    let mut election = Election::new(identity, timing);
    let acquired = tokio::select! {
        () = acquire(leases, &mut election) => true,
        () = stop.cancelled() => false,
    };
    if !acquired {
        return Ok(Ended::NeverLed);
    }
    leading(true);
    tracing::info!(identity, "leading");
    let result = tokio::select! {
        // The deadline outranks the work: a branch that is ready earlier in the list wins.
        biased;
        () = keep(leases, &mut election) => Err(LeaderError::Lost),
        () = work() => Ok(Ended::Finished),
    };
    leading(false);
    if result.is_ok() {
        release(leases, &mut election).await;
    }
    result
}

/// Returns when this process holds the Lease.
async fn acquire<L: Leases>(leases: &L, election: &mut Election) {
    loop {
        let pause = election.timing().poll;
        match attempt(leases, election).await {
            Ok(Look::Held) => return,
            Ok(Look::Foreign | Look::Raced) => {}
            Err(error) => log(&error, "failed to look at the Lease"),
        }
        sleep(pause).await;
    }
}

/// Renews for as long as it can; returns when the lead is lost.
async fn keep<L: Leases>(leases: &L, election: &mut Election) {
    loop {
        let deadline = election.deadline();
        let next = (Instant::now() + election.timing().renew_every).min(deadline);
        sleep_until(next).await;
        let renewed = loop {
            match timeout_at(deadline, attempt(leases, election)).await {
                Ok(Ok(Look::Held)) => break true,
                // Another process holds it: no need to wait for the deadline.
                Ok(Ok(Look::Foreign)) | Err(_) => break false,
                Ok(Ok(Look::Raced)) => {}
                Ok(Err(error)) => log(&error, "failed to renew the Lease"),
            }
            let again = Instant::now() + election.timing().poll;
            if again >= deadline {
                sleep_until(deadline).await;
                break false;
            }
            sleep_until(again).await;
        };
        if !renewed {
            tracing::error!("the Lease could not be renewed in time; the work stops");
            return;
        }
    }
}

/// What one look at the Lease gave.
enum Look {
    /// It is ours from now on.
    Held,
    /// It is another's.
    Foreign,
    /// It changed while we wrote; the next look shows how.
    Raced,
}

/// One look at the Lease and, where it is ours to take, one write.
async fn attempt<L: Leases>(leases: &L, election: &mut Election) -> Result<Look, LeaseError> {
    let seen = leases.get().await?;
    // Before the write is sent: the Lease may count from then on.
    let sent = Instant::now();
    let written = match election.observe(seen.as_ref(), sent) {
        Step::Wait => return Ok(Look::Foreign),
        Step::Create(record) => leases.create(&record).await,
        Step::Update(record) => leases.update(&record).await,
    };
    match written {
        Ok(version) => {
            election.held(version, sent);
            Ok(Look::Held)
        }
        Err(LeaseError::Conflict) => Ok(Look::Raced),
        Err(error) => Err(error),
    }
}

/// Gives the Lease back, so that another replica takes it at its next look.
async fn release<L: Leases>(leases: &L, election: &mut Election) {
    let deadline = election.deadline();
    let give_back = async {
        let Some(seen) = leases.get().await? else {
            return Ok(());
        };
        match election.release(&seen) {
            Some(record) => leases.update(&record).await.map(drop),
            None => Ok(()),
        }
    };
    match timeout_at(deadline, give_back).await {
        Ok(Ok(())) => tracing::info!("gave the lead back"),
        Ok(Err(error)) => log(
            &error,
            "failed to give the Lease back; it expires by itself",
        ),
        Err(_) => tracing::warn!("no time left to give the Lease back; it expires by itself"),
    }
}

fn log(error: &LeaseError, what: &str) {
    tracing::warn!("{what}: {error}");
}

#[cfg(test)]
mod tests;
