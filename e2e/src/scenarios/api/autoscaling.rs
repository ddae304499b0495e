//! An autoscaler takes the number of API pods over and gives it back, and the Deployment never names fewer
//! than the last one who decided wanted. The scenario plays the autoscaler by the `scale` subresource, as the
//! real one does; a watch tells every version of the Deployment, also those of a moment.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, bail, ensure};
use futures::StreamExt as _;
use futures::stream::BoxStream;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use kube::ResourceExt as _;
use kube::api::{Api, Patch, PatchParams};
use kube::runtime::wait::await_condition;
use kube::runtime::{WatchStreamExt as _, watcher};
use serde_json::{Value, json};

use super::operator::Operator;
use super::sample;
use super::stage::{PATIENCE, Stage};
use crate::scenarios::world::World;

/// The API's Deployment, and its autoscaler.
const NAME: &str = "sample-api";
/// Field manager of the operator's own writes.
const OPERATOR: &str = "reportapp-operator";
/// What the spec says without an autoscaler.
const REPLICAS: i32 = 3;
/// What the autoscaler finds right.
const SCALED: i32 = 5;

pub(super) async fn takes_over(world: &World) -> Result<()> {
    let stage = Stage::new(world, "autoscaling").await?;
    let operator = stage.operator("one", &["--resync-seconds=1"]).await?;
    let mut versions = Versions::of(&stage);
    stage.put_app(&app("none", None)).await?;
    let ours = |live: &Deployment| replicas(live) == Some(REPLICAS) && is_operators(live);
    versions.until("applied", ours).await?;

    there_and_back(&stage, &operator, &mut versions).await?;
    // The number was the operator's again; whoever held it for the first hand-over does not hold it now.
    let bounds = Some(json!({ "minReplicas": REPLICAS, "maxReplicas": 6 }));
    stage.put_app(&app("none", bounds)).await?;
    let seen = versions.until("handed over again", is_free).await?;
    only(&seen, &[REPLICAS]).context("the second hand-over")?;

    operator.stop().await?;
    stage.remove().await
}

async fn there_and_back(
    stage: &Stage<'_>,
    operator: &Operator,
    versions: &mut Versions,
) -> Result<()> {
    let bounds = || Some(json!({ "minReplicas": REPLICAS, "maxReplicas": 6 }));
    stage.put_app(&app("none", bounds())).await?;
    let seen = versions.until("handed over", is_free).await?;
    only(&seen, &[REPLICAS]).context("the hand-over")?;
    until_autoscaler(stage, true).await?;

    scale(stage).await?;
    let seen = versions
        .until("scaled", |live| replicas(live) == Some(SCALED))
        .await?;
    only(&seen, &[REPLICAS, SCALED]).context("scaling")?;
    // Looks that find nothing to repair, then an apply of everything but the number.
    until_looked(operator).await?;
    stage.put_app(&app("other", bounds())).await?;
    let seen = versions
        .until("applied with another image", |live| image(live, "other"))
        .await?;
    only(&seen, &[SCALED]).context("an apply while the autoscaler decides")?;

    stage.put_app(&app("none", None)).await?;
    let ours = |live: &Deployment| replicas(live) == Some(REPLICAS) && is_operators(live);
    let seen = versions.until("given back", ours).await?;
    only(&seen, &[REPLICAS, SCALED]).context("giving back")?;
    until_autoscaler(stage, false).await
}

/// The sample with this image tag, and with an autoscaler of these bounds.
fn app(tag: &str, bounds: Option<Value>) -> Value {
    let mut app = sample::report_app();
    app["spec"]["image"]["tag"] = json!(tag);
    app["spec"]["api"]["replicas"] = json!(REPLICAS);
    if let Some(bounds) = bounds {
        app["spec"]["api"]["autoscaling"] = bounds;
    }
    app
}

