//! One question at a time, however many ask it: whoever comes while the answer is on its way waits for that.
//!
//! The way is a task of its own. A request that is given up, the first one too, takes nothing from the others.

use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use reportapp_session::epochs::Revision;
use tokio::sync::oneshot;
use tracing::Instrument;

use super::Origin;
use super::kept::Kept;
use super::key::Key;
use crate::error::ApiError;

type Outcome = Result<(Arc<Kept>, Origin), ApiError>;
/// What everybody who waits is told.
pub(super) type Landing = Shared<BoxFuture<'static, Outcome>>;

/// Answers on their way.
#[derive(Clone, Default)]
pub(super) struct Flights {
    going: Arc<Mutex<HashMap<Key, Flight>>>,
    next: Arc<AtomicU64>,
}

struct Flight {
    number: u64,
    loaded: Revision,
    landing: Landing,
}

impl Flights {
    /// Waits with those who wait already if the answer on its way `will_do`, judged by what was known when it
    /// was asked for; otherwise begins a `way` that others may join, asked for knowing of `loaded`. Says whether
    /// somebody waits already.
    pub(super) fn board(
        &self,
        key: &Key,
        will_do: impl FnOnce(Revision) -> bool,
        loaded: Revision,
        way: impl Future<Output = Outcome> + Send + 'static,
    ) -> (Landing, bool) {
        let mut going = self.lock();
        if let Some(flight) = going.get(key)
            && will_do(flight.loaded)
        {
            return (flight.landing.clone(), true);
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (land, landed) = oneshot::channel();
        let landing = landed.map(|outcome| {
            outcome.unwrap_or(Err(ApiError::Internal("a question to an ERP panicked")))
        });
        let landing = landing.boxed().shared();
        let flight = Flight {
            number,
            loaded,
            landing: landing.clone(),
        };
        going.insert(key.clone(), flight);
        // A task that cannot be begun is over at once.
        drop(going);
        let over = Over {
            flights: self.clone(),
            key: key.clone(),
            number,
        };
        let way = async move {
            let _over = over;
            let outcome = way.await;
            // Whoever waited may have gone.
            let _nobody_waits = land.send(outcome);
        };
        tokio::spawn(way.in_current_span());
        (landing, false)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Flight>> {
        self.going.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a flight off the list however it ends.
struct Over {
    flights: Flights,
    key: Key,
    number: u64,
}

impl Drop for Over {
    fn drop(&mut self) {
        let mut going = self.flights.lock();
        // A later one may have taken its place.
        if { going.get(&self.key) }.is_some_and(|flight| flight.number == self.number) {
            going.remove(&self.key);
        }
    }
}
