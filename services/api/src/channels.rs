//! The channels of Redis, as this process uses them: it tells the others what it revoked, reads the
//! epochs at once when one of them says so, and carries out what somebody types on the channels of the
//! original system (`permissions:invalidate`, `sessions:invalidate`, `cache:invalidate`).
//!
//! Without Redis, or with a login that may not use the channels, everything goes on, and a revocation
//! in another process is read at the next renewal of the lease.

use std::sync::Arc;
use std::time::Duration;

use reportapp_session::epochs::{RevokeError, Scope};
use reportapp_session::wake::caches::Caches;
use reportapp_session::wake::{Channel, Heard, Name};
use reportapp_session::{SessionError, Wakes};
use reportapp_telemetry::Backoff;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::epochs::Epochs;
use crate::error::ApiError;

mod request;

use request::Request;

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// Requests carried out at a time; more are the work of a machine that went mad.
const AT_A_TIME: usize = 16;
/// Nobody waits for a request that was typed, so a store that is away is waited for.
const ATTEMPTS: u32 = 60;

/// Tells and listens for as long as the tasks live.
pub fn watch(tasks: &mut JoinSet<()>, epochs: &Arc<Epochs>, wakes: Wakes) {
    let wakes = Arc::new(wakes);
    tasks.spawn(tell(Arc::clone(epochs), Arc::clone(&wakes)));
    tasks.spawn(listen(Arc::clone(epochs), wakes));
}

async fn tell(epochs: Arc<Epochs>, wakes: Arc<Wakes>) {
    let mut raised = epochs.raised();
    while raised.changed().await.is_ok() {
        let revision = *raised.borrow_and_update();
        // The listener says what is wrong with Redis.
        if let Err(error) = wakes.tell(revision).await {
            tracing::debug!(%error, "failed to wake the other processes; they read by themselves");
        }
    }
}

async fn listen(epochs: Arc<Epochs>, wakes: Arc<Wakes>) {
    let mut pauses = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
    let mut desk = Desk::new(epochs, Arc::clone(&wakes));
    let mut told = None;
    loop {
        let mut listened = false;
        let error = wakes
            .listen(|heard| {
                listened |= matches!(heard, Heard::Listening { .. });
                desk.hear(heard);
            })
            .await;
        if listened {
            pauses.reset();
            told = None;
        }
        // Once per trouble, not once per attempt.
        if told.as_ref() != Some(&error) {
            complain(&error, &wakes.channel());
            told = Some(error);
        }
        tokio::time::sleep(pauses.next_pause()).await;
    }
}

fn complain(error: &SessionError, channel: &str) {
    let effect = "revocations in other processes are read at the next renewal of the lease";
    match error {
        SessionError::LoginRefused { .. } => tracing::warn!(
            %error,
            "cannot listen on {channel}, so {effect}; allow the Redis user \
             `&{channel} +subscribe +publish`"
        ),
        _ => tracing::warn!(%error, "nothing is heard from Redis, so {effect}"),
    }
}

/// Takes in what is heard, and keeps what is being carried out.
struct Desk {
    epochs: Arc<Epochs>,
    wakes: Arc<Wakes>,
    work: JoinSet<()>,
    free: Arc<Semaphore>,
}

impl Desk {
    fn new(epochs: Arc<Epochs>, wakes: Arc<Wakes>) -> Self {
        Self {
            epochs,
            wakes,
            work: JoinSet::new(),
            free: Arc::new(Semaphore::new(AT_A_TIME)),
        }
    }

    fn hear(&mut self, heard: Heard) {
        match heard {
            Heard::Listening { requests: Ok(()) } => {
                tracing::info!("listening for wake-ups and requests in Redis");
            }
            Heard::Listening {
                requests: Err(error),
            } => tracing::warn!(
                %error,
                "nothing typed on {} is heard; to change that, allow the Redis user these channels",
                Channel::ALL.map(Channel::as_str).join(", ")
            ),
            Heard::News(revision) => self.epochs.wake(revision),
            Heard::Request { channel, payload } => self.take(channel, &payload),
        }
    }

    fn take(&mut self, channel: Channel, payload: &[u8]) {
        while self.work.try_join_next().is_some() {}
        let name = channel.as_str();
        let request = match request::understand(self.wakes.app(), channel, payload) {
            Ok(Request::Nothing) => {
                return tracing::info!("heard a test on {name}; nothing was done");
            }
            Ok(request) => request,
            Err(error) => return tracing::warn!("a message on {name} is ignored: {error}"),
        };
        let Ok(permit) = Arc::clone(&self.free).try_acquire_owned() else {
            return tracing::warn!(
                "a message on {name} is ignored: {AT_A_TIME} requests are being carried out; \
                 send it again when they are done"
            );
        };
        let digest = request::digest(channel, payload);
        let (epochs, wakes) = (Arc::clone(&self.epochs), Arc::clone(&self.wakes));
        self.work.spawn(async move {
            carry_out(&epochs, &wakes, channel, request, &digest).await;
            drop(permit);
        });
    }
}

async fn carry_out(
    epochs: &Epochs,
    wakes: &Wakes,
    channel: Channel,
    request: Request,
    digest: &str,
) {
    let name = wakes.name(digest).await.unwrap_or_else(|error| {
        tracing::debug!(%error, "a request is named by the time it was heard at");
        request::name_by_time(digest, jiff::Timestamp::now())
    });
    let channel = channel.as_str();
    match request {
        Request::Nothing => {}
        Request::Revoke(scopes) => revoke(epochs, channel, &name, scopes).await,
        Request::Forget(caches) => {
            // First, so that what another process writes to Redis meanwhile counts for nothing.
            if caches.concerns_answers(wakes.app()) {
                revoke(epochs, channel, &name, vec![Scope::Caches]).await;
            }
            if name.is_ours {
                forget(wakes, channel, &caches).await;
            }
        }
    }
}

async fn forget(wakes: &Wakes, channel: &str, caches: &Caches) {
    match wakes.forget(caches).await {
        Ok(keys) => tracing::info!(keys, "removed what a message on {channel} asked for"),
        Err(error) => tracing::warn!(
            %error,
            "a message on {channel} was carried out in part at most; send it again"
        ),
    }
}

/// All processes that heard it do this under the same name, so it happens once and does not depend on
/// any of them.
async fn revoke(epochs: &Epochs, channel: &str, name: &Name, scopes: Vec<Scope>) {
    for _ in 0..ATTEMPTS {
        match epochs.revoke(name.text.clone(), scopes.clone()).await {
            Ok(revoked) => {
                let revision = revoked.revision.0;
                return tracing::info!(
                    revision,
                    action = name.text,
                    "carried out what a message on {channel} asked for"
                );
            }
            Err(ApiError::NotRevoked(RevokeError::NotAcknowledged { .. })) => {
                return tracing::warn!(
                    action = name.text,
                    "what a message on {channel} asked for is committed, and not confirmed by \
                     every process yet"
                );
            }
            Err(error) => tracing::warn!(
                %error,
                action = name.text,
                "what a message on {channel} asked for is tried again"
            ),
        }
    }
    tracing::error!(
        action = name.text,
        "gave up on what a message on {channel} asked for; send it again when the store answers"
    );
}

#[cfg(test)]
mod tests;
