//! Wires the two APIs and the loop together and takes them down again in order.

use std::sync::Arc;
use std::time::Duration;

use reportapp_config::BotConfig;
use reportapp_telemetry::{Backoff, Drained, Health, drain};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::api::{self, Api};
use crate::metrics::Metrics;
use crate::poll::Poller;
use crate::telegram::{self, Telegram};

/// A loop that is silent for this long is stuck: longer than a poll, or than one update whose
/// effects are all retried.
const MAX_SILENCE: Duration = Duration::from_secs(300);
/// How often the internal API is asked when it works.
const PROBE_INTERVAL: Duration = Duration::from_secs(15);
/// Pauses between questions when it does not.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The bot cannot run at all.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The internal API cannot be called.
    #[error(transparent)]
    Api(#[from] api::SetupError),
    /// The Bot API cannot be called.
    #[error(transparent)]
    Telegram(#[from] telegram::SetupError),
}

/// Runs until `stop` is cancelled, then finishes the updates in hand.
///
/// # Errors
/// [`RunError`] when configuration or credentials cannot be used.
pub async fn run(
    config: &BotConfig,
    health: Health,
    stop: CancellationToken,
) -> Result<(), RunError> {
    let metrics = Metrics::register(&health);
    let (on_telegram, on_api) = (health.dependency("telegram"), health.dependency("api"));
    let api = Arc::new(Api::new(&config.api, on_api, metrics.api_seconds.clone())?);
    let telegram = Telegram::new(&config.telegram, metrics.clone())?;
    let poller = Poller {
        telegram,
        api: Arc::clone(&api),
        dependency: on_telegram,
        heartbeat: health.heartbeat("poll", MAX_SILENCE),
        metrics,
    };
    health.set_ready(true);
    let probe = tokio::spawn(watch_api(api));
    let mut polling = tokio::spawn(poller.run(stop.clone()));
    stop.cancelled().await;
    let within = Duration::from_secs(config.drain_seconds);
    let finished = async {
        if let Err(error) = (&mut polling).await {
            tracing::error!(%error, "the loop that fetches updates broke");
        }
    };
    if drain(&health, within, finished).await == Drained::TimeUp {
        polling.abort();
    }
    probe.abort();
    tracing::info!("ended");
    Ok(())
}

/// Keeps the dependency `api` true while nobody asks for anything.
async fn watch_api(api: Arc<Api>) {
    let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
    loop {
        let pause = if api.probe().await {
            backoff.reset();
            PROBE_INTERVAL
        } else {
            backoff.next_pause()
        };
        sleep(pause).await;
    }
}
