//! Secrets and workloads a ReportApp names and cannot have: the API server does not give them for a
//! while, or their owner did not lend them. A running application stays what it is.

use anyhow::{Context as _, Result, ensure};
use http::StatusCode;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, Patch, PatchParams, PostParams};
use reportapp_crds::{ALLOW_ANNOTATION, ReportApp};
use serde_json::{Value, json};

use super::faulty_way::FaultyWay;
use super::sample;
use super::snapshot::{difference, exact};
use super::stage::Stage;
use crate::scenarios::watch::{condition, is_observed, says};
use crate::scenarios::world::World;

/// Whether a condition of the present spec has this reason.
fn has_reason(app: &ReportApp, kind: &str, reason: &str) -> bool {
    is_observed(app) && condition(app, kind).is_some_and(|found| found.reason == reason)
}

pub(super) async fn for_a_while(world: &World) -> Result<()> {
    let stage = Stage::new(world, "withheld").await?;
    let way = FaultyWay::open(stage.kubeconfig()).await?;
    let operator = stage.operator_by(way.kubeconfig(), "one").await?;
    stage.put_app(&sample::report_app()).await?;
    let fine = stage.until_applied(sample::NAME).await?;
    let before = exact(&stage).await?;
    let path = format!("/api/v1/namespaces/{}/secrets/erp", stage.namespace);
    // The client itself tries again where it is told to come later.
    for (code, why) in [
        (StatusCode::INTERNAL_SERVER_ERROR, "500"),
        (StatusCode::TOO_MANY_REQUESTS, "within 5 s"),
    ] {
        way.withhold(&path, code);
        let told = stage
            .until(sample::NAME, "told that a Secret cannot be read", |app| {
                has_reason(app, "Reconciling", "SecretUnreadable")
            })
            .await?;
        let words = condition(&told, "Reconciling").map(|c| c.message.clone());
        let words = words.unwrap_or_default();
        ensure!(
            words.contains("Secret erp") && words.contains(why),
            "{code}: the condition does not say which Secret and why: {words}"
        );
        for kind in ["Ready", "Stalled", "UpToDate"] {
            let of = |app: &ReportApp| condition(app, kind).map(|c| c.status.clone());
            ensure!(of(&told) == of(&fine), "{code}: {kind} changed");
        }
        let after = exact(&stage).await?;
        ensure!(
            after == before,
            "{code}: the application was changed:\n{}",
            difference(&before, &after)
        );
        way.withhold_nothing();
        stage
            .until(sample::NAME, "as before", |app| {
                is_observed(app) && !has_reason(app, "Reconciling", "SecretUnreadable")
            })
            .await?;
    }
    operator.stop().await?;
    stage.remove().await
}

/// The workload and the Secret of somebody else.
const SHOP: &str = "shop";
const LOGIN: &str = "shop-login";

pub(super) async fn by_their_owner(world: &World) -> Result<()> {
    let stage = Stage::new(world, "not-lent").await?;
    put_theirs(&stage).await?;
    lend(&stage, Some(sample::NAME)).await?;
    let operator = stage.operator("one", &["--resync-seconds=1"]).await?;
    stage.put_app(&with_consumers()?).await?;
    stage.until_applied(sample::NAME).await?;
    let before = exact(&stage).await?;

    lend(&stage, None).await?;
    let refused = stage
        .until(sample::NAME, "refused", |app| {
            is_observed(app) && says(app, "Stalled", "True")
        })
        .await?;
    let words = condition(&refused, "Stalled").map(|c| c.message.clone());
    let words = words.unwrap_or_default();
    for needed in [
        "spec.credentials[erp].publish[0]: Secret shop-login does not allow",
        "annotate secret shop-login reportapp.dev/allow=sample",
        "spec.credentials[erp].restart[0]: Deployment shop does not allow",
        "annotate deployment shop reportapp.dev/allow=sample",
    ] {
        ensure!(words.contains(needed), "no {needed:?} in: {words}");
    }
    let after = exact(&stage).await?;
    ensure!(
        after == before,
        "the application was changed:\n{}",
        difference(&before, &after)
    );

    lend(&stage, Some(sample::NAME)).await?;
    stage.until_applied(sample::NAME).await?;
    operator.stop().await?;
    stage.remove().await
}

/// The sample whose first credential is handed on.
fn with_consumers() -> Result<Value> {
    let mut app = sample::report_app();
    let erp = app["spec"]["credentials"]
        .get_mut(0)
        .context("the sample has credentials")?;
    erp["publish"] = json!([{ "kubernetesSecret": LOGIN, "key": "password" }]);
    erp["restart"] = json!([{ "kind": "Deployment", "name": SHOP }]);
    Ok(app)
}

/// Both, with no mark.
async fn put_theirs(stage: &Stage<'_>) -> Result<()> {
    let mut login = sample::secret(LOGIN, "theirs", "kept");
    login.metadata.annotations = None;
    stage.put_secret(&login).await?;
    let shop: Deployment = serde_json::from_value(json!({
        "metadata": { "name": SHOP },
        "spec": {
            "replicas": 0,
            "selector": { "matchLabels": { "app": SHOP } },
            "template": {
                "metadata": { "labels": { "app": SHOP } },
                "spec": { "containers": [{ "name": "shop", "image": "reportapp.local/none" }] },
            },
        },
    }))?;
    let deployments: Api<Deployment> = Api::namespaced(stage.client(), &stage.namespace);
    deployments.create(&PostParams::default(), &shop).await?;
    Ok(())
}

/// Marks both for `app`, or takes the mark away.
async fn lend(stage: &Stage<'_>, app: Option<&str>) -> Result<()> {
    let mark = json!({ "metadata": { "annotations": { ALLOW_ANNOTATION: app } } });
    let (mark, params) = (Patch::Merge(mark), PatchParams::default());
    let deployments: Api<Deployment> = Api::namespaced(stage.client(), &stage.namespace);
    deployments.patch(SHOP, &params, &mark).await?;
    let secrets: Api<Secret> = Api::namespaced(stage.client(), &stage.namespace);
    secrets.patch(LOGIN, &params, &mark).await?;
    Ok(())
}
