//! The time by which whoever asks wants an answer, known to every call of a pool on the way.
//!
//! ```text
//! within(deadline, request) ─▶ … ─▶ wait for a connection, log in, statement: each takes what is left at most
//! ```
//!
//! A request has one deadline, and nothing that it began in a database may outlive it: neither as a wait for
//! a connection nor as a statement at the server. The deadline belongs to the task rather than to the
//! arguments, so that no call between a request and its statements can forget to hand it down. What a
//! request spawns is not waited for by it and is not bound by it.

use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;

tokio::task_local! {
    static DEADLINE: Instant;
}

/// Runs `work`, whose calls of any pool end by `deadline`, or by an earlier one that holds already.
pub async fn within<F: Future>(deadline: Instant, work: F) -> F::Output {
    let earlier = DEADLINE.try_with(|held| deadline.min(*held));
    DEADLINE.scope(earlier.unwrap_or(deadline), work).await
}

/// What is left of a limit of the pool.
pub(crate) fn left(limit: Duration) -> Duration {
    let left = DEADLINE.try_with(|deadline| deadline.saturating_duration_since(Instant::now()));
    left.map_or(limit, |left| left.min(limit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_limit_shrinks_with_the_time_that_is_left_and_never_grows() {
        let second = Duration::from_secs(1);
        assert_eq!(left(second), second, "nobody waits");
        let begun = Instant::now();
        within(begun + second, async {
            assert_eq!(left(Duration::from_millis(300)), Duration::from_millis(300));
            tokio::time::advance(Duration::from_millis(900)).await;
            assert_eq!(left(second), Duration::from_millis(100));
            within(begun + 9 * second, async {
                assert_eq!(left(second), Duration::from_millis(100));
            })
            .await;
            tokio::time::advance(second).await;
            assert_eq!(left(second), Duration::ZERO);
        })
        .await;
    }
}
