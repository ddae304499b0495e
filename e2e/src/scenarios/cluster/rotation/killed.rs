//! The leading operator is killed whenever a rotation enters another step. Its successor goes on
//! with the same new value, whatever had been done.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use futures::StreamExt as _;
use k8s_openapi::api::core::v1::Secret as KubeSecret;
use kube::ResourceExt as _;
use kube::runtime::{WatchStreamExt as _, watcher};
use reportapp_crds::SecretRotation;
use reportapp_crds::secret_rotation::{Phase, StepName};
use tokio::task::JoinSet;

use super::held::Held;
use super::{ledger, order};
use crate::scenarios::cluster::credentials::Credential;
use crate::scenarios::cluster::load::Load;
use crate::scenarios::cluster::subject::Subject;
use crate::scenarios::watch;
use crate::scenarios::world::World;

const CREDENTIAL: Credential = Credential::Store;

/// A successor waits until the Lease of the dead has run out, each time.
const PATIENCE: Duration = Duration::from_secs(420);

pub(super) async fn goes_on(world: &World) -> Result<()> {
    let subject = Subject::of(world).await?;
    let held = Held::take(&subject, CREDENTIAL).await?;
    let load = Load::start(&subject).await?;
    let values = Values::watch(&subject);
    let rotation = order::create(&subject, order::manual(&[CREDENTIAL.name()])).await?;
    let killed_at = kill_at_every_step(&subject, &rotation).await;
    subject.until_operator_available().await?;
    let killed_at = killed_at?;
    ensure!(
        killed_at.len() >= 2,
        "the operator was killed at {killed_at:?} only"
    );
    let id = rotation.uid().unwrap_or_default();
    let made = values.made_by(&id);
    ensure!(made == 1, "{made} values were made instead of one");
    let ledger = ledger::read(&subject, CREDENTIAL).await?;
    ensure!(
        ledger.rotation.is_none() && ledger.current.is_some_and(|value| value.rotation == id),
        "the ledger does not say that the rotation has ended with its value"
    );
    held.is_replaced(&subject).await?;
    let tally = load.none_failed().await?;
    world.progress().note(&format!(
        "killed at {killed_at:?}; {} requests, 0 failed",
        tally.requests
    ));
    subject.until_ready().await
}

/// Gives the steps at which a leader was there to be killed.
async fn kill_at_every_step(
    subject: &Subject<'_>,
    rotation: &SecretRotation,
) -> Result<Vec<StepName>> {
    let mut killed_at = Vec::new();
    let config = watcher::Config::default();
    let config = config.fields(&format!("metadata.name={}", rotation.name_any()));
    let mut last = None;
    let to_the_end = async {
        let mut states = watcher(subject.objects::<SecretRotation>(), config)
            .default_backoff()
            .applied_objects()
            .boxed();
        while let Some(state) = states.next().await {
            let state = state?;
            if order::phase_of(&state).is_some_and(Phase::is_final) {
                return Ok(state);
            }
            let step = state.status.as_ref().and_then(|status| status.step);
            // Until a successor leads there is nobody to kill, and the step counts the next time.
            if let Some(step) = step
                && !killed_at.contains(&step)
                && subject.kill_leader().await?.is_some()
            {
                killed_at.push(step);
            }
            last = Some(state);
        }
        bail!("the watch ended")
    };
    let ended = tokio::time::timeout(PATIENCE, to_the_end).await;
    let ended = ended.with_context(|| {
        let seen = last.as_ref().map(watch::told).unwrap_or_default();
        format!("not at its end after {} s: {seen}", PATIENCE.as_secs())
    })??;
    ensure!(
        order::phase_of(&ended) == Some(Phase::Succeeded),
        "it ended otherwise: {}",
        watch::told(&ended)
    );
    Ok(killed_at)
}

/// Values by the rotation that made them.
type Made = BTreeMap<String, BTreeSet<String>>;

/// Every value that was ever in the ledger while this watched.
struct Values {
    made: Arc<Mutex<Made>>,
    _watch: JoinSet<()>,
}

impl Values {
    fn watch(subject: &Subject<'_>) -> Self {
        let made = Arc::<Mutex<Made>>::default();
        let name = ledger::name(CREDENTIAL);
        let config = watcher::Config::default().fields(&format!("metadata.name={name}"));
        let mut ledgers = watcher(subject.objects::<KubeSecret>(), config)
            .default_backoff()
            .applied_objects()
            .boxed();
        let mut watch = JoinSet::new();
        let found = Arc::clone(&made);
        watch.spawn(async move {
            while let Some(secret) = ledgers.next().await {
                let Some(ledger) = secret.ok().as_ref().and_then(ledger::parse) else {
                    continue;
                };
                let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                for value in [ledger.pending, ledger.current].into_iter().flatten() {
                    let password = value.login().password.expose().to_owned();
                    found.entry(value.rotation).or_default().insert(password);
                }
            }
        });
        Self {
            made,
            _watch: watch,
        }
    }

    fn made_by(&self, rotation: &str) -> usize {
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.get(rotation).map_or(0, BTreeSet::len)
    }
}
