//! The loop that fetches updates, has them answered and confirms them.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt;
use reportapp_telemetry::{Backoff, DependencyHandle, Heartbeat};
use teloxide::types::Update;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::answer::answer;
use crate::api::Api;
use crate::metrics::Metrics;
use crate::request::{Request, read};
use crate::telegram::{Telegram, Trouble};

/// Chats answered at the same time.
const CONCURRENT_CHATS: usize = 8;
/// Pauses after a failed poll.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// Longest wait for the last confirmation.
const CONFIRM_TIMEOUT: Duration = Duration::from_secs(5);

/// Everything the loop works with.
pub struct Poller {
    /// The Bot API.
    pub telegram: Telegram,
    /// The internal API.
    pub api: std::sync::Arc<Api>,
    /// The dependency `telegram`.
    pub dependency: DependencyHandle,
    /// Proof that the loop goes round.
    pub heartbeat: Heartbeat,
    /// Counters.
    pub metrics: Metrics,
}

impl Poller {
    /// Runs until `stop` is cancelled; then finishes the updates in hand and confirms them.
    pub async fn run(self, stop: CancellationToken) {
        let mut offset = None;
        if let Some(name) = stop.run_until_cancelled(self.introduce()).await {
            while let Some(updates) = self.next(&stop, offset).await {
                if let Some(last) = updates.last() {
                    let after = last.id.0.wrapping_add(1);
                    self.handle(updates, &name).await;
                    offset = Some(i32::try_from(after).unwrap_or(i32::MAX));
                }
            }
        }
        if let Some(offset) = offset {
            let confirmed = timeout(CONFIRM_TIMEOUT, self.telegram.confirm(offset)).await;
            if !matches!(confirmed, Ok(Ok(()))) {
                tracing::warn!("the last updates could not be confirmed and will come again");
            }
        }
        self.heartbeat.end();
    }

    /// Asks for our own name until there is an answer: the proof that the token is good.
    async fn introduce(&self) -> String {
        let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
        let name = loop {
            self.heartbeat.beat();
            match self.telegram.name().await {
                Ok(name) => break name,
                Err(trouble) => self.pause(&trouble, &mut backoff).await,
            }
        };
        self.dependency.ok();
        tracing::info!(bot = name, "polling for updates");
        if let Err(trouble) = self.telegram.announce_commands().await {
            tracing::warn!(%trouble, "failed to announce the commands");
        }
        name
    }

    /// The next batch; none when `stop` was cancelled. A poll that is broken off has confirmed
    /// nothing that was not handled.
    async fn next(&self, stop: &CancellationToken, offset: Option<i32>) -> Option<Vec<Update>> {
        let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
        loop {
            self.heartbeat.beat();
            if stop.is_cancelled() {
                return None;
            }
            match stop.run_until_cancelled(self.telegram.poll(offset)).await? {
                Ok(updates) => {
                    self.dependency.ok();
                    return Some(updates);
                }
                Err(trouble) => {
                    stop.run_until_cancelled(self.pause(&trouble, &mut backoff))
                        .await?;
                }
            }
        }
    }

    async fn pause(&self, trouble: &Trouble, backoff: &mut Backoff) {
        let pause = backoff.next_pause();
        match (trouble.reason(), trouble) {
            (Some(reason), _) => self.dependency.failing(reason, trouble.to_string()),
            (None, Trouble::Wait(asked)) => return sleep(*asked).await,
            (None, _) => tracing::warn!(%trouble, "failed to fetch updates"),
        }
        sleep(pause).await;
    }

    /// Answers chats side by side, and the updates of one chat in order.
    async fn handle(&self, updates: Vec<Update>, bot_name: &str) {
        let mut chats: BTreeMap<i64, Vec<Request>> = BTreeMap::new();
        for update in updates {
            match read(&update, bot_name) {
                Some(request) => chats.entry(request.chat).or_default().push(request),
                None => tracing::debug!(update = update.id.0, "an update that needs no answer"),
            }
        }
        futures::stream::iter(chats.into_values())
            .for_each_concurrent(CONCURRENT_CHATS, |requests| async move {
                for request in requests {
                    self.handle_one(&request).await;
                }
            })
            .await;
    }

    async fn handle_one(&self, request: &Request) {
        self.metrics
            .updates
            .with_label_values(&[request.wish.name()])
            .inc();
        for effect in answer(&self.api, request).await {
            if let Err(trouble) = self.telegram.perform(request.chat, &effect).await {
                tracing::warn!(wish = request.wish.name(), %trouble, "failed to answer");
            }
        }
        self.heartbeat.beat();
    }
}
