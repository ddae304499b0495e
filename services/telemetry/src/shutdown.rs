//! Ending: the first SIGTERM or SIGINT asks for a drain, a second one ends the process at once.

use std::future::Future;
use std::io;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::health::Health;

/// Exit status after a second signal: what a shell reports for a process that SIGINT ended.
const IMPATIENT_EXIT: i32 = 130;

/// Turns signals into a cancellation.
#[derive(Clone, Debug)]
pub struct Shutdown {
    token: CancellationToken,
}

impl Shutdown {
    /// Starts to listen for SIGTERM and SIGINT.
    ///
    /// # Errors
    /// Whatever the system says when a handler cannot be installed.
    pub fn listen() -> io::Result<Self> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let token = CancellationToken::new();
        let cancel = token.clone();
        tokio::spawn(async move {
            let name = next(&mut terminate, &mut interrupt).await;
            tracing::info!(signal = name, "ending: finishing the work in hand");
            cancel.cancel();
            let name = next(&mut terminate, &mut interrupt).await;
            tracing::warn!(signal = name, "ending at once: a second signal came");
            std::process::exit(IMPATIENT_EXIT);
        });
        Ok(Self { token })
    }

    /// Cancelled by the first signal.
    pub fn token(&self) -> CancellationToken {
        self.token.clone()
    }

    /// Returns after the first signal.
    pub async fn requested(&self) {
        self.token.cancelled().await;
    }
}

async fn next(terminate: &mut Signal, interrupt: &mut Signal) -> &'static str {
    tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    }
}

/// How a drain ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drained {
    /// All work was finished.
    Finished,
    /// The time was up first.
    TimeUp,
}

/// Makes the service unready and waits until `work` is finished, at most `within`.
pub async fn drain(health: &Health, within: Duration, work: impl Future<Output = ()>) -> Drained {
    health.start_draining();
    match tokio::time::timeout(within, work).await {
        Ok(()) => Drained::Finished,
        Err(_) => {
            tracing::warn!(
                seconds = within.as_secs(),
                "some work was still open at the deadline"
            );
            Drained::TimeUp
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn draining_ends_with_the_work_or_with_the_time() {
        let health = Health::new("reportapp-test", "1.2.3");
        health.set_ready(true);
        let second = Duration::from_secs(1);
        assert_eq!(drain(&health, second, async {}).await, Drained::Finished);
        assert!(!health.is_ready());
        assert_eq!(
            drain(&health, second, std::future::pending()).await,
            Drained::TimeUp
        );
    }
}
