//! How a caller that has its turn comes to a connection: it looks, begins a login if it may, and waits to
//! be told to look again.

use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use tokio::time::timeout_at;

use super::{Login, Outcome, Step, Supply};
use crate::PoolError;
use crate::slots::Slot;

impl<L: Login> Supply<L> {
    /// Fills an empty slot with whatever comes first.
    ///
    /// # Errors
    /// Why the login failed that this caller began; `LoginRefused` at once when there is nothing to hope
    /// for, else by the deadline.
    pub(super) async fn seek(
        self: &Arc<Self>,
        slot: &mut Slot<L::Connection>,
        deadline: Instant,
    ) -> Result<(), PoolError> {
        let mut trouble = None;
        let look = self.look(slot, &mut trouble);
        match timeout_at(deadline.into(), look).await {
            Ok(outcome) => outcome,
            Err(_) => Err(trouble.unwrap_or_else(|| self.unreachable())),
        }
    }

    async fn look(
        self: &Arc<Self>,
        slot: &mut Slot<L::Connection>,
        trouble: &mut Option<PoolError>,
    ) -> Result<(), PoolError> {
        let mut login: Option<(u64, Outcome)> = None;
        loop {
            // Before looking, so that nothing that comes after is missed.
            let mut change = pin!(self.slots.changed().notified());
            change.as_mut().enable();
            if slot.take_idle() {
                return Ok(());
            }
            if self.slots.is_closed() {
                return Err(self.slots.closed_error());
            }
            if login.is_none() {
                match self.step() {
                    Step::Begun(generation, outcome) => login = Some((generation, outcome)),
                    Step::Wait => {}
                    Step::Refused(refusal) => self.endure(refusal, trouble)?,
                }
            }
            let Some((generation, begun)) = &mut login else {
                change.await;
                continue;
            };
            let outcome = tokio::select! {
                () = change => continue,
                outcome = begun => outcome,
            };
            let is_past = *generation != self.slots.newest();
            login = None;
            match outcome {
                // The next one is tried with the login in use by now.
                Ok(Err(PoolError::LoginRefused { .. })) if is_past => {}
                Ok(Err(refusal @ PoolError::LoginRefused { .. })) => {
                    self.endure(refusal, trouble)?;
                }
                Ok(Err(error)) => return Err(error),
                // Parked, and perhaps taken by another already; or the runtime shuts down.
                Ok(Ok(())) | Err(_) => {}
            }
        }
    }

    /// Keeps a refusal for the deadline, if there is reason to wait for it.
    fn endure(&self, refusal: PoolError, trouble: &mut Option<PoolError>) -> Result<(), PoolError> {
        if !self.is_hopeful() {
            return Err(refusal);
        }
        *trouble = Some(refusal);
        Ok(())
    }

    /// Logs in anew for this caller, and fills the slot.
    pub(super) async fn seek_login(
        self: &Arc<Self>,
        slot: &mut Slot<L::Connection>,
        deadline: Instant,
    ) -> Result<(), PoolError> {
        let log_in = async {
            loop {
                let mut change = pin!(self.slots.changed().notified());
                change.as_mut().enable();
                if self.slots.is_closed() {
                    return Err(self.slots.closed_error());
                }
                // In a full pool an idle one makes room, now or when it comes back.
                while self.slots.size() >= self.slots.max() && self.slots.drop_oldest_idle() {}
                match self.step() {
                    Step::Begun(_, outcome) => return outcome.await.unwrap_or(Ok(())),
                    Step::Refused(refusal) => return Err(refusal),
                    Step::Wait => change.await,
                }
            }
        };
        match timeout_at(deadline.into(), log_in).await {
            Ok(outcome) => outcome?,
            Err(_) => return Err(self.unreachable()),
        }
        // The one that was opened, or another that came back meanwhile.
        self.seek(slot, deadline).await
    }

    fn unreachable(&self) -> PoolError {
        PoolError::Unreachable {
            pool: self.slots.name().to_owned(),
            detail: format!(
                "no connection was opened or returned within {} ms",
                self.acquire_timeout.as_millis()
            ),
        }
    }
}
