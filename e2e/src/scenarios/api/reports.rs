//! The ConfigMap with report files: missing or not lent it is refused by name, and noticed when it comes.

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, Patch, PatchParams};
use reportapp_crds::{ALLOW_ANNOTATION, ReportApp};
use serde_json::json;

use super::sample;
use super::snapshot::{difference, exact};
use super::stage::Stage;
use crate::scenarios::watch::{condition, is_observed};
use crate::scenarios::world::World;

const FILES: &str = "payroll";

/// Makes a ConfigMap as somebody else would, lent to `app` or to nobody.
pub(super) async fn put(stage: &Stage<'_>, name: &str, app: Option<&str>) -> Result<()> {
    let mark = app.map(|app| json!({ ALLOW_ANNOTATION: app }));
    let object = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": { "name": name, "annotations": mark },
        "data": { "payroll.yaml": "id: payroll" },
    });
    let maps: Api<ConfigMap> = Api::namespaced(stage.client(), &stage.namespace);
    let params = PatchParams::apply("e2e").force();
    let written = maps.patch(name, &params, &Patch::Apply(&object)).await;
    written.context("the ConfigMap was refused").map(drop)
}

pub(super) async fn noticed(world: &World) -> Result<()> {
    let stage = Stage::new(world, "reports").await?;
    let operator = stage.operator("one", &["--resync-seconds=1"]).await?;
    stage.put_app(&sample::report_app()).await?;
    stage.until_applied(sample::NAME).await?;
    let before = exact(&stage).await?;
    let mut app = sample::report_app();
    app["spec"]["reports"] = json!({ "configMap": FILES });
    stage.put_app(&app).await?;
    refused(&stage, "ConfigMapMissing", "there is no ConfigMap payroll").await?;
    put(&stage, FILES, None).await?;
    let command = "annotate configmap payroll reportapp.dev/allow=sample";
    refused(&stage, "ConfigMapNotAllowed", command).await?;
    let during = exact(&stage).await?;
    ensure!(
        during == before,
        "the application was changed:\n{}",
        difference(&before, &during)
    );

    put(&stage, FILES, Some(sample::NAME)).await?;
    let applied = stage.until_applied(sample::NAME).await?;
    let told = condition(&applied, "ReportsReady").map(|c| c.reason.clone());
    // No pod runs here that could say more.
    ensure!(
        told.as_deref() == Some("NotReported"),
        "ReportsReady: {told:?}"
    );
    let mounted = mounted(&stage).await?;
    ensure!(mounted == [FILES], "the API mounts {mounted:?}");
    operator.stop().await?;
    stage.remove().await
}

/// Waits until the spec is refused for this reason, in these words.
async fn refused(stage: &Stage<'_>, reason: &str, words: &str) -> Result<()> {
    let because = |app: &ReportApp| {
        is_observed(app) && condition(app, "Stalled").is_some_and(|c| c.reason == reason)
    };
    let app = stage.until(sample::NAME, reason, because).await?;
    let message = condition(&app, "Stalled").map(|c| c.message.clone());
    let message = message.unwrap_or_default();
    ensure!(
        message.contains("spec.reports.configMap") && message.contains(words),
        "no {words:?} in: {message}"
    );
    Ok(())
}

/// The ConfigMaps of others that pods of the API mount.
async fn mounted(stage: &Stage<'_>) -> Result<Vec<String>> {
    let deployments: Api<Deployment> = Api::namespaced(stage.client(), &stage.namespace);
    let api = deployments.get("sample-api").await?;
    let pod = api.spec.and_then(|spec| spec.template.spec);
    let volumes = pod.and_then(|pod| pod.volumes).unwrap_or_default();
    let maps = volumes
        .into_iter()
        .filter(|volume| volume.name == "reports");
    Ok(maps
        .filter_map(|volume| Some(volume.config_map?.name))
        .collect())
}
