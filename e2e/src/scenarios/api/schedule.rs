//! A schedule that nobody watches: what is due is ordered by itself, and its success sets the next time,
//! which another operator tells as well.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use kube::api::ListParams;
use reportapp_crds::ReportApp;
use reportapp_crds::secret_rotation::{Mode, Phase};
use serde_json::{Value, json};

use super::operator::Operator;
use super::rotations::{self, PARTNER_VALUE, all, holds_one_new_value, with_credentials};
use super::sample;
use super::stage::{self, Stage};
use crate::scenarios::cluster::rotation::order;
use crate::scenarios::watch;
use crate::scenarios::world::World;

/// The shortest interval a spec may name.
const EVERY: SignedDuration = SignedDuration::from_mins(1);
/// How much later each start may be.
const JITTER: SignedDuration = SignedDuration::from_secs(2);
/// From the creation of the application to the end of its first rotation.
const PATIENCE: Duration = Duration::from_secs(180);
/// When the next rotation is due, in seconds since 1970.
const DUE: &str = "reportapp_rotation_due_timestamp_seconds";

pub(super) async fn is_followed(world: &World) -> Result<()> {
    let stage = rotations::stage(world, "scheduled").await?;
    let operator = stage.operator("one", &["--resync-seconds=1"]).await?;
    stage.put_app(&scheduled()).await?;
    let (last, next) = until_rotated(&stage).await?;
    let wait = next.duration_since(last);
    ensure!(
        wait >= EVERY && wait <= EVERY + JITTER,
        "the next one is due {wait:#} after the success at {last}"
    );
    tells(&operator, next).await?;
    let ordered = all(&stage).list(&ListParams::default()).await?.items;
    let [rotation] = ordered.as_slice() else {
        anyhow::bail!("{} rotations were ordered", ordered.len());
    };
    ensure!(
        rotation.spec.mode == Mode::Scheduled && rotation.spec.credentials == [PARTNER_VALUE],
        "it was ordered as {:?}",
        rotation.spec
    );
    ensure!(
        order::phase_of(rotation) == Some(Phase::Succeeded),
        "it did not succeed: {}",
        watch::told(rotation)
    );
    holds_one_new_value(&stage, rotation).await?;

    operator.stop().await?;
    let successor = stage.operator("two", &["--resync-seconds=1"]).await?;
    tells(&successor, next).await?;
    successor.stop().await?;
    stage.remove().await
}

/// The sample, whose partner gets a new value every minute.
fn scheduled() -> Value {
    let mut app = with_credentials();
    let credentials = app["spec"]["credentials"].as_array_mut();
    for credential in credentials.into_iter().flatten() {
        if credential["name"] == PARTNER_VALUE {
            credential["rotation"]["every"] = json!("1m");
            credential["rotation"]["jitter"] = json!("2s");
        }
    }
    app
}

/// Waits until the partner's value was rotated; gives the time of that and of the next rotation.
async fn until_rotated(stage: &Stage<'_>) -> Result<(Timestamp, Timestamp)> {
    let times = |app: &ReportApp| {
        let status = app.status.as_ref()?;
        let mut credentials = status.credentials.iter();
        let partner = credentials.find(|credential| credential.name == PARTNER_VALUE)?;
        let last = partner.last_rotation.as_ref()?.0;
        Some((last, partner.next_rotation.as_ref()?.0))
    };
    let what = "rotated by its schedule";
    let seen = watch::until(stage.apps(), sample::NAME, what, PATIENCE, |app| {
        times(app).is_some_and(|(last, next)| next > last)
    })
    .await?;
    times(&seen).context("it was rotated")
}

/// Waits until an operator's metric names the time of the next rotation.
async fn tells(operator: &Operator, next: Timestamp) -> Result<()> {
    let mut ticks = tokio::time::interval(Duration::from_millis(250));
    let told = async {
        loop {
            ticks.tick().await;
            // One that has just been started does not answer yet.
            let said = operator.metric(DUE).await;
            if said.is_ok_and(|said| said as i64 == next.as_second()) {
                return;
            }
        }
    };
    let told = tokio::time::timeout(stage::PATIENCE, told).await;
    told.with_context(|| format!("{DUE} is not {}", next.as_second()))
}