/// What the autoscaler of Kubernetes does when the load rises.
async fn scale(stage: &Stage<'_>) -> Result<()> {
    let params = PatchParams {
        field_manager: Some("autoscaler-of-the-test".to_owned()),
        ..PatchParams::default()
    };
    let number = Patch::Merge(json!({ "spec": { "replicas": SCALED } }));
    let scaled = deployments(stage).patch_scale(NAME, &params, &number).await;
    scaled.context("failed to scale").map(drop)
}

/// Waits until the operator has looked at the application twice more.
async fn until_looked(operator: &Operator) -> Result<()> {
    let before = operator.reconciles().await?;
    let mut ticks = tokio::time::interval(std::time::Duration::from_millis(250));
    let looked = async {
        while operator.reconciles().await? < before + 2.0 {
            ticks.tick().await;
        }
        anyhow::Ok(())
    };
    let looked = tokio::time::timeout(PATIENCE, looked).await;
    looked.context("the operator does not look again")?
}

async fn until_autoscaler(stage: &Stage<'_>, exists: bool) -> Result<()> {
    let api = Api::<HorizontalPodAutoscaler>::namespaced(stage.client(), &stage.namespace);
    let there = move |live: Option<&HorizontalPodAutoscaler>| live.is_some() == exists;
    let waited = tokio::time::timeout(PATIENCE, await_condition(api, NAME, there)).await;
    waited.with_context(|| format!("the autoscaler should exist: {exists}"))??;
    Ok(())
}

/// Every version of the API's Deployment, in order.
struct Versions(BoxStream<'static, Result<Deployment, watcher::Error>>);

impl Versions {
    fn of(stage: &Stage<'_>) -> Self {
        let config = watcher::Config::default().fields(&format!("metadata.name={NAME}"));
        let versions = watcher(deployments(stage), config).default_backoff();
        Self(versions.applied_objects().boxed())
    }

    /// The numbers of pods that were named from here on until a version fulfils `holds`.
    async fn until(
        &mut self,
        what: &str,
        holds: impl Fn(&Deployment) -> bool,
    ) -> Result<BTreeSet<Option<i32>>> {
        let mut seen = BTreeSet::new();
        let wait = async {
            while let Some(version) = self.0.next().await {
                let version = version.context("the watch of Deployments failed")?;
                seen.insert(replicas(&version));
                if holds(&version) {
                    return Ok(());
                }
            }
            bail!("the watch ended")
        };
        match tokio::time::timeout(PATIENCE, wait).await {
            Ok(outcome) => outcome.map(|()| seen),
            Err(_) => bail!(
                "{NAME} is not {what} after {} s; it named {seen:?} pods",
                PATIENCE.as_secs()
            ),
        }
    }
}

fn deployments(stage: &Stage<'_>) -> Api<Deployment> {
    Api::namespaced(stage.client(), &stage.namespace)
}

fn replicas(live: &Deployment) -> Option<i32> {
    live.spec.as_ref()?.replicas
}

fn image(live: &Deployment, tag: &str) -> bool {
    let template = live.spec.as_ref().map(|spec| &spec.template);
    let pod = template.and_then(|template| template.spec.as_ref());
    let mut images = pod.into_iter().flat_map(|pod| &pod.containers);
    images.any(|container| {
        let image = container.image.as_deref().unwrap_or_default();
        image.ends_with(&format!(":{tag}"))
    })
}

/// Whether the operator decides on the number of pods.
fn is_operators(live: &Deployment) -> bool {
    live.managed_fields().iter().any(|entry| {
        let fields = entry.fields_v1.as_ref();
        entry.manager.as_deref() == Some(OPERATOR)
            && fields.is_some_and(|fields| fields.0.pointer("/f:spec/f:replicas").is_some())
    })
}

fn is_free(live: &Deployment) -> bool {
    !is_operators(live)
}

fn only(seen: &BTreeSet<Option<i32>>, expected: &[i32]) -> Result<()> {
    let strange = seen
        .iter()
        .any(|number| number.is_none_or(|number| !expected.contains(&number)));
    ensure!(
        !strange,
        "the Deployment named {seen:?} pods; expected only {expected:?}"
    );
    Ok(())
}
