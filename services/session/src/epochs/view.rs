//! What one process knows at a moment, and what that says about a token.

use super::clock::Moment;
use super::store::Reading;
use super::table::Epochs;
use super::{Bearer, Kept, Remembered, Revision};
use std::sync::Arc;
use std::time::Duration;

/// Whether a request may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing acknowledged before the request began ended the token.
    Accept,
    /// The token was revoked.
    Revoked,
    /// The token claims a revision the store has not reached: it is from another store, or from one
    /// that was put back to an earlier state.
    Unknown,
    /// Only a read of the store sent after the request began can tell.
    Ask,
}

/// The epochs, up to a revision, as of a read of the store. Immutable; the next one replaces it.
#[derive(Clone, Debug, Default)]
pub struct View {
    pub(super) epochs: Arc<Epochs>,
    pub(super) revision: Revision,
    /// When the read was sent; `None` before the first.
    pub(super) asked_at: Option<Moment>,
    /// Until when requests may be judged without asking.
    pub(super) fresh_until: Option<Moment>,
}

impl View {
    /// Judges a token for a request that was already here at `began`.
    pub fn judge(&self, token: &Bearer<'_>, began: Moment) -> Verdict {
        if self.epochs.revoked(token) {
            // Epochs never go back, so this is true however old the view is.
            return Verdict::Revoked;
        }
        let asked_for_it = self.asked_at.is_some_and(|asked| asked >= began);
        if token.issued > self.revision {
            return if asked_for_it {
                Verdict::Unknown
            } else {
                Verdict::Ask
            };
        }
        if asked_for_it || self.fresh_until.is_some_and(|until| began < until) {
            Verdict::Accept
        } else {
            Verdict::Ask
        }
    }

    /// Whether what a process remembers of a user has to be read anew. Ask after [`View::judge`] let
    /// a token of that user through: only then nothing is missing here that the request must feel.
    pub fn stale(&self, memory: &Remembered<'_>) -> bool {
        self.epochs.stale(memory)
    }

    /// Whether a kept answer is not to be given any more. Ask after [`View::judge`], as with
    /// [`View::stale`].
    pub fn outdated(&self, kept: &Kept<'_>) -> bool {
        self.epochs.outdated(kept)
    }

    /// Everything up to here is known.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// Until when requests are judged without asking the store.
    pub fn fresh_until(&self) -> Option<Moment> {
        self.fresh_until
    }

    /// This view for a process that has stopped reading: it refuses and asks, and accepts nothing.
    pub(super) fn closed(&self) -> Self {
        Self {
            asked_at: None,
            fresh_until: None,
            ..self.clone()
        }
    }

    /// This view and what a read brought that was sent at `asked_at`, for news after a revision this
    /// view contains. The lease, if it gives one, counts from the sending: the store may have looked
    /// right then, and everything after is missing.
    pub(super) fn with(
        &self,
        reading: &Reading,
        asked_at: Moment,
        lease: Option<Duration>,
    ) -> Self {
        let mut epochs = Arc::clone(&self.epochs);
        if !reading.raised.is_empty() || reading.settled > self.epochs.all() {
            Arc::make_mut(&mut epochs).merge(reading.settled, &reading.raised);
        }
        Self {
            epochs,
            revision: self.revision.max(reading.revision),
            asked_at: self.asked_at.max(Some(asked_at)),
            fresh_until: self
                .fresh_until
                .max(lease.map(|lease| asked_at.after(lease))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEASE: Option<Duration> = Some(Duration::from_nanos(100));

    fn token(issued: u64) -> Bearer<'static> {
        Bearer {
            tenant: None,
            user: "ana",
            session: "s",
            issued: Revision(issued),
        }
    }

    fn view(asked_at: u64, lease: Option<Duration>) -> View {
        let reading = Reading {
            revision: Revision(5),
            settled: Revision(2),
            raised: Vec::new(),
            registered: lease.is_some(),
        };
        View::default().with(&reading, Moment::from_nanos(asked_at), lease)
    }

    #[test]
    fn a_view_serves_until_its_lease_ends_and_then_asks() {
        let view = view(1_000, LEASE);
        let at = |nanos| view.judge(&token(5), Moment::from_nanos(nanos));
        assert_eq!(at(1_099), Verdict::Accept);
        assert_eq!(at(1_100), Verdict::Ask);
    }

    #[test]
    fn without_a_lease_a_view_serves_only_requests_that_were_here_before_it_was_asked_for() {
        let view = view(1_000, None);
        let at = |nanos| view.judge(&token(5), Moment::from_nanos(nanos));
        assert_eq!((at(1_000), at(1_001)), (Verdict::Accept, Verdict::Ask));
    }

    #[test]
    fn a_stale_view_still_refuses_what_it_knows_to_be_revoked() {
        let verdict = view(1_000, LEASE).judge(&token(1), Moment::from_nanos(u64::MAX));
        assert_eq!(verdict, Verdict::Revoked);
    }

    #[test]
    fn a_token_from_a_later_revision_makes_the_process_ask_before_it_refuses() {
        let view = view(1_000, LEASE);
        let at = |nanos| view.judge(&token(6), Moment::from_nanos(nanos));
        assert_eq!((at(1_050), at(1_000)), (Verdict::Ask, Verdict::Unknown));
    }

    #[test]
    fn before_the_first_read_everything_is_asked() {
        let verdict = View::default().judge(&token(0), Moment::default());
        assert_eq!(verdict, Verdict::Ask);
    }
}
