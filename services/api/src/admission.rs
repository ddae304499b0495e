//! Who is let in when more is asked than can be answered, so that an overload costs those who wait least.
//!
//! ```text
//! request ─ class ─▶ Gate: room? ─ yes ─▶ Permit ─▶ handler ─▶ how long it took ─▶ Limit
//!                          └─ no ─▶ a lane that waits a little ─▶ Permit | 503 Overloaded
//! ```
//!
//! - [`class`] says for whom a request is: what must always answer, signing in, people, exports.
//! - [`limit`] finds how many requests at once are useful, from how long they take.
//! - [`lane`] is a queue that holds a short burst and does not let a long overload make everybody late.
//! - [`gate`] puts them together: people before exports, and exports never take the last share.
//!
//! Those are pure and know no clock. This file holds the lock, wakes who may go on, and counts.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::StatusCode;
use prometheus::Registry;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::error::ApiError;

mod class;
mod gate;
mod lane;
mod limit;
mod metrics;

pub(crate) use class::Class;
use gate::Gate;
use lane::Ticket;
use metrics::Metrics;

/// Lets requests in; one per process.
pub struct Admission {
    gate: Mutex<Gate<oneshot::Sender<Permit>>>,
    metrics: Metrics,
}

/// The right of one request to be worked on; given back when dropped.
pub(crate) struct Permit {
    admission: Arc<Admission>,
    class: Class,
    admitted: Instant,
    took: Option<Duration>,
}

impl Ticket for oneshot::Sender<Permit> {
    fn is_wanted(&self) -> bool {
        !self.is_closed()
    }
}

impl Admission {
    /// Bounded by what this machine has, and registers its metrics.
    ///
    /// # Errors
    /// When they are registered already.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let gate = Gate::new(Instant::now(), cores);
        let metrics = Metrics::register(registry)?;
        metrics.show(&gate);
        Ok(Self {
            gate: Mutex::new(gate),
            metrics,
        })
    }

    /// Waits for the turn of a request.
    ///
    /// # Errors
    /// [`ApiError::Overloaded`] when its turn does not come soon enough.
    pub(crate) async fn enter(self: &Arc<Self>, class: Class) -> Result<Permit, ApiError> {
        let now = Instant::now();
        let (patience, turn) = {
            let mut gate = self.lock();
            if gate.enter(now, class) {
                self.metrics.show(&gate);
                return Ok(self.permit(class, now));
            }
            let (ticket, turn) = oneshot::channel();
            let patience = gate.wait(now, class, ticket);
            self.metrics.show(&gate);
            (patience, turn)
        };
        // A ticket that had to make room for a newer one is dropped, which ends the wait too.
        let answer = tokio::time::timeout(patience, turn).await;
        if let Ok(Ok(permit)) = answer {
            return Ok(permit);
        }
        let mut gate = self.lock();
        gate.tidy(Instant::now(), class);
        self.metrics.show(&gate);
        self.metrics.shed(class);
        let retry_after = class.retry_after();
        Err(ApiError::Overloaded { retry_after })
    }

    fn permit(self: &Arc<Self>, class: Class, admitted: Instant) -> Permit {
        Permit {
            admission: Arc::clone(self),
            class,
            admitted,
            took: None,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Gate<oneshot::Sender<Permit>>> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit {
    /// Notes when the answer was there. Only answers that did the work tell how loaded this process is: a
    /// refusal is quick whatever the load, and a database that failed is slow without any.
    pub(crate) fn answered(&mut self, status: StatusCode) {
        if status.is_success() || status == StatusCode::SERVICE_UNAVAILABLE {
            self.took = Some(self.admitted.elapsed());
        }
    }

    /// Whether the body of the answer is still work.
    pub(crate) fn covers_body(&self) -> bool {
        self.class == Class::Export
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let now = Instant::now();
        let admission = &self.admission;
        let next = {
            let mut gate = admission.lock();
            let next = gate.leave(now, self.class, self.took);
            admission.metrics.show(&gate);
            next
        };
        // Outside the lock: a permit that nobody takes any more comes back here.
        for (class, ticket) in next {
            drop(ticket.send(admission.permit(class, now)));
        }
    }
}

#[cfg(test)]
mod tests;
