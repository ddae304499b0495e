//! The leading operator is killed in every step of a rotation. Its successor goes on with the same new
//! value, whatever had been done.
//!
//! Each step is held by what stands in the way of that step alone: the rotation says that it stalls
//! there, the leader is killed, the way is blocked at the next step and freed at this one. Plan and Test
//! change nothing: killed there, an operator leaves what it would have left in the step before.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result, ensure};
use futures::StreamExt as _;
use k8s_openapi::api::core::v1::Secret as KubeSecret;
use kube::ResourceExt as _;
use kube::runtime::{WatchStreamExt as _, watcher};
use reportapp_crds::SecretRotation;
use reportapp_crds::secret_rotation::{Phase, StepName};
use tokio::task::JoinSet;

use super::held::Held;
use super::obstacle::{Obstacle, Obstacles};
use super::{ledger, order};
use crate::scenarios::cluster::credentials::Credential;
use crate::scenarios::cluster::load::{Load, with_short_connections};
use crate::scenarios::cluster::subject::Subject;
use crate::scenarios::world::World;

const CREDENTIAL: Credential = Credential::Store;

/// What holds a rotation in which step, and what it then says.
const WAY: [(StepName, Obstacle, &str); 8] = [
    (StepName::Generate, Obstacle::Ledger, "StoreDenied"),
    (StepName::Apply, Obstacle::Right, "RightMissing"),
    (StepName::Promote, Obstacle::Ledger, "StoreDenied"),
    (StepName::Publish, Obstacle::Publication, "ApiServer"),
    (StepName::RollOut, Obstacle::Quota, "PodsUnhealthy"),
    (StepName::Converge, Obstacle::Session, "OldSessionsRemain"),
    (StepName::Retire, Obstacle::Right, "RightMissing"),
    (StepName::Close, Obstacle::Ledger, "StoreDenied"),
];

pub(super) async fn goes_on(world: &World) -> Result<()> {
    let subject = Subject::of(world).await?;
    with_short_connections(&subject, async || scene(world, &subject).await).await
}

async fn scene(world: &World, subject: &Subject<'_>) -> Result<()> {
    let held = Held::take(subject, CREDENTIAL).await?;
    let load = Load::start(subject).await?;
    let values = Values::watch(subject);
    let mut obstacles = Obstacles::new(subject, &held);
    let killed = kill_in_every_step(subject, &mut obstacles).await;
    obstacles.clear().await?;
    subject.until_operator_available().await?;
    let rotation = killed?;
    order::until_ended(subject, &rotation, Phase::Succeeded).await?;
    let id = rotation.uid().unwrap_or_default();
    let made = values.made_by(&id);
    ensure!(made == 1, "{made} values were made instead of one");
    let ledger = ledger::read(subject, CREDENTIAL).await?;
    ensure!(
        ledger.rotation.is_none() && ledger.current.is_some_and(|value| value.rotation == id),
        "the ledger does not say that the rotation has ended with its value"
    );
    held.is_replaced(subject).await?;
    let tally = load.none_failed().await?;
    world.progress().note(&format!(
        "killed at {:?}; {tally}",
        WAY.map(|(step, ..)| step)
    ));
    subject.until_ready().await
}

/// Leaves the rotation held in its last step.
async fn kill_in_every_step(
    subject: &Subject<'_>,
    obstacles: &mut Obstacles<'_, '_>,
) -> Result<SecretRotation> {
    obstacles.put(WAY[0].1).await?;
    let rotation = order::create(subject, order::manual(&[CREDENTIAL.name()])).await?;
    for (position, (step, obstacle, reason)) in WAY.into_iter().enumerate() {
        let what = format!("stalled in step {step:?}: {reason}");
        order::until(subject, &rotation, &what, |seen| {
            let at = seen.status.as_ref().and_then(|status| status.step);
            at == Some(step) && order::is_stalled(seen, reason)
        })
        .await?;
        let leader = subject.kill_leader().await?;
        leader.with_context(|| format!("nobody leads, and yet it is {what}"))?;
        if let Some((_, next, _)) = WAY.get(position + 1) {
            obstacles.put(*next).await?;
        }
        obstacles.take(obstacle).await?;
    }
    Ok(rotation)
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
